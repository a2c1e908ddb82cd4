/**
 * How long the agent waits for a hook, as a ratio to an empty `sh -c :`.
 *
 *   node bench/hook.mjs [rounds]          default 200, after 10 that do not count
 *
 * in:   hooks/hooks.json, whose commands are run as Claude Code runs them, the payload on stdin
 * out:  rows for bench/run.mjs; alone: a table, exit code 1 when the bar is missed
 *
 * All run in turn. The worker is one that leaves at once, for what is measured is the hook; before the next one starts
 * there is a pause, in which it does. The ratio is the one of the tenth percentiles: on a busy machine every process that
 * is waited for takes a turn of the scheduler longer, which tells nothing of the hook; on an idle one all percentiles
 * have the same ratio.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const WARM_UP = 10;
const BAR = 4;
const PAUSE_MS = 8;
const hooks = fileURLToPath(new URL('../hooks', import.meta.url));

/** @returns per event: the times of the hook and of `sh -c :`, in ms */
export function hookTimes(rounds = 200) {
  const folder = mkdtempSync(join(tmpdir(), 'trace-build-bench-'));
  try {
    const home = join(folder, 'home');
    const state = join(home, '.local', 'state', 'trace-build');
    mkdirSync(join(home, '.config', 'trace-build'), { recursive: true });
    mkdirSync(state, { recursive: true });
    writeFileSync(
      join(home, '.config', 'trace-build', 'config.json'),
      JSON.stringify({ trace_roots: ['~/src'], endpoint: 'http://localhost:4318', headers: { authorization: 'x'.repeat(200) } }, null, 2),
    );
    writeFileSync(join(state, 'node'), '/bin/true\n');
    cpSync(hooks, join(folder, 'plugin', 'hooks'), { recursive: true });
    const commands = Object.entries(JSON.parse(readFileSync(join(hooks, 'hooks.json'), 'utf8')).hooks).map(
      ([
        event,
        [
          {
            hooks: [hook],
          },
        ],
      ]) => [event, `${hook.command} --home '${home}'`],
    );
    const env = { ...process.env, CLAUDE_PLUGIN_ROOT: join(folder, 'plugin'), CLAUDE_PROJECT_DIR: folder, CLAUDE_CODE_ENTRYPOINT: 'cli' };
    const input = JSON.stringify({ session_id: 'b', hook_event_name: 'Stop', last_assistant_message: 'word '.repeat(200) });
    const times = Object.fromEntries([['sh -c :', []], ...commands.map(([event]) => [event, []])]);
    for (let round = -WARM_UP; round < rounds; round++) {
      for (const [name, command] of [['sh -c :', ':'], ...commands]) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
        const start = performance.now();
        const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', command], { input, env });
        const ms = performance.now() - start;
        if (status !== 0 || stdout.length + stderr.length > 0) throw new Error(`${name}: exit code ${status}, ${stdout}${stderr}`);
        if (round >= 0) times[name].push(ms);
      }
    }
    const queued = readdirSync(join(state, 'queue')).filter((name) => name.endsWith('.job')).length;
    if (queued !== (WARM_UP + rounds) * commands.length) throw new Error(`${queued} jobs in the queue: the hook did not do its work`);
    return times;
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** One row an event, in the form of bench/run.mjs. */
export function hookRows(rounds) {
  const { 'sh -c :': floor, ...events } = hookTimes(rounds);
  return Object.entries(events).map(([event, times]) => {
    const ratio = tenthPercentile(times) / tenthPercentile(floor);
    return [`hook ${event}, floor: sh -c :`, spread(times), spread(floor), ratio.toFixed(2), '', `≤ ${BAR.toFixed(2)}`, ratio <= BAR];
  });
}

function tenthPercentile(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 10)];
}

const spread = (values) => `${tenthPercentile(values).toFixed(1)} ms (${Math.min(...values).toFixed(1)}-${Math.max(...values).toFixed(1)})`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = hookRows(Number(process.argv[2] ?? 200));
  for (const row of rows) console.log([...row.slice(0, -1), row.at(-1) ? 'ok' : 'MISSED'].filter((cell) => cell !== '').join('  '));
  process.exitCode = rows.every((row) => row.at(-1)) ? 0 : 1;
}
