/**
 * A collector that waits, breaks off, goes away and comes back when a test says so.
 *
 * in:   what it answers, at which point of a request it is to be held
 * out:  every request that came whole, what it took; promises of what is to come
 *
 * Like a real one it has what it took before it answers.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Collector, type ReceivedRequest, received } from './collector.ts';
import type { ReceivedSpan } from './otlp.ts';

export type FaultAnswer =
  /** Of a 200 the spans are taken, unless it is from somebody else. */
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string; readonly takes?: false }
  /** Has the spans, and closes the connection without an answer. */
  | 'takes and dies';

/** Where a request can be held: before its body is read, before it is answered, in the middle of the answer. */
export type Point = 'unread' | 'unanswered' | 'half answered';

export interface Held {
  /** Resolves when a request has come to that point. */
  readonly reached: Promise<void>;
  readonly go: () => void;
}

export interface FaultCollector extends Collector {
  /** From now on; a function is asked for each request. Before anybody says so: 200. */
  readonly answers: (how: FaultAnswer | ((request: ReceivedRequest) => FaultAnswer)) => void;
  /** Holds the next request, or the nth from now. */
  readonly hold: (point: Point, nth?: number) => Held;
  /** Nobody listens any more, until it is back at the same address. */
  readonly goAway: () => Promise<void>;
  readonly comeBack: () => Promise<void>;
  /** Resolves when so many requests came whole, from the beginning on. */
  readonly came: (count: number) => Promise<void>;
}

export async function startFaultCollector(): Promise<FaultCollector> {
  const requests: ReceivedRequest[] = [];
  const taken: ReceivedSpan[] = [];
  let how: FaultAnswer | ((request: ReceivedRequest) => FaultAnswer) = { status: 200 };
  let [connections, begun] = [0, 0];
  const holds: { point: Point; at: number; arrive: () => void; gone: Promise<void> }[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];

  const at = async (point: Point, n: number): Promise<void> => {
    const found = holds.findIndex((hold) => hold.point === point && hold.at === n);
    if (found < 0) return;
    const [hold] = holds.splice(found, 1);
    hold!.arrive();
    await hold!.gone;
  };

  const onRequest = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const n = ++begun;
    await at('unread', n);
    const body = await wholeBody(message);
    // Whoever sent it died on the way.
    if (body === undefined) return;
    const request = received(message, body);
    const answer = typeof how === 'function' ? how(request) : how;
    if (answer === 'takes and dies' || (answer.status === 200 && answer.takes !== false)) taken.push(...request.spans);
    requests.push(request);
    for (const { count, resolve } of waiting) if (requests.length >= count) resolve();
    await at('unanswered', n);
    if (answer === 'takes and dies') return void response.socket?.destroy();
    const text = Buffer.from(answer.body ?? '{}');
    response.writeHead(answer.status, { ...answer.headers, 'content-length': String(text.length) });
    response.write(text.subarray(0, 1));
    await at('half answered', n);
    response.end(text.subarray(1));
  };

  const server = createServer((message, response) => void onRequest(message, response));
  server.on('connection', () => {
    connections += 1;
  });
  const listen = (port: number): Promise<void> => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    taken,
    connections: () => connections,
    answers: (next) => {
      how = next;
    },
    hold: (point, nth = 1) => {
      let [arrive, go] = [(): void => undefined, (): void => undefined];
      const reached = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      const gone = new Promise<void>((resolve) => {
        go = resolve;
      });
      holds.push({ point, at: begun + nth, arrive, gone });
      return { reached, go };
    },
    came: (count) => (requests.length >= count ? Promise.resolve() : new Promise<void>((resolve) => waiting.push({ count, resolve }))),
    goAway: close,
    comeBack: () => listen(port),
    stop: close,
  };
}

async function wholeBody(message: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of message) chunks.push(chunk as Buffer);
  } catch {
    return undefined;
  }
  return message.complete ? Buffer.concat(chunks) : undefined;
}
