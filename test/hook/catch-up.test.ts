/** What later hooks make up for, and what they tell when there is nothing to be made up for any more. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { harnesses } from '../../src/harness/index.ts';
import { traceSession } from '../../src/pipeline.ts';
import { findSessions } from '../../src/read/find.ts';
import { begunSince } from '../../src/sync/deliver-session.ts';
import { trace } from '../cli/world.ts';
import { type Collector, startCollector } from '../support/collector.ts';
import { aMachine, idsTaken, type Machine, spanIdsOf, transcriptsIn } from '../support/machine.ts';

const DAY_MS = 24 * 60 * 60_000;

let collector: Collector;
let refusing: Collector;
let machine: Machine;

beforeEach(async () => {
  collector = await startCollector();
  refusing = await startCollector([], { status: 401, body: '' });
  machine = aMachine({ endpoint: refusing.url });
});
afterEach(async () => {
  await machine.remove();
  await collector.stop();
  await refusing.stop();
});

const anotherHook = async (now: () => number = Date.now): Promise<void> => {
  machine.hook('SessionStart', '/none/another.jsonl', { atMs: now() });
  await machine.work({ now });
};
const failures = (): readonly string[] => {
  const folder = join(machine.paths.state, 'sessions', 'claude-code');
  return readdirSync(folder).flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).failure?.message ?? []);
};
const notice = (): string | undefined => {
  const path = join(machine.paths.state, 'notice.json');
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
};

test('a transcript that is deleted before anybody tried to send it: the log says so, and the state for two weeks', async () => {
  machine.bring('nest');
  const folder = machine.bring('tools');
  const [tried, untried] = transcriptsIn(folder);
  machine.hook('SessionEnd', tried!);
  await machine.work();
  machine.hook('SessionEnd', untried!);
  await machine.work();
  expect(refusing.requests).toHaveLength(1);
  rmSync(untried!);
  await anotherHook();
  expect(machine.log()).toContain('its transcript is gone, and nothing of it was delivered');
  await anotherHook(() => Date.now() + 8 * DAY_MS);
  expect(failures()).toContain('its transcript is gone, and nothing of it was delivered');
  await anotherHook(() => Date.now() + 16 * DAY_MS);
  expect(failures()).not.toContain('its transcript is gone, and nothing of it was delivered');
});

test.each(['', '{"v":1,', 'null'])('a session whose state is damaged, %j, is delivered all the same', async (damaged) => {
  const folder = machine.bring('nest');
  machine.hook('SessionEnd', transcriptsIn(folder)[0]!);
  await machine.work();
  const states = join(machine.paths.state, 'sessions', 'claude-code');
  for (const name of readdirSync(states)) writeFileSync(join(states, name), damaged);
  machine.configure({ endpoint: collector.url });
  machine.hook('Stop', '/none/another.jsonl');
  // Its end is forgotten.
  await machine.work({ now: () => Date.now() + 2 * DAY_MS });
  expect(idsTaken(collector)).toEqual(spanIdsOf(folder));
});

test('a session that runs when its root is added: turns begun since then, and the others by sync --since', async () => {
  const folder = machine.bring('resumekill');
  const [transcript] = transcriptsIn(folder);
  const { spans } = traceSession(findSessions(transcript!, { env: {}, home: machine.home, harnesses })[0]!, {}, { ended: true });
  const turns = spans.filter(({ parentSpanId }) => parentSpanId === undefined).map(({ startMs }) => startMs);
  expect(turns.length).toBeGreaterThan(1);
  const added = { trace_roots: [{ path: '*', added: new Date(turns[1]!).toISOString() }] };
  machine.configure({ endpoint: collector.url, ...added });
  const since = begunSince(spans, turns[1]!)
    .map(({ spanId }) => spanId)
    .toSorted();
  expect(since.length).toBeLessThan(spans.length);
  for (const event of ['SessionStart', 'SessionEnd', 'SessionEnd'] as const) {
    machine.hook(event, transcript!);
    await machine.work();
  }
  const at = { home: machine.home, managed: machine.paths.managed };
  await trace(['sync'], at);
  expect(idsTaken(collector)).toEqual(since);
  await trace(['sync', '--since', '2020-01-01'], at);
  expect(idsTaken(collector)).toEqual(spanIdsOf(folder));
});

test('the notice goes when sync has delivered what it tells of', async () => {
  machine.bring('nest');
  const folder = machine.bring('tools');
  const [first, second] = transcriptsIn(folder);
  const roots = { trace_roots: [{ path: '*', added: '2020-01-01T00:00:00Z' }] };
  machine.configure({ endpoint: refusing.url, ...roots });
  for (const transcript of [first!, second!]) machine.hook('SessionEnd', transcript);
  // One that was opened and is not used waits for nothing.
  machine.hook('SessionStart', '/none/unbegun.jsonl');
  await machine.work();
  expect(notice()).toContain('2 sessions wait to be delivered');
  const at = { home: machine.home, managed: machine.paths.managed };
  await trace(['sync', '--endpoint', collector.url], at);
  expect(notice()).toContain('2 sessions wait to be delivered');
  machine.configure({ endpoint: collector.url, ...roots });
  await trace(['sync'], at);
  expect(notice()).toBeUndefined();
});
