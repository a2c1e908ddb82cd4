/** Files that tool calls changed, read off the lines of a transcript. */
import { expect, test } from 'vitest';
import { harnesses } from '../../src/harness/index.ts';
import { buildTrace } from '../../src/pipeline.ts';
import type { ToolCall } from '../../src/session/types.ts';

const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`;
const common = (second: number) => ({ uuid: `u${second}`, parentUuid: null, timestamp: at(second), sessionId: 's', version: '2.1.329' });

function linesOf(name: string, input: object, result: object, details: unknown): string[] {
  return [
    { type: 'user', ...common(1), message: { role: 'user', content: 'do it' } },
    {
      type: 'assistant',
      ...common(2),
      message: { id: 'm1', role: 'assistant', model: 'claude-x', content: [{ type: 'tool_use', id: 't1', name, input }] },
    },
    {
      type: 'user',
      ...common(3),
      message: { role: 'user', content: [{ tool_use_id: 't1', type: 'tool_result', ...result }] },
      toolUseResult: details,
    },
  ].map((line) => JSON.stringify(line));
}

/** Read as bytes, as from the disk. */
function callOf(name: string, input: object, result: object, details: unknown, content = true): ToolCall {
  const harness = harnesses[0]!;
  const lines = linesOf(name, input, result, details).map((line) => Buffer.from(line));
  const main = harness.parse({ name: 'x', lines }, { content });
  const { session } = harness.normalise({ sessionId: 's', main, agents: [], related: [], ended: true });
  return session.turns[0]!.toolCalls[0]!;
}

const ok = { content: 'done' };

test.each<[what: string, name: string, input: object, details: unknown, files: unknown]>([
  [
    'an edit',
    'Edit',
    { file_path: '/a.ts', old_string: 'x', new_string: 'y' },
    { filePath: '/a.ts', originalFile: 'x' },
    [{ change: 'update', path: '/a.ts', edits: [{ before: 'x', after: 'y' }] }],
  ],
  [
    'several edits',
    'MultiEdit',
    { file_path: '/a.ts', edits: [{ old_string: 'x', new_string: 'y' }, null, { old_string: 'p', new_string: 'q' }] },
    {},
    [
      {
        change: 'update',
        path: '/a.ts',
        edits: [
          { before: 'x', after: 'y' },
          { before: 'p', after: 'q' },
        ],
      },
    ],
  ],
  [
    'a new file',
    'Write',
    { file_path: '/a.ts', content: 'y' },
    { type: 'create', filePath: '/a.ts', originalFile: null },
    [{ change: 'add', path: '/a.ts', edits: [{ before: '', after: 'y' }] }],
  ],
  [
    'a file written anew',
    'Write',
    { file_path: '/a.ts', content: 'y' },
    { type: 'update', filePath: '/a.ts', originalFile: 'x' },
    [{ change: 'update', path: '/a.ts', edits: [{ before: 'x', after: 'y' }] }],
  ],
  [
    'a file written anew, what it held before untold',
    'Write',
    { file_path: '/a.ts', content: 'y' },
    undefined,
    [{ change: 'update', path: '/a.ts' }],
  ],
  ['a cell', 'NotebookEdit', { notebook_path: '/n.ipynb', cell_id: 'c', new_source: 'y' }, {}, [{ change: 'update', path: '/n.ipynb' }]],
  [
    'a new cell',
    'NotebookEdit',
    { notebook_path: '/n.ipynb', edit_mode: 'insert', new_source: 'y' },
    {},
    [{ change: 'update', path: '/n.ipynb', edits: [{ before: '', after: 'y' }] }],
  ],
  ['an input of another shape', 'Edit', { file_path: 7 }, {}, [{ change: 'update' }]],
  ['a file that is only read', 'Read', { file_path: '/a.ts' }, { type: 'text' }, undefined],
])('%s', (_, name, input, details, files) => {
  expect(callOf(name, input, ok, details).files).toEqual(files);
});

test('an edit that failed changed nothing', () => {
  const input = { file_path: '/a.ts', old_string: 'x', new_string: 'y' };
  expect(callOf('Edit', input, { content: 'String to replace not found', is_error: true }, 'Error').files).toBeUndefined();
});

test('where a sub-agent has no details, the words tell that a file is new', () => {
  const result = { content: 'File created successfully at: /a.ts' };
  expect(callOf('Write', { file_path: '/a.ts', content: 'y' }, result, undefined).files?.[0]?.change).toBe('add');
});

test('without content only the kind of change is kept, of long lines too', () => {
  for (const long of ['y', 'y'.repeat(10_000)]) {
    const details = { type: 'create', filePath: '/a.ts', content: long, structuredPatch: [], originalFile: null };
    const [user, assistant, result] = linesOf('Write', { file_path: '/a.ts', content: long }, ok, details);
    // In the order in which the harness writes the keys: then what is not needed is left out before parsing.
    const { type, message, uuid, toolUseResult, ...rest } = JSON.parse(result!);
    const written = JSON.stringify({ type, message, uuid, ...rest, toolUseResult, sourceToolAssistantUUID: 'u2' });
    const harness = harnesses[0]!;
    const main = harness.parse({ name: 'x', lines: [user!, assistant!, written].map((line) => Buffer.from(line)) }, { content: false });
    const { session } = harness.normalise({ sessionId: 's', main, agents: [], related: [], ended: true });
    expect(session.turns[0]!.toolCalls[0]!.files).toEqual([{ change: 'add' }]);
  }
});

const bash = { command: 'git commit -m x && gh pr create -f' };
const printed = { content: '[main 1a2b3c4] x\nhttps://github.com/o/r/pull/1', is_error: false };

test('commits and pull requests, where content is kept', () => {
  expect(callOf('Bash', bash, printed, {})).toMatchObject({ commits: 1, pullRequests: 1 });
  expect(callOf('Bash', bash, printed, {}, false)).toMatchObject({ commits: undefined, pullRequests: undefined });
  expect(callOf('Read', bash, printed, {})).toMatchObject({ commits: undefined, pullRequests: undefined });
});

test('spans tell how many files, and with content which, and what was made', () => {
  const spanOf = (lines: readonly string[], content: 'none' | 'redacted') =>
    buildTrace({ harness: 'claude-code', sessionId: 's', main: { name: 'x', lines }, agents: [], ended: true }, { content }).spans.find(
      ({ name }) => name.startsWith('execute_tool'),
    )!.attributes;
  const key = `AKIA${'QWERTYUIOPASDFGH'}`;
  const edit = linesOf('Edit', { file_path: `/${key}/a.ts`, old_string: 'x', new_string: 'y' }, ok, {});
  expect(spanOf(edit, 'none')).toMatchObject({ 'trace_build.files.count': 1 });
  expect(spanOf(edit, 'none')).not.toHaveProperty('trace_build.files');
  const [file] = spanOf(edit, 'redacted')['trace_build.files'] as string[];
  expect(file).toMatch(/^update \/.*\/a\.ts$/);
  expect(file).not.toContain(key);
  expect(spanOf(linesOf('Bash', bash, printed, {}), 'redacted')).toMatchObject({
    'trace_build.commits': 1,
    'trace_build.pull_requests': 1,
  });
});
