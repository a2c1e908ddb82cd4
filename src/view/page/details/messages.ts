/**
 * Messages, by who said them.
 *
 * in:   messages of a span
 * out:  an element
 */
import type { Message, Part } from '../../../session/types.ts';
import { h } from '../dom.ts';
import { counted, number } from '../format.ts';
import { longText } from './long-text.ts';
import { renderMarkdown } from './markdown.ts';
import { lazyFold } from './section.ts';
import { renderArguments, renderResult } from './values.ts';

const MAX_PARTS = 500;
const ROLES = { user: 'User', assistant: 'Assistant', tool: 'Tool', system: 'System' } as const;

export function renderMessages(messages: readonly Message[]): HTMLElement {
  const shown = messages.slice(0, MAX_PARTS);
  const left = messages.length - shown.length;
  return h(
    'div',
    { class: 'd-messages' },
    ...shown.map(renderMessage),
    left > 0 && h('p', { class: 'd-none' }, `… ${counted(left, 'more message')}`),
  );
}

const renderMessage = ({ role, parts }: Message): HTMLElement =>
  h('div', { class: `d-message role-${role}` }, h('p', { class: 'd-role' }, ROLES[role] ?? role), renderParts(parts));

export function renderParts(parts: readonly Part[]): HTMLElement {
  const shown = parts.slice(0, MAX_PARTS);
  const left = parts.length - shown.length;
  return h(
    'div',
    { class: 'd-parts' },
    ...shown.map(renderPart),
    left > 0 && h('p', { class: 'd-none' }, `… ${counted(left, 'more part')}`),
    parts.length === 0 && h('p', { class: 'd-none' }, 'Empty.'),
  );
}

function renderPart(part: Part): HTMLElement {
  switch (part.kind) {
    case 'text':
      return longText(part.text, renderMarkdown);
    case 'reasoning':
      return part.text.trim() === ''
        ? h('p', { class: 'd-none d-thinking-none' }, 'Reasoning: not kept in the transcript')
        : lazyFold(`Reasoning, ${counted(part.text.length, 'character')}`, 'd-thinking', () => longText(part.text, renderMarkdown));
    case 'tool_call':
      return call('Tool call', part.name, part.arguments);
    case 'server_tool_call':
      return call('Server tool call', part.name, part.arguments);
    case 'tool_result':
      return h('div', { class: 'd-call' }, h('p', { class: 'd-call-name' }, 'Result'), renderResult(part.result));
    case 'server_tool_result':
      return h('div', { class: 'd-call' }, h('p', { class: 'd-call-name' }, 'Result of ', named(part.name)), renderResult(part.result));
    case 'media':
      return h('p', { class: 'd-media', dir: 'auto' }, `[${part.mimeType ?? part.modality}, ${size(part.bytes)}, not shown]`);
    case 'other':
      return h('p', { class: 'd-media', dir: 'auto' }, `[${part.type}]`);
    default:
      return part satisfies never;
  }
}

const call = (what: string, name: string, given: unknown): HTMLElement =>
  h('div', { class: 'd-call' }, h('p', { class: 'd-call-name' }, `${what} `, named(name)), renderArguments(given));

const named = (name: string): HTMLElement => h('code', { dir: 'auto' }, name);

export function size(bytes: number): string {
  if (bytes < 1024) return counted(bytes, 'byte');
  return bytes < 1024 * 1024 ? `${number(Math.round(bytes / 1024))} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
