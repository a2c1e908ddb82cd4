/**
 * Lines of JSON → objects, for harnesses whose lines are all worth parsing.
 *
 * in:   lines, as text or bytes, and the number of the first of them
 * out:  an object a line; problems for lines that hold none, the last one being torn while somebody writes it
 */
import type { ProblemReason } from '../session/types.ts';
import { type Fields, isObject, whyNotJson } from './fields.ts';
import type { Line } from './harness.ts';

export interface NumberedObject {
  /** 1-based. */
  readonly line: number;
  readonly value: Fields;
}

export function* objectsIn(
  lines: Iterable<Line>,
  add: (line: number, reason: ProblemReason, detail: string) => void,
  firstLine = 1,
): Generator<NumberedObject> {
  let number = firstLine - 1;
  let failure: { readonly line: number; readonly detail: string } | undefined;
  for (const line of lines) {
    number++;
    // Only the last line may be torn; a bad line that another one follows is garbage.
    if (failure !== undefined) add(failure.line, 'not-json', failure.detail);
    failure = undefined;
    const text = cleaned(typeof line === 'string' ? line : Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8'));
    if (text === '') continue;
    try {
      const value: unknown = JSON.parse(text);
      if (isObject(value)) yield { line: number, value };
      else add(number, 'not-an-object', `a line must be a JSON object, this one is ${Array.isArray(value) ? 'an array' : typeof value}`);
    } catch (error) {
      failure = { line: number, detail: whyNotJson(error) };
    }
  }
  if (failure !== undefined) add(failure.line, 'torn-line', failure.detail);
}

/** Without byte order mark, carriage return, and the NUL bytes a crash may leave at a line's start. */
const cleaned = (text: string): string => text.replace(/^[\0\ufeff]+/, '').trim();
