/** Files → what holds, where each value comes from, and what is said of a file that is broken. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { destinationConfig } from '../../src/config/destination.ts';
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts';
import { type Paths, pathsFor } from '../../src/config/paths.ts';
import { DEFAULTS } from '../../src/config/schema.ts';
import { UserError } from '../../src/errors.ts';
import { destinationFrom } from '../../src/export/destination.ts';
import { scratches } from '../support/scratch.ts';

const aHome = scratches('load');

/** Files as given: objects as JSON, texts as they are. */
function pathsWith(files: { user?: unknown; managed?: unknown }): Paths {
  const home = aHome();
  const paths = pathsFor({ home, env: {}, platform: 'linux', managed: join(home, 'managed.json') });
  mkdirSync(join(paths.config, '..'), { recursive: true });
  const write = (path: string, content: unknown): void => {
    if (content !== undefined) writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  };
  write(paths.config, files.user);
  write(paths.managed, files.managed);
  return paths;
}

const load = (user?: unknown, managed?: unknown): LoadedConfig => loadConfig(pathsWith({ user, managed }));

function refusal(files: { user?: unknown; managed?: unknown }): { message: string; hint: string; paths: Paths } {
  const paths = pathsWith(files);
  try {
    loadConfig(paths);
  } catch (error) {
    if (error instanceof UserError) return { message: error.message, hint: error.hint, paths };
    throw error;
  }
  throw new Error('was accepted');
}

test.each<{ what: string; file: string | undefined }>([
  { what: 'no file', file: undefined },
  { what: 'an empty file', file: '' },
  { what: 'a file of blanks', file: ' \n' },
  { what: 'a byte order mark and nothing else', file: '\uFEFF' },
  { what: 'an empty object', file: '{}' },
])('$what: the defaults hold, and nothing is exported', ({ file }) => {
  const { config, origins, warnings } = load(file);
  expect(config).toEqual(DEFAULTS);
  expect(config.trace_roots).toEqual([]);
  expect(new Set(Object.values(origins))).toEqual(new Set(['default']));
  expect(warnings).toEqual([]);
});

test('a byte order mark before the JSON does no harm', () => {
  expect(load('\uFEFF{"content": "full"}').config.content).toBe('full');
});

test('managed wins over the user, the user over the default, key by key', () => {
  const { config, origins } = load(
    { content: 'full', notice: 'off', trace_roots: ['~/mine'], headers: { a: '1' } },
    { content: 'none', trace_roots: ['/work'], headers: { b: '2' } },
  );
  expect(config).toMatchObject({ content: 'none', notice: 'off', trace_roots: ['/work'], headers: { b: '2' }, when: 'turn' });
  expect(origins).toMatchObject({ content: 'managed', notice: 'user', trace_roots: 'managed', headers: 'managed', when: 'default' });
});

test('what any file excludes is excluded, also when the key is said to be locked', () => {
  const { config, locked, warnings } = load(
    { exclude: ['~/private', 'github.com/acme/secret'] },
    { exclude: ['github.com/acme/secret', '/srv'], lock: ['exclude'] },
  );
  expect(config.exclude).toEqual(['github.com/acme/secret', '/srv', '~/private']);
  expect(locked.size).toBe(0);
  expect(warnings).toEqual([expect.stringMatching(/managed\.json: lock: exclude is never locked/)]);
});

describe('lock', () => {
  test('of a key that the managed file sets: its value', () => {
    const { config, origins, locked } = load({ endpoint: 'http://mine' }, { endpoint: 'http://theirs', lock: ['endpoint'] });
    expect([config.endpoint, origins.endpoint, [...locked]]).toEqual(['http://theirs', 'managed', ['endpoint']]);
  });

  test('of a key that it does not set: the default', () => {
    const { config, origins } = load({ content: 'full', endpoint: 'http://mine' }, { lock: ['content', 'endpoint'] });
    expect([config.content, origins.content]).toEqual(['none', 'default']);
    expect([config.endpoint, origins.endpoint]).toEqual([undefined, 'default']);
  });

  test("in the user's file counts for nothing, and that is said", () => {
    const { locked, warnings } = load({ lock: ['content'] });
    expect(locked.size).toBe(0);
    expect(warnings).toEqual([expect.stringMatching(/lock counts only in .*managed\.json/)]);
  });

  test('of a key that a newer version has is no error', () => {
    const { locked, warnings } = load(undefined, { lock: ['content', 'future'] });
    expect([...locked]).toEqual(['content']);
    expect(warnings).toEqual([expect.stringContaining('future is no key of this version')]);
  });

  test('reaches the exporter, whatever its name of the key is', () => {
    const loaded = load({}, { timeout_ms: 50, client_key: '~/key.pem', lock: ['timeout_ms', 'client_key', 'when'] });
    const config = destinationConfig(loaded, '/home/me');
    expect(config).toMatchObject({ timeoutMs: 50, clientKey: '/home/me/key.pem', lockedBy: loaded.paths.managed });
    expect([...config.locked]).toEqual(['timeoutMs', 'clientKey']);
    expect(
      destinationFrom({
        env: { OTEL_EXPORTER_OTLP_TIMEOUT: '1', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://e' },
        config: { ...config, clientKey: '/dev/null' },
      })!.timeoutMs,
    ).toBe(50);
  });
});

test('keys of a newer version are left alone, and said', () => {
  const { config, warnings } = load({ future: { a: 1 }, content: 'full', $schema: './config.schema.json' });
  expect(config.content).toBe('full');
  expect(warnings).toEqual([expect.stringMatching(/config\.json: future is no key of this version/)]);
});

describe('a wrong type names the file, the key, and what was expected', () => {
  test.each<[unknown, string]>([
    [{ trace_roots: '/work' }, 'trace_roots: expected a list'],
    [{ trace_roots: ['/ok', 'work'] }, 'trace_roots[1]: expected a directory that begins with /'],
    [{ trace_roots: ['/ok', 7] }, 'trace_roots[1]: expected'],
    [{ trace_roots: [{ path: 'work' }] }, 'trace_roots[0]'],
    [{ trace_roots: [{ path: '/work', added: 'yesterday' }] }, 'trace_roots[0]'],
    [{ trace_roots: ['~other/work'] }, 'trace_roots[0]: expected'],
    [{ trace_roots: [''] }, 'trace_roots[0]: expected'],
    [{ exclude: ['https://github.com/acme/**'] }, 'exclude[0]: expected a remote without scheme'],
    [{ exclude: ['git@github.com:acme/x'] }, 'exclude[0]: expected'],
    [{ include: ['./work'] }, 'include[0]: expected'],
    [{ endpoint: 'localhost:4318' }, 'endpoint: expected a URL'],
    [{ endpoint: 'http://' }, 'endpoint: expected a URL'],
    [{ headers: ['a=b'] }, 'headers: expected an object'],
    [{ headers: { 'a b': 'x' } }, 'headers.a b: expected'],
    [{ headers: { a: 'x\ny' } }, 'headers.a: expected'],
    [{ headers: { a: 1 } }, 'headers.a: expected'],
    [{ protocol: 'grpc' }, 'protocol: expected "http/protobuf" or "http/json"'],
    [{ compression: 'zstd' }, 'compression: expected "gzip" or "none"'],
    [{ timeout_ms: '10s' }, 'timeout_ms: expected milliseconds'],
    [{ timeout_ms: 0 }, 'timeout_ms: expected milliseconds'],
    [{ certificate: 'ca.pem' }, 'certificate: expected a path'],
    [{ resource: { 'service.name': null } }, 'resource.service.name: expected'],
    [{ content: 'some' }, 'content: expected "none" or "redacted" or "full"'],
    [{ semconv: 1.41 }, 'semconv: expected "1.41" or "latest"'],
    [{ agent_usage: true }, 'agent_usage: expected'],
    [{ when: 'stop' }, 'when: expected'],
    [{ notice: false }, 'notice: expected'],
    [{ wait: 'yes' }, 'wait: expected true or false'],
    [{ lock: 'content' }, 'lock: expected a list'],
    [[], 'expected an object'],
    ['"text"', 'expected an object'],
    ['null', 'expected an object'],
  ])('%j', (user, says) => {
    const { message, hint, paths } = refusal({ user });
    expect(message).toContain(`${paths.config}: ${says}`);
    expect(hint).not.toBe('');
  });

  test('also in the managed file', () => {
    const { message, paths } = refusal({ user: { content: 'full' }, managed: { lock: 'content' } });
    expect(message).toContain(`${paths.managed}: lock: expected`);
  });
});

describe('a file that is broken', () => {
  test.each(['{"content": "full",\n}', '{"a": 1} x', 'content: full', '{', "{'a': 1}"])('%j is an error, not an empty config', (user) => {
    const { message, paths } = refusal({ user });
    expect(message).toMatch(`${paths.config} is not JSON`);
  });

  test('is told by its line, without repeating what is in it', () => {
    for (const user of [
      '{"headers": {"authorization":\n "s3cr3t" "x"}}',
      '{"headers": {"authorization": s3cr3t}}',
      '"s3cr3t',
      '{"content":"s3cr3t"}',
      '{"headers": {"a": "s3cr3t\\n"}}',
      '{"endpoint": "s3cr3t"}',
    ]) {
      const { message, hint } = refusal({ user });
      expect(message + hint).not.toContain('s3cr3t');
    }
    expect(refusal({ user: '{"a": 1,\n"b" 2}' }).message).toMatch(/\(line 2\)/);
  });

  test('that can not be read is an error too', () => {
    const paths = pathsWith({});
    mkdirSync(paths.managed);
    expect(() => loadConfig(paths)).toThrow(`${paths.managed} can't be read: EISDIR`);
  });
});

describe('where the files are', () => {
  const home = '/home/me';
  const env = { XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s', XDG_DATA_HOME: '/d', ProgramData: 'D:\\Data' };

  test.each<[string, Parameters<typeof pathsFor>[0], Partial<Paths>]>([
    [
      'by default',
      { home, env: {}, platform: 'linux' },
      {
        config: '/home/me/.config/trace-build/config.json',
        state: '/home/me/.local/state/trace-build',
        data: '/home/me/.local/share/trace-build',
        managed: '/etc/trace-build/config.json',
      },
    ],
    [
      'as XDG says',
      { home, env, platform: 'linux' },
      { config: '/c/trace-build/config.json', state: '/s/trace-build', data: '/d/trace-build' },
    ],
    [
      'but for relative paths',
      { home, env: { XDG_CONFIG_HOME: 'c' }, platform: 'linux' },
      { config: '/home/me/.config/trace-build/config.json' },
    ],
    ['macOS', { home, env, platform: 'darwin' }, { managed: '/Library/Application Support/trace-build/config.json' }],
    ['Windows', { home, env, platform: 'win32' }, { managed: 'D:\\Data\\trace-build\\config.json' }],
    ['Windows, in a hook', { home, env: {}, platform: 'win32' }, { managed: 'C:\\ProgramData\\trace-build\\config.json' }],
  ])('%s', (_, where, paths) => {
    expect(pathsFor(where)).toMatchObject(paths);
  });
});
