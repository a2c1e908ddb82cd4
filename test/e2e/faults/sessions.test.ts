/** Sessions that share turns, replay them or go on elsewhere: a worker for each, in every order, and each turn once. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { expectOnce, leftBehind, repeatsIn, scenes, taken, work } from '../../support/faults.ts';
import { spanIdsOf, transcriptsIn } from '../../support/machine.ts';

const aScene = scenes();

/** Resumed with a fork, /branch and /rewind; marked by `forkedFrom`, by `requestSessionId`, and not at all. */
const FORKS = [
  { story: 'resume', original: 'first' },
  { story: 'rewind', original: 'first' },
  ...['resume', 'rewind', 'old-2.0.76', 'old-2.1.50', 'old-2.1.150', 'old-2.1.250'].map((story) => ({ story, original: 'last' })),
];

describe('forks', () => {
  test.each(FORKS)('$story, the original $original', async ({ story, original }) => {
    const scene = await aScene();
    const folder = scene.machine.bring(story);
    const bytes = (path: string): number => readFileSync(path).length;
    // A fork is longer than what it was copied from.
    const transcripts = transcriptsIn(folder).toSorted((a, b) => (original === 'first' ? bytes(a) - bytes(b) : bytes(b) - bytes(a)));
    const half = Math.ceil(transcripts.length / 2);
    for (const some of [transcripts.slice(0, half), transcripts.slice(half)]) {
      scene.end(some);
      await work(scene.machine);
    }
    expectOnce(scene, folder);
  });

  test('the original is gone when its fork ends: what both told is not sent again', async () => {
    const scene = await aScene();
    const folder = scene.machine.bring('rewind');
    const expected = spanIdsOf(folder);
    const [original, branch, ...others] = transcriptsIn(folder);
    scene.end([original!, ...others]);
    await work(scene.machine);
    rmSync(original!);
    scene.end([branch!]);
    await work(scene.machine);
    expect(taken(scene)).toEqual(expected);
    expect(leftBehind(scene.machine)).toEqual([]);
  });
});

test.each(['compact', 'slash'])('%s: replays earlier lines, a Stop before and after each', async (story) => {
  const scene = await aScene();
  const { machine } = scene;
  const folder = machine.bring(story);
  const [transcript] = transcriptsIn(folder);
  const lines = readFileSync(transcript!, 'utf8').split(/(?<=\n)/);
  const replays = lines.flatMap((line, n) => (/isCompactSummary|"compact_boundary"|<command-name>/.test(line) ? [n, n + 1] : []));
  expect(replays.length).toBeGreaterThan(0);
  for (const end of [...replays.slice(0, 4), lines.length]) {
    writeFileSync(transcript!, lines.slice(0, end).join(''));
    if (end === lines.length) scene.end([transcript!]);
    else machine.hook('Stop', transcript!, { atMs: Date.now() - 60_000 });
    await work(machine);
  }
  expect([...new Set(taken(scene))]).toEqual(spanIdsOf(folder));
  expect(repeatsIn(scene.collector.requests, new Set()).unexplained).toEqual([]);
  expect(leftBehind(machine)).toEqual([]);
});

test('a session that moves to a worktree takes its file with it, and goes on from where it was', async () => {
  const scene = await aScene();
  const { machine } = scene;
  const folder = machine.bring('tools');
  const [transcript] = transcriptsIn(folder);
  machine.hook('Stop', transcript!, { atMs: Date.now() - 60_000 });
  await work(machine);
  const before = taken(scene).length;
  const elsewhere = machine.bring('nest').replace(/$/, '/-home-dev-nest/');
  const moved = elsewhere + /[^/]+$/.exec(transcript!)![0];
  renameSync(transcript!, moved);
  scene.end([moved, ...transcriptsIn(folder)]);
  await work(machine);
  expect(before).toBeGreaterThan(0);
  expectOnce(scene, folder);
});
