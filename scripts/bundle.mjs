/**
 * How we bundle: shared by the build and the bench, so that what is measured is what users run.
 *
 * out:  options for esbuild
 */
import { readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** The providers that src/harness can name and src/trace/cost.ts asks for. */
const PRICED_PROVIDERS = ['anthropic', 'aws', 'google', 'openai', 'deepseek', 'x-ai', 'mistral'];

/**
 * The price list is 826 KB of JavaScript, mostly of providers no coding agent calls directly, and running it takes as
 * long as starting Node. Of it we keep our providers without prose, as JSON, which V8 reads ten times faster.
 */
const slimPrices = {
  name: 'slim-prices',
  setup: (build) =>
    build.onLoad({ filter: /genai-prices[\\/]dist[\\/]index\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const start = 'const E = ';
      const end = text.indexOf('\n], ') + 2;
      if (!text.startsWith(`${start}[`) || end < 2)
        throw new Error('@pydantic/genai-prices is laid out otherwise than in the pinned version');
      const all = new Function(`return ${text.slice(start.length, end)}`)();
      const kept = PRICED_PROVIDERS.map((id) => all.find((provider) => provider.id === id));
      const json = JSON.stringify(kept.map(slimProvider));
      // The first localeCompare of a process loads ICU's collation, 15 ms; keys of ASCII need none.
      const code = text.slice(end).replaceAll(/([\w.]+)\.localeCompare\(([\w.]+)\)/g, '($1 < $2 ? -1 : $1 > $2 ? 1 : 0)');
      return { contents: `${start}JSON.parse(${JSON.stringify(json)})${code}`, loader: 'js' };
    }),
};

const slimProvider = ({ description: _, pricing_urls: __, price_comments: ___, extractors: ____, ...provider }) => ({
  ...provider,
  models: provider.models.map(({ description: _d, price_comments: _p, ...model }) => model),
});

/** The CLI and the library. */
export const bundleOptions = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Without `module` esbuild takes OpenTelemetry's CommonJS, which it can't shake.
  mainFields: ['module', 'main'],
  conditions: ['module'],
  minifySyntax: true,
  legalComments: 'none',
  define: { 'process.env.TRACE_BUILD_VERSION': JSON.stringify(version) },
  // A few CommonJS modules call require() of Node's own modules.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  plugins: [slimPrices],
  logLevel: 'warning',
};

/** The worker of the hooks: one file that a plain clone of the repository runs, whatever package.json says about modules. */
export const workerOptions = {
  ...bundleOptions,
  format: 'cjs',
  entryPoints: ['src/hook/main.ts'],
  outfile: 'hooks/worker.cjs',
  banner: { js: "const __url = require('node:url').pathToFileURL(__filename).href;" },
  define: { ...bundleOptions.define, 'import.meta.url': '__url' },
};

/** SQLite as WebAssembly, read by src/read/sql-js.ts when the first database is: beside the bundles, not in them. */
export const SQLITE_FILES = ['sql-wasm.js', 'sql-wasm.wasm'];

/** The page of `view`, for browsers that have container queries and `toSorted`. */
export const pageOptions = {
  bundle: true,
  minify: true,
  format: 'iife',
  charset: 'utf8',
  legalComments: 'none',
  target: ['chrome110', 'firefox115', 'safari16.4'],
  entryPoints: { page: 'src/view/page/main.ts' },
  logLevel: 'warning',
};
export const pageStyleOptions = { ...pageOptions, entryPoints: { page: 'src/view/page/page.css' } };
