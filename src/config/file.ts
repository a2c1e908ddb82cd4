/**
 * One config.json → what it sets, checked.
 *
 * in:   the path of a file; one that is missing or empty sets nothing
 * out:  the JSON as it stands, and its values; UserError that names file, key and what to do
 */
import { readIfThere } from '../disk/files.ts';
import { UserError } from '../errors.ts';
import { fileSchema, isConfigKey, type Values } from './schema.ts';

/** As it stands in the file, with the keys of other versions. */
export type Json = Readonly<Record<string, unknown>>;

export interface Checked {
  readonly values: Values;
  readonly lock: readonly string[];
  /** Keys that this version does not know. */
  readonly unknown: readonly string[];
}

/** @throws UserError */
export function readJson(path: string): Json {
  const text = textOf(path).replace(/^\uFEFF/, '');
  const json = text.trim() === '' ? {} : parsed(path, text);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new UserError(`${path}: expected an object, such as {"endpoint": "http://localhost:4318"}.`, HINT);
  return json as Json;
}

/** @throws UserError for the first key that has a wrong type */
export function checked(path: string, json: Json): Checked {
  const { data, error } = fileSchema.safeParse(json);
  if (error !== undefined) throw new UserError(`${path}: ${problemOf(json)}.`, HINT);
  const { lock = [], $schema: _, ...values } = data;
  const unknown = Object.keys(json).filter((key) => !isConfigKey(key) && key !== 'lock' && key !== '$schema');
  return { values, lock, unknown };
}

/** The first key that has a wrong type, and what was expected; never the value, which may be a secret. */
export function problemOf(json: Json): string | undefined {
  const issue = fileSchema.safeParse(json).error?.issues[0];
  return issue && shownIssue(issue);
}

export const shownIssue = ({ path, message }: { readonly path: readonly PropertyKey[]; readonly message: string }): string =>
  path.length === 0 ? message : `${shownPath(path)}: ${message}`;

const HINT = 'Correct it in that file, or take the key out. docs/configuration.md tells of every key.';

function textOf(path: string): string {
  try {
    return readIfThere(path) ?? '';
  } catch (error) {
    const reason = (error as Error).message.replace(/, \w+( '.*)?$/s, '');
    throw new UserError(`${path} can't be read: ${reason}.`, 'Check its permissions. Until it can be read, nothing is exported.');
  }
}

function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Of the message only the place: it repeats some of the file, and that may be a secret.
    const at = /position (\d+)/.exec((error as Error).message)?.[1];
    const line = at === undefined ? '' : ` (line ${text.slice(0, Number(at)).split('\n').length})`;
    throw new UserError(`${path} is not JSON${line}.`, 'Correct it in that file: no comments, no comma after the last element.');
  }
}

/** trace_roots, 1 → trace_roots[1] */
const shownPath = (path: readonly PropertyKey[]): string =>
  path.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${String(part)}`)).join('');
