/** Changes to config.json: what was asked for, and nothing else. */
import { lstatSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { type Change, editConfig, typedValue, withEntry, withoutRoot, withRoot, withValue } from '../../src/config/edit.ts';
import type { ConfigKey } from '../../src/config/schema.ts';
import { UserError } from '../../src/errors.ts';
import { scratch } from '../support/scratch.ts';

const top = scratch('edit');
const path = join(top, 'a', 'config.json');
beforeEach(() => rmSync(join(top, 'a'), { recursive: true, force: true }));
const HOME = '/home/me';
const ADDED = Date.parse('2026-03-01T10:00:00Z');

function edited(before: unknown, change: Change): unknown {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, typeof before === 'string' ? before : JSON.stringify(before));
  editConfig(path, change);
  return JSON.parse(readFileSync(path, 'utf8'));
}

test('every other key stays, unknown ones too, and so does the order', () => {
  const before = { future: { deep: [1, null] }, content: 'none', $schema: 'x', trace_roots: [{ path: '/w', note: 'mine' }], wait: true };
  const after = edited(before, withValue('content', 'full'));
  expect(JSON.stringify(after)).toBe(JSON.stringify({ ...before, content: 'full' }));
  expect(JSON.stringify(edited(before, withRoot('/x', ADDED, HOME)))).toBe(
    JSON.stringify({ ...before, trace_roots: [...before.trace_roots, { path: '/x', added: '2026-03-01T10:00:00.000Z' }] }),
  );
});

test('a file that is not there is made, private, and readable for people', () => {
  expect(editConfig(path, withValue('content', 'full'))).toBe(true);
  expect(readFileSync(path, 'utf8')).toBe('{\n  "content": "full"\n}\n');
  expect([statSync(path).mode & 0o777, statSync(join(top, 'a')).mode & 0o777]).toEqual([0o600, 0o700]);
});

test('nothing is written where nothing changes', () => {
  mkdirSync(join(top, 'a'));
  writeFileSync(path, '{ "content":"full" }');
  expect(editConfig(path, withValue('content', 'full'))).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('{ "content":"full" }');
});

test('a link to dotfiles stays a link', () => {
  mkdirSync(join(top, 'a'));
  mkdirSync(join(top, 'dotfiles'));
  writeFileSync(join(top, 'dotfiles', 'tb.json'), '\uFEFF{"wait": true}');
  symlinkSync(join(top, 'dotfiles', 'tb.json'), path);
  editConfig(path, withValue('content', 'full'));
  expect(lstatSync(path).isSymbolicLink()).toBe(true);
  expect(JSON.parse(readFileSync(join(top, 'dotfiles', 'tb.json'), 'utf8'))).toEqual({ wait: true, content: 'full' });
});

test.each(['{', '[]', '{"content": 7}', '{"content": "full",}'])('a broken file, %s, is refused and left as it is', (text) => {
  mkdirSync(join(top, 'a'));
  writeFileSync(path, text);
  expect(() => editConfig(path, withValue('wait', true))).toThrow(UserError);
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('a value of the wrong type is not written', () => {
  mkdirSync(join(top, 'a'));
  writeFileSync(path, '{"wait":true}');
  expect(() => editConfig(path, withValue('timeout_ms', -1))).toThrow('timeout_ms: expected milliseconds above 0');
  expect(readFileSync(path, 'utf8')).toBe('{"wait":true}');
});

test('a file that can not be written is told to the user', () => {
  mkdirSync(top, { recursive: true });
  writeFileSync(join(top, 'a'), 'a file where the folder should be');
  expect(() => editConfig(path, withValue('wait', true))).toThrow(UserError);
});

test('one header of several; names do not tell upper from lower case', () => {
  const before = { headers: { Authorization: 'old', tenant: 't' } };
  expect(edited(before, withEntry('headers', 'authorization', 'new'))).toEqual({ headers: { Authorization: 'new', tenant: 't' } });
  expect(edited({}, withEntry('headers', 'X-Team', 'a'))).toEqual({ headers: { 'x-team': 'a' } });
  expect(edited({ resource: { a: '1' } }, withEntry('resource', 'A', '2'))).toEqual({ resource: { a: '1', A: '2' } });
});

test.each(['/home/me/w', '~/w', '/home/me/w/', { path: '~/w', added: '2020-01-01T00:00:00Z' }])(
  'a root that is there as %j is not added twice',
  (root) => {
    expect(edited({ trace_roots: [root] }, withRoot('/home/me/w', ADDED, HOME))).toEqual({ trace_roots: [root] });
    expect(edited({ trace_roots: ['/other', root] }, withoutRoot('/home/me/w', HOME))).toEqual({ trace_roots: ['/other'] });
  },
);

test('"*" is no directory', () => {
  expect(edited({ trace_roots: ['*', '/w'] }, withoutRoot('*', HOME))).toEqual({ trace_roots: ['/w'] });
  expect(edited({ wait: true }, withoutRoot('/w', HOME))).toEqual({ wait: true });
  expect(edited({ trace_roots: ['*'] }, withoutRoot(process.cwd(), HOME))).toEqual({ trace_roots: ['*'] });
});

test.each<[ConfigKey, string, unknown]>([
  ['content', 'full', 'full'],
  ['semconv', '1.41', '1.41'],
  ['endpoint', 'https://c/otel', 'https://c/otel'],
  ['timeout_ms', '2500', 2500],
  ['wait', 'true', true],
  ['trace_roots', '~/a, /b', ['~/a', '/b']],
  ['trace_roots', '*', ['*']],
  ['trace_roots', '', []],
  ['trace_roots', '[{"path":"/a","added":"2026-01-01T00:00:00+02:00"}]', [{ path: '/a', added: '2026-01-01T00:00:00+02:00' }]],
  ['exclude', 'github.com/acme/secret-*', ['github.com/acme/secret-*']],
  ['headers', '{"a":"b"}', { a: 'b' }],
])('%s as typed: %s', (key, typed, value) => {
  expect(typedValue(key, typed)).toEqual(value);
});

test.each<[ConfigKey, string, string]>([
  ['content', 'some', 'content: expected "none" or "redacted" or "full".'],
  ['wait', 'yes', 'wait: expected true or false.'],
  ['timeout_ms', '10s', 'timeout_ms: expected milliseconds above 0.'],
  ['headers', 'authorization=s3cr3t', 'headers: expected an object of HTTP headers, such as {"authorization": "Bearer …"}.'],
  ['trace_roots', 'work', 'trace_roots[0]: expected a directory that begins with / or ~/, or "*".'],
])('%s is not to be %s', (key, typed, says) => {
  expect(() => typedValue(key, typed)).toThrow(says);
});
