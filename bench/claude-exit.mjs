/**
 * Runs claude-exit.ts and prints what it measured. By hand: it installs the CLI, and takes a minute.
 *
 *   node bench/claude-exit.mjs [rounds]
 */
import { mkdirSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

// What is measured finds the repository by the current directory.
process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const ROUNDS = Number(process.argv[2] ?? 15);
const outfile = join('bench', '.data', 'programs', 'claude-exit.mjs');
mkdirSync(join('bench', '.data'), { recursive: true });
await build({
  entryPoints: [fileURLToPath(import.meta.resolve('./claude-exit.ts'))],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
});
const { exitDelay } = await import(pathToFileURL(outfile).href);

const { exit, run } = await exitDelay(ROUNDS);
for (const [what, { withoutMs, idleAddsMs, pluginAddsMs, ratio }] of Object.entries({ 'answer → exit': exit, 'whole run': run }))
  console.log(
    `${what.padEnd(14)}  without ${withoutMs.toFixed(0)} ms; hooks that do nothing add ${idleAddsMs.toFixed(0)} ms, the plugin ${pluginAddsMs.toFixed(0)} ms (${ratio.toFixed(2)} ×)`,
  );
console.log(`median of ${ROUNDS} rounds, Node ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0].toFixed(1)}`);
