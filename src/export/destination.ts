/**
 * Where spans go: flags, then OTEL_EXPORTER_OTLP_TRACES_*, then OTEL_EXPORTER_OTLP_*, then the config; but for what the
 * config locks, which is as the config says.
 *
 * in:   the command line's values, an environment (never process.env by itself), what the config says
 * out:  Destination, undefined when no endpoint is set anywhere, or UserError
 *
 * Two things differ from OTel's defaults, on purpose: nothing is sent to localhost unasked, and requests are
 * gzipped unless a variable says `none`. And a value that can't be used is an error here, where OTel's SDK
 * warns and goes on with another one. The only I/O is reading certificate files.
 */
import { readFileSync } from 'node:fs';
import { UserError } from '../errors.ts';
import type { Protocol } from './batches.ts';
import {
  commaSeparated,
  compressionFromEnv,
  decoded,
  type Environment,
  header,
  headersFromEnv,
  percentDecoded,
  protocolFrom,
  protocolFromEnv,
  settingFrom,
  splitPair,
  timeoutFromEnv,
  urlFrom,
  urlFromEnv,
  variablesOf,
} from './variables.ts';

export type { Environment } from './variables.ts';

export interface Destination {
  /** The whole URL of the traces endpoint. May hold credentials: show it by `describe` or `shownUrl` only. */
  readonly url: string;
  readonly protocol: Protocol;
  /** Lower-case names. Values are secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'gzip' | 'none';
  /** For one request with OTel's retries of it. */
  readonly timeoutMs: number;
  readonly tls: Tls;
}

/** PEM files' contents, as Node's https.Agent takes them. */
export interface Tls {
  readonly ca?: Uint8Array;
  readonly cert?: Uint8Array;
  readonly key?: Uint8Array;
}

export interface DestinationSources {
  readonly env: Environment;
  /** Base URL like OTEL_EXPORTER_OTLP_ENDPOINT, or the whole one when it ends in /v1/traces. */
  readonly endpoint?: string | undefined;
  /** `name=value` each, taken as written. They win over the environment's. */
  readonly headers?: readonly string[] | undefined;
  readonly protocol?: string | undefined;
  readonly config?: DestinationConfig | undefined;
}

export interface DestinationSettings {
  /** As the flag's. */
  readonly endpoint?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocol?: Protocol;
  readonly compression?: 'gzip' | 'none';
  readonly timeoutMs?: number;
  /** Paths of PEM files. */
  readonly certificate?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  /** Attributes of the resource. */
  readonly resource?: Readonly<Record<string, string>>;
}

export interface DestinationConfig extends DestinationSettings {
  /** What neither flags nor variables may change; without a value the default holds. */
  readonly locked: ReadonlySet<keyof DestinationSettings>;
  /** The file that says so, for messages. */
  readonly lockedBy: string;
}

/** OTLP specification, "Default: 10s". */
const DEFAULT_TIMEOUT_MS = 10_000;
/** Node fires a timer of more than this (25 days) at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;
const NO_CONFIG: DestinationConfig = { locked: new Set(), lockedBy: '' };

/** @throws UserError when a value is there but can't be used, or a flag is given for what is locked */
export function destinationFrom(sources: DestinationSources): Destination | undefined {
  const config = sources.config ?? NO_CONFIG;
  refuseFlags(sources, config);
  const env = unlocked(sources.env, config);
  const flagHeaders = headersFromFlags(sources.headers ?? []);
  const flagProtocol = sources.protocol === undefined ? undefined : protocolFrom(sources.protocol, '--protocol');
  const configUrl = config.endpoint === undefined ? undefined : urlFrom(config.endpoint, "The config's endpoint");
  const url = sources.endpoint === undefined ? (urlFromEnv(env) ?? configUrl) : urlFrom(sources.endpoint, '--endpoint');
  if (url === undefined) return undefined;
  return {
    url,
    protocol: flagProtocol ?? protocolFromEnv(env) ?? config.protocol ?? 'http/protobuf',
    headers: { ...headersFromConfig(config, configUrl, url), ...headersFromEnv(env), ...flagHeaders },
    compression: compressionFromEnv(env) ?? config.compression ?? 'gzip',
    timeoutMs: Math.min(timeoutFromEnv(env) ?? config.timeoutMs ?? DEFAULT_TIMEOUT_MS, TIMER_MAX_MS),
    tls: tlsFrom(env, config),
  };
}

/**
 * What the environment says, as a config could say it; to be copied into one. Pure.
 *
 * @throws UserError when a value is there but can't be used
 */
export function settingsFromEnv(env: Environment): DestinationSettings {
  const settings = {
    endpoint: urlFromEnv(env),
    headers: nonEmpty(headersFromEnv(env)),
    protocol: protocolFromEnv(env),
    compression: compressionFromEnv(env),
    timeoutMs: timeoutFromEnv(env),
    certificate: settingFrom(env, 'CERTIFICATE')?.value,
    clientCertificate: settingFrom(env, 'CLIENT_CERTIFICATE')?.value,
    clientKey: settingFrom(env, 'CLIENT_KEY')?.value,
    resource: nonEmpty(resourceOverrides(env).attributes),
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

const nonEmpty = (record: Record<string, string>): Record<string, string> | undefined =>
  Object.keys(record).length === 0 ? undefined : record;

/** For people: where to and how, with nothing secret in it. */
export function describe(destination: Destination): string {
  const headers = Object.keys(destination.headers).map((name) => `${name}: ${HIDDEN}`);
  return `${shownUrl(destination.url)} (${[destination.protocol, destination.compression, ...headers].join(', ')})`;
}

const HIDDEN = '****';

/** The URL without user and password, and with the values of its query hidden: some backends take their key there. */
export function shownUrl(url: string): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  for (const name of new Set(shown.searchParams.keys())) shown.searchParams.set(name, HIDDEN);
  return shown.href;
}

/** A server's own words, with everything in them that we sent as a credential hidden. */
export function withoutSecrets(text: string, destination: Destination): string {
  return secretsOf(destination).reduce((shown, secret) => shown.replaceAll(secret, HIDDEN), text);
}

/** Shorter values are words like `1` or `prod`: hiding them would hide half the message and no secret. */
const SECRET_LENGTH_MIN = 8;

function secretsOf(destination: Destination): string[] {
  const url = new URL(destination.url);
  const values = [...Object.values(destination.headers), decoded(url.password), url.password, ...url.searchParams.values()];
  const withoutScheme = Object.values(destination.headers).map((value) => value.slice(value.indexOf(' ') + 1));
  return [...values, ...withoutScheme].filter((value) => value.length >= SECRET_LENGTH_MIN);
}

/**
 * What OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say about the resource, over what the config says; the service
 * name wins. Pure.
 *
 * @returns  warnings: one a pair that can't be used; the other pairs still count
 */
export function resourceOverrides(
  env: Environment,
  config: DestinationConfig = NO_CONFIG,
): { attributes: Record<string, string>; warnings: string[] } {
  const warnings: string[] = [];
  const attributes = new Map(Object.entries(config.resource ?? {}));
  if (config.locked.has('resource')) return { attributes: Object.fromEntries(attributes), warnings };
  for (const [index, pair] of commaSeparated(env['OTEL_RESOURCE_ATTRIBUTES']).entries()) {
    const split = splitPair(pair);
    const name = split && percentDecoded(split.name);
    const value = split && percentDecoded(split.value);
    if (name && value !== undefined) attributes.set(name, value);
    else warnings.push(`OTEL_RESOURCE_ATTRIBUTES: pair ${index + 1} is not name=value with percent-encoding; ignored.`);
  }
  const serviceName = env['OTEL_SERVICE_NAME']?.trim();
  if (serviceName) attributes.set('service.name', serviceName);
  return { attributes: Object.fromEntries(attributes), warnings };
}

const FLAGS = { endpoint: '--endpoint', headers: '--header', protocol: '--protocol' } as const;

function refuseFlags(sources: DestinationSources, { locked, lockedBy }: DestinationConfig): void {
  for (const [key, flag] of Object.entries(FLAGS) as [keyof typeof FLAGS, string][]) {
    if (locked.has(key) && sources[key] !== undefined && sources[key].length > 0)
      throw new UserError(`${flag} can't be used: ${lockedBy} locks ${key}.`, `Leave ${flag} out, or ask whoever manages that file.`);
  }
}

/** Where each key has its variables. */
const SUFFIXES = {
  endpoint: 'ENDPOINT',
  headers: 'HEADERS',
  protocol: 'PROTOCOL',
  compression: 'COMPRESSION',
  timeoutMs: 'TIMEOUT',
  certificate: 'CERTIFICATE',
  clientCertificate: 'CLIENT_CERTIFICATE',
  clientKey: 'CLIENT_KEY',
} as const;

/** The environment without the variables of what is locked. */
function unlocked(env: Environment, { locked }: DestinationConfig): Environment {
  const suffixes = Object.entries(SUFFIXES).flatMap(([key, suffix]) => (locked.has(key as keyof typeof SUFFIXES) ? [suffix] : []));
  return { ...env, ...Object.fromEntries(suffixes.flatMap(variablesOf).map((variable) => [variable, undefined])) };
}

/** They were written down for the config's endpoint: a credential in them is nobody else's. */
function headersFromConfig(config: DestinationConfig, configUrl: string | undefined, url: string): Record<string, string> {
  // Where the config names no endpoint, nobody has said whom they are for.
  if (configUrl === undefined || new URL(configUrl).origin !== new URL(url).origin) return {};
  const headers = Object.entries(config.headers ?? {});
  return Object.assign({}, ...headers.map(([name, value]) => header({ name, value }, asWritten, `The config's header ${name}`)));
}

const headersFromFlags = (flags: readonly string[]): Record<string, string> =>
  Object.assign({}, ...flags.map((flag, index) => header(splitPair(flag), asWritten, `--header ${index + 1}`)));

const asWritten = (text: string): string => text;

function tlsFrom(env: Environment, config: DestinationConfig): Tls {
  const ca = pemFrom(env, 'CERTIFICATE', config.certificate);
  const cert = pemFrom(env, 'CLIENT_CERTIFICATE', config.clientCertificate);
  const key = pemFrom(env, 'CLIENT_KEY', config.clientKey);
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function pemFrom(env: Environment, suffix: string, configured: string | undefined): Uint8Array | undefined {
  const setting = settingFrom(env, suffix);
  const path = setting?.value ?? configured;
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `${setting?.variable ?? `The config's ${suffix.toLowerCase()}`} names a file that can't be read: ${reason}`,
      'Give the path of a readable PEM file, or unset it.',
    );
  }
}
