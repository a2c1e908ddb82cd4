/**
 * Where the page's data come from: the server that served it, or the file that it is.
 *
 * in:   the document; answers of `api/…`, relative to the page's own address
 * out:  `Source`
 */
import type { ListLine, PageData, SpanDetails, ViewSession } from '../model.ts';

export interface Source {
  /** The only session there is, in a file. */
  readonly only?: string;
  /** Ends when all has been told. */
  list(line: (line: ListLine) => void, signal: AbortSignal): Promise<void>;
  session(key: string, signal: AbortSignal): Promise<ViewSession>;
  details(key: string, spanId: string): Promise<SpanDetails>;
}

export function sourceOf(page: Document): Source {
  const embedded = page.getElementById('trace-build-data')?.textContent;
  return embedded ? fileSource(JSON.parse(embedded) as PageData) : serverSource();
}

function fileSource({ session, details }: PageData): Source {
  return {
    only: session.key,
    list: async () => {},
    session: async () => session,
    details: async (_key, spanId) => {
      const found = Object.hasOwn(details, spanId) ? details[spanId] : undefined;
      if (found === undefined) throw new Error('This file does not hold the details of this span.');
      return found;
    },
  };
}

function serverSource(): Source {
  return {
    list: async (line, signal) => {
      const { body } = await answer('api/sessions', signal);
      for await (const text of linesOf(body!)) line(JSON.parse(text) as ListLine);
    },
    session: async (key, signal) => (await answer(`api/sessions/${encodeURIComponent(key)}`, signal)).json(),
    details: async (key, spanId) => (await answer(`api/sessions/${encodeURIComponent(key)}/spans/${encodeURIComponent(spanId)}`)).json(),
  };
}

async function answer(address: string, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error('The server does not answer. Is trace-build view still running?', { cause: error });
  }
  if (response.ok) return response;
  throw new Error((await reasonIn(response)) ?? `The server answered ${response.status}.`);
}

async function reasonIn(response: Response): Promise<string | undefined> {
  const text = (await response.text()).trim();
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== 'object' || body === null) return undefined;
    const told = ['message', 'error'].map((name) => (body as Record<string, unknown>)[name]);
    return told.find((value) => typeof value === 'string');
  } catch {
    return text === '' || text.length > 300 ? undefined : text;
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + decoder.decode(value, { stream: !done })).split('\n');
    rest = lines.pop()!;
    yield* lines.filter((line) => line.trim() !== '');
    if (done) break;
  }
  if (rest.trim() !== '') yield rest;
}
