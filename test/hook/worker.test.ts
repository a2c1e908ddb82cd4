/** The worker on recorded sessions: every span once, whatever the hooks do. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { trace } from '../cli/world.ts';
import { type Collector, closedPort, startCollector } from '../support/collector.ts';
import { aMachine, idsTaken, type Machine, spanIdsOf, transcriptsIn } from '../support/machine.ts';
import { STORIES } from '../support/stories.ts';

let collector: Collector;
let machine: Machine;

beforeEach(async () => {
  collector = await startCollector();
  machine = aMachine({ endpoint: collector.url });
});
afterEach(async () => {
  await machine.remove();
  await collector.stop();
});

test.each(STORIES)('%s: ended, every span arrives once; ended again, none', async (story) => {
  const folder = machine.bring(story);
  for (let round = 0; round < 2; round++) {
    for (const transcript of transcriptsIn(folder)) machine.hook('SessionEnd', transcript);
    await machine.work();
  }
  expect(idsTaken(collector)).toEqual(spanIdsOf(folder));
  expect(machine.queued()).toEqual([]);
  expect(machine.log()).not.toContain('"error"');
});

/** The transcript as it was after each of its lines in turn, with a Stop after each. */
describe('a session grows', () => {
  test.each(['tools', 'bg', 'team', 'rewind', 'resumekill', 'compact', 'old-2.1.150', 'slash'])(
    '%s: a Stop after every few lines',
    async (story) => {
      const folder = machine.bring(story);
      const expected = spanIdsOf(folder);
      const whole = transcriptsIn(folder).map((path) => ({ path, lines: readFileSync(path, 'utf8').split(/(?<=\n)/) }));
      for (const { path } of whole) rmSync(path);
      for (const { path, lines } of whole) {
        for (let end = 1; end <= lines.length; end += 3) {
          writeFileSync(path, lines.slice(0, end).join(''));
          machine.hook('Stop', path, { atMs: Date.now() - 60_000 });
          await machine.work();
        }
        writeFileSync(path, lines.join(''));
        machine.hook('SessionEnd', path);
        await machine.work();
      }
      const taken = idsTaken(collector);
      expect([...new Set(taken)]).toEqual(expected);
      expect(machine.log()).not.toContain('"error"');
      // What came again had moved its end.
      const latest = new Map<string, number>();
      for (const { spanId, endTimeUnixNano } of collector.taken) {
        const endMs = Number(BigInt(endTimeUnixNano) / 1_000_000n);
        expect(endMs).toBeGreaterThan(latest.get(spanId) ?? 0);
        latest.set(spanId, endMs);
      }
    },
  );
});

describe('scope', () => {
  test('a session that was named to another collector stays out of the hooks, and what is owed to theirs stays owed', async () => {
    const other = await startCollector();
    try {
      const folder = machine.bring('nest');
      const [transcript] = transcriptsIn(folder);
      const at = { home: machine.home, managed: machine.paths.managed };
      machine.configure({ endpoint: collector.url, trace_roots: [] });
      await trace([transcript!, '--endpoint', other.url], at);
      machine.hook('SessionStart', transcript!, { payload: { session_id: 'another', transcript_path: '/none/another.jsonl' } });
      await machine.work();
      expect(collector.requests).toEqual([]);

      machine.configure({ endpoint: await closedPort() });
      machine.hook('SessionEnd', transcript!);
      await machine.work();
      await trace([transcript!, '--endpoint', other.url], at);
      machine.configure({ endpoint: collector.url });
      machine.hook('SessionStart', transcript!, { payload: { session_id: 'another', transcript_path: '/none/another.jsonl' } });
      await machine.work();
      expect(idsTaken(collector)).toEqual(spanIdsOf(folder));
      expect(idsTaken(other)).toEqual(spanIdsOf(folder));
    } finally {
      await other.stop();
    }
  });

  test('a repository outside every root: nothing is sent, nothing is remembered, and the job is gone', async () => {
    machine.configure({ endpoint: collector.url, trace_roots: ['/somewhere/else'] });
    machine.hook('SessionEnd', transcriptsIn(machine.bring('nest'))[0]!);
    await machine.work();
    expect(collector.requests).toEqual([]);
    expect(machine.queued()).toEqual([]);
    expect(existsSync(join(machine.paths.state, 'sessions'))).toBe(false);
  });

  test('the directory is what the transcript says, not what a variable says', async () => {
    machine.configure({ endpoint: collector.url, trace_roots: ['/opted/in'] });
    machine.hook('SessionEnd', transcriptsIn(machine.bring('nest'))[0]!, { fields: { project_dir: '/opted/in' } });
    await machine.work();
    expect(collector.requests).toEqual([]);
  });
});

describe('while something is sent', () => {
  test('an agent that goes on is seen the next time', async () => {
    const folder = machine.bring('bg');
    const agent = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => /agent-[^/]+\.jsonl$/.test(path))
      .map((path) => join(folder, path))[0]!;
    const lines = readFileSync(agent, 'utf8').split(/(?<=\n)/);
    writeFileSync(agent, lines.slice(0, -1).join(''));
    const late = await startCollector([], () => {
      writeFileSync(agent, lines.join(''));
      return { status: 200 };
    });
    try {
      machine.configure({ endpoint: late.url });
      for (const transcript of transcriptsIn(folder)) machine.hook('SessionEnd', transcript);
      await machine.work();
      for (const transcript of transcriptsIn(folder)) machine.hook('SessionEnd', transcript);
      await machine.work();
      expect(new Set(idsTaken(late))).toEqual(new Set(spanIdsOf(folder)));
    } finally {
      await late.stop();
    }
  });

  test('a collector that fails at everything is left alone for a while, and the next session is told', async () => {
    const failing = await startCollector([], { status: 500 });
    try {
      machine.configure({ endpoint: failing.url });
      const [transcript] = transcriptsIn(machine.bring('nest'));
      for (let hook = 0; hook < 4; hook++) {
        machine.hook('SessionEnd', transcript!);
        await machine.work();
      }
      expect(failing.requests).toHaveLength(1);
      expect(readFileSync(join(machine.paths.state, 'notice.json'), 'utf8')).toMatch(/answered 500/);
    } finally {
      await failing.stop();
    }
  });
});
