/**
 * What hides secrets, for a session: the rules that come with us, those of the config, and those of the packs around.
 *
 * in:   LoadedConfig; the directory a session began in. Packs: redactors/*.yaml beside the managed config and beside the
 *       user's, and .trace-build/redactors/*.yaml in that directory and above it, up to the repository's top
 * out:  `Redaction`; UserError for a pack that can't be used: then no content may leave, for it may be what the pack hides
 *
 * A repository can only add. What it cannot do is cost much: files and rules are limited in number and size.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UserError } from '../errors.ts';
import { compiled, type WrittenRule } from '../redact/custom.ts';
import { createRedactor, type Redactor } from '../redact/redact.ts';
import type { Rule } from '../redact/rule.ts';
import { builtInRules } from '../redact/rules/index.ts';
import { shownIssue } from './file.ts';
import type { LoadedConfig } from './load.ts';
import { packSchema } from './schema.ts';

export interface Redaction {
  readonly redactor: Redactor;
  readonly rules: readonly ListedRule[];
}

/** A rule, for people. */
export interface ListedRule {
  readonly id: string;
  readonly description: string;
  readonly on: boolean;
  /** `built in`, or the file it is written in. */
  readonly source: string;
}

const MAX_PACK_BYTES = 256 * 1024;
const MAX_PACKS = 50;
const MAX_RULES = 200;

/** @throws UserError when a pack or a rule can't be used */
export function redactionFor(loaded: LoadedConfig, directory: string | undefined, extraPacks: readonly string[] = []): Redaction {
  return redactionOf(loaded, [...packsIn(foldersFor(loaded, directory)), ...extraPacks]);
}

/**
 * The same for many sessions: each set of packs is read once.
 *
 * @returns throws UserError as `redactionFor` does, for the sessions that it concerns
 */
export function redactorsFor(loaded: LoadedConfig): (directory: string | undefined) => Redactor {
  const known = new Map<string, Redactor>();
  return (directory) => {
    const packs = packsIn(foldersFor(loaded, directory));
    const key = packs.join('\0');
    const redactor = known.get(key) ?? redactionOf(loaded, packs).redactor;
    known.set(key, redactor);
    return redactor;
  };
}

/** Ids of `redact_rules` that no rule has. */
export function unknownRules({ config }: LoadedConfig): readonly string[] {
  const known = new Set([...builtInRules.map(({ id }) => id), 'pii']);
  return Object.keys(config.redact_rules).filter((id) => !known.has(id));
}

function redactionOf({ config, customRules }: LoadedConfig, packs: readonly string[]): Redaction {
  const isOn = ({ id, pack }: Rule): boolean => config.redact_rules[id] ?? (pack === 'credentials' || config.redact_rules[pack] === true);
  const written = [...customRules, ...packs.flatMap(rulesIn)];
  if (written.length > MAX_RULES)
    throw new UserError(`${written.length} rules of your own are more than ${MAX_RULES}.`, 'Join some of their patterns with |.');
  const custom = compiled(written);
  return {
    redactor: createRedactor(builtInRules.filter(isOn), custom),
    rules: [
      ...builtInRules.map((rule) => ({ id: rule.id, description: rule.description, on: isOn(rule), source: 'built in' })),
      ...custom.map(({ id, description = '', source }) => ({ id, description, on: true, source })),
    ],
  };
}

const REDACTORS = 'redactors';

function foldersFor({ paths }: LoadedConfig, directory: string | undefined): readonly string[] {
  const repository = directory === undefined ? [] : levelsOf(realPath(directory)).map((level) => join(level, '.trace-build', REDACTORS));
  return [join(dirname(paths.managed), REDACTORS), join(dirname(paths.config), REDACTORS), ...repository];
}

/** A directory and those above it up to the top of its repository; without one, the directory alone. */
function levelsOf(directory: string): readonly string[] {
  const levels: string[] = [];
  for (let level = directory; ; level = dirname(level)) {
    levels.push(level);
    if (existsSync(join(level, '.git'))) return levels;
    if (level === dirname(level)) return [directory];
  }
}

function realPath(directory: string): string {
  try {
    return realpathSync.native(directory);
  } catch {
    return resolve(directory); // Gone: what is above it may still be there.
  }
}

function packsIn(folders: readonly string[]): readonly string[] {
  const packs = folders.flatMap((folder) =>
    filesOf(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .toSorted()
      .map((name) => join(folder, name)),
  );
  if (packs.length > MAX_PACKS)
    throw new UserError(`There are ${packs.length} packs of rules, more than ${MAX_PACKS}.`, 'Join some of them.');
  return packs;
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw new UserError(`${folder} can't be read: ${(error as Error).message}.`, 'Check the permissions of that folder.');
  }
}

function rulesIn(path: string): readonly WrittenRule[] {
  const yaml = parsed(path, textOf(path));
  const { data, error } = packSchema.safeParse(yaml);
  if (error !== undefined) throw new UserError(`${path}: ${shownIssue(error.issues[0]!)}.`, HINT);
  return data.rules.map((rule) => ({ ...rule, source: path }));
}

const HINT = 'A pack is {name, rules: [{id, pattern}]}, see docs/redaction.md.';

/** Whatever lies there: a device or a pipe would never end. */
function textOf(path: string): string {
  try {
    // Waits for nobody: a pipe is opened, and then refused.
    const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      if (!fstatSync(file).isFile()) throw new Error('it is no file');
      const bytes = Buffer.alloc(MAX_PACK_BYTES + 1);
      let length = 0;
      for (let read = -1; read !== 0 && length < bytes.length; length += read)
        read = readSync(file, bytes, length, bytes.length - length, null);
      if (length > MAX_PACK_BYTES) throw new Error(`it has more than ${MAX_PACK_BYTES / 1024} KB`);
      return bytes.toString('utf8', 0, length);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new UserError(`${path} can't be read: ${(error as Error).message}.`, 'Correct it, or remove it.');
  }
}

function parsed(path: string, text: string): unknown {
  // Required as late as re2js is, in redact/custom.ts, for the same reason.
  const { load } = require('js-yaml') as typeof import('js-yaml');
  try {
    return load(text);
  } catch (error) {
    const { reason, message, mark } = error as { reason?: string; message: string; mark?: { line: number } };
    const line = mark === undefined ? '' : `line ${mark.line + 1}: `;
    throw new UserError(`${path} is no YAML: ${line}${reason ?? message}.`, HINT);
  }
}
