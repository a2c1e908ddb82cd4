/** Private files: whole or as they were, 0600, and links stay links. */
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readIfThere, writePrivate } from '../../src/disk/files.ts';
import { scratches } from '../support/scratch.ts';

const folder = scratches('files');
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test('a new file is 0600, and so is each folder that was missing 0700', () => {
  const at = folder();
  chmodSync(at, 0o755);
  const path = join(at, 'a', 'b', 'file');
  writePrivate(path, 'text');
  expect(readFileSync(path, 'utf8')).toBe('text');
  expect([path, join(at, 'a', 'b'), join(at, 'a'), at].map(mode)).toEqual(['600', '700', '700', '755']);
});

test('what others could read before is private after', () => {
  const path = join(folder(), 'file');
  writeFileSync(path, 'old, and longer', { mode: 0o644 });
  writePrivate(path, 'new');
  expect([readFileSync(path, 'utf8'), mode(path), readdirSync(join(path, '..'))]).toEqual(['new', '600', ['file']]);
});

test.each([
  { what: 'a file', before: 'old' },
  { what: 'nothing yet', before: undefined },
])('a link to $what stays a link', ({ before }) => {
  const at = folder();
  mkdirSync(join(at, 'dotfiles'));
  if (before !== undefined) writeFileSync(join(at, 'dotfiles', 'file'), before);
  symlinkSync('dotfiles/file', join(at, 'middle'));
  symlinkSync('middle', join(at, 'link'));
  writePrivate(join(at, 'link'), 'new');
  expect([readlinkSync(join(at, 'link')), readlinkSync(join(at, 'middle'))]).toEqual(['middle', 'dotfiles/file']);
  expect(lstatSync(join(at, 'dotfiles', 'file')).isFile()).toBe(true);
  expect(readFileSync(join(at, 'dotfiles', 'file'), 'utf8')).toBe('new');
  expect(readdirSync(join(at, 'dotfiles'))).toEqual(['file']);
});

test('a link to nothing yet is followed from the folder it really lies in', () => {
  const at = folder();
  mkdirSync(join(at, 'dotfiles', 'app'), { recursive: true });
  symlinkSync('../common', join(at, 'dotfiles', 'app', 'file'));
  symlinkSync('dotfiles/app', join(at, 'app'));
  writePrivate(join(at, 'app', 'file'), 'new');
  expect(readFileSync(join(at, 'dotfiles', 'common'), 'utf8')).toBe('new');
});

test('where it can not be written, nothing is left lying about', () => {
  const at = folder();
  mkdirSync(join(at, 'taken', 'full'), { recursive: true });
  symlinkSync('circle', join(at, 'circle'));
  expect(() => writePrivate(join(at, 'taken'), 'new')).toThrow(/EISDIR|ENOTEMPTY/);
  expect(() => writePrivate(join(at, 'circle'), 'new')).toThrow('ELOOP');
  expect(readdirSync(at)).toEqual(['circle', 'taken']);
});

test('a file that is not there reads as undefined, any other trouble is an error', () => {
  const at = folder();
  writeFileSync(join(at, 'file'), 'text');
  expect(readIfThere(join(at, 'file'))).toBe('text');
  expect(readIfThere(join(at, 'none'))).toBeUndefined();
  expect(readIfThere(join(at, 'file', 'below'))).toBeUndefined();
  expect(() => readIfThere(at)).toThrow('EISDIR');
});
