/**
 * The `content` of a row → parts of a message.
 *
 * in:   plain text, or a NUL, `json:` and a list of parts as the Chat Completions API has them
 * out:  Part[]
 */
import { isObject } from '../../json.ts';
import type { Part } from '../../session/types.ts';

const LIST = '\0json:';

export function partsOf(content: string, complain: (detail: string) => void): readonly Part[] {
  if (content === '') return [];
  if (!content.startsWith(LIST)) return [{ kind: 'text', text: content }];
  try {
    const list: unknown = JSON.parse(content.slice(LIST.length));
    if (Array.isArray(list)) return list.filter(isObject).map(partOf);
    complain('content: expected a list of parts');
  } catch {
    complain('content: a list of parts that is no JSON');
  }
  return [];
}

function partOf(part: Readonly<Record<string, unknown>>): Part {
  const { type, text } = part;
  if (typeof text === 'string') return { kind: 'text', text };
  const url = isObject(part['image_url']) ? part['image_url']['url'] : undefined;
  if (typeof url !== 'string') return { kind: 'other', type: typeof type === 'string' ? type : 'unknown' };
  const mimeType = /^data:([\w./+-]+)/.exec(url)?.[1];
  const base64 = url.startsWith('data:') ? url.length - url.indexOf(',') - 1 : 0;
  return { kind: 'media', modality: 'image', ...(mimeType !== undefined && { mimeType }), bytes: Math.floor((base64 * 3) / 4) };
}
