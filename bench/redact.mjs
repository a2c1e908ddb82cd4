/**
 * What the default rules cost, as a ratio to JSON.parse of the same bytes.
 *
 *   node bench/redact.mjs [rounds]        default 7, after 2 that do not count
 *
 * in:   a session of 100 MB; 50 MB of sources out of node_modules, a line each as an agent's transcript has what it read
 * out:  rows for bench/run.mjs; alone: a table, exit code 1 when the bar is missed
 *
 * A round is a cold process, redacting.ts. The ratio is the median of the rounds' ratios. Sources are the harder case:
 * strings of such length are what JSON.parse is fastest at, and code is full of what secrets stand beside.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from '../scripts/bundle.mjs';
import { data, sessionsOf } from './sessions.mjs';

const BAR = 5;
const WARM_UP = 2;
const SESSION_MB = 100;
const SOURCES_MB = 50;
const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...env } = process.env;

/** One row a corpus. */
export async function redactRows(rounds) {
  const program = join(data, 'programs', 'redacting.mjs');
  await build({ ...bundleOptions, entryPoints: [fileURLToPath(import.meta.resolve('./redacting.ts'))], outfile: program });
  const corpora = { [`a session of ${SESSION_MB} MB`]: sessionLines(), [`${SOURCES_MB} MB of sources`]: sourceLines() };
  return Object.entries(corpora).map(([what, file]) => {
    const results = [];
    for (let round = -WARM_UP; round < rounds; round++) {
      const child = spawnSync(process.execPath, [program, file], { env, encoding: 'utf8' });
      if (child.status !== 0) throw new Error(`redacting ${what} failed: ${child.stderr}`);
      if (round >= 0) results.push(JSON.parse(child.stdout));
    }
    const ratio = median(results.map(({ redactMs, parseMs }) => redactMs / parseMs));
    return [
      `redact ${what}, floor: JSON.parse`,
      spread(results.map(({ redactMs }) => redactMs)),
      spread(results.map(({ parseMs }) => parseMs)),
      ratio.toFixed(2),
      '',
      `≤ ${BAR.toFixed(2)}`,
      ratio <= BAR,
    ];
  });
}

/** All transcripts of the session in one file. */
function sessionLines() {
  const folder = sessionsOf('recent', SESSION_MB);
  const file = `${folder}.lines.jsonl`;
  if (!existsSync(file)) {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
    writeFileSync(file, names.map((name) => readFileSync(join(folder, name), 'utf8')).join(''));
  }
  return file;
}

function sourceLines() {
  mkdirSync(data, { recursive: true });
  const file = join(data, 'sources.lines.jsonl');
  const lines = [];
  let bytes = 0;
  for (const path of sources(fileURLToPath(new URL('../node_modules', import.meta.url)))) {
    const content = readFileSync(path, 'utf8');
    const block = { type: 'tool_result', tool_use_id: `toolu_${lines.length}`, content };
    const line = JSON.stringify({ type: 'user', uuid: String(lines.length), message: { role: 'user', content: [block] } });
    bytes += line.length;
    lines.push(`${line}\n`);
    if (bytes > SOURCES_MB * 1e6) break;
  }
  writeFileSync(file, lines.join(''));
  return file;
}

/** Of the size that an agent reads at once. */
function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.(?:[cm]?[jt]s|md|json)$/.test(entry.name) && readFileSync(path).length < 200_000) yield path;
  }
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const spread = (values) => `${median(values).toFixed(0)} ms (${Math.min(...values).toFixed(0)}-${Math.max(...values).toFixed(0)})`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await redactRows(Number(process.argv[2] ?? 7));
  for (const row of rows) console.log([...row.slice(0, -1), row.at(-1) ? 'ok' : 'MISSED'].filter((cell) => cell !== '').join('  '));
  process.exitCode = rows.every((row) => row.at(-1)) ? 0 : 1;
}
