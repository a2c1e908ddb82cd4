/**
 * Content blocks of the Messages API → message parts in our words.
 *
 * in:   blocks, as they passed the schema in records.ts
 * out:  `Part[]`; binary data is left out and told by its size
 */
import type { Part } from '../../session/types.ts';
import type { Block } from './records.ts';

export const partsOf = (blocks: readonly Block[]): readonly Part[] => blocks.flatMap(partOf);

/** The text blocks, one under the other; `undefined` when there is none. */
export function textOf(blocks: readonly Block[]): string | undefined {
  const texts = blocks.flatMap((block) => (block.type === 'text' && typeof block.text === 'string' ? [block.text] : []));
  return texts.length === 0 ? undefined : texts.join('\n');
}

/** Content of a tool result: its text where it is only text, else its parts. */
export function resultValue(content: unknown): unknown {
  if (!Array.isArray(content)) return content;
  const blocks = content.filter((block): block is Block => typeof block?.type === 'string');
  return blocks.every((block) => block.type === 'text') ? textOf(blocks) : partsOf(blocks);
}

function partOf(block: Block): Part[] {
  switch (block.type) {
    case 'text':
      return block.text == null ? [] : [{ kind: 'text', text: block.text }];
    case 'thinking':
      // Recent versions keep only a signature: there was thinking, its text is not told.
      return [block.thinking ? { kind: 'reasoning', text: block.thinking } : { kind: 'other', type: 'thinking' }];
    case 'tool_use':
      return [{ kind: 'tool_call', id: block.id ?? '', name: block.name ?? 'unknown', arguments: block.input }];
    case 'tool_result':
      return [{ kind: 'tool_result', id: block.tool_use_id ?? '', result: resultValue(block.content) }];
    case 'server_tool_use':
      return [
        { kind: 'server_tool_call', ...(block.id != null && { id: block.id }), name: block.name ?? 'unknown', arguments: block.input },
      ];
    case 'web_search_tool_result':
    case 'web_fetch_tool_result':
    case 'code_execution_tool_result':
      return [
        {
          kind: 'server_tool_result',
          ...(block.tool_use_id != null && { id: block.tool_use_id }),
          name: block.type.replace(/_tool_result$/, ''),
          result: block.content,
        },
      ];
    case 'image':
    case 'document':
      return [mediaPart(block)];
    default:
      return [{ kind: 'other', type: block.type }];
  }
}

function mediaPart(block: Block): Part {
  const source = block.source as { media_type?: unknown; data?: unknown } | undefined;
  const base64 = typeof source?.data === 'string' ? source.data : '';
  return {
    kind: 'media',
    modality: block.type,
    ...(typeof source?.media_type === 'string' && { mimeType: source.media_type }),
    bytes: Math.floor((base64.length * 3) / 4),
  };
}
