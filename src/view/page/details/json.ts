/**
 * JSON for people: indented, and bounded whatever it is.
 *
 * in:   a value of any depth and width, or JSON text
 * out:  text
 */
import { counted } from '../format.ts';

const MAX_DEPTH = 100;
const MAX_ITEMS = 10_000;
const MAX_CHARS = 3_000_000;
/** Deeper levels are written no further to the right. */
const MAX_INDENT = 30;

/** What is left out is told in place, in words that are no JSON. */
export function jsonText(value: unknown): string {
  const out: string[] = [];
  let chars = 0;
  const put = (text: string): void => {
    out.push(text);
    chars += text.length;
  };
  const write = (item: unknown, depth: number): void => {
    const inner = typeof item === 'object' && item !== null ? Object.keys(item).length : 0;
    if (inner === 0 || depth >= MAX_DEPTH) put(leaf(item, inner));
    else writeEntries(item as object, depth);
  };
  const writeEntries = (item: object, depth: number): void => {
    const list = Array.isArray(item);
    const keys = Object.keys(item);
    const count = keys.length;
    put(list ? '[' : '{');
    for (let index = 0; index < count; index++) {
      put(`${index === 0 ? '' : ','}\n${indent(depth + 1)}`);
      if (index >= MAX_ITEMS || chars >= MAX_CHARS) {
        put(`… ${counted(count - index, 'more entry', 'more entries')}`);
        break;
      }
      const key = keys[index]!;
      if (!list) put(`${JSON.stringify(key)}: `);
      write((item as Readonly<Record<string, unknown>>)[key], depth + 1);
    }
    put(`\n${indent(depth)}${list ? ']' : '}'}`);
  };
  write(value, 0);
  return out.join('');
}

function leaf(item: unknown, inner: number): string {
  if (inner === 0) return JSON.stringify(item) ?? String(item);
  const [open, close] = Array.isArray(item) ? '[]' : '{}';
  return `${open} … ${counted(inner, 'entry', 'entries')}, nested too deeply … ${close}`;
}

const MAX_PARSED = 500_000;
/** Strings, brackets, and the rest as it is written: numbers keep their digits, and twice the same key stays twice. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},:]|[^\s"[\]{},:]+/g;

/** @returns undefined: it is no JSON, or no object or list, or too long to look */
export function indentedJson(text: string): string | undefined {
  if (text.length > MAX_PARSED || !/^\s*[[{]/.test(text)) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  let out = '';
  let depth = 0;
  let before = '';
  for (const [token] of text.matchAll(TOKEN)) {
    const closes = token === '}' || token === ']';
    const empty = closes && (before === '{' || before === '[');
    if (closes) depth--;
    if (closes ? !empty : before === '{' || before === '[' || before === ',') out += `\n${indent(depth)}`;
    out += token === ':' ? ': ' : token;
    if (token === '{' || token === '[') depth++;
    before = token;
  }
  return out;
}

const indent = (depth: number): string => '  '.repeat(Math.min(depth, MAX_INDENT));
