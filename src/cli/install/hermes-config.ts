/**
 * Hooks in Hermes' config.yaml: lines put in and taken out, and not a byte besides.
 *
 * in:   the text of the file
 * out:  the text it is to be; undefined for a text that is written in a way we don't know. Pure
 *
 * A library would write the whole file anew, in its own manner. So the lines are ours, and a library only says whether the
 * file means afterwards what it meant before, and the hooks.
 */
import { isDeepStrictEqual } from 'node:util';
import { isObject, type JsonObject, listIn, objectIn } from '../../json.ts';

export interface Hook {
  readonly event: string;
  readonly command: string;
  readonly timeout: number;
}

/** @throws what is no YAML */
export type Load = (text: string) => unknown;

/** Ours of before, of whatever version, go. */
export function withHooks(text: string, hooks: readonly Hook[], isOurs: (command: string) => boolean, load: Load): string | undefined {
  const config = meaning(text, load);
  if (config === undefined) return undefined;
  const had = Object.keys(objectIn(config, 'hooks')).flatMap((event) => ours(config, event, isOurs));
  if (
    had.length === hooks.length &&
    hooks.every((hook) => ours(config, hook.event, isOurs).some((entry) => isDeepStrictEqual(entry, entryOf(hook))))
  )
    return text;
  const bare = withoutHooks(text, isOurs, load);
  const before = bare === undefined ? undefined : meaning(bare, load);
  const inserted = bare === undefined || before === undefined ? undefined : inserting(bare, hooks, before);
  if (inserted === undefined || before === undefined) return undefined;
  const known = objectIn(before, 'hooks');
  const more = Object.fromEntries(hooks.map((hook) => [hook.event, [entryOf(hook), ...listIn(known, hook.event)]]));
  return isDeepStrictEqual(meaning(inserted, load), { ...before, hooks: { ...known, ...more } }) ? inserted : undefined;
}

export function withoutHooks(text: string, isOurs: (command: string) => boolean, load: Load): string | undefined {
  const config = meaning(text, load);
  if (config === undefined) return undefined;
  const known = objectIn(config, 'hooks');
  const had = Object.keys(known).filter((event) => ours(config, event, isOurs).length > 0);
  if (had.length === 0) return text;
  const left = Object.entries(known).flatMap(([event, entries]) => {
    if (!had.includes(event)) return [[event, entries] as const];
    const others = listIn(known, event).filter((entry) => !isOurs(commandOf(entry)));
    return others.length === 0 ? [] : [[event, others] as const];
  });
  const { hooks: _, ...rest } = config;
  const expected = left.length === 0 ? rest : { ...rest, hooks: Object.fromEntries(left) };
  const removed = removing(text, isOurs, load);
  return isDeepStrictEqual(meaning(removed, load), expected) ? removed : undefined;
}

/** The events that have one of ours. */
export function eventsIn(text: string, isOurs: (command: string) => boolean, load: Load): readonly { event: string; command: string }[] {
  const config = meaning(text, load) ?? {};
  return Object.keys(objectIn(config, 'hooks')).flatMap((event) =>
    ours(config, event, isOurs).map((entry) => ({ event, command: commandOf(entry) })),
  );
}

export const linesFor = (hooks: readonly Hook[]): readonly string[] => ['hooks:', ...hooks.flatMap((hook) => eventLines(hook, '  '))];

// ---------------------------------------------------------------------------------------------

const eventLines = (hook: Hook, indent: string): readonly string[] => [`${indent}${hook.event}:`, ...itemLines(hook, `${indent}  `)];

/** JSON is YAML. */
const itemLines = ({ command, timeout }: Hook, indent: string): readonly string[] => [
  `${indent}- command: ${JSON.stringify(command)}`,
  `${indent}  timeout: ${timeout}`,
];

function inserting(text: string, hooks: readonly Hook[], config: JsonObject): string | undefined {
  const lines = text.split('\n');
  const ours = (added: readonly string[]): readonly string[] => (text.includes('\r\n') ? added.map((line) => `${line}\r`) : added);
  const at = lines.findIndex((line) => /^hooks:/.test(line));
  if (at < 0) {
    if (config['hooks'] !== undefined) return undefined;
    const begun = lines.at(-1) === '' ? lines.slice(0, -1) : [...lines.slice(0, -1), ...ours(lines.slice(-1))];
    return [...begun, ...ours(linesFor(hooks)), ''].join('\n');
  }
  if (EMPTY.test(lines[at]!.slice('hooks:'.length))) {
    if (childAfter(lines, at) === undefined) return withLast([...lines.slice(0, at), ...ours(linesFor(hooks)), ...lines.slice(at + 1)]);
  } else return undefined;
  const indent = childAfter(lines, at)!;
  for (const hook of hooks) {
    const key = lines.findIndex((line, index) => index > at && line.startsWith(`${indent}${hook.event}:`));
    if (key < 0) lines.splice(at + 1, 0, ...ours(eventLines(hook, indent)));
    else {
      if (!EMPTY.test(lines[key]!.slice(`${indent}${hook.event}:`.length))) return undefined;
      const item = lines.slice(key + 1).find((line) => !BLANK.test(line));
      const dash = /^( *)- /.exec(item ?? '')?.[1];
      if (dash === undefined || dash.length < indent.length) lines.splice(key, 1, ...ours(eventLines(hook, indent)));
      else lines.splice(key + 1, 0, ...ours(itemLines(hook, dash)));
    }
  }
  return withLast(lines);
}

/** A last line without an end gets none; but for a carriage return of ours, which would be half of one. */
const withLast = (lines: readonly string[]): string => lines.join('\n').replace(/\r$/, '');

/** Nothing is said behind the colon, or that there is nothing. */
const EMPTY = /^\s*(?:\{\s*\}|\[\s*\]|~|null)?\s*(?:#.*)?\r?$/;
const BLANK = /^\s*(?:#.*)?\r?$/;

/** How far the first line below a key of the outermost object is indented; undefined: there is none. */
function childAfter(lines: readonly string[], at: number): string | undefined {
  const next = lines.slice(at + 1).find((line) => !BLANK.test(line));
  return /^( +)[^\s-]/.exec(next ?? '')?.[1];
}

function removing(text: string, isOurs: (command: string) => boolean, load: Load): string {
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; ) {
    const item = /^( *)- command: (.*)\r?$/.exec(lines[at]!);
    if (item === null || !isOurs(String(scalar(item[2]!, load)))) {
      at += 1;
      continue;
    }
    const more = lines.slice(at + 1).findIndex((line) => !line.startsWith(`${item[1]!}  `));
    if (more < 0) lines.splice(at, lines.length, '');
    else lines.splice(at, 1 + more);
    if (isEmptyKey(lines, at - 1)) lines.splice(at - 1, 1);
  }
  const hooks = lines.findIndex((line) => /^hooks:\s*$/.test(line));
  if (hooks >= 0 && isEmptyKey(lines, hooks)) lines.splice(hooks, 1);
  return lines.join('\n');
}

/** A key that has nothing below it any more. */
function isEmptyKey(lines: readonly string[], at: number): boolean {
  const key = /^( *)[\w-]+:\s*$/.exec(lines[at] ?? '');
  if (key === null) return false;
  const next = lines.slice(at + 1).find((line) => !BLANK.test(line)) ?? '';
  const indent = /^ */.exec(next)![0].length;
  return indent < key[1]!.length || (indent === key[1]!.length && !/^ *- /.test(next)) || next === '';
}

function scalar(text: string, load: Load): unknown {
  try {
    return load(text);
  } catch {
    return undefined;
  }
}

/** @returns undefined for what is no YAML, or no object */
function meaning(text: string, load: Load): JsonObject | undefined {
  try {
    const value = text.split('\n').every((line) => BLANK.test(line)) ? {} : load(text);
    return isObject(value) && (value['hooks'] == null || isObject(value['hooks'])) ? value : undefined;
  } catch {
    return undefined;
  }
}

const entryOf = ({ command, timeout }: Hook): JsonObject => ({ command, timeout });
const commandOf = (entry: unknown): string => (isObject(entry) ? String(entry['command']) : '');
const ours = (config: JsonObject, event: string, isOurs: (command: string) => boolean): readonly unknown[] =>
  listIn(objectIn(config, 'hooks'), event).filter((entry) => isOurs(commandOf(entry)));
