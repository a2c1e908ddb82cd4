/** A transcript and a config that hold what a terminal obeys: it reaches no terminal, and of what `--json` prints it is there when parsed. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { assistant, type Json, result, SESSION, text, toolUse, user } from '../support/lines.ts';
import { scratch } from '../support/scratch.ts';
import { stringsIn } from '../support/strings.ts';
import { trace } from './world.ts';

/** An escape sequence begun by either of its beginnings, a bell, DEL, and marks that turn text around. */
const HOSTILE = 'a\u001b]0;owned\u0007b\u009b2Jc\u007fd\u202ee\u2066f';
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not come through
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

const home = scratch('json');
const transcript = join(home, '.claude', 'projects', '-nowhere', `${SESSION}.jsonl`);
const pack = join(home, 'pack.yaml');

beforeAll(() => {
  const call = assistant(2, 100, 'msg_1', [toolUse('toolu_1', HOSTILE)]);
  const lines = [
    user(1, 0, HOSTILE, { cwd: `/nowhere/${HOSTILE}` }),
    { ...call, message: { ...(call['message'] as Json), model: HOSTILE } },
    result(3, 200, 'toolu_1', {}, { content: HOSTILE }),
  ];
  for (const [path, content] of [
    [transcript, text(lines).join('\n')],
    [join(home, '.config', 'trace-build', 'config.json'), JSON.stringify({ resource: { team: HOSTILE }, trace_roots: [`~/${HOSTILE}`] })],
    [pack, `name: mine\nrules:\n  - {id: mine, pattern: 'TICKET', description: ${JSON.stringify(HOSTILE)}}\n`],
    [join(home, HOSTILE), 'TICKET'],
  ] as const) {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
  }
});

test.each([
  { args: ['stats', transcript] },
  { args: ['stats', '--by', 'project', transcript] },
  { args: ['redact', 'test', '--pack', pack, HOSTILE] },
  { args: ['redact', 'list', '--pack', pack] },
  { args: ['config', 'show'] },
  { args: ['doctor', '--offline', HOSTILE] },
  { args: ['sessions', 'list'] },
  { args: ['sessions', 'show', transcript] },
  { args: ['verify', transcript] },
])('trace-build $args', async ({ args }) => {
  const world = { home, cwd: home, databaseHome: home };
  const { stdout } = await trace([...args, '--json'], world);
  expect(stdout).not.toMatch(OBEYED);
  expect(stringsIn(JSON.parse(stdout)).some(({ text: told }) => told.includes(HOSTILE))).toBe(true);
  const words = await trace(args, world);
  expect(words.stdout + words.stderr).not.toMatch(OBEYED);
});
