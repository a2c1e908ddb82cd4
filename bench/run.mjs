/**
 * The bars of DESIGN.md §6 that exist by now, each as a ratio to a reference program measured in the same run.
 *
 *   node bench/run.mjs [rounds]           default 7, after 2 that do not count
 *
 * in:   src/, bundled with the options of dist/; sessions made by generate.mjs, kept in bench/.data
 * out:  a table; exit code 1 when a bar is missed
 *
 * Ours and the floor run alternately, each a cold process without NODE_EXTRA_CA_CERTS (which costs Node 20 some
 * 40 ms to read). A time is from before the spawn to after the exit, the median of the rounds; the ratio is the
 * median of the rounds' ratios, so that a burst of other work falls on both sides. Both have to serialize the same
 * number of spans to the same number of bytes, or the run is void.
 * "main thread" is the ratio of what the main threads ran, waiting left out (clock.ts): to judge by on a busy machine.
 * Another process makes the sessions: on Linux a child's peak memory is at least what its parent had when it forked.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from '../scripts/bundle.mjs';
import { hookRows } from './hook.mjs';
import { redactRows } from './redact.mjs';
import { data, sessionsOf } from './sessions.mjs';
import { stopRows } from './stop.mjs';

const ROUNDS = Number(process.argv[2] ?? 7);
const WARM_UP = 2;
/** A hook takes milliseconds. */
const HOOK_ROUNDS = 200;
/** Largest ratio to the floor, by megabytes; the smaller the session, the more of it is the start of the process. */
const TIME_BARS = { 10: 2.5, 100: 1.5 };
const MEMORY_BAR_MB = 250;
const MEMORY_AT_MB = 100;
const MIXES = { recent: 'mix of 2.1.329', old: 'mix of 2.1.150' };

const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...env } = process.env;

await bundle();
const rows = [];
for (const mix of Object.keys(MIXES)) {
  for (const [megabytes, bar] of Object.entries(TIME_BARS)) {
    const folder = sessionsOf(mix, megabytes);
    const prebuilt = `${folder}.spans.json`;
    once('ours', folder, prebuilt);
    const { ours, floor } = alternately(folder, prebuilt);
    const ratio = median(ours.ms.map((ms, round) => ms / floor.ms[round]));
    const mainRatio = median(ours.mainMs.map((ms, round) => ms / floor.mainMs[round]));
    const what = `${megabytes} MB, ${MIXES[mix]}`;
    rows.push([
      `build + encode, ${what}`,
      spread(ours.ms, 'ms'),
      spread(floor.ms, 'ms'),
      ratio.toFixed(2),
      mainRatio.toFixed(2),
      `≤ ${bar.toFixed(2)}`,
      ratio <= bar,
    ]);
    if (Number(megabytes) === MEMORY_AT_MB) {
      const [peak, least] = [median(ours.mb), median(floor.mb)];
      rows.push([
        `peak memory, ${what}`,
        spread(ours.mb, 'MB'),
        spread(floor.mb, 'MB'),
        (peak / least).toFixed(2),
        '',
        `≤ ${MEMORY_BAR_MB} MB`,
        peak <= MEMORY_BAR_MB,
      ]);
    }
  }
}
rows.push(...hookRows(HOOK_ROUNDS), ...(await stopRows(ROUNDS)), ...(await redactRows(ROUNDS)));
print(rows);
process.exitCode = rows.every((row) => row.at(-1)) ? 0 : 1;

// ---------------------------------------------------------------------------------------------

async function bundle() {
  await build({
    ...bundleOptions,
    entryPoints: { ours: fileURLToPath(import.meta.resolve('./ours.ts')), floor: fileURLToPath(import.meta.resolve('./floor.ts')) },
    outdir: join(data, 'programs'),
    outExtension: { '.js': '.mjs' },
  });
}

function alternately(folder, prebuilt) {
  const measured = { ours: { ms: [], mainMs: [], mb: [] }, floor: { ms: [], mainMs: [], mb: [] } };
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const results = ['ours', 'floor'].map((program) => [program, once(program, folder, ...(program === 'floor' ? [prebuilt] : []))]);
    const [made, given] = results.map(([, result]) => result);
    if (made.spans !== given.spans || made.bytes !== given.bytes)
      throw new Error(`not the same work: ours ${made.spans} spans, ${made.bytes} bytes; floor ${given.spans} spans, ${given.bytes} bytes`);
    if (round < 0) continue;
    for (const [program, result] of results) {
      measured[program].ms.push(result.ms);
      measured[program].mainMs.push(result.mainMs ?? Number.NaN);
      measured[program].mb.push(result.peakBytes / 1e6);
    }
  }
  return measured;
}

function once(program, ...args) {
  const start = performance.now();
  const child = spawnSync(process.execPath, [join(data, 'programs', `${program}.mjs`), ...args], { env, encoding: 'utf8' });
  const wallMs = performance.now() - start;
  if (child.status !== 0) throw new Error(`${program} failed: ${child.stderr}`);
  const result = JSON.parse(child.stdout);
  return { ...result, ms: wallMs - result.excludedMs };
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function spread(values, unit) {
  return `${median(values).toFixed(0)} ${unit} (${Math.min(...values).toFixed(0)}-${Math.max(...values).toFixed(0)})`;
}

function print(table) {
  const lines = [
    ['what', 'ours', 'floor', 'ratio', 'main thread', 'bar', ''],
    ...table.map((row) => [...row.slice(0, -1), row.at(-1) ? 'ok' : 'MISSED']),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  for (const line of lines)
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    );
  console.log(`median of ${ROUNDS} rounds (smallest-largest), Node ${process.version}`);
  const [load, cores] = [loadavg()[0], availableParallelism()];
  if (load > cores)
    console.log(`The machine was busy (load ${load.toFixed(1)} on ${cores} cores): of the ratios only the main thread's tells much.`);
}
