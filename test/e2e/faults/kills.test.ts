/**
 * The worker is killed, again and again: at random instants, and at every change it makes on disk.
 * FAULT_SEED=… repeats a run.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FaultCollector, type Point, startFaultCollector } from '../../support/fault-collector.ts';
import { leftBehind, RUN_HEADER, type Run, repeatsIn, type Steps, work, worker } from '../../support/faults.ts';
import { aMachine, type Machine, spanIdsOf, transcriptsIn } from '../../support/machine.ts';
import { randomFrom, seed } from '../../support/random.ts';

const KILLS = 50;
/** With forks, sub-agents, teams, compactions: every one of them costs several deliveries. */
const GROWING = [
  'bg',
  'compact',
  'errors',
  'exits',
  'midexits',
  'misc',
  'nest',
  'old-2.1.250',
  'resume',
  'resumekill',
  'rewind',
  'slash',
  'team',
  'tools',
];

const idsOf = (collector: FaultCollector): readonly string[] => [...new Set(collector.taken.map(({ spanId }) => spanId))].toSorted();

describe('at random instants', () => {
  let collector: FaultCollector;
  let machine: Machine;
  let run = 0;
  beforeEach(async () => {
    collector = await startFaultCollector();
    machine = aMachine();
  });
  afterEach(async () => {
    await machine.remove();
    await collector.stop();
  });

  /** Each run is known by a header that is no part of the destination. */
  const start = (): Run => {
    run += 1;
    machine.configure({ endpoint: collector.url, headers: { [RUN_HEADER]: String(run) } });
    return worker(machine);
  };

  test(`${KILLS} times, while sessions of ${GROWING.length} stories grow (seed ${seed})`, async () => {
    const random = randomFrom(seed);
    const among = (count: number): number => Math.floor(random() * count);
    const folder = GROWING.map((story) => machine.bring(story)).at(-1)!;
    const expected = spanIdsOf(folder);
    const sessions = transcriptsIn(folder).map((path) => ({ path, lines: readFileSync(path, 'utf8').split(/(?<=\n)/), told: 0 }));
    for (const { path } of sessions) rmSync(path);

    const killed = new Set<number>();
    const phases = new Map<string, number>();
    const points: readonly (Point | 'answered' | 'any time')[] = [
      'unread',
      'unanswered',
      'half answered',
      'answered',
      'answered',
      'any time',
    ];
    /** Of a run that is left alone. Measured on the way, for machines differ. */
    let wholeRunMs = 300;
    while (killed.size < KILLS) {
      const unfinished = sessions.filter(({ lines, told }) => told < lines.length);
      const linesLeft = unfinished.reduce((sum, { lines, told }) => sum + lines.length - told, 0);
      // So many lines a run that they last for all kills, though not every run comes to be killed.
      const grows = Math.max(2, Math.ceil(linesLeft / (1.6 * (KILLS - killed.size))));
      for (let told = 0; told < grows && unfinished.length > 0; ) {
        const session = unfinished[among(unfinished.length)]!;
        const piece = Math.min(session.lines.length - session.told, Math.ceil(grows / 2));
        [told, session.told] = [told + Math.max(1, piece), session.told + piece];
        mkdirSync(join(session.path, '..'), { recursive: true });
        writeFileSync(session.path, session.lines.slice(0, session.told).join(''));
        // Long ago, so that no worker waits for more of it.
        machine.hook(session.told === session.lines.length ? 'SessionEnd' : 'Stop', session.path, { atMs: Date.now() - 60_000 });
      }
      const point = points[among(points.length)]!;
      const before = collector.requests.length;
      const held = point === 'any time' || point === 'answered' ? undefined : collector.hold(point, 1 + among(2));
      const startedMs = performance.now();
      const { child, ended } = start();
      const over = ended.then(() => undefined);
      if (held !== undefined) await Promise.race([held.reached, over]);
      else if (point === 'answered') await Promise.race([collector.came(before + 1 + among(2)), over]);
      const delayMs = point === 'any time' ? random() * wholeRunMs : point === 'answered' ? random() * 6 : 0;
      // The instant is the test: nothing is waited for.
      await Promise.race([new Promise((resolve) => setTimeout(resolve, delayMs)), over]);
      child.kill('SIGKILL');
      const { signal } = await ended;
      held?.go();
      if (signal === 'SIGKILL') {
        killed.add(run);
        const phase = point === 'any time' ? `${point}, ${collector.requests.length === before ? 'nothing' : 'something'} sent` : point;
        phases.set(phase, (phases.get(phase) ?? 0) + 1);
      } else wholeRunMs = performance.now() - startedMs;
    }
    for (const { path, lines } of sessions) {
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, lines.join(''));
      machine.hook('SessionEnd', path);
    }
    const last = await start().ended;

    const because = `seed ${seed}; ${machine.log()}`;
    expect(last, because).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(idsOf(collector), because).toEqual(expected);
    expect(repeatsIn(collector.requests, killed).unexplained, because).toEqual([]);
    expect(
      leftBehind(machine).filter((left) => !left.endsWith('.tmp')),
      because,
    ).toEqual([]);
    const { inFlight, updated } = repeatsIn(collector.requests, killed);
    console.info(
      `seed ${seed}: ${run} runs, ${killed.size} killed (${[...phases].map(([phase, count]) => `${count} ${phase}`).join(', ')}); ` +
        `${expected.length} unique spans in ${collector.requests.length} requests; sent again ${inFlight} that were in flight, ${updated} updated`,
    );
  });
});

describe('at every change it makes on disk', () => {
  /** A session, and what /branch made of it. */
  const STORY = 'rewind';

  interface Case {
    readonly machine: Machine;
    readonly collector: FaultCollector;
    readonly expected: readonly string[];
    readonly close: () => Promise<void>;
  }

  async function aCase(): Promise<Case> {
    const collector = await startFaultCollector();
    const machine = aMachine({ endpoint: collector.url, headers: { [RUN_HEADER]: '1' } });
    const folder = machine.bring(STORY);
    for (const other of transcriptsIn(folder).slice(2)) rmSync(other);
    for (const transcript of transcriptsIn(folder)) {
      machine.hook('SessionStart', transcript);
      machine.hook('SessionEnd', transcript);
    }
    const close = async (): Promise<void> => {
      await machine.remove();
      await collector.stop();
    };
    return { machine, collector, expected: spanIdsOf(folder), close };
  }

  async function changesOfOneRun(): Promise<readonly string[]> {
    const { machine, close } = await aCase();
    const into = join(machine.home, 'changes');
    await work(machine, { steps: { kind: 'list', into } });
    const changes = readFileSync(into, 'utf8').split('\n');
    await close();
    return changes;
  }

  async function diesAt(at: number, torn: boolean): Promise<string> {
    const { machine, collector, expected, close } = await aCase();
    const steps: Steps = { kind: 'die', at, torn };
    const { signal } = await worker(machine, { steps }).ended;
    machine.configure({ endpoint: collector.url, headers: { [RUN_HEADER]: '2' } });
    // Any hook: here one of a session that nothing is known of.
    machine.hook('SessionStart', '/nowhere/another.jsonl');
    await work(machine);
    const where = `${torn ? 'in' : 'before'} change ${at}: ${machine.log()}`;
    expect(signal, where).toBe('SIGKILL');
    expect(idsOf(collector), where).toEqual(expected);
    expect(repeatsIn(collector.requests, new Set([1])).unexplained, where).toEqual([]);
    const another = /unsettled\/claude-code~another$|\.tmp$/;
    expect(
      leftBehind(machine).filter((left) => !another.test(left)),
      where,
    ).toEqual([]);
    const again = collector.requests.flatMap(({ spans }) => spans).length - expected.length;
    await close();
    return again > 0 ? 'some spans came twice' : 'none came twice';
  }

  test('and a hook later every span has arrived', async () => {
    const changes = await changesOfOneRun();
    expect(changes.length).toBeGreaterThan(80);
    const instants = changes.flatMap((change, n) => (change === 'text' ? [false, true] : [false]).map((torn) => ({ at: n + 1, torn })));
    const results = new Map<string, number>();
    const next = instants.values();
    const lane = async (): Promise<void> => {
      for (const { at, torn } of next) {
        const result = await diesAt(at, torn);
        results.set(result, (results.get(result) ?? 0) + 1);
      }
    };
    await Promise.all([lane(), lane()]);
    console.info(
      `killed at ${instants.length} instants of ${changes.length} changes: ${[...results].map(([what, count]) => `${what} ${count} times`).join(', ')}`,
    );
  });
});
