/** What `trace-build doctor`, and `config show`, tell of what is written down: queue, sessions, errors. */
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { tryLock } from '../../src/disk/lock.ts';
import { knownDestinations } from '../../src/export/outlet.ts';
import { startCollector } from '../support/collector.ts';
import { transcriptsIn } from '../support/machine.ts';
import { atNow, checkOf, HOUR_MS, MINUTE_MS, NOW, type Patient, state, VERSION, ward } from './patient.ts';
import { trace } from './world.ts';

const { collector, healthy } = ward();
let patient: Patient;
beforeEach(() => {
  patient = healthy();
});

const check: Patient['check'] = (...asked) => patient.check(...asked);

describe('queue and worker', () => {
  test('hooks that nobody takes up', async () => {
    patient.hook('Stop', '/a.jsonl', { atMs: NOW - 2 * HOUR_MS });
    patient.hook('Stop', '/b.jsonl', { atMs: NOW - HOUR_MS });
    patient.put(state('queue/.dropped'), '1 age\n2 size\n');
    const report = await patient.report(['--offline'], atNow);
    expect(report.live.queue).toEqual({ jobs: 2, oldestAtMs: NOW - 2 * HOUR_MS, newestAtMs: NOW - HOUR_MS, dropped: 2 });
    expect(checkOf(report, 'queue')).toEqual({
      name: 'queue',
      status: 'warning',
      sentence:
        '2 hooks to be taken up, the oldest came 2 h ago; 2 hooks dropped in the past, for nobody had taken them up in time. No worker is at it.',
      todo: 'trace-build sync takes them up',
    });
    expect(report.verdict.sentence).toContain('nothing was delivered yet. The last hook came 1 h ago.');
  });

  test('a worker that is at it', async () => {
    patient.hook('Stop', '/a.jsonl', { atMs: NOW - 2 * HOUR_MS });
    const held = tryLock(join(patient.paths.state, 'worker.lock'))!;
    const report = await patient.report(['--offline'], atNow);
    held.release();
    expect(report.live.worker.pid).toBe(process.pid);
    expect([checkOf(report, 'queue')?.status, checkOf(report, 'worker')?.sentence]).toEqual(['ok', `At work (process ${process.pid}).`]);
  });

  test('config show tells of both, and of the last delivery', async () => {
    const show = async (...args: string[]) =>
      (await trace(['config', 'show', ...args], { home: patient.home, managed: patient.paths.managed, ...atNow })).stdout;
    expect(await show()).toMatch(/\n\nqueue +empty\nworker +has never run\nlast delivery +none yet\n$/);
    for (const transcript of transcriptsIn(patient.bring('tools'))) patient.hook('SessionEnd', transcript);
    await patient.work({ now: () => NOW - HOUR_MS });
    patient.hook('Stop', '/a.jsonl', { atMs: NOW - 2 * HOUR_MS });
    const ranAt = new Date(NOW - HOUR_MS);
    utimesSync(join(patient.paths.state, 'worker.lock/1'), ranAt, ranAt);
    expect(await show()).toMatch(
      /\n\nqueue +1 hook to be taken up, the oldest came 2 h ago\nworker +not running; it last ran 1 h ago\nlast delivery +1 h ago\n$/,
    );
    expect(JSON.parse(await show('--json'))).toMatchObject({
      live: { queue: { jobs: 1 }, worker: { lastRanMs: NOW - HOUR_MS }, lastDeliveryMs: NOW - HOUR_MS },
    });
    rmSync(join(patient.paths.state, 'queue'), { recursive: true });
    writeFileSync(join(patient.paths.state, 'queue'), '');
    expect(await show()).toMatch(/\n\nstate +can't be read: trace-build doctor tells why\n$/);
  });
});

describe('sessions', () => {
  test('the collector refuses to let us in: what waits, since when, until when', async () => {
    const bad = await startCollector([], { status: 401 });
    try {
      patient.configure({ endpoint: bad.url });
      const transcripts = transcriptsIn(patient.bring('tools'));
      for (const transcript of transcripts) patient.hook('SessionEnd', transcript);
      await patient.work({ now: () => NOW });
      const later = { now: () => NOW + 10_000 };
      const report = await patient.report(['--offline'], later);
      expect(report.sessions).toMatchObject({ known: 1, settled: 0, unsettled: 1, withPending: 1 });
      expect(checkOf(report, 'deliveries')).toEqual({
        name: 'deliveries',
        status: 'failure',
        sentence: `Nothing was delivered there yet. Deliveries have failed for 10 s (1 time): ${bad.url}/v1/traces answered 401. Check the credentials in the headers. Hooks wait for another 20 s before they try again.`,
        todo: 'Mend what it says, then: trace-build sync',
      });
      expect(report.verdict.sentence).toContain('they wait, and nothing is lost. Nothing was delivered there yet. Deliveries have failed');
      expect(checkOf(report, 'sessions')).toMatchObject({
        status: 'warning',
        sentence: `1 session known: 0 done with, 1 that go on or have something left. ${report.sessions.pendingSpans} spans of 1 could not be delivered yet.`,
        details: [expect.stringMatching(/^\S+ {2}10 s ago: \S+ answered 401\./)],
      });
      expect(checkOf(report, 'log')).toMatchObject({ status: 'warning', details: [expect.stringContaining('10 s ago: ')] });
      // It is up again, with the same address: then there is only to wait, or to say so.
      rmSync(transcripts[0]!);
      expect(checkOf(await patient.report(['--offline'], later), 'sessions')?.sentence).toContain(
        'Of 1 the transcript is gone, and not all was delivered.',
      );
    } finally {
      await bad.stop();
    }
  });

  test('it answers again: a warning, and how to be quicker', async () => {
    const one = await startCollector([{ status: 401 }]);
    try {
      patient.configure({ endpoint: one.url });
      for (const transcript of transcriptsIn(patient.bring('tools'))) patient.hook('SessionEnd', transcript);
      await patient.work();
      const report = await patient.report();
      expect(report.verdict.status).toBe('warning');
      expect(checkOf(report, 'deliveries')).toMatchObject({
        status: 'warning',
        sentence: expect.stringMatching(/It answers again now\.$/),
        todo: 'trace-build sync delivers at once',
      });
    } finally {
      await one.stop();
    }
  });

  test('problems by kind, over all sessions; other destinations', async () => {
    const [transcript] = transcriptsIn(patient.bring('tools'));
    const problems = { 'torn-line': 2, 'not-json': 1 };
    const delivered = { version: VERSION, atMs: NOW - HOUR_MS, seen: '', ended: true, open: 0, pending: 0, refused: 3, problems };
    patient.hook('SessionEnd', transcript!);
    await patient.work();
    const [key] = knownDestinations(patient.paths.state).map((one) => one.key);
    for (const sessionId of ['a', 'b'])
      patient.put(state(`sessions/claude-code/${sessionId}.json`), {
        v: 1,
        harness: 'claude-code',
        sessionId,
        delivered: { [key!]: delivered, other: { ...delivered, pending: 9 } },
      });
    patient.put(state('sessions/claude-code/damaged.json'), '{"v":1,');
    patient.put(state(`ledger/0000000000000000/ab.jsonl`), `\n+{"t":"ab","c":"x","s":{"0123456789abcdef":1}}\n`);
    patient.put(state(`ledger/0000000000000000/destination.json`), {
      health: { url: 'http://old/v1/traces', lastAcknowledgedMs: NOW - 48 * HOUR_MS },
    });
    patient.put(state('ledger/1111111111111111/destination.json'), 'never took anything');
    const report = await patient.report(['--offline'], atNow);
    expect(report.problems).toEqual({ 'torn-line': 4, 'not-json': 2 });
    expect(checkOf(report, 'problems')).toMatchObject({
      status: 'warning',
      sentence: 'Not everything in the transcripts could be used: 4 torn-line, 2 not-json.',
    });
    expect(report.sessions).toMatchObject({ known: 3, pendingSpans: 0, refusedSpans: 6 });
    expect(checkOf(report, 'deliveries')?.details).toEqual(['1 span by http://old/v1/traces earlier, the last 2 days ago']);
  });
});

describe('the newest session of the directory', () => {
  const ID = '0b1d3c62-5f5c-4d0e-9c53-1f0a5a4f7a11';
  const transcript = (begunMs: number): string => {
    const folder = `.claude/projects/${patient.repo.replace(/[^A-Za-z0-9]/g, '-')}`;
    const line = {
      type: 'user',
      uuid: ID,
      sessionId: ID,
      cwd: patient.repo,
      timestamp: new Date(begunMs).toISOString(),
      message: { role: 'user', content: 'hi' },
    };
    const path = patient.put(`${folder}/${ID}.jsonl`, `${JSON.stringify(line)}\n`);
    utimesSync(path, new Date(NOW - MINUTE_MS), new Date(NOW - MINUTE_MS));
    return path;
  };

  test('begun before the root was added', async () => {
    patient.configure({ endpoint: collector().url, trace_roots: [{ path: '~/repo', added: new Date(NOW - HOUR_MS).toISOString() }] });
    transcript(NOW - 2 * HOUR_MS);
    const report = await patient.report(['--offline'], atNow);
    expect(checkOf(report, 'newest session')).toEqual({
      name: 'newest session',
      status: 'warning',
      sentence: `${ID}, written 1 min ago: it was begun before the root was added, so hooks do not make up for it.`,
      todo: `trace-build sync --session ${ID}`,
    });
    expect(report.verdict).toEqual({
      status: 'warning',
      sentence: expect.stringMatching(
        new RegExp(`no hook has come\\..* But not the newest one, ${ID}, written 1 min ago: it was begun before`),
      ),
      todo: `trace-build sync --session ${ID}`,
    });
  });

  test('no hook has told of it; then one has; then it is delivered, but for what may change', async () => {
    const path = transcript(NOW - 2 * HOUR_MS);
    expect(await check('newest session', atNow)).toMatchObject({
      status: 'warning',
      sentence: expect.stringContaining('no hook has told of it. Claude Code loads hooks when a session starts.'),
    });
    patient.put(state(`sessions/claude-code/${ID}.json`), { v: 1, harness: 'claude-code', sessionId: ID, seenAtMs: NOW - 30_000 });
    expect(await check('newest session', atNow)).toMatchObject({
      status: 'ok',
      sentence: `${ID}, written 1 min ago: a hook told of it 30 s ago; nothing of it is delivered yet.`,
    });
    patient.hook('SessionStart', path, { atMs: NOW - 20_000 });
    await patient.work({ now: () => NOW - 10_000 });
    expect(await check('newest session', atNow)).toMatchObject({
      status: 'ok',
      sentence: expect.stringMatching(
        new RegExp(`^${ID}, written 1 min ago: delivered 10 s ago; 1 span may still change and will follow\\.$`),
      ),
    });
  });

  test('there is none, and of a directory out of scope it is not spoken of', async () => {
    expect((await check('newest session'))?.sentence).toBe('Claude Code has kept no transcript of a session of this directory.');
    patient.configure({ endpoint: collector().url, trace_roots: ['/srv'] });
    transcript(NOW);
    expect(await check('newest session')).toBeUndefined();
  });
});

describe('the log', () => {
  const log = (...entries: readonly object[]): void =>
    void patient.put(state('log'), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  const error = (atMs: number, message: string, session?: string) => ({ atMs, level: 'error', session, message });

  test('the last five errors, the newest first, without their stacks', async () => {
    patient.put(state('log.1'), `${JSON.stringify(error(NOW - 9 * HOUR_MS, 'oldest'))}\n`);
    log(
      ...[8, 7, 6, 5].map((hours) => error(NOW - hours * HOUR_MS, `${hours}`)),
      { atMs: NOW - 2 * HOUR_MS, level: 'info', message: 'fine' },
      error(NOW - HOUR_MS, 'Error: oops\n    at somewhere', 'abc'),
      { level: 'error' },
    );
    const found = await check('log', atNow);
    expect(found).toMatchObject({ status: 'warning', sentence: "The worker's last error was 1 h ago (~/.local/state/trace-build/log)." });
    expect(found?.details).toEqual(['1 h ago: abc: Error: oops', '5 h ago: 5', '6 h ago: 6', '7 h ago: 7', '8 h ago: 8']);
  });

  test('an error of long ago, and one before a delivery, are past', async () => {
    log(error(NOW - 8 * 24 * HOUR_MS, 'x'));
    expect(await check('log', atNow)).toMatchObject({ status: 'ok', sentence: expect.stringMatching(/^The last error was 8 days ago/) });
    log(error(NOW - HOUR_MS, 'x'));
    for (const transcript of transcriptsIn(patient.bring('tools'))) patient.hook('SessionEnd', transcript);
    await patient.work({ now: () => NOW - MINUTE_MS });
    expect(await check('log', atNow)).toMatchObject({
      status: 'ok',
      sentence: expect.stringContaining('since then something was delivered'),
    });
  });
});

test('a clock that was set back', async () => {
  for (const transcript of transcriptsIn(patient.bring('tools'))) patient.hook('SessionEnd', transcript);
  await patient.work();
  expect(await check('clock')).toMatchObject({ status: 'ok' });
  const report = await patient.report(['--offline'], { now: () => Date.now() - 25 * HOUR_MS });
  expect(checkOf(report, 'clock')).toMatchObject({
    status: 'warning',
    sentence: expect.stringMatching(/^Something was written in 1 day, by this clock: it was set back/),
  });
  expect(report.verdict.status).toBe('warning');
});

test('keys of another version are a warning, with what to do', async () => {
  patient.configure({ endpoint: collector().url, future: 1 });
  const found = await check('config');
  expect(found).toMatchObject({ status: 'warning', sentence: expect.stringContaining('future is no key of this version') });
  expect(found?.details).toEqual(['trace_roots = ["*"] (user)', `endpoint = ${collector().url}/ (user)`]);
});

test('a thousand sessions and a hundred thousand spans are counted', async () => {
  mkdirSync(join(patient.paths.state, 'sessions/claude-code'), { recursive: true });
  const resume = 'x'.repeat(4_000);
  for (let n = 0; n < 1_000; n++)
    patient.put(state(`sessions/claude-code/${n}.json`), { v: 1, harness: 'claude-code', sessionId: `${n}`, path: `/gone/${n}`, resume });
  const spans = (n: number) =>
    Object.fromEntries(Array.from({ length: 400 }, (_, m) => [(n * 400 + m).toString(16).padStart(16, '0'), NOW]));
  for (let n = 0; n < 256; n++)
    patient.put(
      state(`ledger/0000000000000000/${n.toString(16).padStart(2, '0')}.jsonl`),
      `\n+${JSON.stringify({ t: 'x', c: 'y', s: spans(n) })}\n`,
    );
  const report = await patient.report(['--offline']);
  expect([report.sessions.known, report.destinations[0]?.spans]).toEqual([1_000, 102_400]);
});
