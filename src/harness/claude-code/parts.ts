/**
 * Content blocks of the Messages API → message parts in our words.
 *
 * in:   a message's `content`: text, or a list of blocks
 * out:  `Block[]`, `Part[]`; binary data is left out and told by its size
 */
import { isObject } from '../../json.ts';
import type { Part } from '../../session/types.ts';
import type { Complain, Fields } from '../fields.ts';

/** An object that says what it is. Its other fields are looked at where they are needed. */
export type Block = Fields & { readonly type: string };

/** A block that makes no sense costs only itself. */
export function blocksOf(content: unknown, complain: Complain): readonly Block[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) {
    if (content !== undefined && content !== null) complain(`content: expected text or blocks, got ${typeof content}`);
    return [];
  }
  if (content.every(isBlock)) return content;
  complain('content: a block without a type');
  return content.filter(isBlock);
}

const isBlock = (value: unknown): value is Block => isObject(value) && typeof value['type'] === 'string';

export const partsOf = (blocks: readonly Block[]): readonly Part[] => blocks.flatMap(partOf);

/** The text blocks, one under the other; `undefined` when there is none. */
export function textOf(blocks: readonly Block[]): string | undefined {
  let text: string | undefined;
  for (const block of blocks) {
    if (block.type !== 'text' || typeof block['text'] !== 'string') continue;
    text = text === undefined ? block['text'] : `${text}\n${block['text']}`;
  }
  return text;
}

/** Content of a tool result: its text where it is only text, else its parts. */
export function resultValue(content: unknown): unknown {
  if (!Array.isArray(content)) return content;
  const blocks = content.filter(isBlock);
  return blocks.every((block) => block.type === 'text') ? textOf(blocks) : partsOf(blocks);
}

const word = (block: Block, key: string): string | undefined => (typeof block[key] === 'string' ? block[key] : undefined);

function partOf(block: Block): Part[] {
  const id = word(block, 'id');
  switch (block.type) {
    case 'text': {
      const text = word(block, 'text');
      return text === undefined ? [] : [{ kind: 'text', text }];
    }
    case 'thinking': {
      // Recent versions keep only a signature: there was thinking, its text is not told.
      const text = word(block, 'thinking');
      return [text ? { kind: 'reasoning', text } : { kind: 'other', type: 'thinking' }];
    }
    case 'tool_use':
      return [{ kind: 'tool_call', id: id ?? '', name: word(block, 'name') ?? 'unknown', arguments: block['input'] }];
    case 'tool_result':
      return [{ kind: 'tool_result', id: word(block, 'tool_use_id') ?? '', result: resultValue(block['content']) }];
    case 'server_tool_use':
      return [
        { kind: 'server_tool_call', ...(id !== undefined && { id }), name: word(block, 'name') ?? 'unknown', arguments: block['input'] },
      ];
    case 'web_search_tool_result':
    case 'web_fetch_tool_result':
    case 'code_execution_tool_result': {
      const callId = word(block, 'tool_use_id');
      const name = block.type.replace(/_tool_result$/, '');
      return [{ kind: 'server_tool_result', ...(callId !== undefined && { id: callId }), name, result: block['content'] }];
    }
    case 'image':
    case 'document':
      return [mediaPart(block)];
    default:
      return [{ kind: 'other', type: block.type }];
  }
}

function mediaPart(block: Block): Part {
  const source = isObject(block['source']) ? block['source'] : {};
  const { media_type: mimeType, data } = source;
  return {
    kind: 'media',
    modality: block.type,
    ...(typeof mimeType === 'string' && { mimeType }),
    bytes: typeof data === 'string' ? Math.floor((data.length * 3) / 4) : 0,
  };
}
