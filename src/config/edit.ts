/**
 * Changes to the user's config.json.
 *
 * in:   the path of the file, a change
 * out:  the file, with every other key as it was and in its order; UserError when it is broken, and it is left as it is
 */
import { resolve } from 'node:path';
import { writePrivate } from '../disk/files.ts';
import { UserError } from '../errors.ts';
import { checked, type Json, problemOf, readJson } from './file.ts';
import { expanded } from './paths.ts';
import type { ConfigKey, Values } from './schema.ts';

/** Pure. */
export type Change = (json: Json) => Json;

/** @returns whether the file is another one now */
export function editConfig(path: string, change: Change): boolean {
  const before = readJson(path);
  checked(path, before);
  const after = change(before);
  checked(path, after);
  if (JSON.stringify(after) === JSON.stringify(before)) return false;
  try {
    writePrivate(path, `${JSON.stringify(after, undefined, 2)}\n`);
  } catch (error) {
    throw new UserError(`${path} can't be written: ${(error as Error).message}.`, 'Check the permissions of the file and its folder.');
  }
  return true;
}

export const withValue =
  (key: ConfigKey, value: unknown): Change =>
  (json) => ({ ...json, [key]: value });

/** One header, or one attribute of the resource. Names of headers don't tell upper from lower case. */
export const withEntry =
  (key: 'headers' | 'resource', name: string, value: string): Change =>
  (json) => {
    const entries = json[key] as Readonly<Record<string, string>> | undefined;
    const known = key === 'headers' ? Object.keys(entries ?? {}).find((other) => other.toLowerCase() === name.toLowerCase()) : undefined;
    return { ...json, [key]: { ...entries, [known ?? (key === 'headers' ? name.toLowerCase() : name)]: value } };
  };

/** A root that is there already keeps the time it was added. */
export const withRoot =
  (path: string, addedMs: number, home: string): Change =>
  (json) => {
    const roots = rootsIn(json);
    if (roots.some((root) => isRoot(root, path, home))) return json;
    return { ...json, trace_roots: [...roots, { path, added: new Date(addedMs).toISOString() }] };
  };

export const withoutRoot =
  (path: string, home: string): Change =>
  (json) => {
    const kept = rootsIn(json).filter((root) => !isRoot(root, path, home));
    return kept.length === rootsIn(json).length ? json : { ...json, trace_roots: kept };
  };

type WrittenRoot = NonNullable<Values['trace_roots']>[number];

const rootsIn = (json: Json): readonly WrittenRoot[] => (json['trace_roots'] as WrittenRoot[] | undefined) ?? [];

function isRoot(root: WrittenRoot, path: string, home: string): boolean {
  const written = typeof root === 'string' ? root : root.path;
  return written === path || (written !== '*' && path !== '*' && resolve(expanded(written, home)) === resolve(expanded(path, home)));
}

/**
 * A value as typed → as the key wants it: the text itself, JSON, or for lists texts between commas.
 *
 * @throws UserError when it is none of them
 */
export function typedValue(key: ConfigKey, typed: string): unknown {
  const list = typed
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  const readings = [typed, ...json(typed), list];
  const fitting = readings.find((value) => problemOf({ [key]: value }) === undefined);
  if (fitting !== undefined) return fitting;
  throw new UserError(`${problemOf({ [key]: readings[1] ?? typed })}.`, 'Give text, JSON, or for lists texts between commas.');
}

function json(typed: string): unknown[] {
  try {
    return [JSON.parse(typed)];
  } catch {
    return []; // Then it is text.
  }
}
