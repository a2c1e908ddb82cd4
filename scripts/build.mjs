/**
 * src/ → dist/: the CLI and the library as self-contained bundles, and the library's types.
 *
 * in:   src/cli/main.ts, src/index.ts
 * out:  dist/cli.js, dist/index.js, dist/types/
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { build } from 'esbuild';
import { bundleOptions } from './bundle.mjs';

rmSync('dist', { recursive: true, force: true });
await build({
  ...bundleOptions,
  entryPoints: { cli: 'src/cli/main.ts', index: 'src/index.ts' },
  outdir: 'dist',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
});
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], { stdio: 'inherit' });
