/** What `trace-build doctor` asks the endpoint, and how it tells what came back. */
import { expect, test } from 'vitest';
import { type Answer, closedPort } from '../support/collector.ts';
import { startMockOtlp, startTracelet } from '../support/receivers.ts';
import { checkOf, ward } from './patient.ts';

const { healthy, answering } = ward();

const HEADERS = { authorization: 'Bearer s3cr3t-of-mine', 'x-tenant': 's3cr3t-tenant' };

test('gets one request without a span, with the headers', async () => {
  const one = await answering({ status: 200 });
  const report = await healthy({ headers: HEADERS }, one.url).report();
  expect(checkOf(report, 'endpoint')).toMatchObject({
    status: 'ok',
    sentence: expect.stringMatching(/^\S+\/v1\/traces answered in \d+ ms\.$/),
  });
  expect(one.requests).toMatchObject([{ path: '/v1/traces', headers: HEADERS, spans: [] }]);
});

test('is left alone with --offline', async () => {
  const one = await answering({ status: 200 });
  const report = await healthy({}, one.url).report(['--offline']);
  expect(checkOf(report, 'endpoint')).toEqual({
    name: 'endpoint',
    status: 'ok',
    sentence: `${one.url}/v1/traces was not asked (--offline).`,
  });
  expect(one.connections()).toBe(0);
});

test.each<{ answer: Answer; status: string; says: string; todo?: string }>([
  {
    answer: { status: 401, body: 'no: s3cr3t-of-mine' },
    status: 'failure',
    says: 'answered 401: no: ****. Check the credentials in the headers.',
    todo: 'trace-build config set headers.authorization …',
  },
  {
    answer: { status: 404 },
    status: 'failure',
    says: 'answered 404. Check the address: OTLP/HTTP usually ends in /v1/traces.',
    todo: 'trace-build config set endpoint …',
  },
  {
    answer: { status: 415 },
    status: 'failure',
    says: 'answered 415. It does not take http/protobuf: try http/json.',
    todo: 'trace-build config set protocol …',
  },
  { answer: { status: 500, body: 'oops' }, status: 'failure', says: 'answered 500: oops.', todo: 'trace-build config set endpoint …' },
  {
    answer: { status: 200, body: '<html><title>Log in</title>' },
    status: 'failure',
    says: 'answered with something that is not OTLP: a web page "Log in". Check the address: OTLP/HTTP usually ends in /v1/traces.',
    todo: 'trace-build config set endpoint …',
  },
  {
    answer: { status: 400, body: 'nothing in it' },
    status: 'warning',
    says: 'answered 400: nothing in it. That was to a request without spans: whether it takes spans a delivery tells.',
  },
  { answer: { status: 503 }, status: 'warning', says: 'answered 503. Deliveries wait, and nothing is lost.' },
])('$answer: $status', async ({ answer, status, says, todo }) => {
  const { url, requests } = await answering(answer);
  const patient = healthy({ headers: HEADERS }, url);
  const report = await patient.report();
  expect(checkOf(report, 'endpoint')).toEqual({ name: 'endpoint', status, sentence: `${url}/v1/traces ${says}`, ...(todo && { todo }) });
  expect(report.verdict.status).toBe(status);
  expect(requests).toHaveLength(1);
  expect((await patient.doctor()).stdout).not.toContain('s3cr3t');
});

test('nobody listens: said at once', async () => {
  const url = await closedPort();
  const begunMs = performance.now();
  const report = await healthy({}, url).report();
  expect(checkOf(report, 'endpoint')).toEqual({
    name: 'endpoint',
    status: 'failure',
    sentence: `${url}/v1/traces is not reachable (ECONNREFUSED).`,
    todo: 'Start what should listen there, or: trace-build config set endpoint …',
  });
  // Ten seconds are what OTel's transport would go on trying.
  expect(performance.now() - begunMs).toBeLessThan(5_000);
});

test('one that thinks first gets its time', async () => {
  const { url, requests } = await answering('hang', { status: 200 });
  expect(checkOf(await healthy({}, url).report(), 'endpoint')?.status).toBe('ok');
  expect(requests).toHaveLength(2);
});

test('set by a manager: not for the user to change', async () => {
  const patient = healthy();
  patient.put('managed.json', { endpoint: await closedPort() });
  expect(checkOf(await patient.report(), 'endpoint')?.todo).toMatch(/Ask whoever manages \S+managed\.json: endpoint is set there\.$/);
});

test('another one in the shell is told of', async () => {
  const report = await healthy().report([], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://otlp.example.com', OTEL_EXPORTER_OTLP_HEADERS: 'a=s3cr3t' },
  });
  expect(checkOf(report, 'endpoint')?.sentence).toMatch(/trace-build and its sync send to http:\/\/otlp\.example\.com\/v1\/traces instead/);
  expect(JSON.stringify(report)).not.toContain('s3cr3t');
});

test("other people's receivers take the request", async () => {
  const receivers = [await startMockOtlp(), await startTracelet()];
  try {
    for (const { url } of receivers)
      for (const protocol of ['http/protobuf', 'http/json'])
        for (const compression of ['gzip', 'none']) {
          const report = await healthy({ protocol, compression }, url).report();
          expect(checkOf(report, 'endpoint')?.sentence, `${url} ${protocol} ${compression}`).toMatch(/answered in \d+ ms\.$/);
        }
  } finally {
    for (const receiver of receivers) await receiver.stop();
  }
});
