/** Hermes' exact mode: the hook that writes a spool, the sessions that are read with it, and deliveries while it grows. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { harnesses } from '../../src/harness/index.ts';
import { enqueue } from '../../src/hook/queue.ts';
import { pruneSpools } from '../../src/hook/spools.ts';
import { brokenInvariants, type Span } from '../../src/index.ts';
import { traceSession } from '../../src/pipeline.ts';
import { findSession, findSessions, type SessionRef } from '../../src/read/find.ts';
import { stampsOf } from '../../src/sync/standing.ts';
import { startCollector } from '../support/collector.ts';
import { aMachine } from '../support/machine.ts';
import { changedDatabase } from '../support/sqlite.ts';

const SCRIPT = resolve('hooks', 'hermes-spool.cjs');
const STORY = join('fixtures', 'hermes', 'real-run-0.18.2');
const ROOT = '20261120_221451_9ed2a7';
const CHILD = '20261120_221456_b54c36';
const PAYLOADS = readFileSync(join(STORY, 'hooks.ndjson'), 'utf8').trim().split('\n');

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'trace-build-spool-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const folderIn = (at: string): string => join(at, '.local', 'state', 'trace-build', 'spool', 'hermes');
const spoolOf = (id: string, at = home): string => join(folderIn(at), `${id}.jsonl`);
const run = (payload: string, env: NodeJS.ProcessEnv = {}) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, '--home', home], { input: payload, env, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
};
const linesIn = (path: string): readonly string[] => readFileSync(path, 'utf8').trimEnd().split('\n');
const DONE = { status: 0, said: '' };

/** Lines as the hook writes them, of the recorded payloads. */
function spooled(at: string, payloads: readonly string[]): void {
  mkdirSync(folderIn(at), { recursive: true });
  for (const payload of payloads) appendFileSync(spoolOf(JSON.parse(payload).session_id, at), `${payload}\n`);
}

describe('the hook', () => {
  test('a line an event, in a file a session, for nobody else to read', () => {
    for (const payload of PAYLOADS) expect(run(payload)).toEqual(DONE);
    expect(readdirSync(folderIn(home))).toEqual([`${ROOT}.jsonl`, `${CHILD}.jsonl`]);
    expect([ROOT, CHILD].map((id) => linesIn(spoolOf(id)).length)).toEqual([9, 1]);
    expect([statSync(folderIn(home)).mode & 0o777, statSync(spoolOf(ROOT)).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  test('what it keeps makes the same trace as all that Hermes told', () => {
    for (const payload of PAYLOADS) run(payload);
    const kept = spansOf(home);
    rmSync(folderIn(home), { recursive: true });
    spooled(home, PAYLOADS);
    expect(kept).toEqual(spansOf(home));
  });

  test('nothing that was said is kept', () => {
    const secret = 'SAID IN CONFIDENCE';
    const extra = {
      ...{ request: { messages: [secret] }, response: secret, conversation_history: [secret], result: secret, child_goal: secret },
      ...{ child_session_id: 'c', tool_call_id: 't', duration_ms: 1, status: { text: secret }, error_message: secret },
      ...{ started_at: 1, ended_at: 2, model: [secret], provider: secret.repeat(20), usage: { input_tokens: 1, note: secret } },
    };
    for (const event of ['post_api_request', 'post_tool_call', 'subagent_start', 'pre_llm_call'])
      expect(run(JSON.stringify({ hook_event_name: event, session_id: ROOT, tool_input: { secret }, cwd: secret, extra }))).toEqual(DONE);
    expect(linesIn(spoolOf(ROOT)).map((line) => JSON.parse(line))).toEqual([
      { hook_event_name: 'post_api_request', session_id: ROOT, extra: { started_at: 1, ended_at: 2, usage: { input_tokens: 1 } } },
      { hook_event_name: 'post_tool_call', session_id: ROOT, extra: { tool_call_id: 't', duration_ms: 1 } },
      { hook_event_name: 'subagent_start', session_id: ROOT, extra: { child_session_id: 'c' } },
    ]);
  });

  test.each([
    '',
    'no JSON',
    'null',
    '3',
    '[]',
    '{}',
    '{"hook_event_name":"post_tool_call"}',
    '{"hook_event_name":"toString","session_id":"s","extra":{}}',
    '{"hook_event_name":"post_tool_call","session_id":"s"}',
    '{"hook_event_name":"post_tool_call","session_id":7,"extra":{}}',
  ])('of %j it writes nothing, and says nothing', (payload) => {
    expect(run(payload)).toEqual(DONE);
    expect(existsSync(folderIn(home)) ? readdirSync(folderIn(home)) : []).toEqual([]);
  });

  test('an id that is no name of a file is hashed', () => {
    for (const id of ['../../x', '.hidden', 'a/b', 'ü', 'x'.repeat(200)])
      expect(run(JSON.stringify({ hook_event_name: 'subagent_start', session_id: id, extra: { child_session_id: 'c' } }))).toEqual(DONE);
    const names = readdirSync(folderIn(home));
    expect(names).toHaveLength(5);
    for (const name of names) expect(name).toMatch(/^[0-9a-f]{64}\.jsonl$/);
  });

  test('a disabled session is left alone; a folder that is in the way, a full spool and a link are no failure', () => {
    expect(run(PAYLOADS[0]!, { TRACE_BUILD_DISABLED: '1' })).toEqual(DONE);
    expect(existsSync(folderIn(home))).toBe(false);
    mkdirSync(folderIn(home), { recursive: true });
    writeFileSync(spoolOf(ROOT), Buffer.alloc(8 * 1024 * 1024));
    expect(run(PAYLOADS[0]!)).toEqual(DONE);
    expect(statSync(spoolOf(ROOT)).size).toBe(8 * 1024 * 1024);
    rmSync(spoolOf(ROOT));
    mkdirSync(spoolOf(ROOT));
    expect(run(PAYLOADS[0]!)).toEqual(DONE);
  });
});

const refIn = (at: string): SessionRef => {
  const place = join(at, '.hermes');
  if (!existsSync(place)) cpSync(STORY, place, { recursive: true });
  return findSession(join(place, 'state.db'), ROOT, { env: {}, home: at, harnesses })!;
};
const spansOf = (at: string): readonly Span[] => traceSession(refIn(at), {}, { ended: true }).spans;
const inputs = (spans: readonly Span[]) =>
  spans.filter(({ name }) => name.startsWith('chat ')).map(({ attributes }) => attributes['gen_ai.usage.input_tokens']);
const estimated = (spans: readonly Span[]): number =>
  spans.filter(({ attributes }) => attributes['trace_build.time.estimated'] === true).length;

describe('a session with a spool', () => {
  test('usage of each call, times and the parent of an agent are exact; the totals are not told again', () => {
    const before = spansOf(home);
    expect(inputs(before).filter((count) => count !== undefined)).toEqual([500]);
    spooled(home, PAYLOADS);
    const { spans, problems } = traceSession(refIn(home), {}, { ended: true });
    expect(problems).toEqual([]);
    expect(brokenInvariants(spans)).toEqual([]);
    expect(inputs(spans).toSorted()).toEqual([2000, 2400, 2900, 3000, 500]);
    expect([estimated(before), estimated(spans)]).toEqual([9, 1]);
    expect(spans.filter(({ attributes }) => attributes['trace_build.usage.scope'] !== undefined)).toEqual([]);
    expect(spans.map(({ spanId, parentSpanId }) => [spanId, parentSpanId])).toEqual(
      before.map(({ spanId, parentSpanId }) => [spanId, parentSpanId]),
    );
  });

  test('half a line is not told yet; lines of another session change nothing', () => {
    const [first, ...others] = PAYLOADS;
    spooled(home, others);
    const expected = spansOf(home);
    appendFileSync(spoolOf(ROOT), first!.slice(0, 300));
    expect(traceSession(refIn(home), {}, { ended: true }).problems).toEqual([]);
    expect(spansOf(home)).toEqual(expected);
    appendFileSync(spoolOf(ROOT), `${first!.slice(300)}\n`);
    const all = spansOf(home);
    expect(all).not.toEqual(expected);
    appendFileSync(spoolOf(ROOT), `${PAYLOADS.map((line) => line.replaceAll(ROOT, 'other')).join('\n')}\n`);
    spooled(
      home,
      PAYLOADS.map((line) => line.replaceAll(ROOT, 'another')),
    );
    expect(spansOf(home)).toEqual(all);
  });

  test('another home, another spool', () => {
    spooled(home, PAYLOADS);
    const elsewhere = findSessions(STORY, { env: {}, home: '/nowhere', harnesses });
    expect(
      elsewhere.flatMap(({ rows, agents }) => [rows, ...agents.map((agent) => agent.rows)].flatMap((each) => each?.spools ?? [])),
    ).toEqual([]);
  });

  test('that it grew shows in what tells of a change, in an agent, too', () => {
    const stamps = [stampsOf(refIn(home))];
    spooled(home, PAYLOADS.slice(0, 1));
    stamps.push(stampsOf(refIn(home)));
    spooled(home, PAYLOADS.slice(1, 2));
    stamps.push(stampsOf(refIn(home)));
    spooled(
      home,
      PAYLOADS.filter((line) => JSON.parse(line).session_id === CHILD),
    );
    stamps.push(stampsOf(refIn(home)));
    expect(new Set(stamps).size).toBe(4);
  });
});

test('deliveries while it grows: what each tells is exact', async () => {
  const collector = await startCollector();
  const machine = aMachine({ endpoint: collector.url });
  try {
    const whole = refIn(machine.home);
    const database = readFileSync(whole.path!);
    const secondTurn = PAYLOADS.at(-1)!;
    const atMs = whole.modifiedMs;
    const job = (event: string): void =>
      void enqueue(
        machine.paths.state,
        { event, harness: 'hermes', pid: '1' },
        JSON.stringify({ hook_event_name: event, session_id: ROOT, cwd: '/home/dev' }),
      );
    const second = `timestamp >= ${JSON.parse(secondTurn).extra.started_at - 1} and session_id = '${ROOT}'`;
    const last = `(select max(id) from messages where session_id = '${ROOT}' and role = 'user')`;
    writeFileSync(
      whole.path!,
      changedDatabase(database, `delete from messages where session_id = '${ROOT}' and id >= ${last} and ${second}`),
    );
    spooled(machine.home, PAYLOADS.slice(0, -1));
    job('Stop');
    await machine.work({ now: () => atMs + 1_000 });
    const first = collector.taken.length;
    expect(first, machine.log()).toBeGreaterThan(5);

    writeFileSync(whole.path!, database);
    spooled(machine.home, [secondTurn]);
    job('SessionEnd');
    await machine.work({ now: () => atMs + 5_000 });
    const expected = spansOf(machine.home);
    expect(collector.taken.map(({ spanId }) => spanId).toSorted(), machine.log()).toEqual(expected.map(({ spanId }) => spanId).toSorted());
    expect(collector.taken.length).toBeGreaterThan(first);
    const counts = collector.taken.flatMap(({ name, attributes }) =>
      name.startsWith('chat ') ? [Number(attributes['gen_ai.usage.input_tokens'])] : [],
    );
    expect(counts.toSorted((a, b) => a - b)).toEqual([500, 2000, 2400, 2900, 3000]);
  } finally {
    await machine.remove();
    await collector.stop();
  }
});

test('a spool goes some time after its session', () => {
  refIn(home);
  spooled(home, PAYLOADS);
  for (const id of ['deleted', 'new']) writeFileSync(spoolOf(id), '');
  const places = { env: {}, home, harnesses };
  const laterMs = Date.now() + 1_000;
  for (const id of [ROOT, CHILD, 'deleted']) utimesSync(spoolOf(id), 1, 1);
  pruneSpools(places, 2_000);
  expect(readdirSync(folderIn(home))).toEqual([`${ROOT}.jsonl`, `${CHILD}.jsonl`, 'new.jsonl']);
  // A database that can't be read tells of no session.
  writeFileSync(join(home, '.hermes', 'state.db'), 'torn');
  pruneSpools(places, laterMs);
  expect(readdirSync(folderIn(home))).toHaveLength(3);
});
