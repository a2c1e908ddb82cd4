/**
 * What a tool was given, and what it gave back.
 *
 * in:   any JSON
 * out:  an element: texts as texts, short values in a list, all of it as JSON on demand
 */
import type { Part } from '../../../session/types.ts';
import { type Child, h } from '../dom.ts';
import { counted } from '../format.ts';
import { withoutTerminalCodes } from '../text.ts';
import { indentedJson, jsonText } from './json.ts';
import { longText, pre } from './long-text.ts';
import { renderParts } from './messages.ts';
import { lazyFold } from './section.ts';

const MAX_FIELDS = 100;
/** Longer ones get a line of their own. */
const MAX_SHORT = 60;

export function renderArguments(value: unknown): HTMLElement {
  if (!isRecord(value)) return renderValue(value);
  const names = Object.keys(value);
  if (names.length === 0) return h('p', { class: 'd-none' }, 'None.');
  const left = names.length - MAX_FIELDS;
  return h(
    'div',
    { class: 'd-arguments' },
    h('dl', { class: 'd-fields' }, ...names.slice(0, MAX_FIELDS).flatMap((name) => field(name, value[name]))),
    left > 0 && h('p', { class: 'd-none' }, `… ${counted(left, 'more field')}`),
    lazyFold('JSON', 'd-raw', () => longText(jsonText(value), (piece) => pre(piece, 'd-json'))),
  );
}

function field(name: string, value: unknown): Child[] {
  const short =
    typeof value === 'string' ? value.length <= MAX_SHORT && !value.includes('\n') : typeof value !== 'object' || value === null;
  const shown = short
    ? h('span', { class: typeof value === 'string' ? 'd-string' : 'd-literal', dir: 'auto' }, String(value))
    : renderValue(value);
  return [h('div', { class: short ? 'short' : 'long' }, h('dt', { dir: 'auto' }, name), h('dd', {}, shown))];
}

function renderValue(value: unknown): HTMLElement {
  if (typeof value === 'string') return value === '' ? h('p', { class: 'd-none' }, 'Empty.') : longText(value, (piece) => pre(piece));
  return longText(jsonText(value), (piece) => pre(piece, 'd-json'));
}

export function renderResult(result: unknown): HTMLElement {
  if (typeof result === 'string') return printed(result);
  if (Array.isArray(result) && result.length > 0 && result.every(isPart)) return renderResultParts(result);
  if (isRecord(result)) return renderArguments(result);
  return renderValue(result);
}

/** Texts of a result are what a program printed: no markdown. */
function renderResultParts(parts: readonly Part[]): HTMLElement {
  const texts = parts.every((part) => part.kind === 'text');
  if (!texts) return h('div', { class: 'd-parts' }, ...groups(parts));
  return h('div', { class: 'd-parts' }, printed(parts.map((part) => (part.kind === 'text' ? part.text : '')).join('\n')));
}

/** Neighbours of a kind together, so that a hundred thousand of them are a few elements. */
function groups(parts: readonly Part[]): HTMLElement[] {
  const out: HTMLElement[] = [];
  let others: Part[] = [];
  const flush = (): void => {
    if (others.length > 0) out.push(renderParts(others));
    others = [];
  };
  for (const [index, part] of parts.entries()) {
    if (out.length > MAX_FIELDS) {
      out.push(h('p', { class: 'd-none' }, `… ${counted(parts.length - index, 'more part')}`));
      return out;
    }
    if (part.kind !== 'text') others.push(part);
    else {
      flush();
      out.push(printed(part.text));
    }
  }
  flush();
  return out;
}

function printed(text: string): HTMLElement {
  if (text === '') return h('p', { class: 'd-none' }, 'Empty.');
  const json = indentedJson(text);
  if (json !== undefined) return longText(json, (piece) => pre(piece, 'd-json'));
  return longText(withoutTerminalCodes(text), (piece) => pre(piece));
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const KINDS: Readonly<Record<Part['kind'], true>> = {
  text: true,
  reasoning: true,
  tool_call: true,
  tool_result: true,
  server_tool_call: true,
  server_tool_result: true,
  media: true,
  other: true,
};

const isPart = (item: unknown): item is Part =>
  isRecord(item) && typeof item['kind'] === 'string' && Object.hasOwn(KINDS, item['kind']) && isWhole(item);

/** A harness may have kept something that only looks like ours. */
const isWhole = (item: Readonly<Record<string, unknown>>): boolean =>
  item['kind'] === 'text' || item['kind'] === 'reasoning'
    ? typeof item['text'] === 'string'
    : item['kind'] === 'media'
      ? typeof item['bytes'] === 'number' && typeof item['modality'] === 'string'
      : item['kind'] === 'other'
        ? typeof item['type'] === 'string'
        : item['kind'] === 'tool_result' || typeof item['name'] === 'string';
