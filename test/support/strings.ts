/**
 * Every string of a transcript by the field it stands in, also in JSON within JSON, and every string of what was made of it.
 *
 * out:  `fieldsOf`, `withStrings`: a transcript with other strings in place of its own; `stringsIn`: all strings of a value, by key
 */
import type { PlainFile, PlainTranscript } from './stories.ts';

/** @param field  its path: `type: key.key[].key`, with `!` where a text is JSON */
export type Replace = (text: string, field: string) => string;

export function withStrings(transcript: PlainTranscript, replace: Replace): PlainTranscript {
  const inFile = <F extends PlainFile>(file: F): F => ({
    ...file,
    lines: file.lines.map((line) => inJson(line, replace, '') ?? line),
    ...(file.meta !== undefined && { meta: inJson(file.meta, replace, 'meta') ?? file.meta }),
  });
  const { main, agents, related = [] } = transcript;
  return { ...transcript, main: inFile(main), agents: agents.map(inFile), related: (related as readonly PlainFile[]).map(inFile) };
}

export function fieldsOf(transcript: PlainTranscript): ReadonlySet<string> {
  const fields = new Set<string>();
  withStrings(transcript, (text, field) => {
    fields.add(field);
    return text;
  });
  return fields;
}

/** @returns each string, with the keys above it */
export function stringsIn(value: unknown, path = ''): readonly { readonly path: string; readonly text: string }[] {
  if (typeof value === 'string') return [{ path, text: value }];
  if (Array.isArray(value)) return value.flatMap((item) => stringsIn(item, path));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [{ path, text: key }, ...stringsIn(item, path === '' ? key : `${path} ${key}`)]);
}

function inJson(text: string, replace: Replace, path: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.stringify(inValue(JSON.parse(text), replace, path));
  } catch {
    return undefined; // It only looks like JSON.
  }
}

function inValue(value: unknown, replace: Replace, path: string): unknown {
  if (typeof value === 'string') return inJson(value, replace, `${path}!`) ?? replace(value, path);
  if (Array.isArray(value)) return value.map((item) => inValue(item, replace, `${path}[]`));
  if (typeof value !== 'object' || value === null) return value;
  const { type } = value as { type?: unknown };
  const kind = typeof type === 'string' && /^[\w-]{1,40}$/.test(type) ? `<${type}>` : '';
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inValue(item, replace, `${path}${kind}.${key}`)]));
}
