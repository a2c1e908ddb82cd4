/**
 * A stranger's JSON object, read field by field: the door that all lines of transcripts come in by.
 *
 * in:   an object out of JSON.parse, the name of a field
 * out:  the field when it is of the type asked for, else undefined; a field of another type is complained of
 *
 * A field that is wrong costs only itself, and unknown fields cost nothing, so a new release of a harness breaks
 * no old field. A schema library would do the same work ten times slower, and this runs for every line of 100 MB:
 * zod took a third of the time that reading and parsing the file took.
 */
import { isObject } from '../json.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** @param detail  which field, and what it was */
export type Complain = (detail: string) => void;

/** An empty text is none: as an id or a name it would say nothing. */
export function textAt(fields: Fields, key: string, complain: Complain): string | undefined {
  const value = fields[key];
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (value !== undefined && value !== null) complain(wrong(key, 'a string', value));
  return undefined;
}

/** Unix ms of a point in time as text, NaN if it is none. Without a zone it is UTC: the reader's own zone must not matter. */
export const utcMs = (text: string): number => Date.parse(text.endsWith('Z') || /[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`);

/** A whole number from zero on. */
export function countAt(fields: Fields, key: string, complain: Complain): number | undefined {
  const value = fields[key];
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  if (value !== undefined && value !== null) complain(wrong(key, 'a count', value));
  return undefined;
}

/** Absent is false. */
export function flagAt(fields: Fields, key: string, complain: Complain): boolean {
  const value = fields[key];
  if (typeof value === 'boolean') return value;
  if (value !== undefined && value !== null) complain(wrong(key, 'true or false', value));
  return false;
}

export function objectAt(fields: Fields, key: string, complain: Complain): Fields | undefined {
  const value = fields[key];
  if (isObject(value)) return value;
  if (value !== undefined && value !== null) complain(wrong(key, 'an object', value));
  return undefined;
}

/** What JSON.parse complains of, without the text it quotes, which is content: `…, "text" is not valid JSON`. */
export const whyNotJson = (error: unknown): string =>
  (error as Error).message.replace(/, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/s, '');

const wrong = (key: string, expected: string, value: unknown): string =>
  `${key}: expected ${expected}, got ${Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : typeof value === 'number' ? value : `a ${typeof value}`}`;
