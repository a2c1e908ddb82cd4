/**
 * src/ → dist/: the CLI and the library as self-contained bundles, and the library's types; and the hooks' worker, which
 * is committed.
 *
 * in:   src/cli/main.ts, src/cli/thread.ts, src/index.ts, src/hook/main.ts, src/view/page/
 * out:  dist/cli.js, dist/thread.js, dist/index.js, dist/page.js, dist/page.css, dist/types/, hooks/worker.cjs
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { build } from 'esbuild';
import { bundleOptions, pageOptions, pageStyleOptions, SQLITE_FILES, workerOptions } from './bundle.mjs';

rmSync('dist', { recursive: true, force: true });
await build({
  ...bundleOptions,
  entryPoints: { cli: 'src/cli/main.ts', thread: 'src/cli/thread.ts', index: 'src/index.ts' },
  outdir: 'dist',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
});
await build({ ...pageOptions, outdir: 'dist' });
await build({ ...pageStyleOptions, outdir: 'dist' });
await build(workerOptions);
for (const name of SQLITE_FILES)
  for (const folder of ['dist', 'hooks']) copyFileSync(`node_modules/sql.js/dist/${name}`, `${folder}/${name}`);
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], { stdio: 'inherit' });
