/**
 * A session as one file that needs no server: the page, and all there is to know of every span.
 *
 * in:   an opened session, the built page
 * out:  HTML in pieces, a span at a time
 */
import { filePage, inJsonScript, type PageFiles } from './html.ts';
import { jsonOf } from './json.ts';
import type { OpenedSession } from './sessions.ts';

/** Of one text. A file with whole megabytes of a tool's output in it is slow to open. */
const MAX_TEXT_CHARS = 64 * 1024;

export function* htmlFile({ view, details }: OpenedSession, page: PageFiles): Generator<string> {
  const { before, after } = filePage(page);
  yield before;
  yield `{"session":${pieceOf(view)},"details":{`;
  for (const [at, { id }] of view.spans.entries()) yield `${at === 0 ? '' : ','}${JSON.stringify(id)}:${pieceOf(details(id))}`;
  yield '}}';
  yield after;
}

const pieceOf = (value: object | undefined): string => inJsonScript(jsonOf(value, cut));

const cut = (_: string, value: unknown): unknown =>
  typeof value !== 'string' || value.length <= MAX_TEXT_CHARS
    ? value
    : `${value.slice(0, MAX_TEXT_CHARS).replace(/[\uD800-\uDBFF]$/, '')}\n… [cut: ${value.length} characters in all; trace-build view shows them]`;
