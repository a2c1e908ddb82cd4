/** Which files a patch changes, told by the patch itself and by the item that says how it went. */
import { describe, expect, test } from 'vitest';
import { filesOfChanges, filesOfPatch } from '../../../src/harness/codex/patch.ts';

const patch = (...lines: string[]): string => ['*** Begin Patch', ...lines, '*** End Patch', ''].join('\n');

describe('apply_patch', () => {
  test.each([
    {
      name: 'a file added',
      text: patch('*** Add File: a/new.txt', '+one', '+', '+three'),
      files: [{ change: 'add', path: 'a/new.txt', edits: [{ before: '', after: 'one\n\nthree\n' }] }],
    },
    { name: 'an empty file added', text: patch('*** Add File: empty'), files: [{ change: 'add', path: 'empty' }] },
    { name: 'a file deleted', text: patch('*** Delete File: old.txt'), files: [{ change: 'delete', path: 'old.txt' }] },
    {
      name: 'a file updated in two places',
      text: patch('*** Update File: a.txt', '@@ def f():', ' keep', '-hi', '+hi there', ' keep', '@@', '-x', '-y'),
      files: [
        {
          change: 'update',
          path: 'a.txt',
          edits: [
            { before: 'hi\n', after: 'hi there\n' },
            { before: 'x\ny\n', after: '' },
          ],
        },
      ],
    },
    {
      name: 'runs of changes within a hunk are edits of their own',
      text: patch('*** Update File: a.txt', '@@', '-1', '+one', ' 2', '+2.5', ' 3', '-4'),
      files: [
        {
          change: 'update',
          path: 'a.txt',
          edits: [
            { before: '1\n', after: 'one\n' },
            { before: '', after: '2.5\n' },
            { before: '4\n', after: '' },
          ],
        },
      ],
    },
    {
      name: 'a hunk without its mark',
      text: patch('*** Update File: a.txt', '-hi', '+ho'),
      files: [{ change: 'update', path: 'a.txt', edits: [{ before: 'hi\n', after: 'ho\n' }] }],
    },
    {
      name: 'a file moved and changed',
      text: patch('*** Update File: a.txt', '*** Move to: b/c.txt', '@@', '-hi', '+ho', '*** End of File'),
      files: [{ change: 'move', path: 'a.txt', movedTo: 'b/c.txt', edits: [{ before: 'hi\n', after: 'ho\n' }] }],
    },
    {
      name: 'a file only moved',
      text: patch('*** Update File: a.txt', '*** Move to: b.txt'),
      files: [{ change: 'move', path: 'a.txt', movedTo: 'b.txt' }],
    },
    {
      name: 'several files',
      text: patch('*** Add File: a', '+1', '*** Delete File: b', '*** Update File: c', '@@', '+2'),
      files: [
        { change: 'add', path: 'a', edits: [{ before: '', after: '1\n' }] },
        { change: 'delete', path: 'b' },
        { change: 'update', path: 'c', edits: [{ before: '', after: '2\n' }] },
      ],
    },
    {
      name: 'lines that look like headers are content where they are added',
      text: patch('*** Add File: doc.md', '+*** Delete File: not-this', '+*** End Patch'),
      files: [{ change: 'add', path: 'doc.md', edits: [{ before: '', after: '*** Delete File: not-this\n*** End Patch\n' }] }],
    },
    {
      name: 'within a shell command',
      text: `apply_patch <<'EOF'\n${patch('*** Delete File: b')}EOF\necho *** Delete File: c`,
      files: [{ change: 'delete', path: 'b' }],
    },
    {
      name: 'with the line ends of Windows',
      text: patch('*** Update File: a.txt', '@@', '-hi', '+ho').replaceAll('\n', '\r\n'),
      files: [{ change: 'update', path: 'a.txt', edits: [{ before: 'hi\n', after: 'ho\n' }] }],
    },
    { name: 'no patch', text: 'echo hello', files: [] },
    { name: 'a patch cut off', text: '*** Begin Patch\n*** Update File: a.txt\n@@', files: [{ change: 'update', path: 'a.txt' }] },
  ])('$name', ({ text, files }) => {
    expect(filesOfPatch(text, true)).toEqual(files);
    expect(filesOfPatch(text, false)).toEqual(files.map(({ change }) => ({ change })));
  });
});

describe('changes', () => {
  test.each([
    {
      name: 'an update',
      changes: { '/p/a.txt': { type: 'update', unified_diff: '@@ -1 +1 @@\n-hi\n+hi there\n', move_path: null } },
      files: [{ change: 'update', path: '/p/a.txt', edits: [{ before: 'hi\n', after: 'hi there\n' }] }],
    },
    {
      name: 'a move',
      changes: { '/p/a.txt': { type: 'update', unified_diff: '', move_path: '/p/b.txt' } },
      files: [{ change: 'move', path: '/p/a.txt', movedTo: '/p/b.txt' }],
    },
    {
      name: 'an addition and a deletion',
      changes: { a: { type: 'add', content: 'x\n' }, b: { type: 'delete', content: 'y\n' } },
      files: [
        { change: 'add', path: 'a', edits: [{ before: '', after: 'x\n' }] },
        { change: 'delete', path: 'b', edits: [{ before: 'y\n', after: '' }] },
      ],
    },
    {
      name: 'as older versions tell it',
      changes: { a: { add: { content: 'x\n' } }, c: { update: { unified_diff: '@@ -1 +0,0 @@\n-z\n', move_path: null } } },
      files: [
        { change: 'add', path: 'a', edits: [{ before: '', after: 'x\n' }] },
        { change: 'update', path: 'c', edits: [{ before: 'z\n', after: '' }] },
      ],
    },
    {
      name: 'a file without a line feed at its end',
      changes: { a: { type: 'update', unified_diff: '@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n' } },
      files: [{ change: 'update', path: 'a', edits: [{ before: 'x\n', after: 'y\n' }] }],
    },
    { name: 'nothing', changes: null, files: [] },
    { name: 'of a kind to come', changes: { a: { type: 'chmod' }, b: 7 }, files: [] },
  ])('$name', ({ changes, files }) => {
    expect(filesOfChanges(changes, true)).toEqual(files);
    expect(filesOfChanges(changes, false)).toEqual(files.map(({ change }) => ({ change })));
  });
});
