/** Who may import whom. The table is the architecture; this test keeps it true. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

/** Room → what it may import besides itself. `node:` alone stands for all of Node's modules. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  session: [],
  harness: ['session', 'grouped', 'json', 'zod'],
  trace: ['session', '@opentelemetry/semantic-conventions', '@pydantic/genai-prices', 'node:crypto'],
  redact: ['session', 're2js', 'errors'],
  export: ['trace', 'disk', 'errors', 'grouped', 'json', '@opentelemetry/', 'node:'],
  read: ['harness', 'disk', 'errors', 'grouped', 'node:', 'sql.js', 'fzstd'],
  config: ['read', 'redact', 'disk', 'errors', 'zod', 'js-yaml', 'node:fs', 'node:path'],
  disk: ['node:'],
  stats: ['session'],
  verify: ['harness', 'session', 'trace', 'grouped'],
  view: ['session', 'stats', 'trace', 'errors', 'grouped', 'node:', 'marked', 'diff'],
  errors: [],
  grouped: [],
  json: [],
  pipeline: ['read', 'harness', 'session', 'redact', 'trace', 'export'],
  sync: ['pipeline', 'read', 'harness', 'session', 'trace', 'export', 'config', 'disk', 'errors', 'grouped', 'node:'],
  hook: [
    'sync',
    'pipeline',
    'read',
    'harness',
    'session',
    'trace',
    'export',
    'config',
    'disk',
    'errors',
    'grouped',
    'json',
    'node:',
    'zod',
  ],
  index: ['pipeline', 'harness', 'session', 'redact', 'trace'],
  cli: [
    'hook',
    'sync',
    'stats',
    'verify',
    'view',
    'redact',
    'pipeline',
    'read',
    'harness',
    'session',
    'trace',
    'export',
    'config',
    'disk',
    'errors',
    'grouped',
    'json',
    'node:',
    'commander',
    'picocolors',
    'cli-progress',
    'execa',
    'js-yaml',
    'string-width',
  ],
};

/** These rooms fail on nothing, for they touch nothing: no clock, no environment, no disk. */
const PURE = ['session', 'harness', 'redact', 'trace', 'stats', 'verify', 'grouped', 'json'];
const IMPURE_CALLS = /\b(?:Date\.now|new Date\(\)|process\.|Math\.random|setTimeout|fetch\(|console\.|performance\.)/;

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join('src', file));

test('imports follow the flow', () => {
  const broken: string[] = [];
  for (const file of files) {
    for (const [, spec] of readFileSync(file, 'utf8').matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g)) {
      if (spec === undefined) continue;
      const [from, to] = [roomOf(file), spec.startsWith('.') ? roomOf(join(dirname(file), spec)) : spec];
      const sibling = from.startsWith('harness/') && to.startsWith('harness/') && from !== to;
      const [room, target] = [from.split('/')[0]!, spec.startsWith('.') ? to.split('/')[0]! : to];
      const allowed = room === target || MAY_IMPORT[room]!.some((name) => (spec.startsWith('.') ? name === target : to.startsWith(name)));
      if (!allowed || sibling) broken.push(`${file} imports ${spec}`);
    }
  }
  expect(broken).toEqual([]);
});

test('the pure rooms touch nothing', () => {
  const broken = files.filter((file) => PURE.includes(roomOf(file).split('/')[0]!) && IMPURE_CALLS.test(withoutTexts(code(file))));
  expect(broken).toEqual([]);
});

test('only trace/semconv.ts spells the names of the convention', () => {
  const broken = files.filter((file) => file !== join('src', 'trace', 'semconv.ts') && /'(?:gen_ai|trace_build)\./.test(code(file)));
  expect(broken).toEqual([]);
});

test('every file begins by saying what flows in and out', () => {
  const broken = files.filter((file) => {
    const header = /^(?:#!.*\n)?\/\*\*[\s\S]*?\*\//.exec(readFileSync(file, 'utf8'))?.[0] ?? '';
    return !/\bin:|nothing|Imports nothing|one error/i.test(header);
  });
  expect(broken).toEqual([]);
});

test('every harness tells its format, and when that was last verified', () => {
  for (const name of readdirSync('src/harness', { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))) {
    expect(readFileSync(`src/harness/${name}/README.md`, 'utf8')).toMatch(/Last verified: \d{4}-\d{2}-\d{2}/);
  }
});

/** src/trace/ids.ts → "trace", src/harness/claude-code/… → "harness/claude-code", src/pipeline.ts → "pipeline". */
function roomOf(file: string): string {
  const path = relative('src', file);
  const room = dirname(path);
  return room === '.' ? path.replace(/\.ts$/, '') : room;
}

/** An example of a rule may be a line of code. */
const withoutTexts = (source: string): string => source.replace(/'[^'\n]*'/g, "''");

const code = (file: string): string => readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
