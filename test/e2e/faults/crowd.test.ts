/**
 * Workers and command lines at once on the same sessions, and any of them may be killed at any time.
 * FAULT_SEED=… repeats the choice of instants; which process then has the lock is the system's.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ReceivedRequest } from '../../support/collector.ts';
import { command, leftBehind, programs, RUN_HEADER, type Run, scenes, taken, work, worker } from '../../support/faults.ts';
import { spanIdsOf, transcriptsIn } from '../../support/machine.ts';
import { randomFrom, seed } from '../../support/random.ts';

const ROUNDS = 12;
const STORIES = ['exits', 'midexits', 'misc', 'old-2.1.150', 'old-2.1.250', 'resume', 'rewind', 'team', 'teamtmux'];

const aScene = scenes();
const built = programs();

test(`${ROUNDS} rounds of two workers and two command lines, killed as chance will have it (seed ${seed})`, async () => {
  const random = randomFrom(seed);
  const scene = await aScene();
  const { machine, collector } = scene;
  const cli = await built.cli();
  let number = 0;
  const killed = new Set<number>();
  for (let round = 0; round < ROUNDS; round++) {
    if (round < STORIES.length) scene.end(transcriptsIn(machine.bring(STORIES[round]!)));
    const folder = join(machine.home, '.claude', 'projects');
    const starts = [workerOf, cliOf, workerOf, cliOf];
    const runs = starts.map((start) => {
      number += 1;
      return { number, ...start(number, folder) };
    });
    // Half of those who are killed are killed while the collector has one of their requests in hand.
    const victims = runs
      .filter(() => random() < 0.6)
      .map((victim) => ({ ...victim, atRequest: random() < 0.5 ? Math.ceil(random() * 3) : 0 }));
    collector.answers((request) => {
      const victim = victims.find(({ number: own }) => own === runOf(request));
      if (victim !== undefined && victim.atRequest > 0 && --victim.atRequest === 0) victim.child.kill('SIGKILL');
      return { status: 200 };
    });
    const startedMs = performance.now();
    await Promise.all([
      ...victims
        .filter(({ atRequest }) => atRequest === 0)
        .map(async ({ child }) => {
          await new Promise((resolve) => setTimeout(resolve, 80 + random() * 350));
          child.kill('SIGKILL');
        }),
      ...runs.map(async ({ number: own, ended }) => {
        const { signal, code, stderr } = await ended;
        if (signal === 'SIGKILL') killed.add(own);
        else expect([code, stderr], `run ${own} after ${performance.now() - startedMs} ms`).toEqual([0, '']);
      }),
    ]);
  }
  scene.end(transcriptsIn(join(machine.home, '.claude', 'projects')));
  await work(machine);
  const because = `seed ${seed}; ${machine.log()}`;
  expect([...new Set(taken(scene))], because).toEqual(spanIdsOf(join(machine.home, '.claude', 'projects')));
  const lastOf = new Map(collector.requests.map((request) => [runOf(request), request]));
  const excuses = new Map<string, number>();
  for (const run of killed) for (const { spanId } of lastOf.get(run)?.spans ?? []) excuses.set(spanId, (excuses.get(spanId) ?? 0) + 1);
  const counts = new Map<string, number>();
  for (const id of taken(scene)) counts.set(id, (counts.get(id) ?? 0) + 1);
  expect(
    [...counts].filter(([id, count]) => count - 1 > (excuses.get(id) ?? 0)),
    because,
  ).toEqual([]);
  expect(leftBehind(machine).filter((left) => !left.endsWith('.tmp'))).toEqual([]);
  console.info(
    `seed ${seed}: ${number} processes, ${killed.size} killed; ${counts.size} unique spans, ${taken(scene).length - counts.size} sent again`,
  );

  /** Each with a managed config of its own, which tells its number. */
  function workerOf(own: number): Run {
    const managed = join(machine.home, `managed-${own}.json`);
    writeFileSync(managed, JSON.stringify({ headers: { [RUN_HEADER]: String(own) } }));
    return worker({ ...machine, paths: { ...machine.paths, managed } });
  }

  function cliOf(own: number, folder: string): Run {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: `${RUN_HEADER}=${own}` };
    return command(cli, machine, own % 4 === 0 ? ['sync', '--since', '2020-01-01', '--quiet'] : [folder, '--quiet'], env);
  }
});

const runOf = ({ headers }: ReceivedRequest): number => Number(headers[RUN_HEADER]);
