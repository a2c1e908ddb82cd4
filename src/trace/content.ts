/**
 * Content → attribute values: JSON text in the convention's message schemas, cut to size.
 *
 * in:   messages, arguments, results; how much may stay
 * out:  JSON text that parses whatever was cut
 *
 * A span has at most three of these, so the 64 KiB a span may carry follow from `MAX_BYTES` each.
 * A string that is cut keeps its beginning and tells its full length and SHA-256, so that two
 * results can still be compared; the digest is of the text as it was given here, redacted by then.
 */
import { createHash } from 'node:crypto';
import type { Message, Part } from '../session/types.ts';

/** 16 KiB an attribute: above that, backends cut by themselves, and break the JSON. */
export const MAX_BYTES = 16 * 1024;
/** A status message is a sentence for people. */
const MAX_STATUS_CHARS = 1024;

export const statusText = (text: string): string => (text.length <= MAX_STATUS_CHARS ? text : `${beginningOf(text, MAX_STATUS_CHARS)}…`);

/** Half a surrogate pair would not survive UTF-8. */
const beginningOf = (text: string, chars: number): string => text.slice(0, /[\uD800-\uDBFF]/.test(text[chars - 1]!) ? chars - 1 : chars);

export function messagesJson(messages: readonly Message[], finishReason?: string): string {
  return cappedJson(
    messages.map((message) => ({
      role: message.role,
      parts: message.parts.map(partJson),
      ...(finishReason !== undefined && message.role === 'assistant' && { finish_reason: finishReason }),
    })),
  );
}

/** The convention's parts: text, reasoning, tool_call, tool_call_response, server_tool_call, blob; the rest as it comes. */
function partJson(part: Part): object {
  switch (part.kind) {
    case 'text':
      return { type: 'text', content: part.text };
    case 'reasoning':
      return { type: 'reasoning', content: part.text };
    case 'tool_call':
      return { type: 'tool_call', id: part.id, name: part.name, arguments: part.arguments };
    case 'tool_result':
      return { type: 'tool_call_response', id: part.id, response: resultJson(part.result) };
    case 'server_tool_call':
      return {
        type: 'server_tool_call',
        ...(part.id !== undefined && { id: part.id }),
        name: part.name,
        server_tool_call: { type: part.name, arguments: part.arguments },
      };
    case 'server_tool_result':
      return {
        type: 'server_tool_call_response',
        ...(part.id !== undefined && { id: part.id }),
        server_tool_call_response: { type: part.name, result: part.result },
      };
    case 'media':
      return {
        type: 'blob',
        modality: part.modality,
        ...(part.mimeType !== undefined && { mime_type: part.mimeType }),
        content: '',
        byte_size: part.bytes,
      };
    case 'other':
      return { type: part.type };
    default:
      return part satisfies never;
  }
}

/** A result is text, or a list of our parts. */
export const resultJson = (result: unknown): unknown =>
  Array.isArray(result) ? result.map((item) => (isPart(item) ? partJson(item) : item)) : result;

const isPart = (item: unknown): item is Part => typeof item === 'object' && item !== null && 'kind' in item;

/** @returns JSON text of at most `MAX_BYTES`; strings are cut first, then lists, at last the whole */
export function cappedJson(value: unknown): string {
  try {
    return capped(value);
  } catch (error) {
    if (error instanceof RangeError) return JSON.stringify({ type: 'cut', reason: 'nested too deeply' });
    throw error;
  }
}

function capped(value: unknown): string {
  const whole = JSON.stringify(value) ?? 'null';
  if (Buffer.byteLength(whole) <= MAX_BYTES) return whole;
  for (let limit = MAX_BYTES / 2; limit >= 32; limit /= 2) {
    const cut = JSON.stringify(cutStrings(value, limit, Math.max(8, limit / 16)));
    if (Buffer.byteLength(cut) <= MAX_BYTES) return cut;
  }
  return JSON.stringify({ type: 'cut', ...told(whole) });
}

function cutStrings(value: unknown, maxChars: number, maxItems: number): unknown {
  if (typeof value === 'string') return value.length <= maxChars ? value : cutString(value, maxChars);
  if (Array.isArray(value)) {
    const kept = value.slice(0, maxItems).map((item) => cutStrings(item, maxChars, maxItems));
    return value.length <= maxItems ? kept : [...kept, { type: 'cut', items: value.length - maxItems }];
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cutStrings(item, maxChars, maxItems)]));
}

function cutString(text: string, maxChars: number): string {
  const { length, sha256 } = told(text);
  return `${beginningOf(text, maxChars)}… [cut: ${length} characters, sha256 ${sha256}]`;
}

const told = (text: string) => ({ length: text.length, sha256: createHash('sha256').update(text).digest('hex') });
