/**
 * Content of OpenClaw's messages → message parts in our words.
 *
 * in:   a message's `content`: text, or a list of blocks
 * out:  `Part[]`; binary data is left out and told by its size
 */
import { isObject } from '../../json.ts';
import type { Part } from '../../session/types.ts';
import type { Complain, Fields } from '../fields.ts';

export function partsOf(content: unknown, complain: Complain): readonly Part[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  if (!Array.isArray(content)) {
    if (content !== undefined && content !== null) complain(`content: expected text or blocks, got ${typeof content}`);
    return [];
  }
  return content.filter(isObject).flatMap(partOf);
}

/** Content of a tool result: its text where it is only text, else its parts. */
export const resultValue = (content: unknown, complain: Complain): unknown =>
  Array.isArray(content) && content.every((block) => isObject(block) && block['type'] === 'text')
    ? textIn(content)
    : partsOf(content, complain);

/** The text blocks, one under the other. */
export function textIn(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.flatMap((block) => (isObject(block) && typeof block['text'] === 'string' ? [block['text']] : [])).join('\n');
}

function partOf(block: Fields): readonly Part[] {
  const word = (key: string): string => (typeof block[key] === 'string' ? block[key] : '');
  switch (block['type']) {
    case 'text':
      return [{ kind: 'text', text: word('text') }];
    case 'thinking':
      return [word('thinking') === '' ? { kind: 'other', type: 'thinking' } : { kind: 'reasoning', text: word('thinking') }];
    case 'toolCall':
      return [{ kind: 'tool_call', id: word('id'), name: word('name') || 'unknown', arguments: block['arguments'] }];
    case 'image':
      return [
        { kind: 'media', modality: 'image', ...(word('mimeType') !== '' && { mimeType: word('mimeType') }), bytes: bytesOf(word('data')) },
      ];
    default:
      return [{ kind: 'other', type: word('type') || 'unknown' }];
  }
}

/** Of base64. */
const bytesOf = (data: string): number => Math.floor((data.length * 3) / 4);
