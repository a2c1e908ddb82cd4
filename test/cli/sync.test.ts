/** `trace-build sync` and `trace-build hook`, as a user runs them. */
import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { harnesses } from '../../src/harness/index.ts';
import { findSessions } from '../../src/read/find.ts';
import { type Collector, closedPort, startCollector } from '../support/collector.ts';
import { aMachine, idsTaken, type Machine, spanIdsOf, transcriptsIn } from '../support/machine.ts';
import { trace } from './world.ts';

let collector: Collector;
let machine: Machine;
let folder: string;

beforeEach(async () => {
  collector = await startCollector();
  machine = aMachine({ endpoint: collector.url, trace_roots: [{ path: '*', added: '2020-01-01T00:00:00Z' }] });
  folder = machine.bring('nest');
  machine.bring('tools');
});
afterEach(async () => {
  await machine.remove();
  await collector.stop();
});

const run = (args: readonly string[], more: Parameters<typeof trace>[1] = {}) =>
  trace(args, { home: machine.home, managed: machine.paths.managed, ...more });

describe('sync', () => {
  test('delivers every session in scope; again, nothing', async () => {
    const first = await run(['sync']);
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/\d+ sessions · .* delivered$/m);
    expect(idsTaken(collector)).toEqual(spanIdsOf(folder));
    const requests = collector.requests.length;
    const second = await run(['sync']);
    expect(second.stderr).toMatch(/had nothing new to send/);
    expect(collector.requests.length).toBe(requests);
  });

  test('within a project an original before its forks, though it was written earlier', async () => {
    const refs = findSessions(join(machine.bring('rewind'), '-home-dev-rewind'), { env: {}, home: machine.home, harnesses });
    expect(refs.length).toBeGreaterThan(1);
    const writtenMs = Date.now() - 60_000;
    for (const [n, { path }] of refs.entries()) utimesSync(path!, writtenMs / 1000 + n, writtenMs / 1000 + n);
    const { stdout } = await run(['sync']);
    const places = refs.map(({ sessionId }) => stdout.indexOf(sessionId)).filter((at) => at >= 0);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBe(stdout.indexOf(refs[0]!.sessionId));
  });

  test('the newest project first', async () => {
    const [oldest, newest] = [transcriptsIn(folder)[0]!, transcriptsIn(folder).at(-1)!];
    for (const [path, atMs] of [
      [oldest, 1],
      [newest, Date.now() - 60_000],
    ] as const)
      utimesSync(path, atMs / 1000, atMs / 1000);
    const { stdout } = await run(['sync']);
    expect(stdout.indexOf(idOf(newest))).toBeLessThan(stdout.indexOf(idOf(oldest)));
  });

  test('--dry-run tells what would be sent, and leaves no trace of itself', async () => {
    const { stdout } = await run(['sync', '--dry-run']);
    expect(stdout).toMatch(/\d+ spans of 2 sessions would be sent to http:\/\/127.0.0.1/);
    expect(collector.requests).toEqual([]);
    expect(existsSync(join(machine.paths.state, 'sessions'))).toBe(false);
  });

  test('only sessions begun after their root was added, but for --since and --session', async () => {
    machine.configure({ endpoint: collector.url, trace_roots: [{ path: '*', added: '2030-01-01T00:00:00Z' }] });
    await run(['sync']);
    expect(collector.requests).toEqual([]);
    const [session] = transcriptsIn(folder);
    await run(['sync', '--session', session!]);
    expect(new Set(collector.taken.map(({ attributes }) => attributes['session.id'])).size).toBe(1);
    await run(['sync', '--since', '2020-01-01']);
    expect(idsTaken(collector)).toEqual(spanIdsOf(folder));
  });

  test('a session that may go on keeps its last turn, until --final', async () => {
    const [transcript] = transcriptsIn(folder).filter((path) => path.includes('nest'));
    const lastMs = lastTimeIn(transcript!);
    // Nothing in it says that the turn is over.
    const lines = readFileSync(transcript!, 'utf8').split(/(?<=\n)/);
    writeFileSync(transcript!, lines.filter((line) => !line.includes('"stop_hook_summary"')).join(''));
    utimesSync(transcript!, lastMs / 1000, lastMs / 1000);
    const now = (): number => lastMs + 1000;
    const { stderr } = await run(['sync', '--session', transcript!], { now });
    expect(stderr).toMatch(/spans? may still change/);
    expect(collector.taken).toEqual([]);
    await run(['sync', '--session', transcript!, '--final'], { now });
    expect(idsTaken(collector)).toEqual(spanIdsOf(transcript!));
  });

  test('no endpoint, no root, no such time: says what to do', async () => {
    machine.configure({});
    expect((await run(['sync'])).stderr).toMatch(/No endpoint is set/);
    machine.configure({ endpoint: collector.url, trace_roots: [] });
    expect((await run(['sync'])).stderr).toMatch(/trace-build roots add/);
    machine.configure({ endpoint: collector.url });
    const { code, stderr } = await run(['sync', '--since', 'yesterday-ish']);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/Give 30m, 12h, 7d/)]);
  });

  test('a collector that is away: one session tried, exit code 1; back again, all of them', async () => {
    const { code, stderr } = await run(['sync', '--endpoint', await closedPort()]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/1 session not tried/);
    expect((await run(['sync'])).code).toBe(0);
    expect(idsTaken(collector)).toEqual(spanIdsOf(folder));
  });

  test('to another collector: what hooks owe theirs they still owe, and what they do not they still do not', async () => {
    const [other, down] = [await startCollector(), await startCollector([], { status: 401, body: '' })];
    const later = (): number => Date.now() + 2 * 60 * 60_000;
    try {
      machine.configure({ endpoint: collector.url, trace_roots: [{ path: '*', added: '2030-01-01T00:00:00Z' }] });
      await run(['sync', '--since', '2020-01-01', '--endpoint', down.url]);
      await run(['sync', '--since', '2020-01-01', '--endpoint', other.url]);
      expect(idsTaken(other)).toEqual(spanIdsOf(folder));
      machine.hook('SessionStart', '/none/another.jsonl');
      await machine.work();
      expect(collector.requests).toEqual([]);

      machine.configure({ endpoint: down.url });
      for (const transcript of transcriptsIn(folder)) machine.hook('SessionEnd', transcript);
      await machine.work();
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: other.url };
      expect((await run(['sync', '--resend'], { env })).code).toBe(0);
      machine.configure({ endpoint: collector.url });
      machine.hook('SessionStart', '/none/another.jsonl');
      await machine.work({ now: later });
      expect(idsTaken(collector)).toEqual(spanIdsOf(folder));
    } finally {
      await other.stop();
      await down.stop();
    }
  });

  test('a CI step: the parent trace of the job, and the end of a session that nobody told of', async () => {
    const nest = transcriptsIn(folder).find((path) => path.includes('nest'))!;
    const env = { TRACE_BUILD_TRACEPARENT: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    machine.configure({ trace_roots: [] });
    await run(['sync', '--final', '--session', nest], { env });
    expect(idsTaken(collector)).toEqual(spanIdsOf(nest));
    expect(new Set(collector.taken.map(({ traceId }) => traceId))).toEqual(new Set(['a'.repeat(32)]));
  });

  test('takes up what hooks told: the end of a session', async () => {
    const [transcript] = transcriptsIn(folder).filter((path) => path.includes('nest'));
    machine.hook('SessionEnd', transcript!);
    await run(['sync', '--session', transcript!]);
    expect(machine.queued()).toEqual([]);
    expect(idsTaken(collector)).toEqual(spanIdsOf(transcript!));
  });
});

describe('a run and its ledger', () => {
  test('what was delivered is not sent again, and it is said; --resend sends it', async () => {
    const nest = transcriptsIn(folder).find((path) => path.includes('nest'))!;
    await run([nest]);
    const { stdout } = await run([nest]);
    expect(stdout).toMatch(/13 delivered before/);
    expect(idsTaken(collector)).toEqual(spanIdsOf(nest));
    expect((await run([nest, '--resend'])).stdout).toMatch(/13 delivered(?! before)/);
    expect(collector.taken.length).toBe(26);
  });

  test('hooks and runs know of each other', async () => {
    const nest = transcriptsIn(folder).find((path) => path.includes('nest'))!;
    await run([nest]);
    machine.hook('SessionEnd', nest);
    await machine.work();
    expect(idsTaken(collector)).toEqual(spanIdsOf(nest));
  });

  test('TRACE_BUILD_TRACEPARENT: children of that span, with the ids they always have; not sampled: nothing', async () => {
    const nest = transcriptsIn(folder).find((path) => path.includes('nest'))!;
    const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
    const unsampled = await run([nest], { env: { TRACE_BUILD_TRACEPARENT: `00-${parent.traceId}-${parent.spanId}-00` } });
    expect(unsampled.stderr).toMatch(/parent trace is not sampled/);
    expect(collector.requests).toEqual([]);
    await run([nest], { env: { TRACE_BUILD_TRACEPARENT: `00-${parent.traceId}-${parent.spanId}-01` } });
    expect(idsTaken(collector)).toEqual(spanIdsOf(nest));
    expect(new Set(collector.taken.map(({ traceId }) => traceId))).toEqual(new Set([parent.traceId]));
    const ids = new Set(idsTaken(collector));
    expect(collector.taken.filter(({ parentSpanId }) => !ids.has(parentSpanId ?? '')).map(({ parentSpanId }) => parentSpanId)).toEqual([
      parent.spanId,
    ]);
    expect((await run([nest], { env: { TRACE_BUILD_TRACEPARENT: 'nonsense' } })).code).toBe(2);
    expect((await run([nest], { env: { TRACEPARENT: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01` } })).stdout).toMatch(/delivered before/);
  });
});

describe('hook', () => {
  const payload = (transcript: string, event = 'Stop') =>
    JSON.stringify({ session_id: idOf(transcript), transcript_path: transcript, cwd: '/home/dev', hook_event_name: event });

  test('puts the payload into the queue and starts the worker, whatever the environment says', async () => {
    const [transcript] = transcriptsIn(folder);
    const env = { XDG_STATE_HOME: '/tmp/elsewhere', CLAUDE_PROJECT_DIR: '/home/dev', HOME: '/tmp/elsewhere' };
    const stdin = async (): Promise<string> => payload(transcript!);
    expect(await run(['hook'], { env, stdin, databaseHome: machine.home })).toEqual({ code: 0, stdout: '', stderr: '' });
    await machine.quiet();
    expect(machine.queued()).toEqual([]);
    expect(new Set(collector.taken.map(({ attributes }) => attributes['session.id']))).toEqual(new Set([idOf(transcript!)]));
  });

  test('disabled: nothing of it is exported, for good, but by who names it', async () => {
    const nest = transcriptsIn(folder).find((path) => path.includes('nest'))!;
    const stdin = async (): Promise<string> => payload(nest, 'SessionEnd');
    machine.configure({ endpoint: collector.url, trace_roots: [], wait: true });
    await run(['hook'], { env: { TRACE_BUILD_DISABLED: '1' }, stdin, databaseHome: machine.home });
    await machine.quiet();
    machine.configure({ endpoint: collector.url, trace_roots: [{ path: '*', added: '2020-01-01T00:00:00Z' }] });
    machine.hook('SessionStart', '/none/another.jsonl');
    machine.hook('Stop', nest);
    await machine.work();
    await run(['sync', '--since', '2020-01-01']);
    const tools = transcriptsIn(folder).filter((path) => path !== nest);
    expect(idsTaken(collector)).toEqual(tools.flatMap(spanIdsOf).toSorted());
    await run(['sync', '--session', nest]);
    expect(idsTaken(collector)).toEqual(spanIdsOf(folder));
    expect(existsSync(join(machine.paths.state, 'sessions', 'unsettled', `claude-code~${idOf(nest)}`))).toBe(false);
  });

  test('no config, no home: silent, and nothing is left', async () => {
    const [transcript] = transcriptsIn(folder);
    const stdin = async (): Promise<string> => payload(transcript!);
    rmSync(machine.paths.config);
    await run(['hook'], { stdin, databaseHome: machine.home });
    expect(machine.queued()).toEqual([]);
    expect(await run(['hook'], { stdin, databaseHome: '/dev/null' })).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('wait: delivers before it returns', async () => {
    machine.configure({ endpoint: collector.url, wait: true });
    const nest = transcriptsIn(folder).find((path) => path.includes('nest'))!;
    await run(['hook'], { stdin: async () => payload(nest, 'SessionEnd'), databaseHome: machine.home });
    expect(idsTaken(collector)).toEqual(spanIdsOf(nest));
  });
});

const idOf = (transcript: string): string => /([^/]+)\.jsonl$/.exec(transcript)![1]!;

const lastTimeIn = (transcript: string): number =>
  Math.max(...[...readFileSync(transcript, 'utf8').matchAll(/"timestamp":"([^"]+)"/g)].map(([, text]) => Date.parse(text!)));
