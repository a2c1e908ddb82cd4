/**
 * What a span was about, on one line: a command, an answer, a prompt.
 *
 * in:   the session's own object of a span
 * out:  at most `TITLE_CHARS` characters, or undefined where content was not kept; pure
 *
 * Whatever the harness: of a tool's arguments the first text counts, for that is the one that matters with most tools.
 */
import type { Part } from '../session/types.ts';
import { SEEN_CHARS, shortened, textOf, turnTitle } from '../stats/title.ts';
import type { SpanObject } from './objects.ts';

export function labelOf(object: SpanObject): string | undefined {
  switch (object.kind) {
    case 'turn':
      return turnTitle(object.turn);
    case 'agent':
      return oneLine(object.agent.description) ?? askedIn(object.call?.input, object.agent.prompt) ?? wordsOf(object.agent.prompt);
    case 'chat':
      return wordsOf(object.call.output?.parts) ?? toolsIn(object.call.output?.parts);
    case 'tool':
      return argumentIn(object.call.input) ?? oneLine(object.call.files?.flatMap(({ path }) => path ?? []).join(', '));
    default:
      return object satisfies never;
  }
}

/** What somebody said, or undefined where it was not kept. */
export const wordsOf = (parts?: readonly Part[]): string | undefined => oneLine(textOf(parts));

/** A harness may wrap what a call asked for into words of its own: the longest argument that stands in the prompt, or that may. */
function askedIn(input: unknown, prompt: readonly Part[] = []): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  const text = textOf(prompt);
  const isEncrypted = prompt.some(({ kind }) => kind === 'other');
  const isAsked = (value: unknown): value is string => typeof value === 'string' && (isEncrypted || text.includes(value.trim()));
  const asked = Object.values(input).filter(isAsked);
  return oneLine(asked.toSorted((a, b) => b.length - a.length)[0]);
}

/** An answer without a word: what it asked for. */
const toolsIn = (parts: readonly Part[] = []): string | undefined =>
  oneLine(parts.flatMap((part) => (part.kind === 'tool_call' || part.kind === 'server_tool_call' ? [part.name] : [])).join(', '));

function argumentIn(input: unknown): string | undefined {
  if (typeof input === 'string') return oneLine(input);
  if (typeof input !== 'object' || input === null) return undefined;
  const values = Object.values(input);
  const text = values.find((value) => typeof value === 'string' && value.trim() !== '') ?? commandOf(values.find(isCommand));
  return oneLine(text ?? (values.length === 0 ? undefined : beginningOfJson(input)));
}

/** Of a shell, what it runs. */
function commandOf(words: readonly string[] | undefined): string | undefined {
  const [program = '', flags = '', script] = words ?? [];
  return words?.length === 3 && /(?:^|\/)\w*sh$/.test(program) && /^-\w*c$/.test(flags) ? script : words?.join(' ');
}

/** A program and its arguments. */
const isCommand = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');

/** A value nested deeper than the stack is no label. */
function beginningOfJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

const oneLine = (text = ''): string | undefined => shortened(text.slice(0, SEEN_CHARS).replace(/\s+/g, ' ').trim());
