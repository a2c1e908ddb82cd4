/** What zstd made small, of frames written here. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { isZstd, linesOfZstd, unpacked } from '../../src/read/zstd.ts';

const directory = mkdtempSync(join(tmpdir(), 'zstd-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A frame that holds bytes as they are, in blocks: the form of RFC 8878, without what makes it small. */
function frameOf(text: string, blockBytes = 100_000): Buffer {
  const bytes = Buffer.from(text);
  const blocks: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += blockBytes) {
    const block = bytes.subarray(at, at + blockBytes);
    const head = Buffer.alloc(3);
    head.writeUIntLE((block.length << 3) | (at + blockBytes >= bytes.length ? 1 : 0), 0, 3);
    blocks.push(head, block);
  }
  // No checksum, no content size; a window of 128 KiB.
  return Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), ...blocks]);
}

const written = (bytes: Uint8Array): string => {
  const path = join(directory, 'a.zst');
  writeFileSync(path, bytes);
  return path;
};
const linesOf = (bytes: Uint8Array): string[] => Array.from(linesOfZstd(written(bytes)), (line) => line.toString('utf8'));

test.each([
  { what: 'lines', text: '{"a":1}\n{"b":2}\n', lines: ['{"a":1}', '{"b":2}'] },
  { what: 'a last line without a line feed', text: 'a\nb', lines: ['a', 'b'] },
  { what: 'empty lines', text: '\n\na\n', lines: ['', '', 'a'] },
  { what: 'nothing', text: '', lines: [] },
])('$what', ({ text, lines }) => {
  expect(linesOf(frameOf(text))).toEqual(lines);
});

test('lines over many blocks and reads, one of them long', () => {
  const lines = Array.from({ length: 5000 }, (_, n) => `${n} ${'é'.repeat(n % 300)}`);
  lines[700] = 'x'.repeat(700_000);
  expect(linesOf(frameOf(lines.join('\n'), 70_001))).toEqual(lines);
});

test('several frames, one behind another', () => {
  expect(linesOf(Buffer.concat([frameOf('a\nb'), frameOf('c\nd\n')]))).toEqual(['a', 'bc', 'd']);
});

test('what is cut off: the lines before are told, then it throws', () => {
  const frame = frameOf(Array.from({ length: 100_000 }, (_, n) => `line ${n}`).join('\n'), 50_000);
  const told: string[] = [];
  expect(() => {
    for (const line of linesOfZstd(written(frame.subarray(0, -10)))) told.push(line.toString('utf8'));
  }).toThrow();
  expect(told[0]).toBe('line 0');
  expect(told.length).toBeGreaterThan(50_000);
});

test('what claims to need gigabytes to be read is refused', () => {
  const frame = frameOf('hello, this is a text');
  frame[5] = 0xf8;
  expect(() => [...linesOfZstd(written(frame))]).toThrow(/window/);
});

/** A few bytes that become so many `x`, in blocks of one byte that is repeated 100,000 times each. */
function bombOf(blocks: number): Buffer {
  const block = (isLast: boolean): Buffer => {
    const bytes = Buffer.alloc(4, 'x');
    bytes.writeUIntLE((100_000 << 3) | 2 | (isLast ? 1 : 0), 0, 3);
    return bytes;
  };
  return Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), ...Array.from({ length: blocks }, (_, n) => block(n === blocks - 1))]);
}

test('of a beginning no more is unpacked than was asked for', () => {
  const path = written(bombOf(100_000));
  const lines = [...linesOfZstd(path, 1000)];
  expect(lines.map(String)).toEqual(['x'.repeat(1000)]);
  expect(Array.from(linesOfZstd(written(frameOf('a\nbcd\n')), 3), String)).toEqual(['a', 'b']);
});

test('a line without end is refused', () => {
  expect(() => [...linesOfZstd(written(bombOf(6000)))]).toThrow('a line of more than 512 MB');
});

test('a text out of a blob; of what is no zstd, or damaged, none', () => {
  expect(unpacked(frameOf('{"role":"user"}'))).toBe('{"role":"user"}');
  expect(unpacked(Buffer.from('28b52ffd200f', 'hex'))).toBeUndefined();
  expect(isZstd(frameOf('x'))).toBe(true);
  expect(isZstd(Buffer.from('plain text, no frame'))).toBe(false);
});

test('a blob that would become too large is left alone', () => {
  // Blocks of one byte, repeated 100,000 times each.
  const head = Buffer.alloc(4);
  head.writeUIntLE((100_000 << 3) | 2, 0, 3);
  const last = Buffer.alloc(4);
  last.writeUIntLE((100_000 << 3) | 3, 0, 3);
  const bomb = Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), ...Array.from({ length: 800 }, () => head), last]);
  expect(unpacked(bomb)).toBeUndefined();
});
