/** A file → its lines: whatever bytes it holds, wherever the chunks end. */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headOf, linesOf } from '../../src/read/lines.ts';
import { scratch } from '../support/scratch.ts';

const folder = scratch('lines');
const path = join(folder, 'file');
/** What one read takes; the interesting lengths are around it. */
const CHUNK = 256 * 1024;

/** Each line is only valid until the next is asked for, hence the copies. */
function read(bytes: Buffer, fromByte?: number): Buffer[] {
  writeFileSync(path, bytes);
  return [...copies(linesOf(path, fromByte))];
}
function* copies(lines: Iterable<Buffer>): Generator<Buffer> {
  for (const line of lines) yield Buffer.from(line);
}

/** The plain way: all of it in memory, split at line feeds, without the empty rest after the last. */
function split(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, start)) {
    lines.push(bytes.subarray(start, at));
    start = at + 1;
  }
  return start < bytes.length ? [...lines, bytes.subarray(start)] : lines;
}

const same = (a: readonly Buffer[], b: readonly Buffer[]): boolean => a.length === b.length && a.every((line, n) => line.equals(b[n]!));

test.each([
  { what: 'nothing', text: '', lines: [] },
  { what: 'a line without an end', text: 'a', lines: ['a'] },
  { what: 'a line', text: 'a\n', lines: ['a'] },
  { what: 'empty lines', text: '\n\na\n\n', lines: ['', '', 'a', ''] },
  { what: 'carriage returns, which are left to the parser', text: 'a\r\nb\r\n', lines: ['a\r', 'b\r'] },
  { what: 'characters of many bytes', text: 'zwölf\n🥊\n', lines: ['zwölf', '🥊'] },
])('$what', ({ text, lines }) => {
  expect(read(Buffer.from(text)).map(String)).toEqual(lines);
});

describe('whatever the bytes', () => {
  const someBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  // Few values, so that line feeds are many.
  const fewValues = fc.array(fc.constantFrom(10, 10, 13, 0, 65, 255), { maxLength: 200 }).map((bytes) => Buffer.from(bytes));

  test('they are split at line feeds and nowhere else, from any byte on', () => {
    fc.assert(
      fc.property(fc.oneof(someBytes, fewValues), fc.nat(400), (bytes, from) => {
        expect(same(read(bytes), split(bytes))).toBe(true);
        expect(same(read(bytes, from), split(bytes.subarray(Math.min(from, bytes.length))))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('lines around and beyond the size of a chunk', () => {
    const around = fc.oneof(
      fc.integer({ min: CHUNK - 3, max: CHUNK + 3 }),
      fc.integer({ min: 2 * CHUNK - 3, max: 2 * CHUNK + 3 }),
      fc.nat(20),
      fc.nat(3 * CHUNK),
    );
    fc.assert(
      fc.property(fc.array(around, { maxLength: 6 }), fc.boolean(), fc.nat(2 * CHUNK), (lengths, ended, from) => {
        const bytes = Buffer.concat(
          lengths.map((length, n) =>
            Buffer.from(`${String.fromCharCode(97 + n).repeat(length)}${ended || n < lengths.length - 1 ? '\n' : ''}`),
          ),
        );
        expect(same(read(bytes), split(bytes))).toBe(true);
        expect(same(read(bytes, from), split(bytes.subarray(Math.min(from, bytes.length))))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

test('a line of 5 MB among short ones', () => {
  const lines = ['first', 'x'.repeat(5_000_000), 'last'];
  expect(read(Buffer.from(lines.join('\n'))).map(String)).toEqual(lines);
});

test('reading on from where the last line ended gives what was appended', () => {
  const [before, after] = [Buffer.from('a\nbb\n'), Buffer.from('ccc\ndd')];
  expect(read(Buffer.concat([before, after]), before.length).map(String)).toEqual(['ccc', 'dd']);
});

test('a hole in a file, larger than what a line can be: the lines before are told, then it throws', () => {
  writeFileSync(path, 'a\n');
  truncateSync(path, 8 * 1024 * 1024 * 1024);
  const told: string[] = [];
  expect(() => {
    for (const line of linesOf(path)) told.push(line.toString());
  }).toThrow('a line of more than 1024 MB');
  expect(told).toEqual(['a']);
});

test('whoever stops early leaves no file open', () => {
  writeFileSync(path, 'a\nb\nc\n');
  for (let n = 0; n < 5000; n++) for (const _ of linesOf(path)) break;
  expect([...copies(linesOf(path))].length).toBe(3);
});

test('a file that is not there throws what the system says, when it is read and not before', () => {
  const lines = linesOf(join(folder, 'gone'));
  expect(() => lines.next()).toThrow(expect.objectContaining({ code: 'ENOENT' }));
});

test('the head of a file is its first bytes, or all it has', () => {
  writeFileSync(path, 'abcdef');
  expect([headOf(path, 3), headOf(path, 100), headOf(path, 6)]).toEqual(['abc', 'abcdef', 'abcdef']);
  writeFileSync(path, '');
  expect(headOf(path, 10)).toBe('');
});
