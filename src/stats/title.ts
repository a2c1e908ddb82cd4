/**
 * What a turn was begun with, as a person would say it: on one line, without the tags a harness puts around what it sends by itself.
 *
 * in:   Turn
 * out:  at most `TITLE_CHARS` characters, or undefined where there is nothing to tell; pure
 *
 * What a person typed stays as it was typed, tags and all. Of a slash command the name is known; what follows are its arguments.
 */
import type { Part, Trigger, Turn } from '../session/types.ts';

export const TITLE_CHARS = 200;
/** More is never looked at: a prompt may be megabytes. */
export const SEEN_CHARS = 2000;
/** `<name …>`, `</name>`. */
const TAG = /<\/?[a-z][\w-]*(?:\s[^<>]*)?>/gi;

/** Begun without a person, or as something other than what the person typed. */
const WRAPPED_BY_HARNESS: ReadonlySet<Trigger> = new Set(['command', 'bash', 'task_notification', 'peer']);

export function turnTitle({ prompt, command, trigger }: Pick<Turn, 'prompt' | 'command' | 'trigger'>): string | undefined {
  const text = textOf(prompt).slice(0, SEEN_CHARS);
  const wrapped = WRAPPED_BY_HARNESS.has(trigger) && text.startsWith('<');
  const told = !wrapped ? text : trigger === 'task_notification' ? noticesIn(text) : text.replace(TAG, ' ');
  const line = told.replace(/\s+/g, ' ').trim();
  return shortened(command === undefined ? line : commandLine(command, line));
}

/** The beginning of each text. */
export const textOf = (parts: readonly Part[] = []): string =>
  parts.flatMap((part) => (part.kind === 'text' ? [part.text.slice(0, SEEN_CHARS)] : [])).join(' ');

/** Names of a task and where its output lies, also where the text ends within one. */
const PLACES = /<(task-id|shell-id|tool-use-id|output-file)>[^<]*(?:<\/\1>)?/g;

/** What is told of each task that has ended: in a word, else how and with what, else whatever there is. */
const noticesIn = (text: string): string =>
  text
    .split(/(?=<[a-z]+-notification>)/)
    .map((notice) => {
      const inTag = (name: string): readonly string[] => new RegExp(`<${name}>([^]*?)</${name}>`).exec(notice)?.slice(1) ?? [];
      const [summary = [...inTag('status'), ...inTag('result')].join(' ')] = inTag('summary');
      return (summary.trim() === '' ? notice.replace(PLACES, ' ') : summary).replace(TAG, ' ').trim();
    })
    .filter((told) => told !== '')
    .join('; ');

/** The harness says the name in several ways; it is told once. */
function commandLine(command: string, line: string): string {
  const name = `/${command.replace(/^\//, '')}`;
  const words = line.split(' ');
  const rest = words.slice(words.indexOf(name) + 1).filter((word, at) => at > 0 || word !== name.slice(1));
  return words.includes(name) ? [name, ...rest].join(' ') : name;
}

/** Half a surrogate pair is no character. @returns undefined for nothing */
export function shortened(line: string): string | undefined {
  if (line === '') return undefined;
  return line.length <= TITLE_CHARS ? line : `${line.slice(0, TITLE_CHARS - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
