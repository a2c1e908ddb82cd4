/**
 * What the server answers: a function of the request, apart from sockets.
 *
 * in:   method, target and Host of a request; the page, the sessions
 * out:  `Answer`
 *
 * Other pages in the same browser can send requests here, and a name they own can be made to lead here (DNS rebinding).
 * So a request has to name this very address, and a secret that only whoever started the server was told.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type PageFiles, SERVER_HTML, SERVER_POLICY } from './html.ts';
import { jsonOf } from './json.ts';
import type { ListLine } from './model.ts';
import type { OpenedSession } from './sessions.ts';

export interface Asked {
  readonly method: string;
  /** As sent, still encoded. */
  readonly target: string;
  /** Every Host header there was. */
  readonly hosts: readonly string[];
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Pieces are made as they are taken. */
  readonly body: string | AsyncIterable<string>;
}

/** What may be looked at. */
export interface Shelf {
  readonly page: PageFiles;
  /** The list: all sessions first, then figures as they are made. It ends early when nobody reads on. */
  list(): AsyncIterable<ListLine>;
  /** Undefined: no such session. @param fresh  whether to look for what was added since */
  session(key: string, fresh: boolean): OpenedSession | undefined;
}

/** Of keys and span ids. */
const ID = /^[0-9a-f]{1,64}$/;

/** @param token  the first part of every path */
export function answersFor(shelf: Shelf, port: number, token: string): (asked: Asked) => Answer {
  const names = new Set([`127.0.0.1:${port}`, `localhost:${port}`]);
  return ({ method, target, hosts }) => {
    if (hosts.length !== 1 || !names.has(hosts[0]!.toLowerCase())) return failure(421, 'This server answers to its own address only.');
    // `GET http://elsewhere/` is for proxies.
    if (!target.startsWith('/')) return failure(400, 'The target of a request is a path.');
    const [, given = '', ...path] = target.replace(/\?.*$/s, '').split('/');
    if (!isToken(given, token)) return failure(404, NOT_FOUND);
    if (method !== 'GET' && method !== 'HEAD')
      return { ...failure(405, 'Only GET and HEAD.'), headers: { ...HEADERS, ...TEXT, allow: 'GET, HEAD' } };
    return answerTo(shelf, path);
  };
}

function answerTo(shelf: Shelf, path: readonly string[]): Answer {
  switch (path.join('/')) {
    case '':
      return path.length === 1 ? answer('text/html; charset=utf-8', SERVER_HTML) : failure(404, NOT_FOUND);
    case 'page.js':
      return answer('text/javascript; charset=utf-8', shelf.page.script);
    case 'page.css':
      return answer('text/css; charset=utf-8', shelf.page.style);
    case 'api/sessions':
      return answer('application/x-ndjson; charset=utf-8', linesOf(shelf.list()));
  }
  const [api, sessions, key = '', spans, id = '', ...more] = path;
  if (api !== 'api' || sessions !== 'sessions' || !ID.test(key) || more.length > 0) return failure(404, NOT_FOUND);
  if (path.length === 3) return json(shelf.session(key, true)?.view, 'There is no such session here.');
  if (path.length !== 5 || spans !== 'spans' || !ID.test(id)) return failure(404, NOT_FOUND);
  return json(shelf.session(key, false)?.details(id), 'There is no such span here.');
}

/** In time that tells nothing of where they differ. */
const isToken = (given: string, token: string): boolean => timingSafeEqual(digest(given), digest(token));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const NOT_FOUND = 'There is nothing here. The address that trace-build view printed is the one to open.';

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };

/** On every answer. */
const HEADERS = {
  'content-security-policy': SERVER_POLICY,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

const answer = (type: string, body: Answer['body']): Answer => ({ status: 200, headers: { ...HEADERS, 'content-type': type }, body });

export const failure = (status: number, text: string): Answer => ({ status, headers: { ...HEADERS, ...TEXT }, body: `${text}\n` });

const json = (value: object | undefined, otherwise: string): Answer =>
  value === undefined ? failure(404, otherwise) : answer('application/json; charset=utf-8', jsonOf(value));

async function* linesOf(list: AsyncIterable<ListLine>): AsyncGenerator<string> {
  for await (const line of list) yield `${JSON.stringify(line)}\n`;
}
