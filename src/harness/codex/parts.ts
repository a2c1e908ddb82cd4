/**
 * Content of the Responses API → message parts in our words.
 *
 * in:   `content`, `summary` or `output` of an item
 * out:  `Part[]`, text; images and the like are left out and told by their size
 */
import { isObject } from '../../json.ts';
import type { Part } from '../../session/types.ts';
import type { Fields } from '../fields.ts';
import { word } from './meta.ts';

export const partsOf = (content: unknown): readonly Part[] =>
  typeof content === 'string' ? [{ kind: 'text', text: content }] : Array.isArray(content) ? content.flatMap(partOf) : [];

/** All texts, one under the other. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.flatMap((part) => (isObject(part) && typeof part['text'] === 'string' ? [part['text']] : [])).join('\n');
}

/** What a call gave back: text where it is only text, else its parts. */
export function resultOf(output: unknown): unknown {
  const content = isObject(output) && 'content' in output ? output['content'] : output;
  if (!Array.isArray(content)) return content;
  const parts = partsOf(content);
  return parts.every((part) => part.kind === 'text') ? parts.map((part) => part.text).join('\n') : parts;
}

export function reasoningParts(item: Fields): readonly Part[] {
  const texts = [...listOf(item['summary']), ...listOf(item['content'])].flatMap((part) =>
    isObject(part) && typeof part['text'] === 'string' ? [part['text']] : [],
  );
  return texts.length === 0 ? [{ kind: 'other', type: 'reasoning' }] : texts.map((text) => ({ kind: 'reasoning', text }));
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function partOf(part: unknown): Part[] {
  if (!isObject(part)) return [];
  const type = word(part, 'type') ?? 'unknown';
  if (typeof part['text'] === 'string') return [{ kind: 'text', text: part['text'] }];
  const url = part['image_url'] ?? part['file_data'] ?? part['audio_url'] ?? part['data'];
  if (type === 'encrypted_content' || typeof url !== 'string') return [{ kind: 'other', type }];
  return [mediaPart(type, url)];
}

function mediaPart(type: string, url: string): Part {
  const modality = type.replace(/^(?:input|output)_/, '');
  const mimeType = /^data:([\w.+-]+\/[\w.+-]+)[;,]/.exec(url.slice(0, 200))?.[1];
  const comma = url.startsWith('data:') ? url.indexOf(',') : -1;
  const bytes = comma < 0 ? 0 : Math.floor(((url.length - comma - 1) * 3) / 4);
  return { kind: 'media', modality, ...(mimeType !== undefined && { mimeType }), bytes };
}
