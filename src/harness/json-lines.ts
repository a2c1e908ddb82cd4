/**
 * Lines of JSON → objects.
 *
 * in:   lines, as text or bytes, the number of the first of them, and how much of a line is worth parsing
 * out:  an object a line; problems for lines that hold none, the last one being torn while somebody writes it
 */
import { isObject } from '../json.ts';
import type { ProblemReason } from '../session/types.ts';
import { type Fields, whyNotJson } from './fields.ts';
import type { Line } from './harness.ts';

export interface NumberedObject {
  /** 1-based. */
  readonly line: number;
  readonly raw: Line;
  readonly value: Fields;
}

/** @returns what to parse, '' for nothing, or what it says without being parsed */
export type Opening = (line: Line) => string | Fields;

export function* objectsIn(
  lines: Iterable<Line>,
  add: (line: number, reason: ProblemReason, detail: string) => void,
  firstLine = 1,
  open: Opening = wholeText,
): Generator<NumberedObject> {
  let number = firstLine - 1;
  let failure: { readonly line: number; readonly detail: string } | undefined;
  for (const raw of lines) {
    number++;
    // Only the last line may be torn; a bad line that another one follows is garbage.
    if (failure !== undefined) add(failure.line, 'not-json', failure.detail);
    failure = undefined;
    let value: unknown;
    try {
      // A line may be longer than a text can be.
      value = open(raw);
      if (typeof value === 'string') {
        const text = cleaned(value);
        if (text === '') continue;
        value = JSON.parse(text);
      }
    } catch (error) {
      failure = { line: number, detail: whyNotJson(error) };
      continue;
    }
    if (isObject(value)) yield { line: number, raw, value };
    else add(number, 'not-an-object', `a line must be a JSON object, this one is ${Array.isArray(value) ? 'an array' : typeof value}`);
  }
  if (failure !== undefined) add(failure.line, 'torn-line', failure.detail);
}

const wholeText = (line: Line): string => (typeof line === 'string' ? line : asBuffer(line).toString('utf8'));

export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Without byte order mark, carriage return, and the NUL bytes a crash may leave at a line's start. */
const cleaned = (text: string): string => text.replace(/^[\0\ufeff]+/, '').trim();
