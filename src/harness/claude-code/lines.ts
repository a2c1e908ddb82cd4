/**
 * Lines of a transcript → JSON objects, leaving out what no span needs before it is parsed.
 *
 * in:   lines, as text or bytes, and the number of the first of them
 * out:  `Decoded`, one per line that counts; problems for lines that are no JSON object
 *
 * A hello is 144 KB on disk, nearly all of it system prompt and tool lists (`api-request-shape`,
 * `prompt_snapshot` …). Those lines are told by their first bytes: the keys before the first nested
 * value are simple, so one anchored expression reads the type and never text of the conversation.
 * A line it does not understand is parsed like any other: skipping saves time, it decides nothing.
 */
import type { ProblemReason } from '../../session/types.ts';
import { whyNotJson } from '../fields.ts';
import type { Line, ParseOptions } from '../harness.ts';
import { asBuffer } from '../json-lines.ts';
import { valueWithoutResult } from './cut.ts';

export type Decoded =
  | { readonly kind: 'value'; readonly line: number; readonly value: Record<string, unknown> }
  | { readonly kind: 'skipped'; readonly line: number; readonly uuid: string | undefined };

/** Bookkeeping of the CLI: nothing of it reaches a span. */
const SKIPPED_TYPES: ReadonlySet<string> = new Set([
  'api-request-shape',
  'api-request-blob',
  'file-history-snapshot',
  'file-history-delta',
  'last-prompt',
  'mode',
  'permission-mode',
  'atis-latch',
  'tools-used',
  'agent-setting',
  'agent-name',
  'custom-title',
  'ai-title',
  'summary',
  'progress',
  'cost-state',
]);
/** Attachments that tell what the agent was given in the middle of a turn. */
const KEPT_ATTACHMENTS: ReadonlySet<string> = new Set(['queued_command']);

const HEAD_BYTES = 600;
const LEADING_TYPE = /^\{(?:"\w+":(?:"[^"\\]*"|null|true|false|\d+),)*?(?:"type":"([\w-]+)"|"attachment":\{"type":"(\w+)")/;

export function* decodeLines(
  lines: Iterable<Line>,
  add: (line: number, reason: ProblemReason, detail: string) => void,
  { content }: ParseOptions,
  firstLine = 1,
): Generator<Decoded> {
  let number = firstLine - 1;
  let failure: { line: number; detail: string } | undefined;
  for (const line of lines) {
    number++;
    // Only the last line may be torn; a bad line that another one follows is garbage.
    if (failure !== undefined) add(failure.line, 'not-json', failure.detail);
    failure = undefined;
    const skipping = skippingOf(line);
    if (skipping !== 'no') {
      if (skipping !== 'yes') yield { kind: 'skipped', line: number, uuid: uuidOf(line) };
      continue;
    }
    let value = content || typeof line === 'string' ? undefined : valueWithoutResult(asBuffer(line));
    if (value === undefined) {
      const text = cleaned(typeof line === 'string' ? line : asBuffer(line).toString('utf8'), number);
      if (text === '') continue;
      try {
        value = JSON.parse(text);
      } catch (error) {
        failure = { line: number, detail: whyNotJson(error) };
        continue;
      }
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      add(number, 'not-an-object', `a line must be a JSON object, this one is ${Array.isArray(value) ? 'an array' : typeof value}`);
      continue;
    }
    yield { kind: 'value', line: number, value: value as Record<string, unknown> };
  }
  if (failure !== undefined) add(failure.line, 'torn-line', failure.detail);
}

/** Without byte order mark, carriage return, and the NUL bytes a crash may leave at a line's start. */
function cleaned(text: string, line: number): string {
  let start = line === 1 && text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (text.charCodeAt(start) === 0) start++;
  return text.slice(start).trim();
}

type Skipping = 'no' | 'yes' | 'yes, but it is a link of the tree';

function skippingOf(line: Line): Skipping {
  const head = typeof line === 'string' ? line.slice(0, HEAD_BYTES) : asBuffer(line).toString('latin1', 0, HEAD_BYTES);
  const match = LEADING_TYPE.exec(head);
  if (match === null) return 'no';
  const [, type, attachment] = match;
  if (type !== undefined) return !SKIPPED_TYPES.has(type) ? 'no' : type === 'progress' ? 'yes, but it is a link of the tree' : 'yes';
  return attachment === undefined || KEPT_ATTACHMENTS.has(attachment) ? 'no' : 'yes, but it is a link of the tree';
}

/** Skipped lines may be links of the tree all the same: a rewind or a second file of an agent may hang on one. */
function uuidOf(line: Line): string | undefined {
  const key = '"uuid":"';
  const start = (typeof line === 'string' ? line.lastIndexOf(key) : asBuffer(line).lastIndexOf(key)) + key.length;
  if (start < key.length) return undefined;
  const uuid = typeof line === 'string' ? line.slice(start, start + 36) : asBuffer(line).toString('latin1', start, start + 36);
  return /^[0-9a-f-]{36}$/.test(uuid) ? uuid : undefined;
}
