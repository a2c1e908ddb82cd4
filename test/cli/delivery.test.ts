/** With an endpoint: what is reported, and what an endpoint in trouble comes to for the user. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type Collector, closedPort, startCollector } from '../support/collector.ts';
import { decodeRequest } from '../support/otlp.ts';
import { trace } from './world.ts';

const nest = 'fixtures/claude-code/nest/projects';

describe('a collector that takes everything', () => {
  let collector: Collector;
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterAll(() => collector.stop());
  const arrived = () => collector.requests.flatMap(({ body, headers }) => decodeRequest(body, String(headers['content-type'])));

  test('each session is one line, and the sum comes last', async () => {
    const { code, stdout, stderr } = await trace(['fixtures/claude-code/rewind/projects', '--endpoint', collector.url]);
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^26cc271e\S+ {2}4 turns · 8 spans · 667 in, 293 out · \$0\.0070 · 8 delivered$/);
    expect(lines[1]).toMatch(/^6e74d138.* · 4 delivered · 4 told by the session it was copied from$/);
    expect(lines[3]).toMatch(/^3 sessions · 7 turns · 14 spans .* · 14 delivered$/);
    expect(arrived()).toHaveLength(14);
  });

  test('no content is in what was sent, unless it was asked for', async () => {
    const before = collector.requests.length;
    await trace([nest, '--endpoint', collector.url]);
    await trace([nest, '--endpoint', collector.url, '--content', 'full']);
    const [none, full] = collector.requests.slice(before).map(({ body }) => Buffer.from(body).toString('latin1'));
    expect(none).not.toMatch(/NSUB|echo deep|nested spawn/);
    expect(full).toMatch(/NSUB[\s\S]*echo deep/);
  });

  test('a dry run sends nothing and says where to it would', async () => {
    const before = collector.requests.length;
    const { code, stdout, stderr } = await trace([nest, '--dry-run', '--header', 'authorization=Bearer abcdefgh'], {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    });
    expect([code, collector.requests.length]).toEqual([0, before]);
    expect(stdout).toContain('13 spans');
    expect(stdout).not.toContain('delivered');
    expect(stderr).toMatch(
      /^Dry run: nothing was sent to http:\/\/127\.0\.0\.1:\d+\/v1\/traces \(http\/protobuf, gzip, authorization: \*{4}\)\.\n$/,
    );
  });

  test('--output is written and not sent, but where the endpoint is named too', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const before = collector.requests.length;
    expect((await trace([nest, '--output', 'spans'], { env })).stdout.trimEnd().split('\n')).toHaveLength(13);
    expect(collector.requests).toHaveLength(before);
    expect((await trace(['fixtures/claude-code/rewind/projects', '--output', 'spans'], { env })).stderr).toMatch(
      /^3 sessions(?!.*delivered).*\n$/,
    );
    const both = await trace([nest, '--output', 'spans', '--endpoint', collector.url]);
    expect(both.stdout.trimEnd().split('\n')).toHaveLength(13);
    expect(both.stderr).toContain('13 delivered');
    expect(collector.requests).toHaveLength(before + 1);
  });

  test('--quiet says nothing when all is well', async () => {
    expect(await trace([nest, '--endpoint', collector.url, '--quiet'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('an endpoint in trouble: exit code 1, the reason, and no stack', () => {
  const env = { OTEL_EXPORTER_OTLP_TIMEOUT: '300' };

  test('nothing listens', async () => {
    const { code, stdout, stderr } = await trace([nest, '--endpoint', await closedPort()], { env });
    expect(code).toBe(1);
    expect(stdout).toContain('13 not delivered');
    expect(stderr).toMatch(/ECONNREFUSED|no answer|timed out/i);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  const html = { status: 200, headers: { 'content-type': 'text/html' }, body: '<!doctype html><title>Sign in</title>' };
  test.each<{ what: string; answer: Answer; undelivered: string; says: RegExp }>([
    { what: 'a sign-in page', answer: html, undelivered: '13 not delivered', says: /web page|not OTLP/i },
    { what: '401', answer: { status: 401 }, undelivered: '13 not delivered', says: /401/ },
    { what: '404', answer: { status: 404 }, undelivered: '13 not delivered', says: /404/ },
    { what: '400 to everything', answer: { status: 400, body: 'no' }, undelivered: '13 not delivered', says: /400/ },
  ])('$what', async ({ answer, undelivered, says }) => {
    const collector = await startCollector([], answer);
    const { code, stdout, stderr } = await trace([nest, '--endpoint', collector.url], { env });
    await collector.stop();
    expect([code, stderr]).toEqual([1, expect.stringMatching(says)]);
    expect(stdout).toContain(undelivered);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  test('a partial success is told as what it is', async () => {
    const body = JSON.stringify({ partialSuccess: { rejectedSpans: '2', errorMessage: 'too old' } });
    const collector = await startCollector([], { status: 200, headers: { 'content-type': 'application/json' }, body });
    const { code, stdout, stderr } = await trace([nest, '--endpoint', collector.url, '--protocol', 'http/json'], { env });
    await collector.stop();
    expect(code).toBe(1);
    expect(stdout).toContain('11 delivered · 2 refused');
    expect(stderr).toContain('too old');
  });
});
