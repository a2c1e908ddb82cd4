import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.ts';
import {
  type Destination,
  type DestinationConfig,
  type DestinationSources,
  describe as described,
  destinationFrom,
  type Environment,
  resourceOverrides,
  settingsFromEnv,
  withoutSecrets,
} from '../../src/export/destination.ts';
import { scratch } from '../support/scratch.ts';

const folder = scratch('destination');

const OTLP = 'OTEL_EXPORTER_OTLP_';

/** With an endpoint, so that the rest is looked at. */
const withEnv = (env: Environment): Destination => destinationFrom({ env: { [`${OTLP}ENDPOINT`]: 'http://c:4318', ...env } })!;

function refusal(sources: DestinationSources): UserError {
  try {
    destinationFrom(sources);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

test('no endpoint: no destination, whatever else is set', () => {
  expect(destinationFrom({ env: {} })).toBeUndefined();
  expect(destinationFrom({ env: { [`${OTLP}ENDPOINT`]: ' ', [`${OTLP}PROTOCOL`]: 'grpc', [`${OTLP}HEADERS`]: 'x' } })).toBeUndefined();
});

test.each<[string, Omit<DestinationSources, 'env'> & { base?: string; traces?: string }, string]>([
  ['base', { base: 'http://c:4318' }, 'http://c:4318/v1/traces'],
  ['base with a slash', { base: 'http://c:4318/' }, 'http://c:4318/v1/traces'],
  ['base with a path', { base: 'https://c/api/public/otel' }, 'https://c/api/public/otel/v1/traces'],
  ['base with a path and a slash', { base: 'https://c/otel/' }, 'https://c/otel/v1/traces'],
  ['base with a query', { base: 'https://c/otel?key=a' }, 'https://c/otel/v1/traces?key=a'],
  ['base that ends in v1/traces gets it again, as the spec says', { base: 'https://c/v1/traces' }, 'https://c/v1/traces/v1/traces'],
  ['traces as it is', { traces: 'http://c:4318/here' }, 'http://c:4318/here'],
  ['traces without a path', { traces: 'http://c:4318' }, 'http://c:4318/'],
  ['traces over base', { traces: 'http://t/x', base: 'http://b' }, 'http://t/x'],
  ['flag over both', { endpoint: 'http://f', traces: 'http://t/x', base: 'http://b' }, 'http://f/v1/traces'],
  ['flag, whole', { endpoint: 'http://f/otel/v1/traces' }, 'http://f/otel/v1/traces'],
  ['blanks around', { base: ' http://c:4318 ' }, 'http://c:4318/v1/traces'],
])('endpoint: %s', (_, { base, traces, ...flags }, url) => {
  const env = { ...(base && { [`${OTLP}ENDPOINT`]: base }), ...(traces && { [`${OTLP}TRACES_ENDPOINT`]: traces }) };
  expect(destinationFrom({ env, ...flags })?.url).toBe(url);
});

test('defaults: protobuf, gzip, 10 s, no headers', () => {
  expect(withEnv({})).toEqual({
    url: 'http://c:4318/v1/traces',
    protocol: 'http/protobuf',
    headers: {},
    compression: 'gzip',
    timeoutMs: 10_000,
    tls: {},
  });
});

test.each<[Environment, Partial<Destination>]>([
  [{ [`${OTLP}PROTOCOL`]: 'http/json' }, { protocol: 'http/json' }],
  [{ [`${OTLP}PROTOCOL`]: 'grpc', [`${OTLP}TRACES_PROTOCOL`]: 'http/json' }, { protocol: 'http/json' }],
  [{ [`${OTLP}COMPRESSION`]: 'none' }, { compression: 'none' }],
  [{ [`${OTLP}COMPRESSION`]: 'none', [`${OTLP}TRACES_COMPRESSION`]: 'gzip' }, { compression: 'gzip' }],
  [{ [`${OTLP}TIMEOUT`]: '2500' }, { timeoutMs: 2500 }],
  [{ [`${OTLP}TIMEOUT`]: '9999999999' }, { timeoutMs: 2 ** 31 - 1 }],
  [{ [`${OTLP}TIMEOUT`]: 'x', [`${OTLP}TRACES_TIMEOUT`]: '100' }, { timeoutMs: 100 }],
  [{ [`${OTLP}HEADERS`]: 'A=1, b = two words ,c=Basic%20eA==,' }, { headers: { a: '1', b: 'two words', c: 'Basic eA==' } }],
  [{ [`${OTLP}HEADERS`]: 'a=1,b=1', [`${OTLP}TRACES_HEADERS`]: 'B=2' }, { headers: { a: '1', b: '2' } }],
  [{ [`${OTLP}HEADERS`]: 'a=100%' }, { headers: { a: '100%' } }],
])('environment %j', (env, expected) => {
  expect(withEnv(env)).toMatchObject(expected);
});

test('flags win over the environment', () => {
  const env = { [`${OTLP}PROTOCOL`]: 'grpc', [`${OTLP}HEADERS`]: 'authorization=env,tenant=t' };
  const destination = destinationFrom({
    env,
    endpoint: 'http://f',
    protocol: 'http/json',
    headers: ['Authorization=Bearer a%20=b', 'empty='],
  });
  expect(destination).toMatchObject({ protocol: 'http/json', headers: { authorization: 'Bearer a%20=b', tenant: 't', empty: '' } });
});

test.each<[string, DestinationSources, RegExp]>([
  ['no URL', { env: { [`${OTLP}ENDPOINT`]: 'nonsense' } }, /OTEL_EXPORTER_OTLP_ENDPOINT is not a URL/],
  ['no scheme', { env: {}, endpoint: 'localhost:4318' }, /--endpoint is not an http/],
  ['grpc', { env: { [`${OTLP}ENDPOINT`]: 'http://c', [`${OTLP}TRACES_PROTOCOL`]: 'grpc' } }, /TRACES_PROTOCOL asks for grpc/],
  ['grpc by flag, even without an endpoint', { env: {}, protocol: 'grpc' }, /--protocol asks for grpc/],
  ['unknown protocol', { env: {}, protocol: 'http' }, /--protocol is "http"/],
  ['compression', { env: { [`${OTLP}ENDPOINT`]: 'http://c', [`${OTLP}COMPRESSION`]: 'zstd' } }, /COMPRESSION is "zstd"/],
  ['timeout', { env: { [`${OTLP}ENDPOINT`]: 'http://c', [`${OTLP}TIMEOUT`]: '10s' } }, /TIMEOUT is "10s"/],
  ['timeout 0', { env: { [`${OTLP}ENDPOINT`]: 'http://c', [`${OTLP}TIMEOUT`]: '0' } }, /TIMEOUT is "0"/],
  [
    'header without =',
    { env: { [`${OTLP}ENDPOINT`]: 'http://c', [`${OTLP}HEADERS`]: 'a=1,secret' } },
    /HEADERS, pair 2, is not name=value/,
  ],
  ['header name', { env: {}, headers: ['a b=secret'] }, /--header 1 is not a valid/],
  ['header value', { env: {}, headers: ['a=1', 'b=secret\nx'] }, /--header 2 is not a valid/],
  ['certificate', { env: { [`${OTLP}ENDPOINT`]: 'http://c', [`${OTLP}CERTIFICATE`]: '/nowhere.pem' } }, /CERTIFICATE names a file/],
])('refused: %s', (_, sources, message) => {
  const error = refusal(sources);
  expect(error.message).toMatch(message);
  expect(error.hint).not.toBe('');
  expect(`${error.message} ${error.hint}`).not.toContain('secret');
});

test('certificate files are read, the ones for traces first', () => {
  const path = (name: string): string => join(folder, name);
  for (const name of ['ca', 'traces-ca', 'cert', 'key']) writeFileSync(path(name), `PEM ${name}`);
  const { tls } = withEnv({
    [`${OTLP}CERTIFICATE`]: path('ca'),
    [`${OTLP}TRACES_CERTIFICATE`]: path('traces-ca'),
    [`${OTLP}CLIENT_CERTIFICATE`]: path('cert'),
    [`${OTLP}CLIENT_KEY`]: path('key'),
  });
  expect(Object.fromEntries(Object.entries(tls).map(([name, pem]) => [name, String(pem)]))).toEqual({
    ca: 'PEM traces-ca',
    cert: 'PEM cert',
    key: 'PEM key',
  });
});

describe('the config', () => {
  const configured = (
    values: Omit<DestinationConfig, 'locked' | 'lockedBy'>,
    ...locked: (keyof DestinationConfig)[]
  ): DestinationConfig => ({
    ...values,
    locked: new Set(locked as never[]),
    lockedBy: '/etc/managed.json',
  });
  const path = join(folder, 'config-ca');
  writeFileSync(path, 'PEM of the config');
  const config = configured({
    endpoint: 'https://config/otel',
    headers: { Authorization: 'Bearer config', tenant: 'c' },
    protocol: 'http/json',
    compression: 'none',
    timeoutMs: 9_999_999_999,
    certificate: path,
  });

  test('is enough by itself', () => {
    expect(destinationFrom({ env: {}, config })).toEqual({
      url: 'https://config/otel/v1/traces',
      headers: { authorization: 'Bearer config', tenant: 'c' },
      protocol: 'http/json',
      compression: 'none',
      timeoutMs: 2 ** 31 - 1,
      tls: { ca: Buffer.from('PEM of the config') },
    });
  });

  test('comes after variables, and these after flags', () => {
    const env = {
      [`${OTLP}ENDPOINT`]: 'https://config/other',
      [`${OTLP}HEADERS`]: 'tenant=e,region=e',
      [`${OTLP}PROTOCOL`]: 'http/protobuf',
      [`${OTLP}COMPRESSION`]: 'gzip',
      [`${OTLP}TIMEOUT`]: '7',
    };
    expect(destinationFrom({ env, config, headers: ['region=f'] })).toMatchObject({
      url: 'https://config/other/v1/traces',
      headers: { authorization: 'Bearer config', tenant: 'e', region: 'f' },
      protocol: 'http/protobuf',
      compression: 'gzip',
      timeoutMs: 7,
    });
  });

  test('its headers go to no other host than the one they were written for', () => {
    expect(destinationFrom({ env: {}, endpoint: 'http://config', config })!.headers).toEqual({});
    expect(destinationFrom({ env: { [`${OTLP}ENDPOINT`]: 'https://elsewhere', [`${OTLP}HEADERS`]: 'a=1' }, config })!.headers).toEqual({
      a: '1',
    });
    const { endpoint: _, ...anywhere } = config;
    expect(destinationFrom({ env: {}, endpoint: 'http://f', config: anywhere })!.headers).toEqual({});
  });

  test('what it locks no variable changes, and it falls back to the default', () => {
    const env = Object.fromEntries(
      [
        'ENDPOINT=http://e',
        'HEADERS=a=1',
        'PROTOCOL=grpc',
        'COMPRESSION=zstd',
        'TIMEOUT=x',
        'CERTIFICATE=/nowhere',
        'TRACES_ENDPOINT=http://t',
      ]
        .map((line) => /^([^=]+)=(.*)/.exec(line)!)
        .map(([, name, value]) => [`${OTLP}${name}`, value]),
    );
    const locked = ['endpoint', 'headers', 'protocol', 'compression', 'timeoutMs', 'certificate'] as const;
    expect(destinationFrom({ env, config: configured({ endpoint: 'http://c' }, ...locked) })).toEqual({
      url: 'http://c/v1/traces',
      headers: {},
      protocol: 'http/protobuf',
      compression: 'gzip',
      timeoutMs: 10_000,
      tls: {},
    });
    expect(destinationFrom({ env, config: configured({}, 'endpoint') })).toBeUndefined();
  });

  test.each([
    { key: 'endpoint', flag: { endpoint: 'http://f' }, says: '--endpoint' },
    { key: 'headers', flag: { headers: ['a=secret'] }, says: '--header' },
    { key: 'protocol', flag: { protocol: 'http/json' }, says: '--protocol' },
  ] as const)('a flag for a locked $key is refused, with the name of the file', ({ key, flag, says }) => {
    const { message } = refusal({ env: {}, ...flag, config: configured({ endpoint: 'http://c' }, key) });
    expect(message).toBe(`${says} can't be used: /etc/managed.json locks ${key}.`);
    expect(destinationFrom({ env: {}, headers: [], config: configured({ endpoint: 'http://c' }, key) })?.url).toBe('http://c/v1/traces');
  });

  test('a certificate of it that is not there is named as its', () => {
    const { message } = refusal({ env: {}, config: configured({ endpoint: 'http://c', clientKey: '/nowhere.pem' }) });
    expect(message).toMatch(/^The config's client_key names a file that can't be read/);
  });

  test('its resource lies below the one of the environment, but for a locked one', () => {
    const env = { OTEL_SERVICE_NAME: 'env', OTEL_RESOURCE_ATTRIBUTES: 'team=env' };
    const resource = { 'service.name': 'config', region: 'config' };
    expect(resourceOverrides(env, configured({ resource })).attributes).toEqual({ 'service.name': 'env', region: 'config', team: 'env' });
    expect(resourceOverrides(env, configured({ resource }, 'resource')).attributes).toEqual(resource);
  });

  test('it can be made of an environment, and means the same', () => {
    const env = {
      [`${OTLP}ENDPOINT`]: 'https://e/otel',
      [`${OTLP}HEADERS`]: 'authorization=Bearer%20x',
      [`${OTLP}TIMEOUT`]: '2500',
      [`${OTLP}CERTIFICATE`]: path,
      OTEL_SERVICE_NAME: 'mine',
    };
    const settings = settingsFromEnv(env);
    expect(settings).toEqual({
      endpoint: 'https://e/otel/v1/traces',
      headers: { authorization: 'Bearer x' },
      timeoutMs: 2500,
      certificate: path,
      resource: { 'service.name': 'mine' },
    });
    expect(destinationFrom({ env: {}, config: configured(settings) })).toEqual(destinationFrom({ env }));
    expect(settingsFromEnv({})).toEqual({});
  });
});

const SECRETS = { env: {}, endpoint: 'https://me:hunter2hunter2@c/otel?api_key=queryKey1', headers: ['authorization=Bearer tokenToken1'] };

test('a destination is shown without its secrets', () => {
  expect(described(destinationFrom(SECRETS)!)).toBe('https://c/otel/v1/traces?api_key=**** (http/protobuf, gzip, authorization: ****)');
});

test("a server's words are shown without ours", () => {
  const words = 'bad token tokenToken1 of me, hunter2hunter2, queryKey1, Bearer tokenToken1';
  expect(withoutSecrets(words, destinationFrom(SECRETS)!)).toBe('bad token **** of me, ****, ****, ****');
});

test.each<[Environment, Record<string, string>, number]>([
  [{}, {}, 0],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'team=a, deployment.environment.name = prod ,' }, { team: 'a', 'deployment.environment.name': 'prod' }, 0],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'a=x%2Cy%3Dz,b=c=d' }, { a: 'x,y=z', b: 'c=d' }, 0],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'good=1,bad,=worse,percent=%zz,also=2' }, { good: '1', also: '2' }, 3],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'service.name=a', OTEL_SERVICE_NAME: 'b' }, { 'service.name': 'b' }, 0],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'service.name=a', OTEL_SERVICE_NAME: '' }, { 'service.name': 'a' }, 0],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'a=1,a=2,empty=' }, { a: '2', empty: '' }, 0],
])('resource attributes of %j', (env, attributes, warnings) => {
  const overrides = resourceOverrides(env);
  expect(overrides.attributes).toEqual(attributes);
  expect(overrides.warnings).toHaveLength(warnings);
});
