/**
 * The built program against receivers by other people: what `--output spans` tells is what arrives.
 * Every recorded story to one, a 100 MB session in bounded memory to the other.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MockOtlp, startMockOtlp, startTracelet, type Tracelet } from '../support/receivers.ts';

const stories = 'fixtures/claude-code';
/** DESIGN: peak memory for 100 MB with content off. */
const MEMORY_BAR_MB = 250;
const scratch = mkdtempSync(join(tmpdir(), 'trace-build-e2e-'));
afterAll(() => rmSync(scratch, { recursive: true }));

interface SpanLine {
  readonly traceId: string;
  readonly spanId: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Record<string, unknown>;
}

/** Runs the program, in a home where nothing was delivered before; tells its output and its peak memory. */
async function program(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; stdout: string; stderr: string; peakMb: number }> {
  const peakFile = join(scratch, 'peak');
  const tellPeak = `import { writeFileSync } from 'node:fs'; process.on('exit', () => writeFileSync(${JSON.stringify(peakFile)}, String(process.resourceUsage().maxRSS / 1024)));`;
  const child = spawn(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(tellPeak)}`, 'dist/cli.js', ...args], {
    env: { PATH: process.env['PATH'], HOME: mkdtempSync(join(scratch, 'home-')), ...env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr, peakMb: Number(readFileSync(peakFile, 'utf8')) };
}

const told = async (input: string): Promise<SpanLine[]> =>
  (await program([input, '--output', 'spans', '--check'])).stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('mockotlpserver', () => {
  let receiver: MockOtlp;
  beforeAll(async () => {
    receiver = await startMockOtlp();
  });
  afterAll(() => receiver.stop());

  test.each([
    { protocol: 'http/protobuf', compression: 'gzip' },
    { protocol: 'http/json', compression: 'none' },
  ])('every story arrives whole over $protocol, $compression', async ({ protocol, compression }) => {
    const spans = await told(stories);
    const before = receiver.spans().length;
    const { code, stdout } = await program([stories, '--final'], {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_COMPRESSION: compression,
    });
    expect(stdout).toContain(`${spans.length} delivered`);
    expect(code).toBe(0);
    const arrived = new Map(
      receiver
        .spans()
        .slice(before)
        .map((span) => [span.spanId, span]),
    );
    expect(receiver.spans().length - before).toBe(spans.length);
    for (const span of spans) {
      const other = arrived.get(span.spanId)!;
      expect(other).toMatchObject({
        traceId: span.traceId,
        startTimeUnixNano: span.startTimeUnixNano,
        endTimeUnixNano: span.endTimeUnixNano,
      });
      expect(other.attributes).toEqual(span.attributes);
    }
  });

  test(`a 100 MB session arrives whole, in at most ${MEMORY_BAR_MB} MB`, async () => {
    const folder = join(scratch, 'large');
    await new Promise((resolve) =>
      spawn(process.execPath, ['bench/generate.mjs', 'recent', '100', folder], { stdio: 'ignore' }).once('close', resolve),
    );
    const ids = new Set((await told(folder)).map(({ spanId }) => spanId));
    expect(ids.size).toBeGreaterThan(5000);
    const before = receiver.spans().length;
    const { code, peakMb } = await program([folder, '--final', '--endpoint', receiver.url]);
    expect(code).toBe(0);
    const arrived = receiver.spans().slice(before);
    expect(arrived.length).toBe(ids.size);
    expect(new Set(arrived.map(({ spanId }) => spanId))).toEqual(ids);
    expect(peakMb).toBeLessThanOrEqual(MEMORY_BAR_MB);
  });
});

describe('tracelet', () => {
  let receiver: Tracelet;
  beforeAll(async () => {
    receiver = await startTracelet();
  });
  afterAll(() => receiver.stop());

  test.each(['http/protobuf', 'http/json'])('every span of a story arrives over %s, gzipped', async (protocol) => {
    const story = protocol === 'http/json' ? 'nest' : 'fg';
    const spans = await told(`${stories}/${story}/projects`);
    const { code } = await program([`${stories}/${story}/projects`, '--final', '--endpoint', receiver.url, '--protocol', protocol]);
    expect(code).toBe(0);
    const arrived = new Map((await receiver.spans()).map((span) => [span.spanId, span]));
    for (const span of spans) {
      const other = arrived.get(span.spanId)!;
      expect(other.traceId).toBe(span.traceId);
      expect(BigInt(Math.round(other.start)) * 1_000_000n).toBe(BigInt(span.startTimeUnixNano));
      expect(BigInt(Math.round(other.end)) * 1_000_000n).toBe(BigInt(span.endTimeUnixNano));
    }
  });
});

test('the stories are all there', () => {
  expect(readdirSync(stories).length).toBeGreaterThanOrEqual(29);
});
