/** `trace-build config`, and what the config does to a run. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CONFIG_KEYS } from '../../src/config/schema.ts';
import { type Collector, startCollector } from '../support/collector.ts';
import { scratch } from '../support/scratch.ts';
import { type Ran, trace } from './world.ts';

const home = scratch('config');
const file = join(home, '.config/trace-build/config.json');
const managed = join(home, 'managed.json');
mkdirSync(join(file, '..'), { recursive: true });
beforeEach(() => {
  for (const path of [file, managed]) rmSync(path, { force: true });
});
const write = (path: string, json: unknown): void => writeFileSync(path, JSON.stringify(json));
const config = (...args: string[]): Promise<Ran> => trace(['config', ...args], { home, managed });

const SECRETS = { endpoint: 'https://me:s3cr3t@c/otel?key=s3cr3t', headers: { authorization: 'Bearer s3cr3t', tenant: 's3cr3t' } };

describe('show', () => {
  test('every key with its value and origin, without secrets', async () => {
    write(file, { ...SECRETS, content: 'full', when: 'session' });
    write(managed, { content: 'none', notice: 'off', lock: ['content', 'wait'] });
    const { code, stdout, stderr } = await config('show');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`user     ${file}\nmanaged  ${managed}\n`);
    const row = (key: string) => new RegExp(`^${key} +(.*?)(?:  +(.*))?$`, 'm').exec(stdout)?.slice(1, 3);
    expect(row('endpoint')).toEqual(['user', 'https://c/otel?key=****']);
    expect(row('headers')).toEqual(['user', '{"authorization":"****","tenant":"****"}']);
    expect(row('content')).toEqual(['managed, locked', 'none']);
    expect(row('notice')).toEqual(['managed', 'off']);
    expect(row('when')).toEqual(['user', 'session']);
    expect(row('wait')).toEqual(['default, locked', 'false']);
    expect(row('certificate')).toEqual(['default', undefined]);
    for (const key of CONFIG_KEYS) expect(row(key), key).toBeDefined();
    expect(stdout).not.toContain('s3cr3t');
  });

  test('as JSON', async () => {
    write(file, SECRETS);
    const { stdout } = await config('--json');
    expect(JSON.parse(stdout)).toMatchObject({
      files: { user: file, managed },
      config: {
        endpoint: { value: 'https://c/otel?key=****', origin: 'user', locked: false },
        headers: { value: { authorization: '****', tenant: '****' } },
        trace_roots: { value: [], origin: 'default' },
      },
    });
    expect(stdout).not.toContain('s3cr3t');
  });

  test('warns of keys of another version', async () => {
    write(file, { future: 1 });
    expect((await config('show')).stderr).toBe(`${file}: future is no key of this version; it is left alone.\n`);
  });
});

test.each([
  ['content', 'none\n'],
  ['timeout_ms', '10000\n'],
  ['exclude', '["a/b"]\n'],
  ['endpoint', 'https://c/otel?key=****\n'],
  ['headers.Authorization', '****\n'],
  ['resource.service.name', 'mine\n'],
  ['headers.none', '\n'],
  ['certificate', '\n'],
])('get %s', async (key, stdout) => {
  write(file, { ...SECRETS, exclude: ['a/b'], resource: { 'service.name': 'mine' } });
  expect(await config('get', key)).toEqual({ code: 0, stdout, stderr: '' });
});

test('path, also of a file that is broken or not there', async () => {
  expect(await config('path')).toEqual({ code: 0, stdout: `${file}\n`, stderr: '' });
  writeFileSync(file, 'x');
  expect((await config('path')).stdout).toBe(`${file}\n`);
  expect((await trace(['config', 'path'], { home, managed, env: { XDG_CONFIG_HOME: '/xdg' } })).stdout).toBe(
    '/xdg/trace-build/config.json\n',
  );
});

describe('set', () => {
  test('texts, JSON, lists, single headers; other keys stay', async () => {
    write(file, { $schema: './x', headers: { tenant: 't' } });
    for (const [key, value] of [
      ['content', 'full'],
      ['timeout_ms', '2500'],
      ['exclude', 'github.com/acme/secret-*, ~/private'],
      ['headers.Authorization', 'Bearer s3cr3t'],
      ['resource.service.name', 'mine'],
    ] as const)
      expect(await config('set', key, value)).toEqual({ code: 0, stdout: `Set: ${key}\n`, stderr: '' });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      $schema: './x',
      headers: { tenant: 't', authorization: 'Bearer s3cr3t' },
      content: 'full',
      timeout_ms: 2500,
      exclude: ['github.com/acme/secret-*', '~/private'],
      resource: { 'service.name': 'mine' },
    });
    expect((await config('set', 'content', 'full')).stdout).toBe('Already so: content\n');
  });

  test.each([
    { args: ['content', 'some'], says: 'content: expected "none" or "redacted" or "full".' },
    { args: ['colour', 'red'], says: 'There is no key colour.\nThe keys are: trace_roots, ' },
    { args: ['lock', 'content'], says: 'There is no key lock.' },
    { args: ['content.x', 'full'], says: 'There is no key content.x.' },
    { args: ['headers', 'authorization=s3cr3t'], says: 'headers: expected an object of HTTP headers' },
    { args: ['headers.a', 's3cr3t\n'], says: 'headers.a: expected' },
    { args: ['content'], says: "missing required argument 'value'" },
    { args: ['endpoint', 'http://mine'], says: `endpoint is locked by ${managed}.` },
  ])('$args is refused', async ({ args, says }) => {
    write(managed, { lock: ['endpoint'] });
    const { code, stderr } = await config('set', ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
    expect(stderr).not.toContain('s3cr3t');
    expect(() => readFileSync(file)).toThrow('ENOENT');
  });

  test('what is excluded is added to what the managed file excludes', async () => {
    write(managed, { exclude: ['/srv'], lock: ['trace_roots'] });
    expect((await config('set', 'exclude', '/mine')).stderr).toBe('');
    expect((await config('get', 'exclude')).stdout).toBe('["/srv","/mine"]\n');
  });
});

describe('a run', () => {
  const nest = 'fixtures/claude-code/nest/projects';
  let collector: Collector;
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterAll(() => collector.stop());
  /** What was delivered in one run is nothing to the next. */
  let runs = 0;
  const sent = async (...args: string[]): Promise<{ ran: Ran; bodies: string; keys: unknown[] }> => {
    const before = collector.requests.length;
    const ran = await trace([nest, ...args], { home, managed, env: { XDG_STATE_HOME: join(home, `state-${runs++}`) } });
    const requests = collector.requests.slice(before);
    const bodies = requests.map(({ body }) => Buffer.from(body).toString('latin1')).join('');
    return { ran, bodies, keys: requests.map(({ headers }) => headers['x-key']) };
  };

  test('goes where the config says, as it says', async () => {
    write(file, { endpoint: collector.url, headers: { 'X-Key': 's3cr3t' }, resource: { 'service.name': 'from-config' } });
    const { ran, bodies, keys } = await sent();
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('13 delivered');
    expect(keys).toEqual(['s3cr3t']);
    expect(bodies).toContain('from-config');
    expect(bodies).not.toContain('echo deep');
    write(file, { endpoint: collector.url, content: 'full' });
    expect((await sent()).bodies).toContain('echo deep');
    expect((await sent('--content', 'none')).bodies).not.toContain('echo deep');
  });

  test('is written and not sent with --output, as with a variable', async () => {
    write(file, { endpoint: collector.url, semconv: 'latest', content: 'full' });
    const { ran, keys } = await sent('--output', 'spans');
    expect(ran.stdout.trimEnd().split('\n')).toHaveLength(13);
    expect(ran.stdout).toContain('echo deep');
    expect(keys).toEqual([]);
    expect((await sent('--output', 'tree')).keys).toEqual([]);
  });

  test('shows all of a tree here, whatever may leave the machine', async () => {
    write(managed, { content: 'none', lock: ['content'] });
    expect((await sent()).ran.stdout).toContain('echo deep');
  });

  test.each([
    { args: ['--content', 'full'], says: "--content full can't be used: MANAGED locks content." },
    { args: ['--semconv', 'latest'], says: "--semconv latest can't be used: MANAGED locks semconv." },
    { args: ['--agent-usage', 'off'], says: "--agent-usage off can't be used: MANAGED locks agent_usage." },
    { args: ['--endpoint', 'http://127.0.0.1:1'], says: "--endpoint can't be used: MANAGED locks endpoint." },
  ])('refuses $args where that is locked', async ({ args, says }) => {
    write(managed, { lock: ['content', 'semconv', 'agent_usage', 'endpoint'] });
    const { code, stdout, stderr } = (await sent(...args)).ran;
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(says.replace('MANAGED', managed));
  });

  test('does not go on with a broken config', async () => {
    write(file, { endpoint: collector.url, content: 'some' });
    const { ran, keys } = await sent();
    expect([ran.code, keys]).toEqual([2, []]);
    expect(ran.stderr).toContain(`${file}: content: expected "none" or "redacted" or "full".`);
  });
});
