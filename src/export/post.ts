/**
 * One export request over OpenTelemetry's own HTTP transport → what became of it.
 *
 * in:   serialized bytes, a destination
 * out:  Answer; does not throw on anything the network or the collector does
 *
 * OTel's export delegate does retries, Retry-After, gzip and TLS, but tells only "failed" or "success", and says
 * success of any 2xx. The rest is read where it can be seen:
 * - the body of a 2xx answer in `deserializeResponse`, which the delegate calls;
 * - the number of HTTP requests in `headers`, which the transport calls before each;
 * - status, Retry-After and Location of an answer on Node's diagnostics channel, as the delegate keeps them to itself.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { OTLPExporterError } from '@opentelemetry/otlp-exporter-base';
import { createOtlpHttpExportDelegate, httpAgentFactoryFromOptions } from '@opentelemetry/otlp-exporter-base/node-http';
import { type Destination, shownUrl, withoutSecrets } from './destination.ts';
import { errorWords, readResponse } from './response.ts';

/** Every message begins with the collector's URL and holds no credentials. */
export type Answer =
  /** `message` is empty when it has nothing to say, as most. */
  | { readonly kind: 'accepted'; readonly rejectedSpans: number; readonly message: string }
  /** 400, 413, 422: not these bytes; parts of them may do. */
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }
  /** Nothing will get through until the user changes something. */
  | { readonly kind: 'unusable'; readonly message: string }
  /** Must not be repeated, says OTLP; another request may do. */
  | { readonly kind: 'failed'; readonly message: string }
  /** 429, 502, 503, 504, after OTel's retries. */
  | { readonly kind: 'busy'; readonly retryAfterMs: number; readonly message: string }
  /** No answer, or not the whole of it, after OTel's retries. */
  | { readonly kind: 'unreachable'; readonly message: string };

export interface Post {
  /** @param timeoutMs  for everything: the request, OTel's retries of it, the waiting between them */
  readonly post: (bytes: Uint8Array, timeoutMs: number) => Promise<Answer>;
  /** HTTP requests begun until now, retries included. */
  readonly requests: () => number;
  /** Closes the kept-alive connections. */
  readonly close: () => void;
}

/** One at a time: the requests share one agent, and an answer is known to be ours by its agent. */
export async function openPost(destination: Destination, userAgent: string): Promise<Post> {
  const agent: Agent = await httpAgentFactoryFromOptions({ keepAlive: true, ...destination.tls })(new URL(destination.url).protocol);
  let requests = 0;
  return {
    post: async (bytes, timeoutMs) => {
      const outcome = await send(bytes, timeoutMs, { destination, userAgent, agent, onRequest: () => (requests += 1) });
      return answerTo(outcome, destination, timeoutMs);
    },
    requests: () => requests,
    close: () => agent.destroy(),
  };
}

/** All that can be seen of one request. */
interface Outcome {
  readonly error: Error | undefined;
  /** Of a 2xx answer read to its end. */
  readonly body: Uint8Array | undefined;
  /** The head of the last attempt's answer, if there was one. */
  readonly head: Head | undefined;
  readonly timedOut: boolean;
}

interface Head {
  readonly status: number;
  /** From now on; 0 when the collector does not say. */
  readonly retryAfterMs: number;
  readonly location: string | undefined;
}

interface Wire {
  readonly destination: Destination;
  readonly userAgent: string;
  readonly agent: Agent;
  readonly onRequest: () => void;
}

/** Published with `{ request, response }` when the head of an answer is there (Node 18.8 and later). */
const RESPONSE_CHANNEL = 'http.client.response.finish';

async function send(bytes: Uint8Array, timeoutMs: number, { destination, userAgent, agent, onRequest }: Wire): Promise<Outcome> {
  let head: Head | undefined;
  let body: Uint8Array | undefined;
  let timedOut = false;

  const onResponse = (message: unknown): void => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    if (request.socket === null || !isOf(agent, request.socket)) return;
    head = headOf(response);
    // OTel makes -1 ms of "at once", and Node warns of that; of a moment that is past it makes 0.
    if (/^\s*-?0+\s*$/.test(response.headers['retry-after'] ?? '')) response.headers['retry-after'] = new Date(0).toUTCString();
  };
  const headers = async (): Promise<Record<string, string>> => {
    // OTel may be waiting to repeat the request when the time is over: nothing may be sent any more.
    if (timedOut) throw new Error('timed out');
    head = undefined;
    onRequest();
    return { ...destination.headers, 'content-type': CONTENT_TYPES[destination.protocol] };
  };
  // Of our own, because OTel's timeout is for silence: a byte now and then would hold it off for ever.
  const timer = setTimeout(() => {
    timedOut = true;
    agent.destroy();
  }, timeoutMs);
  subscribe(RESPONSE_CHANNEL, onResponse);
  try {
    const delegate = createOtlpHttpExportDelegate<Uint8Array, void>(
      {
        url: destination.url,
        headers,
        agentFactory: () => agent,
        compression: destination.compression,
        timeoutMillis: timeoutMs,
        concurrencyLimit: 1,
        userAgent,
      },
      {
        serializeRequest: (request) => request,
        deserializeResponse: (response) => {
          body = response;
        },
      },
      'otlp_http_span_exporter',
      // For OTel's metrics of itself, which nobody reads here.
      { name: 'span', countItems: () => 0 },
      undefined,
    );
    const error = await new Promise<Error | undefined>((resolve) => delegate.export(bytes, (result) => resolve(result.error)));
    return { error, body, head, timedOut };
  } finally {
    unsubscribe(RESPONSE_CHANNEL, onResponse);
    clearTimeout(timer);
  }
}

const CONTENT_TYPES = { 'http/protobuf': 'application/x-protobuf', 'http/json': 'application/json' } as const;

const isOf = (agent: Agent, socket: NonNullable<ClientRequest['socket']>): boolean =>
  Object.values(agent.sockets).some((sockets) => sockets?.includes(socket));

const headOf = ({ statusCode = 0, headers }: IncomingMessage): Head => ({
  status: statusCode,
  retryAfterMs: retryAfterFrom(headers['retry-after'], Date.now()),
  location: headers.location,
});

/** Seconds or an HTTP date (RFC 9110 §10.2.3); 0 when absent, past or neither. */
function retryAfterFrom(value: string | undefined, nowMs: number): number {
  if (value === undefined) return 0;
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

function answerTo(outcome: Outcome, destination: Destination, timeoutMs: number): Answer {
  const { error, body, head, timedOut } = outcome;
  const say = (what: string): string => `${shownUrl(destination.url)} ${withoutSecrets(what, destination)}`;

  if (error === undefined && body !== undefined) return answerToBody(body, destination, say);
  const status = error instanceof OTLPExporterError ? (error.code ?? head?.status) : head?.status;
  if (status !== undefined && status >= 300) return answerToStatus(status, outcome, destination, say);
  // An answer that is a success but for its end, or no answer at all.
  if (timedOut || error?.message === 'Request timed out') {
    return {
      kind: 'unreachable',
      message: say(`gave no answer within ${Number((timeoutMs / 1000).toFixed(1))} s.${portHint(destination)}`),
    };
  }
  // OTel's word for 429 and its like, should the diagnostics channel be silent.
  if (error instanceof OTLPExporterError) return { kind: 'busy', retryAfterMs: 0, message: say('is busy.') };
  if (error === undefined || isConnectionError(error)) {
    const reason = error === undefined ? 'broke off its answer' : `is not reachable (${errorCode(error) ?? error.message})`;
    return { kind: 'unreachable', message: say(`${reason}.${portHint(destination)}`) };
  }
  return {
    kind: 'unusable',
    message: say(
      `can't be talked to: ${errorWords(error.message) || errorCode(error)}. Check the address, http or https, and certificates.${portHint(destination)}`,
    ),
  };
}

type Say = (what: string) => string;

function answerToBody(body: Uint8Array, destination: Destination, say: Say): Answer {
  const read = readResponse(body);
  switch (read.kind) {
    case 'response': {
      const words = errorWords(read.errorMessage);
      if (read.rejectedSpans === 0) return { kind: 'accepted', rejectedSpans: 0, message: words === '' ? '' : say(`warns: ${words}`) };
      return { kind: 'accepted', rejectedSpans: read.rejectedSpans, message: say(`refused spans: ${words || 'it does not say why'}`) };
    }
    case 'junk':
      return {
        kind: 'unusable',
        message: say(`answered with something that is not OTLP: ${read.beginning}. ${HINTS[404]}${portHint(destination)}`),
      };
    default:
      return read satisfies never;
  }
}

function answerToStatus(status: number, { error, head }: Outcome, destination: Destination, say: Say): Answer {
  const words = error instanceof OTLPExporterError && error.data !== undefined ? errorWords(error.data) : '';
  const answered = `answered ${status}${words === '' ? '' : `: ${words}`}`;
  switch (status) {
    case 400:
    case 413:
    // What Phoenix and MLflow answer to spans they can't take.
    case 422:
      return { kind: 'refused', status, message: say(answered) };
    case 401:
    case 403:
    case 404:
    case 405:
      return { kind: 'unusable', message: say(`${answered}. ${HINTS[status]}`) };
    case 415: {
      const other = destination.protocol === 'http/json' ? 'http/protobuf' : 'http/json';
      return { kind: 'unusable', message: say(`${answered}. It does not take ${destination.protocol}: try ${other}.`) };
    }
    case 429:
    case 502:
    case 503:
    case 504: {
      const retryAfterMs = head?.retryAfterMs ?? 0;
      const asks = retryAfterMs > 0 ? ` and asks to wait ${Math.ceil(retryAfterMs / 1000)} s` : '';
      return { kind: 'busy', retryAfterMs, message: say(`${answered}${asks}.`) };
    }
    default:
      if (status >= 400) return { kind: 'failed', message: say(`${answered}.`) };
      return {
        kind: 'unusable',
        message: say(`${answered}, a redirection to ${redirectionTarget(head, destination)}. Give the final address.`),
      };
  }
}

const HINTS = {
  401: 'Check the credentials in the headers.',
  403: 'Check the credentials in the headers.',
  404: 'Check the address: OTLP/HTTP usually ends in /v1/traces.',
  405: 'Check the address: OTLP/HTTP usually ends in /v1/traces.',
} as const;

function redirectionTarget(head: Head | undefined, destination: Destination): string {
  const location = head?.location;
  return location !== undefined && URL.canParse(location, destination.url) ? shownUrl(new URL(location, destination.url).href) : 'nowhere';
}

const portHint = (destination: Destination): string =>
  new URL(destination.url).port === '4317' ? ' Port 4317 is usually gRPC; OTLP/HTTP is on 4318.' : '';

/** What OTel's transport repeats a request for (http-transport-utils.js, not exported); the last is a name that does not resolve. */
const CONNECTION_ERRORS = ['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'ENOTFOUND'];

const isConnectionError = (error: Error): boolean => CONNECTION_ERRORS.includes(errorCode(error) ?? '');

function errorCode(error: Error): string | undefined {
  const code = (error as NodeJS.ErrnoException).code;
  return typeof code === 'string' ? code : undefined;
}
