/** Time that goes by, and a clock that is set: nothing waits for ever, nothing is skipped. The worker in this process. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectOnce, leftBehind, type Scene, scenes, taken } from '../../support/faults.ts';
import { spanIdsOf, transcriptsIn } from '../../support/machine.ts';

const aScene = scenes();
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const HISTORY = [{ path: '/home/dev', added: '2020-01-01T00:00:00Z' }];

/** A worker at that time, for a hook that came just then. */
async function hookAt(
  scene: Scene,
  atMs: number,
  event: 'SessionStart' | 'Stop' | 'SessionEnd',
  transcript = '/nowhere/another.jsonl',
): Promise<void> {
  scene.machine.hook(event, transcript, { atMs });
  await scene.machine.work({ now: () => atMs });
}

test('a collector that is away for a weekend is asked seldom; then it gets all', async () => {
  const scene = await aScene();
  const { collector, machine } = scene;
  const folder = machine.bring('rewind');
  const beganMs = Date.now();
  let tries = 0;
  collector.answers(() => {
    tries += 1;
    return { status: 401 };
  });
  scene.end(transcriptsIn(folder));
  // At first a hook every 20 minutes, then every 5 hours.
  const minutes = [...Array.from({ length: 11 }, (_, n) => n * 20), ...Array.from({ length: 9 }, (_, n) => (n + 1) * 300)];
  const asked: number[] = [];
  for (const minute of minutes) {
    const before = tries;
    await hookAt(scene, beganMs + minute * MINUTE_MS, 'Stop');
    if (tries > before) asked.push(minute);
  }
  // It would be asked after 30 s, 1, 2, 4, 8, 16, 32 minutes, an hour, an hour, …
  expect(asked).toEqual([0, 20, 40, 60, 80, 100, 120, 160, ...minutes.slice(11)]);
  collector.answers({ status: 200 });
  await hookAt(scene, beganMs + 2 * DAY_MS + 30 * SECOND_MS, 'Stop');
  await hookAt(scene, beganMs + 2 * DAY_MS + HOUR_MS, 'Stop');
  await hookAt(scene, beganMs + 2 * DAY_MS + HOUR_MS, 'SessionEnd');
  expect(taken(scene)).toEqual(spanIdsOf(folder));
  expect(leftBehind(machine)).toEqual([]);
});

describe('the clock is set back a day', () => {
  test('after a failure: the collector is asked again at once', async () => {
    const scene = await aScene();
    const { collector, machine } = scene;
    const folder = machine.bring('nest');
    collector.answers({ status: 401 });
    const nowMs = Date.now();
    machine.hook('SessionEnd', transcriptsIn(folder)[0]!, { atMs: nowMs + DAY_MS });
    await machine.work({ now: () => nowMs + DAY_MS });
    collector.answers({ status: 200 });
    await hookAt(scene, nowMs, 'SessionEnd');
    expect(taken(scene)).toEqual(spanIdsOf(folder));
    expect(leftBehind(machine)).toEqual([]);
  });

  test('after a scan: what was begun since is found by the next one', async () => {
    const scene = await aScene({ trace_roots: HISTORY });
    const { machine, collector } = scene;
    const nowMs = Date.now();
    machine.configure({ endpoint: collector.url, trace_roots: HISTORY });
    await hookAt(scene, nowMs + DAY_MS, 'SessionStart');
    const folder = machine.bring('rewind');
    await hookAt(scene, nowMs, 'SessionStart');
    expect(taken(scene)).toEqual(spanIdsOf(folder));
    const more = machine.bring('nest');
    await hookAt(scene, nowMs + HOUR_MS + MINUTE_MS, 'SessionStart');
    expect(taken(scene)).toEqual(spanIdsOf(more));
  });

  test('between the hooks of a session: all of it arrives, and only later ends come again', async () => {
    const scene = await aScene();
    const { machine } = scene;
    const folder = machine.bring('tools');
    const [transcript] = transcriptsIn(folder);
    const lines = readFileSync(transcript!, 'utf8').split(/(?<=\n)/);
    const nowMs = Date.now();
    const steps = [
      { share: 0.3, event: 'SessionStart', atMs: nowMs + DAY_MS },
      { share: 0.4, event: 'Stop', atMs: nowMs + DAY_MS + MINUTE_MS },
      { share: 0.5, event: 'SessionEnd', atMs: nowMs + DAY_MS + 2 * MINUTE_MS },
      { share: 0.6, event: 'SessionStart', atMs: nowMs },
      { share: 0.8, event: 'Stop', atMs: nowMs + MINUTE_MS },
      { share: 1, event: 'SessionEnd', atMs: nowMs + 2 * MINUTE_MS },
    ] as const;
    for (const { share, event, atMs } of steps) {
      writeFileSync(transcript!, lines.slice(0, Math.ceil(share * lines.length)).join(''));
      utimesSync(transcript!, atMs / SECOND_MS, atMs / SECOND_MS);
      await hookAt(scene, atMs, event, transcript);
    }
    expect([...new Set(taken(scene))]).toEqual(spanIdsOf(folder));
    expect(leftBehind(machine)).toEqual([]);
  });

  test('while a worker waits for the end of a turn: it waits no longer', async () => {
    const scene = await aScene();
    const { machine } = scene;
    const folder = machine.bring('nest');
    const nowMs = Date.now();
    let looks = 0;
    machine.hook('Stop', transcriptsIn(folder)[0]!, { atMs: nowMs, payload: { last_assistant_message: 'never written' } });
    await machine.work({ now: () => nowMs - looks++ * DAY_MS });
    expect(machine.queued()).toEqual([]);
    expect(looks).toBeLessThan(500);
  });

  test('jobs from the day ahead are done, and half-written ones of dead hooks go', async () => {
    const scene = await aScene();
    const { machine } = scene;
    const folder = machine.bring('nest');
    const nowMs = Date.now();
    machine.hook('SessionEnd', transcriptsIn(folder)[0]!, { atMs: nowMs + DAY_MS });
    writeFileSync(join(machine.paths.state, 'queue', '.1.0.tmp'), 'trace-build job 1');
    await machine.work({ now: () => nowMs });
    expectOnceBut(scene, folder, /\.tmp$/);
    await hookAt(scene, nowMs + 2 * DAY_MS, 'SessionEnd');
    expectOnce(scene, folder);
  });
});

describe('what is old goes', () => {
  test('jobs of two weeks ago, counted; those of yesterday are done', async () => {
    const scene = await aScene();
    const { machine } = scene;
    const folder = machine.bring('nest');
    const nowMs = Date.now();
    machine.hook('Stop', '/nowhere/one.jsonl', { atMs: nowMs - 15 * DAY_MS });
    machine.hook('SessionEnd', transcriptsIn(folder)[0]!, { atMs: nowMs - DAY_MS });
    await machine.work({ now: () => nowMs });
    expect(readFileSync(join(machine.paths.state, 'queue', '.dropped'), 'utf8')).toBe(`${nowMs} age\n`);
    expect(taken(scene)).toEqual(spanIdsOf(folder));
  });

  test('what killed processes left half written', async () => {
    const scene = await aScene();
    const { machine } = scene;
    const folder = machine.bring('nest');
    const nowMs = Date.now();
    await hookAt(scene, nowMs, 'SessionEnd', transcriptsIn(folder)[0]!);
    const left = [
      '.node.json.12.34.tmp',
      'sessions/claude-code/.a.json.12.34.tmp',
      `ledger/${destination(scene)}/.destination.json.12.34.tmp`,
    ];
    for (const path of left) {
      mkdirSync(dirname(join(machine.paths.state, path)), { recursive: true });
      writeFileSync(join(machine.paths.state, path), '{"v":1');
    }
    await hookAt(scene, nowMs + 8 * DAY_MS, 'SessionStart');
    expect(left.filter((path) => existsSync(join(machine.paths.state, path)))).toEqual([]);
    await hookAt(scene, nowMs + 8 * DAY_MS, 'SessionEnd');
    expectOnce(scene, folder);
  });

  test('a session that was opened and never used', async () => {
    const scene = await aScene();
    const nowMs = Date.now();
    await hookAt(scene, nowMs, 'SessionStart', '/nowhere/unused.jsonl');
    expect(leftBehind(scene.machine)).toEqual(['sessions/unsettled/claude-code~unused']);
    await hookAt(scene, nowMs + 15 * DAY_MS, 'SessionEnd');
    expect(leftBehind(scene.machine)).toEqual([]);
  });

  test('a session without an end, silent for a day, has ended', async () => {
    const scene = await aScene();
    const folder = scene.machine.bring('nest');
    const [transcript] = transcriptsIn(folder);
    const nowMs = Date.now();
    utimesSync(transcript!, nowMs / SECOND_MS, nowMs / SECOND_MS);
    await hookAt(scene, nowMs, 'Stop', transcript!);
    await hookAt(scene, nowMs + DAY_MS + HOUR_MS, 'SessionEnd');
    expectOnce(scene, folder);
  });

  test('a transcript with spans that never arrived, pruned and brought back: they arrive', async () => {
    const scene = await aScene();
    const { machine } = scene;
    const folder = machine.bring('bg');
    const [transcript] = transcriptsIn(folder);
    const whole = readFileSync(transcript!, 'utf8');
    const nowMs = Date.now();
    // The turn has ended, its agent in the background has not: some of what the agent did is older than what was sent.
    writeFileSync(
      transcript!,
      whole
        .split(/(?<=\n)/)
        .slice(0, 40)
        .join(''),
    );
    machine.hook('Stop', transcript!, { atMs: nowMs - MINUTE_MS });
    await machine.work();
    expect(machine.log()).toMatch(/ acknowledged.* open/);
    rmSync(transcript!);
    await hookAt(scene, nowMs + 8 * DAY_MS, 'SessionStart');
    writeFileSync(transcript!, whole);
    await hookAt(scene, Date.now(), 'SessionEnd', transcript);
    expect(taken(scene)).toEqual(spanIdsOf(folder));
  });
});

function expectOnceBut(scene: Scene, folder: string, but: RegExp): void {
  expect(taken(scene)).toEqual(spanIdsOf(folder));
  expect(leftBehind(scene.machine).filter((left) => !but.test(left))).toEqual([]);
}

const destination = ({ machine }: Scene): string => readdirSync(join(machine.paths.state, 'ledger')).find((name) => name !== 'version')!;
