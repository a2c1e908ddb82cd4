/**
 * Delivery against a collector that misbehaves in every way the specification and the field know.
 *
 * OTel's own waits (1 s ± 20 % and more) can't be made shorter. But it reports at once when the wait a collector asks
 * for is longer than the request's time: so most answers here ask for more than 10 s, and our own wait, which is
 * injected, begins. Nothing here depends on the machine's speed: short times are only given to what ends in a timeout.
 */
import { afterEach, expect, test } from 'vitest';
import { createDelivery, type DeliveryOptions, type DeliveryReport } from '../../src/export/deliver.ts';
import { type Destination, destinationFrom } from '../../src/export/destination.ts';
import type { Span } from '../../src/trace/span.ts';
import { type Answer, type Collector, closedPort, OK, type ReceivedRequest, startCollector } from '../support/collector.ts';
import { span, spansNumbered } from '../support/spans.ts';
import { CA_CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY, SERVER_CERTIFICATE, SERVER_KEY } from '../support/tls.ts';

const SCOPE = { name: 'trace-build', version: '1.2.3' };

const running: Collector[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((collector) => collector.stop()));
});

async function collector(...parameters: Parameters<typeof startCollector>): Promise<Collector> {
  const started = await startCollector(...parameters);
  running.push(started);
  return started;
}

const to = (url: string, own: Partial<Destination> = {}): Destination => ({ ...destinationFrom({ env: {}, endpoint: url })!, ...own });

/** One delivery of some sessions. Every report is checked to add up. */
async function delivered(destination: Destination, sessions: readonly (readonly Span[])[], own: Partial<DeliveryOptions> = {}) {
  const waits: number[] = [];
  const settled: Span[] = [];
  const delivery = createDelivery(destination, {
    scope: SCOPE,
    deadlineMs: 60_000,
    wait: async (ms) => void waits.push(ms),
    record: { intend: () => undefined, settle: ({ spans }) => settled.push(...spans) },
    ...own,
  });
  const reports: DeliveryReport[] = [];
  for (const spans of sessions) reports.push(await delivery.send(spans));
  await delivery.close();
  for (const [at, report] of reports.entries()) {
    expect(report.built).toBe(sessions[at]!.length);
    expect(report.acknowledged + report.refused + report.pending).toBe(report.built);
    expect(Math.min(report.acknowledged, report.refused, report.pending, report.retried)).toBeGreaterThanOrEqual(0);
    expect(new Set(report.messages).size).toBe(report.messages.length);
    // Nothing is kept back in silence.
    if (report.refused + report.pending > 0) expect(report.messages).not.toEqual([]);
  }
  expect(settled).toHaveLength(reports.reduce((sum, report) => sum + report.acknowledged + report.refused, 0));
  return { report: reports.at(-1)!, reports, waits, settled };
}

const ids = (spans: readonly { spanId: string }[]): string[] => spans.map(({ spanId }) => spanId);
const spanCounts = ({ requests }: Collector): number[] => requests.map(({ spans }) => spans.length);
const whole = (count: number) => ({ built: count, acknowledged: count, refused: 0, pending: 0, retried: 0, messages: [] });
const allPending = (count: number) => ({ built: count, acknowledged: 0, refused: 0, pending: count });

test.each<[string, Partial<Destination>, object]>([
  ['protobuf, gzip', {}, { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' }],
  ['protobuf', { compression: 'none' }, { 'content-type': 'application/x-protobuf' }],
  ['JSON, gzip', { protocol: 'http/json' }, { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  [
    'JSON, with headers',
    { protocol: 'http/json', headers: { authorization: 'Bearer x' } },
    { 'content-type': 'application/json', authorization: 'Bearer x' },
  ],
])('a collector that takes everything: %s', async (_, own, headers) => {
  const up = await collector();
  const { report } = await delivered(to(up.url, own), [spansNumbered(3)]);
  expect(report).toEqual({ ...whole(3), requests: 1 });
  expect(ids(up.taken)).toEqual(ids(spansNumbered(3)));
  expect(up.requests[0]).toMatchObject({ method: 'POST', path: '/v1/traces', headers });
  expect(up.requests[0]!.headers['user-agent']).toMatch(/^trace-build\/1\.2\.3 OTel-OTLP-Exporter-JavaScript\//);
});

test('5,000 spans arrive, in batches of at most 512 spans and 4 MiB, over one connection', async () => {
  const up = await collector();
  const spans = spansNumbered(5000, { attributes: { 'gen_ai.tool.call.arguments': 'x'.repeat(12_000) } });
  const { report, settled } = await delivered(to(up.url), [spans]);
  expect(report).toEqual({ ...whole(5000), requests: up.requests.length });
  expect(ids(up.taken)).toEqual(ids(spans));
  expect(settled).toEqual(spans);
  expect(Math.max(...spanCounts(up))).toBeLessThanOrEqual(512);
  expect(Math.max(...up.requests.map(({ body }) => body.length))).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(up.connections()).toBe(1);
});

test('many sessions share one connection, and nothing is sent for an empty one', async () => {
  const up = await collector();
  const { reports } = await delivered(to(up.url), [spansNumbered(1), [], spansNumbered(2)]);
  expect(reports.map(({ acknowledged, requests }) => [acknowledged, requests])).toEqual([
    [1, 1],
    [0, 0],
    [2, 1],
  ]);
  expect(up.connections()).toBe(1);
});

test('sessions sent at the same time go one after another', async () => {
  const up = await collector();
  const delivery = createDelivery(to(up.url), { scope: SCOPE });
  const reports = await Promise.all([1, 2, 3].map((count) => delivery.send(spansNumbered(count))));
  await delivery.close();
  expect(reports.map(({ acknowledged, requests }) => [acknowledged, requests])).toEqual([
    [1, 1],
    [2, 1],
    [3, 1],
  ]);
  expect(spanCounts(up)).toEqual([1, 2, 3]);
});

/** What counts as taken: a 2xx answer that is an ExportTraceServiceResponse. */
test.each<[string, Answer]>([
  ['empty body', { status: 200 }],
  ['202', { status: 202 }],
  ['JSON {} to protobuf, as tracelet and Langfuse', { status: 200, body: '{}' }],
  ['protobuf, empty partial success', { status: 200, body: Uint8Array.of(0x0a, 0) }],
])('taken: %s', async (_, answer) => {
  const up = await collector([], answer);
  expect((await delivered(to(up.url), [spansNumbered(2)])).report).toEqual({ ...whole(2), requests: 1 });
});

const PARTIAL_PROTOBUF = Uint8Array.of(0x0a, 6, 0x08, 2, 0x12, 2, 0x6e, 0x6f);
const WARNING_PROTOBUF = Uint8Array.of(0x0a, 4, 0x12, 2, 0x6e, 0x6f);

test.each<[Destination['protocol'], Answer]>([
  ['http/json', { status: 200, body: '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}' }],
  ['http/protobuf', { status: 200, body: PARTIAL_PROTOBUF }],
])('%s: a partial success is counted, told and not repeated', async (protocol, answer) => {
  const up = await collector([answer]);
  const { report } = await delivered(to(up.url, { protocol }), [spansNumbered(5)]);
  expect(report).toMatchObject({
    acknowledged: 3,
    refused: 2,
    pending: 0,
    requests: 1,
    messages: [`${up.url}/v1/traces refused spans: no`],
  });
  expect(up.requests).toHaveLength(1);
});

test('a partial success of nothing is a warning; one that rejects more than it got, all', async () => {
  const up = await collector([
    { status: 200, body: WARNING_PROTOBUF },
    { status: 200, body: '{"partialSuccess":{"rejectedSpans":99}}' },
  ]);
  const { reports } = await delivered(to(up.url), [spansNumbered(5), spansNumbered(5)]);
  expect(reports[0]).toEqual({ ...whole(5), requests: 1, messages: [`${up.url}/v1/traces warns: no`] });
  expect(reports[1]).toMatchObject({ acknowledged: 0, refused: 5, pending: 0 });
});

/** The user must change something: one request, then no more, for no session. */
test.each<[string, Answer, RegExp]>([
  [
    '301',
    { status: 301, headers: { location: 'https://else.example/v1/traces?key=s3cr3t' } },
    /301, a redirection to https:\/\/else\.example\/v1\/traces\?key=\*\*\*\*/,
  ],
  ['401', { status: 401, body: '{"message":"bad token Tok3nTok3n"}' }, /answered 401: bad token \*\*\*\*\. Check the credentials/],
  ['403', { status: 403 }, /answered 403\. Check the credentials/],
  ['404', { status: 404, body: 'not found' }, /answered 404: not found\. Check the address/],
  ['405', { status: 405 }, /answered 405\. Check the address/],
  ['415', { status: 415 }, /does not take http\/protobuf: try http\/json/],
  ['a web page', { status: 200, body: '<html><title>Log in</title></html>' }, /not OTLP: a web page "Log in"/],
  ['text', { status: 200, body: 'accepted' }, /not OTLP: accepted/],
])('unusable: %s', async (_, answer, message) => {
  const up = await collector([], answer);
  const destination = to(up.url, { headers: { authorization: 'Bearer Tok3nTok3n' } });
  const { reports } = await delivered(destination, [spansNumbered(2000), spansNumbered(3)]);
  expect(reports[0]).toMatchObject({ ...allPending(2000), requests: 1, retried: 0 });
  expect(reports[1]).toMatchObject({ ...allPending(3), requests: 0 });
  for (const report of reports) {
    expect(report.unusable).toMatch(message);
    expect(report.messages).toEqual([report.unusable]);
  }
  expect(up.requests).toHaveLength(1);
});

test('what is not HTTP is unusable too, with a hint at the usual cause', async () => {
  const up = await collector();
  const { report } = await delivered(to(up.url.replace('http:', 'https:')), [spansNumbered(3)]);
  expect(report).toMatchObject({ ...allPending(3), requests: 1 });
  expect(report.unusable).toMatch(/can't be talked to: .*Check the address, http or https/);
});

const SERVER_TLS = { cert: SERVER_CERTIFICATE, key: SERVER_KEY, ca: CA_CERTIFICATE };
const pem = (text: string): Uint8Array => new TextEncoder().encode(text);

test('https with an authority and a client certificate of our own', async () => {
  const up = await collector([], OK, { ...SERVER_TLS, requestCert: true });
  const tls = { ca: pem(CA_CERTIFICATE), cert: pem(CLIENT_CERTIFICATE), key: pem(CLIENT_KEY) };
  const { report } = await delivered(to(up.url, { tls }), [spansNumbered(3)]);
  expect(report).toEqual({ ...whole(3), requests: 1 });
});

test('https with an authority that is not trusted: unusable, and nothing was sent', async () => {
  const up = await collector([], OK, SERVER_TLS);
  const { report } = await delivered(to(up.url), [spansNumbered(3)]);
  expect(report).toMatchObject(allPending(3));
  expect(report.unusable).toMatch(/can't be talked to: .*certificate.*Check the address/);
  expect(up.requests).toEqual([]);
});

test('a certificate that is none: unusable', async () => {
  const up = await collector([], OK, SERVER_TLS);
  const { report } = await delivered(to(up.url, { tls: { ca: pem('x'), cert: pem('x'), key: pem('x') } }), [spansNumbered(3)]);
  expect(report).toMatchObject(allPending(3));
  expect(report.unusable).toMatch(/can't be talked to/);
});

/** 400, 413, 422: find the spans that are not wanted, but do not ask for ever. */
const refusing =
  (bad: readonly string[], status = 400) =>
  (request: ReceivedRequest): Answer =>
    request.spans.some(({ spanId }) => bad.includes(spanId)) ? { status, body: `{"code":3,"message":"bad span"}` } : OK;

test.each([400, 413, 422])('%i: one bad span among 512 is found and refused, the others arrive', async (status) => {
  const spans = spansNumbered(512);
  const up = await collector([], refusing([spans[300]!.spanId], status));
  const { report } = await delivered(to(up.url), [spans]);
  expect(report).toMatchObject({
    acknowledged: 511,
    refused: 1,
    pending: 0,
    messages: [`${up.url}/v1/traces answered ${status}: bad span`],
  });
  expect(report.unusable).toBeUndefined();
  expect(new Set(ids(up.taken))).toEqual(new Set(ids(spans.filter((_, n) => n !== 300))));
  expect(up.requests.length).toBeLessThan(25);
});

test.each([400, 413])('%i: the very first span and another one bad: found as well, though nothing was taken before', async (status) => {
  const spans = spansNumbered(512);
  const up = await collector([], refusing([spans[0]!.spanId, spans[400]!.spanId], status));
  expect((await delivered(to(up.url), [spans])).report).toMatchObject({ acknowledged: 510, refused: 2, pending: 0 });
  expect(up.requests.length).toBeLessThan(45);
});

test.each([400, 413])('%i to everything: the collector is at fault, soon', async (status) => {
  const up = await collector([], { status, body: 'no' });
  const { reports } = await delivered(to(up.url), [spansNumbered(5000), spansNumbered(1)]);
  expect(reports[0]).toMatchObject(allPending(5000));
  expect(reports[1]).toMatchObject({ ...allPending(1), requests: 0 });
  expect(reports[0]!.unusable).toMatch(/answered \d+: no\. It refuses everything/);
  expect(up.requests.length).toBeLessThan(20);
});

test('a lone span refused by a collector that never took anything is kept: the fault may be the address', async () => {
  const up = await collector([{ status: 400, body: 'no' }, OK, { status: 400, body: 'no' }]);
  const { reports } = await delivered(to(up.url), [[span(1)], [span(2)], [span(3)]]);
  expect(reports[0]).toMatchObject({ ...allPending(1), messages: [`${up.url}/v1/traces answered 400: no`] });
  expect(reports[1]).toMatchObject({ acknowledged: 1 });
  expect(reports[2]).toMatchObject({ refused: 1, pending: 0 });
});

test('when it refuses very many after taking some, the rest stays pending', async () => {
  const spans = spansNumbered(1024);
  const up = await collector([], refusing(ids(spans.slice(512))));
  const { report } = await delivered(to(up.url), [spans]);
  expect(report.acknowledged).toBe(512);
  expect(report.refused).toBeGreaterThan(20);
  expect(report.pending).toBe(512 - report.refused);
  expect(report.unusable).toMatch(/refused 64 requests in a row/);
  expect(up.requests).toHaveLength(65);
});

test('413 above a size: what fits is learnt once, and all arrives', async () => {
  const limit = 40_000;
  const up = await collector([], ({ body }) => (body.length > limit ? { status: 413 } : OK));
  const spans = spansNumbered(1500, { attributes: { 'gen_ai.tool.call.arguments': 'x'.repeat(1000) } });
  const { report } = await delivered(to(up.url), [spans]);
  expect(report).toMatchObject({ acknowledged: 1500, refused: 0, pending: 0 });
  expect(new Set(ids(up.taken))).toEqual(new Set(ids(spans)));
  // 512 spans are 540 KB: at most four halvings reach the limit, and no later batch begins above it.
  expect(up.requests.filter(({ body }) => body.length > limit).length).toBeLessThanOrEqual(4);
});

test('413: a span too large alone is refused, the others arrive', async () => {
  const up = await collector([], ({ body }) => (body.length > 40_000 ? { status: 413 } : OK));
  const spans = spansNumbered(20).map((one, n) => (n === 7 ? { ...one, attributes: { text: 'x'.repeat(50_000) } } : one));
  expect((await delivered(to(up.url), [spans])).report).toMatchObject({ acknowledged: 19, refused: 1, pending: 0 });
});

/** OTLP forbids to repeat a 500; the next batch is another request. */
test('500 once: that batch stays pending, the others are sent', async () => {
  const up = await collector([OK, { status: 500, body: 'oops' }]);
  const { report } = await delivered(to(up.url), [spansNumbered(1500)]);
  expect(report).toMatchObject({
    acknowledged: 512 + 476,
    refused: 0,
    pending: 512,
    requests: 3,
    messages: [`${up.url}/v1/traces answered 500: oops.`],
  });
  expect(report.unusable).toBeUndefined();
});

test('500 to everything: no fourth request', async () => {
  const up = await collector([], { status: 500 });
  const { report } = await delivered(to(up.url), [spansNumbered(5000)]);
  expect(report).toMatchObject({ ...allPending(5000), requests: 3, unusable: `${up.url}/v1/traces answered 500.` });
});

/** Later: busy or away. */
test('503, then taken: by OTel itself when the request has time', async () => {
  const up = await collector([{ status: 503 }]);
  const { report, waits } = await delivered(to(up.url, { timeoutMs: 20_000 }), [spansNumbered(3)]);
  expect(report).toEqual({ ...whole(3), requests: 2, retried: 1 });
  expect(waits).toEqual([]);
});

test('429 with Retry-After 1: OTel waits that second', async () => {
  const up = await collector([{ status: 429, headers: { 'retry-after': '1' } }]);
  const { report, waits } = await delivered(to(up.url, { timeoutMs: 20_000 }), [spansNumbered(3)]);
  expect(report).toEqual({ ...whole(3), requests: 2, retried: 1 });
  expect(waits).toEqual([]);
  expect(up.requests[1]!.atMs - up.requests[0]!.atMs).toBeGreaterThan(990);
});

test.each([429, 502, 503, 504])('%i: when OTel gives up, we go on with longer and longer waits', async (status) => {
  const busy: Answer = { status, headers: { 'retry-after': '11' } };
  const up = await collector([busy, busy, busy]);
  const { report, waits } = await delivered(to(up.url), [spansNumbered(3)], { backoffMs: 15_000 });
  expect(report).toMatchObject({ acknowledged: 3, pending: 0, requests: 4, retried: 3 });
  for (const [round, ms] of [15_000, 30_000, 30_000].entries()) {
    expect(waits[round]).toBeGreaterThanOrEqual(ms * 0.8);
    expect(waits[round]).toBeLessThanOrEqual(ms * 1.2);
  }
});

test('Retry-After beyond the time of a request is kept to', async () => {
  const up = await collector([{ status: 503, headers: { 'retry-after': '20' } }]);
  const { report, waits } = await delivered(to(up.url), [spansNumbered(3)], { backoffMs: 1 });
  expect(report).toMatchObject({ acknowledged: 3, requests: 2, retried: 1 });
  expect(waits).toEqual([20_000]);
});

test('Retry-After may be a date', async () => {
  const up = await collector([], { status: 503, headers: { 'retry-after': new Date(Date.now() + 600_000).toUTCString() } });
  const { report } = await delivered(to(up.url), [spansNumbered(3)]);
  expect(report).toMatchObject({ ...allPending(3), requests: 1 });
  expect(report.messages).toEqual([expect.stringMatching(/asks to wait [56]\d\d s/)]);
});

test('Retry-After beyond the deadline: pending, no further request', async () => {
  const up = await collector([], { status: 429, headers: { 'retry-after': '60' }, body: 'slow down' });
  const { reports, waits } = await delivered(to(up.url), [spansNumbered(2000), spansNumbered(2)], { deadlineMs: 30_000 });
  expect(reports[0]).toMatchObject({ ...allPending(2000), requests: 1 });
  expect(reports[1]).toMatchObject({ ...allPending(2), requests: 0 });
  expect(reports[1]!.messages).toEqual([
    expect.stringMatching(/answered 429 and asks to wait 60 s\. Gave up: the next try would be after the deadline of 30 s\./),
  ]);
  expect(reports[0]!.unusable).toBeUndefined();
  expect(waits).toEqual([]);
});

/** A clock that only waiting moves: no test of a deadline depends on the machine. */
function clock() {
  let nowMs = 0;
  const wait = async (ms: number): Promise<void> => {
    nowMs += ms;
  };
  return { now: () => nowMs, wait };
}

const BUSY: Answer = { status: 503, headers: { 'retry-after': '30' } };

test('503 for ever: until the deadline, then pending', async () => {
  const up = await collector([], BUSY);
  const time = clock();
  const { report } = await delivered(to(up.url), [spansNumbered(2000)], { ...time, backoffMs: 1, deadlineMs: 100_000 });
  expect(report).toMatchObject({ ...allPending(2000), requests: 4, retried: 3 });
  expect(report.messages).toEqual([expect.stringMatching(/answered 503 and asks to wait 30 s\. Gave up: .* deadline of 100 s/)]);
  expect(report.unusable).toBeUndefined();
  expect(time.now()).toBe(90_000);
});

test('the deadline starts anew when the collector takes something', async () => {
  const up = await collector([BUSY, BUSY, OK, BUSY, BUSY, OK, BUSY, BUSY, OK]);
  const { report } = await delivered(to(up.url), [spansNumbered(1500)], { ...clock(), backoffMs: 1, deadlineMs: 70_000 });
  expect(report).toMatchObject({ acknowledged: 1500, requests: 9, retried: 6 });
});

test('nobody listens: given up at once, no further batch and no further session is tried', async () => {
  const { reports, waits } = await delivered(to(await closedPort(), { timeoutMs: 300 }), [spansNumbered(2000), spansNumbered(2)]);
  expect(reports[0]).toMatchObject({ ...allPending(2000), requests: 1 });
  expect(reports[1]).toMatchObject({ ...allPending(2), requests: 0 });
  expect(reports[1]!.messages).toEqual([expect.stringMatching(/is not reachable \(ECONNREFUSED\)\.|gave no answer/)]);
  expect(reports[0]!.unusable).toBeUndefined();
  expect(waits).toEqual([]);
});

test('a name that does not resolve: the same', async () => {
  const { report } = await delivered(to('http://collector.invalid:4318', { timeoutMs: 300 }), [spansNumbered(2)]);
  expect(report).toMatchObject(allPending(2));
  expect(report.messages).toEqual([
    expect.stringMatching(/^http:\/\/collector\.invalid:4318\/v1\/traces (is not reachable|gave no answer)/),
  ]);
});

test('a collector that goes away in the middle is waited for', async () => {
  const up = await collector([OK, 'cut', 'cut', OK]);
  const { report, waits } = await delivered(to(up.url), [spansNumbered(1000)], { backoffMs: 1 });
  expect(report).toMatchObject({ acknowledged: 1000, pending: 0, requests: 4, retried: 2 });
  expect(waits).toHaveLength(2);
});

test.each<[Answer, RegExp]>([
  ['hang', /gave no answer within 0\.2 s/],
  ['dribble', /gave no answer within 0\.2 s/],
  ['cut', /broke off its answer/],
  ['reset', /is not reachable \(ECONNRESET\)|gave no answer/],
])('%s: pending, and no further request', async (answer, message) => {
  const up = await collector([], answer);
  const { reports } = await delivered(to(up.url, { timeoutMs: 200 }), [spansNumbered(2000), spansNumbered(2)]);
  expect(reports[0]).toMatchObject({ ...allPending(2000), requests: 1 });
  expect(reports[0]!.messages).toEqual([expect.stringMatching(message)]);
  expect(reports[1]).toMatchObject({ ...allPending(2), requests: 0 });
  expect(up.requests.length).toBeLessThanOrEqual(1);
});

test('a message for every span is cut to the last twenty', async () => {
  let count = 0;
  const up = await collector([], () => {
    count += 1;
    return { status: 200, body: `{"partialSuccess":{"errorMessage":"warning ${count}"}}` };
  });
  const { report } = await delivered(to(up.url), [spansNumbered(30)], { limits: { maxSpans: 1, maxBytes: 1e6 } });
  expect(report.acknowledged).toBe(30);
  expect(report.messages).toHaveLength(21);
  expect(report.messages.slice(-2)).toEqual([`${up.url}/v1/traces warns: warning 30`, '… and 10 more']);
});
