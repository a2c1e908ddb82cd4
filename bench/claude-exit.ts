/**
 * How much later the real Claude Code CLI exits because the plugin is there.
 *
 *   node bench/claude-exit.mjs [rounds]   default 15, after 2 that do not count
 *
 * in:   three worlds of test/e2e/claude: without the plugin, with hooks that do nothing, with the plugin; in each,
 *       `claude -p` with one short answer
 * out:  medians, from the last byte of the answer to the end of the process: the Stop hook, the SessionEnd hook, and what
 *       the CLI does anyway. And of the whole run, where the SessionStart hook is in it, too.
 *
 * They run in turns, so that a burst of other work falls on all. Each waits until the worker of the one before is gone.
 */
import { CURRENT } from '../test/e2e/claude/cli.ts';
import { nobodyIsLeft } from '../test/e2e/claude/processes.ts';
import { createWorld, type World } from '../test/e2e/claude/world.ts';

/** Of the rounds' own differences the median: they are neighbours in time. */
export interface Delay {
  readonly withoutMs: number;
  /** What hooks that do nothing add. */
  readonly idleAddsMs: number;
  readonly pluginAddsMs: number;
  readonly ratio: number;
}

export interface ExitDelay {
  readonly exit: Delay;
  readonly run: Delay;
}

type Round = Readonly<Record<(typeof PLUGINS)[number], { readonly exit: number; readonly run: number }>>;

const PLUGINS = ['none', 'idle', 'clone'] as const;
const WARM_UP = 2;

export async function exitDelay(rounds: number, version = CURRENT): Promise<ExitDelay> {
  const scripts = { plain: [{ text: 'A plain answer.' }] };
  const worlds: World[] = [];
  try {
    for (const plugin of PLUGINS) worlds.push(await createWorld({ version, scripts, plugin }));
    const measured: Round[] = [];
    for (let round = -WARM_UP; round < rounds; round++) {
      const [none, idle, clone] = [await once(worlds[0]!), await once(worlds[1]!), await once(worlds[2]!)];
      if (round >= 0) measured.push({ none, idle, clone });
    }
    return { exit: delayOf(measured, 'exit'), run: delayOf(measured, 'run') };
  } finally {
    for (const world of worlds) await world.stop();
  }
}

async function once(world: World): Promise<{ readonly exit: number; readonly run: number }> {
  const { code, stderr, beganMs, endedMs } = await world.print('script:plain').ended;
  if (code !== 0 || stderr !== '') throw new Error(`claude ended with ${code}: ${stderr}`);
  await nobodyIsLeft(world.folder);
  return { exit: endedMs - world.model.served.at(-1)!.wholeAtMs!, run: endedMs - beganMs };
}

const delayOf = (rounds: readonly Round[], what: 'exit' | 'run'): Delay => ({
  withoutMs: median(rounds.map(({ none }) => none[what])),
  idleAddsMs: median(rounds.map(({ none, idle }) => idle[what] - none[what])),
  pluginAddsMs: median(rounds.map(({ none, clone }) => clone[what] - none[what])),
  ratio: median(rounds.map(({ none, clone }) => clone[what] / none[what])),
});

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
