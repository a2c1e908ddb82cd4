/**
 * The server of the page: this machine only, for whoever was told its address.
 *
 * in:   `Shelf`, a port
 * out:  an address; requests answered as answers.ts says
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../errors.ts';
import { type Answer, type Asked, answersFor, failure, type Shelf } from './answers.ts';

const TOKEN_BYTES = 24;

export interface ViewServer {
  /** `http://127.0.0.1:<port>/<token>/`. */
  readonly address: string;
  /** Breaks off what is being answered. */
  close(): Promise<void>;
}

/**
 * @param port    0: any that is free
 * @param failed  told of what went wrong in an answer
 * @throws UserError when the port can't be had
 */
export async function serve(shelf: Shelf, port: number, failed: (error: unknown) => void): Promise<ViewServer> {
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  let answerTo: ((asked: Asked) => Answer) | undefined;
  const server = createServer((request, response) => {
    respond(request, response, answerTo!, failed).catch((error: unknown) => {
      if (!isGone(error)) failed(error);
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(noPort(port, error)));
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  answerTo = answersFor(shelf, bound, token);
  return {
    address: `http://127.0.0.1:${bound}/${token}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  answerTo: (asked: Asked) => Answer,
  failed: (error: unknown) => void,
): Promise<void> {
  request.resume(); // A body is nothing to us, but it must not fill the socket.
  const { status, headers, body } = answerOf(request, answerTo, failed);
  response.writeHead(status, typeof body === 'string' ? { ...headers, 'content-length': Buffer.byteLength(body) } : headers);
  if (request.method === 'HEAD') response.end();
  else if (typeof body === 'string') response.end(body);
  // Waits for a slow reader, and ends the source when the reader goes away.
  else await pipeline(Readable.from(body), response);
}

/** A session that can't be read costs only its own answer. */
function answerOf(request: IncomingMessage, answerTo: (asked: Asked) => Answer, failed: (error: unknown) => void): Answer {
  try {
    return answerTo({ method: request.method ?? '', target: request.url ?? '', hosts: hostsIn(request) });
  } catch (error) {
    if (!(error instanceof UserError)) failed(error);
    return failure(
      500,
      error instanceof UserError ? error.message : 'This session could not be built: a bug in trace-build. Its terminal tells more.',
    );
  }
}

/** Node's `headers` tells the first of several. */
const hostsIn = ({ rawHeaders }: IncomingMessage): readonly string[] =>
  rawHeaders.flatMap((name, at) => (at % 2 === 0 && name.toLowerCase() === 'host' ? [rawHeaders[at + 1] ?? ''] : []));

const isGone = (error: unknown): boolean =>
  ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');

const noPort = (port: number, error: Error): UserError =>
  new UserError(`Port ${port} can't be used: ${error.message}.`, 'Leave --port out: any free one will do.');
