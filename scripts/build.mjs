/**
 * src/ → dist/: the CLI and the library as self-contained bundles, and the library's types.
 *
 * in:   src/cli/main.ts, src/index.ts
 * out:  dist/cli.js, dist/index.js, dist/types/
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: { cli: 'src/cli/main.ts', index: 'src/index.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Without `module` esbuild takes OpenTelemetry's CommonJS, which it can't shake.
  mainFields: ['module', 'main'],
  conditions: ['module'],
  chunkNames: 'chunks/[name]-[hash]',
  minifySyntax: true,
  legalComments: 'none',
  define: { 'process.env.TRACE_BUILD_VERSION': JSON.stringify(version) },
  banner: {
    // A few CommonJS modules call require() of Node's own modules.
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], { stdio: 'inherit' });
