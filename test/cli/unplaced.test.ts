/** Sessions that tell no directory are in no root: whoever looks for what is to be delivered is told so. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SESSION, SMALL, text } from '../support/lines.ts';
import { scratches } from '../support/scratch.ts';
import { trace } from './world.ts';

const aHome = scratches('cli-unplaced');
const ADDED = '2020-01-01T00:00:00Z';
const NOTE = '1 session tells no directory, so no root has it: trace-build sync --session <id>, or trace-build roots add "*".';

interface Given {
  readonly added?: string;
  readonly root?: string;
  readonly exclude?: readonly string[];
}

function home({ added = ADDED, root = '/work', exclude = [] }: Given = {}): string {
  const path = aHome();
  for (const folder of ['.claude/projects/-work', '.config/trace-build']) mkdirSync(join(path, folder), { recursive: true });
  const lines = text(SMALL.map(({ cwd: _, ...line }) => line));
  writeFileSync(join(path, '.claude/projects/-work', `${SESSION}.jsonl`), lines.join('\n'));
  const config = { endpoint: 'http://127.0.0.1:1', trace_roots: [{ path: root, added }], exclude };
  writeFileSync(join(path, '.config/trace-build/config.json'), JSON.stringify(config));
  return path;
}

const said = async (args: readonly string[], given: Given = {}): Promise<string> => {
  const path = home(given);
  const { stdout, stderr } = await trace(args, { home: path, databaseHome: path, cwd: '/' });
  return stdout + stderr;
};

test.each([
  ['sync', '--dry-run'],
  ['sessions', 'list', '--status', 'undelivered'],
  ['doctor', '--offline'],
])('%s %s', async (...args) => {
  expect(await said(args)).toContain(NOTE);
  // Nobody wanted what was before.
  expect(await said(args, { added: '2100-01-01T00:00:00Z' })).not.toContain('no directory');
  expect(await said(args, { root: '*' })).not.toContain('tells no directory');
  expect(await said(args, { root: '*', exclude: ['~/private'] })).toContain(
    "1 session tells no directory, so it can't be told whether ~/private excludes it: trace-build sync --session <id>.",
  );
});

test('whoever asks for those since then is told of those since then', async () => {
  const none = { added: '2100-01-01T00:00:00Z' };
  expect(await said(['sync', '--dry-run', '--since', '2020-01-01'], none)).toContain(NOTE);
  expect(await said(['sync', '--dry-run', '--since', '2100-01-01'])).not.toContain('no directory');
});

test('what everything has, is sent', async () => {
  const path = home({ root: '*' });
  expect((await trace(['sync', '--dry-run', '--final'], { home: path })).stdout).toContain(SESSION);
  expect((await trace(['sessions', 'list', '--status', 'undelivered', '--json'], { home: path })).stdout).toContain(SESSION);
});
