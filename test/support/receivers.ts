/**
 * Two independent third-party OTLP receivers, on free ports.
 *
 * out:  { url, spans(), stop() }: the base URL to send to, and what they say they received
 *
 * - @elastic/mockotlpserver runs in this process (its channels are the process's: one at a time). Times to the ns.
 *   It does not know gzip and dies of it, so a front of ours undoes HTTP's Content-Encoding and passes the rest on.
 * - @jnmetacode/tracelet is a process of its own, and is ended by its pid. It decodes protobuf by hand, knows
 *   gzip, keeps times to the µs as floats of ms, and no links. It listens on ALL interfaces.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { Agent, createServer, request, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { MockOtlpServer } from '@elastic/mockotlpserver';
import { flatSpans, type ReceivedSpan } from './otlp.ts';

export interface MockOtlp {
  readonly url: string;
  readonly spans: () => readonly ReceivedSpan[];
  readonly stop: () => Promise<void>;
}

let mockOtlpRuns = false;

export async function startMockOtlp(): Promise<MockOtlp> {
  if (mockOtlpRuns) throw new Error('one mockotlpserver a process: they would all get the same spans');
  mockOtlpRuns = true;
  const spans: ReceivedSpan[] = [];
  let stopped = false;
  const server = new MockOtlpServer({
    logLevel: 'warn',
    services: ['http'],
    httpHostname: '127.0.0.1',
    httpPort: 0,
    onTrace: (trace) => {
      if (!stopped) spans.push(...flatSpans(trace));
    },
  });
  await server.start();
  const front = await startGunzip(server.httpUrl!);
  return {
    url: front.url,
    spans: () => spans,
    stop: async () => {
      await front.stop();
      await server.close();
      stopped = true;
      mockOtlpRuns = false;
    },
  };
}

/** As tracelet tells it: ms with three decimals, JS values, no links. */
export interface TraceletSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly service: string;
  readonly scope: string;
  readonly otelKind: string;
  readonly start: number;
  readonly end: number;
  readonly status: string;
  readonly statusMessage: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly time: number; readonly attributes: Readonly<Record<string, unknown>> }[];
}

export interface Tracelet {
  readonly url: string;
  /** Of all traces it still has: it forgets the oldest above 500. */
  readonly spans: () => Promise<readonly TraceletSpan[]>;
  readonly stop: () => Promise<void>;
}

/** @throws when it doesn't answer within 20 s, with what it printed */
export async function startTracelet(): Promise<Tracelet> {
  const [port, uiPort] = await freePorts(2);
  const cli = createRequire(import.meta.url).resolve('@jnmetacode/tracelet/src/cli.js');
  const child = spawn(process.execPath, [cli, '--port', `${port}`, '--ui-port', `${uiPort}`, '--no-open'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
  }
  const ui = `http://127.0.0.1:${uiPort}`;
  await answers(`${ui}/api/traces`, child, () => printed);
  return {
    url: `http://127.0.0.1:${port}`,
    spans: async () => {
      const traces = await json<{ traceId: string }[]>(`${ui}/api/traces`);
      const details = await Promise.all(traces.map(({ traceId }) => json<{ spans: TraceletSpan[] }>(`${ui}/api/traces/${traceId}`)));
      return details.flatMap(({ spans }) => spans);
    },
    stop: () => ended(child),
  };
}

/** Undoes gzip and hands everything else to `target` as it is. */
async function startGunzip(target: URL): Promise<{ url: string; stop: () => Promise<void> }> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { 'content-encoding': encoding, 'transfer-encoding': _chunked, 'content-length': _length, ...headers } = incoming.headers;
    const sent = Buffer.concat(chunks);
    const forward = request(new URL(incoming.url ?? '/', target), { method: incoming.method ?? 'GET', headers, agent }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    forward.on('error', () => outgoing.destroy());
    forward.end(encoding === 'gzip' ? gunzipSync(sent) : sent);
  });
  const port = await listening(server);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Ports that were free together a moment ago: tracelet's CLI can't say which ones it took. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(servers.map(listening));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function answers(url: string, child: ChildProcess, printed: () => string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline && child.exitCode === null) {
    const response = await fetch(url).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.ok) return;
    await sleep(20);
  }
  await ended(child);
  throw new Error(`tracelet did not start: ${printed()}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await exit;
}

async function json<T>(url: string): Promise<T> {
  const response = await fetch(url);
  return (await response.json()) as T;
}
