/** `trace-build init`: by flags, by answers, from the environment. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { ReadStream, WriteStream } from 'node:tty';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { asker } from '../../src/cli/terminal.ts';
import { UserError } from '../../src/errors.ts';
import { type Ran, trace } from './world.ts';

const home = realpathSync(mkdtempSync(join(tmpdir(), 'trace-build-init-')));
afterAll(() => rmSync(home, { recursive: true }));
const cwd = join(home, 'work');
mkdirSync(join(cwd, 'app'), { recursive: true });
const file = join(home, '.config/trace-build/config.json');
const managed = join(home, 'managed.json');
beforeEach(() => {
  for (const path of [file, managed]) rmSync(path, { force: true });
});
const init = (args: readonly string[], world: { env?: NodeJS.ProcessEnv; answers?: readonly string[]; cwd?: string } = {}): Promise<Ran> =>
  trace(['init', ...args], { home, cwd, managed, ...world });
const written = () => JSON.parse(readFileSync(file, 'utf8'));
const HERE = [{ path: cwd, added: expect.any(String) }];

describe('by flags', () => {
  test('what they say is written, shown without secrets, and the next step is told', async () => {
    const args = [
      '--endpoint',
      'https://me:s3cr3t@c',
      '--header',
      'Authorization=Bearer s3cr3t=',
      '--content',
      'full',
      '--protocol',
      'http/json',
      '--root',
    ];
    const { code, stdout, stderr } = await init(args);
    expect(code).toBe(0);
    expect(written()).toEqual({
      endpoint: 'https://me:s3cr3t@c',
      protocol: 'http/json',
      content: 'full',
      headers: { authorization: 'Bearer s3cr3t=' },
      trace_roots: HERE,
    });
    expect(stdout).toContain('endpoint: https://c/\n');
    expect(stdout).toContain('headers: {"authorization":"****"}\n');
    expect(stdout).toContain(`Written to ${file}\n`);
    expect(stderr).toMatch(/trace-build install.*trace-build doctor/);
    expect(stdout + stderr).not.toContain('s3cr3t');

    const text = readFileSync(file, 'utf8');
    expect((await init(args)).stdout).toContain(`Nothing to change in ${file}\n`);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('a root by name', async () => {
    await init(['--root', 'app']);
    expect(written()).toEqual({ trace_roots: [{ path: join(cwd, 'app'), added: expect.any(String) }] });
  });

  test.each([
    { args: [], says: 'There is nothing to write.' },
    { args: ['--endpoint', 'c:4318'], says: 'endpoint: expected a URL' },
    { args: ['--header', 's3cr3t'], says: '--header 1 is not name=value.' },
    { args: ['--header', 'a b=s3cr3t'], says: 'headers.a b: expected' },
    { args: ['--content', 'some'], says: 'content: expected "none" or "redacted" or "full".' },
    { args: ['--root', 'nowhere'], says: `There is no directory ${cwd}/nowhere.` },
    { args: ['--from-env'], says: 'No OTEL_* variable' },
    { args: ['--content', 'full', '--endpoint', 'http://c'], says: `content is locked by ${managed}.` },
  ])('$args is refused, and nothing is written', async ({ args, says }) => {
    writeFileSync(managed, '{"lock": ["content"]}');
    const { code, stdout, stderr } = await init(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(says);
    expect(stderr).not.toContain('s3cr3t');
    expect(existsSync(file)).toBe(false);
  });
});

describe('by answers', () => {
  test('empty ones are the usual', async () => {
    const { code, stderr } = await init([], { answers: ['', '', ''] });
    expect(code).toBe(0);
    expect(stderr).toContain('OTLP/HTTP endpoint (http://localhost:4318): ');
    expect(stderr).toContain('none, redacted or full (none): ');
    expect(stderr).toContain(`Export the sessions of ${cwd} and of all below it: yes or no (yes): `);
    expect(written()).toEqual({ endpoint: 'http://localhost:4318', trace_roots: HERE });
  });

  test('others are taken as given', async () => {
    await init([], { answers: ['https://c', 'full', 'n'] });
    expect(written()).toEqual({ endpoint: 'https://c', content: 'full' });
  });

  test('what is known is offered, and what was kept is not written again', async () => {
    mkdirSync(join(file, '..'), { recursive: true });
    const text = JSON.stringify({ endpoint: 'https://me:s3cr3t@c/otel', content: 'full', trace_roots: ['~/work'] });
    writeFileSync(file, text);
    const { code, stdout, stderr } = await init([], { answers: ['', ''] });
    expect(code).toBe(0);
    expect(stderr).toContain('endpoint (https://c/otel): ');
    expect(stderr).not.toContain('Export the sessions');
    expect(stdout).toBe(`Nothing to change in ${file}\n`);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('only what flags and locks leave open is asked for', async () => {
    writeFileSync(managed, '{"lock": ["content"]}');
    const { code, stderr } = await init(['--endpoint', 'http://c'], { answers: ['yes'] });
    expect([code, stderr.match(/\): /g)?.length]).toEqual([0, 1]);
    expect(written()).toEqual({ endpoint: 'http://c', trace_roots: HERE });
  });

  test('the whole home directory is not the usual', async () => {
    const { stderr } = await init([], { answers: ['', '', ''], cwd: home });
    expect(stderr).toContain('yes or no (no): ');
    expect(written()).not.toHaveProperty('trace_roots');
  });
});

describe('from the environment', () => {
  test('everything a config can hold, those for traces first, and it means the same', async () => {
    const { code, stdout } = await init(['--from-env'], {
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'https://base/otel',
        OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer%20s3cr3t,tenant=s3cr3t',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
        OTEL_EXPORTER_OTLP_TIMEOUT: '2500',
        OTEL_EXPORTER_OTLP_CERTIFICATE: 'ca.pem',
        OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: '/c.pem',
        OTEL_EXPORTER_OTLP_CLIENT_KEY: '/k.pem',
        OTEL_SERVICE_NAME: 'mine',
        OTEL_RESOURCE_ATTRIBUTES: 'team=a%20b,service.name=other',
      },
    });
    expect(code).toBe(0);
    expect(written()).toEqual({
      endpoint: 'https://base/otel/v1/traces',
      protocol: 'http/json',
      compression: 'none',
      timeout_ms: 2500,
      certificate: join(cwd, 'ca.pem'),
      client_certificate: '/c.pem',
      client_key: '/k.pem',
      headers: { authorization: 'Bearer s3cr3t', tenant: 's3cr3t' },
      resource: { 'service.name': 'mine', team: 'a b' },
    });
    expect(stdout).toContain('headers: {"authorization":"****","tenant":"****"}');
    expect(stdout).not.toContain('s3cr3t');
  });

  test('flags win over it', async () => {
    await init(['--from-env', '--endpoint', 'http://flag'], {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://env', OTEL_SERVICE_NAME: 'mine' },
    });
    expect(written()).toEqual({ endpoint: 'http://flag', resource: { 'service.name': 'mine' } });
  });

  test('an endpoint that a config can not say is refused', async () => {
    const { code, stderr } = await init(['--from-env'], { env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/here' } });
    expect(code).toBe(2);
    expect(stderr).toContain('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT does not end in /v1/traces');
    expect(existsSync(file)).toBe(false);
  });
});

describe('a question', () => {
  const question = () => {
    const [stdin, stderr] = [new PassThrough(), new PassThrough()];
    return { stdin, stderr, ask: asker(stdin as unknown as ReadStream, stderr as unknown as WriteStream) };
  };

  test('is put, and answered by a line', async () => {
    const { stdin, stderr, ask } = question();
    const answer = ask('Who? ');
    stdin.write(' me \n');
    expect(await answer).toBe('me');
    expect(String(stderr.read())).toContain('Who? ');
  });

  test('that is broken off changes nothing', async () => {
    const { stdin, ask } = question();
    const answer = ask('Who? ');
    stdin.end();
    await expect(answer).rejects.toThrow(UserError);
  });
});
