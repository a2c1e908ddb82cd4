/**
 * A collector that answers what a test tells it to, on a free port of 127.0.0.1.
 *
 * in:   answers, one a request; when they are used up, `otherwise` (default: takes everything); `tls` for https
 * out:  every request it got, with its body decompressed and its spans decoded
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { decodeRequest, type ReceivedSpan } from './otlp.ts';

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  readonly spans: readonly ReceivedSpan[];
  /** By `performance.now()`. */
  readonly atMs: number;
}

export type Answer =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string | Uint8Array }
  /** Never answers. */
  | 'hang'
  /** Closes the connection without an answer. */
  | 'reset'
  /** Sends the head and half of the body of a 200, then closes the connection. */
  | 'cut'
  /** Sends the head of a 200, then a byte every 20 ms, for ever. */
  | 'dribble';

export interface Collector {
  /** Base URL. */
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** Spans of the requests it answered 200. */
  readonly taken: readonly ReceivedSpan[];
  /** TCP connections opened to it until now. */
  readonly connections: () => number;
  readonly stop: () => Promise<void>;
}

export const OK: Answer = { status: 200 };

export async function startCollector(
  answers: readonly Answer[] = [],
  otherwise: Answer | ((request: ReceivedRequest) => Answer) = OK,
  tls?: ServerOptions,
): Promise<Collector> {
  const queue = [...answers];
  const requests: ReceivedRequest[] = [];
  const taken: ReceivedSpan[] = [];
  let connections = 0;

  const onRequest = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const request = received(message, Buffer.concat(chunks));
    requests.push(request);
    const answer = queue.shift() ?? (typeof otherwise === 'function' ? otherwise(request) : otherwise);
    if (typeof answer === 'object' && answer.status === 200) taken.push(...request.spans);
    give(answer, response);
  };
  const server = tls === undefined ? createServer(onRequest) : createTlsServer(tls, onRequest);
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    taken,
    connections: () => connections,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The URL of a port where nobody listens: one that was free a moment ago. */
export async function closedPort(): Promise<string> {
  const collector = await startCollector();
  await collector.stop();
  return collector.url;
}

/** @param sent  its body, as it came */
export function received(message: IncomingMessage, sent: Buffer): ReceivedRequest {
  const body = message.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
  return {
    method: message.method ?? '',
    path: message.url ?? '',
    headers: message.headers,
    body,
    spans: decodeRequest(body, message.headers['content-type'] ?? ''),
    atMs: performance.now(),
  };
}

function give(answer: Answer, response: ServerResponse): void {
  switch (answer) {
    case 'hang':
      return;
    case 'reset':
      response.socket?.destroy();
      return;
    case 'cut':
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"partialSuccess":', () => response.socket?.destroy());
      return;
    case 'dribble': {
      response.writeHead(200);
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
      return;
    }
    default:
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
  }
}
