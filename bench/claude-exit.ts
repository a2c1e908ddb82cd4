/**
 * How much later the real Claude Code CLI exits because the plugin is there.
 *
 *   node bench/claude-exit.mjs [rounds]   default 15, after 2 that do not count
 *
 * in:   two worlds of test/e2e/claude, one without the plugin, and `claude -p` with one short answer
 * out:  medians, from the last byte of the answer to the end of the process: the Stop hook, the SessionEnd hook, and what
 *       the CLI does anyway. And of the whole run, where the SessionStart hook is in it, too.
 *
 * The two run in turns, so that a burst of other work falls on both. Each waits until the worker of the one before is gone.
 */
import { CURRENT } from '../test/e2e/claude/cli.ts';
import { nobodyIsLeft } from '../test/e2e/claude/processes.ts';
import { createWorld, type World } from '../test/e2e/claude/world.ts';

export interface Delay {
  readonly withoutMs: number;
  readonly withMs: number;
  /** Median of the rounds' own: neighbours in time. */
  readonly ratio: number;
  readonly addedMs: number;
}

export interface ExitDelay {
  readonly exit: Delay;
  readonly run: Delay;
}

const WARM_UP = 2;

export async function exitDelay(rounds: number, version = CURRENT): Promise<ExitDelay> {
  const scripts = { plain: [{ text: 'A plain answer.' }] };
  const worlds = [await createWorld({ version, scripts, plugin: 'none' }), await createWorld({ version, scripts })] as const;
  try {
    const measured: { exit: [number, number]; run: [number, number] }[] = [];
    for (let round = -WARM_UP; round < rounds; round++) {
      const [without, withPlugin] = [await once(worlds[0]), await once(worlds[1])];
      if (round >= 0) measured.push({ exit: [without.exitMs, withPlugin.exitMs], run: [without.runMs, withPlugin.runMs] });
    }
    return { exit: delayOf(measured.map(({ exit }) => exit)), run: delayOf(measured.map(({ run }) => run)) };
  } finally {
    for (const world of worlds) await world.stop();
  }
}

async function once(world: World): Promise<{ readonly exitMs: number; readonly runMs: number }> {
  const { code, stderr, beganMs, endedMs } = await world.print('script:plain').ended;
  if (code !== 0 || stderr !== '') throw new Error(`claude ended with ${code}: ${stderr}`);
  await nobodyIsLeft(world.folder);
  return { exitMs: endedMs - world.model.served.at(-1)!.wholeAtMs!, runMs: endedMs - beganMs };
}

const delayOf = (pairs: readonly (readonly [number, number])[]): Delay => ({
  withoutMs: median(pairs.map(([without]) => without)),
  withMs: median(pairs.map(([, withPlugin]) => withPlugin)),
  ratio: median(pairs.map(([without, withPlugin]) => withPlugin / without)),
  addedMs: median(pairs.map(([without, withPlugin]) => withPlugin - without)),
});

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
