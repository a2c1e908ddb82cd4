/**
 * Where spans go: flags, then OTEL_EXPORTER_OTLP_TRACES_*, then OTEL_EXPORTER_OTLP_*.
 *
 * in:   the command line's values and an environment (never process.env by itself)
 * out:  Destination, undefined when no endpoint is set anywhere, or UserError
 *
 * Two things differ from OTel's defaults, on purpose: nothing is sent to localhost unasked, and requests are
 * gzipped unless a variable says `none`. And a value that can't be used is an error here, where OTel's SDK
 * warns and goes on with another one. The only I/O is reading certificate files.
 */
import { readFileSync } from 'node:fs';
import { UserError } from '../errors.ts';
import type { Protocol } from './batches.ts';

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

export type Environment = Readonly<Record<string, string | undefined>>;

export interface DestinationSources {
  readonly env: Environment;
  /** Base URL like OTEL_EXPORTER_OTLP_ENDPOINT, or the whole one when it ends in /v1/traces. */
  readonly endpoint?: string | undefined;
  /** `name=value` each, taken as written. They win over the environment's. */
  readonly headers?: readonly string[] | undefined;
  readonly protocol?: string | undefined;
}

const PROTOCOLS: readonly Protocol[] = ['http/protobuf', 'http/json'];
/** OTLP specification, "Default: 10s". */
const DEFAULT_TIMEOUT_MS = 10_000;
/** Node fires a timer of more than this (25 days) at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** @throws UserError when a value is there but can't be used */
export function destinationFrom(sources: DestinationSources): Destination | undefined {
  const { env } = sources;
  const flagHeaders = headersFromFlags(sources.headers ?? []);
  const flagProtocol = sources.protocol === undefined ? undefined : protocolFrom(sources.protocol, '--protocol');
  const url = tracesUrl(sources);
  if (url === undefined) return undefined;
  return {
    url,
    protocol: flagProtocol ?? protocolFromEnv(env),
    headers: { ...headersFromEnv(env), ...flagHeaders },
    compression: compressionFromEnv(env),
    timeoutMs: timeoutFromEnv(env),
    tls: tlsFromEnv(env),
  };
}

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
 * What OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say about the resource; the service name wins. Pure.
 *
 * @returns  warnings: one a pair that can't be used; the other pairs still count
 */
export function resourceOverrides(env: Environment): { attributes: Record<string, string>; warnings: string[] } {
  const warnings: string[] = [];
  const attributes = new Map<string, string>();
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

function tracesUrl({ env, endpoint }: DestinationSources): string | undefined {
  if (endpoint !== undefined) return flagUrl(endpoint);
  const setting = settingFrom(env, 'ENDPOINT');
  if (setting === undefined) return undefined;
  const url = parsedUrl(setting.value, setting.variable);
  return setting.forTraces ? url.href : withTracesPath(url);
}

function flagUrl(endpoint: string): string {
  const url = parsedUrl(endpoint, '--endpoint');
  return /\/v1\/traces\/?$/.test(url.pathname) ? url.href : withTracesPath(url);
}

function withTracesPath(base: URL): string {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}

function parsedUrl(text: string, source: string): URL {
  const hint = `Write a URL with http:// or https://, such as ${source === '--endpoint' ? '' : `${source}=`}http://localhost:4318`;
  // The text is not repeated: it may hold a password.
  if (!URL.canParse(text.trim())) throw new UserError(`${source} is not a URL.`, hint);
  const url = new URL(text.trim());
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new UserError(`${source} is not an http:// or https:// URL.`, hint);
  url.hash = '';
  return url;
}

function protocolFromEnv(env: Environment): Protocol {
  const setting = settingFrom(env, 'PROTOCOL');
  return setting === undefined ? 'http/protobuf' : protocolFrom(setting.value, setting.variable);
}

function protocolFrom(value: string, source: string): Protocol {
  const known = PROTOCOLS.find((protocol) => protocol === value.trim());
  if (known !== undefined) return known;
  if (value.trim() === 'grpc') {
    throw new UserError(
      `${source} asks for grpc, which trace-build does not speak.`,
      'Use http/protobuf or http/json. Collectors that take gRPC on port 4317 take these on port 4318.',
    );
  }
  throw new UserError(`${source} is "${value}".`, `Use ${PROTOCOLS.join(' or ')}.`);
}

function compressionFromEnv(env: Environment): 'gzip' | 'none' {
  const setting = settingFrom(env, 'COMPRESSION');
  if (setting === undefined || setting.value === 'gzip') return 'gzip';
  if (setting.value === 'none') return 'none';
  throw new UserError(`${setting.variable} is "${setting.value}".`, 'Use gzip or none.');
}

function timeoutFromEnv(env: Environment): number {
  const setting = settingFrom(env, 'TIMEOUT');
  if (setting === undefined) return DEFAULT_TIMEOUT_MS;
  const ms = Number(setting.value);
  if (Number.isFinite(ms) && ms > 0) return Math.min(ms, TIMER_MAX_MS);
  throw new UserError(`${setting.variable} is "${setting.value}".`, 'Give milliseconds above 0, such as 10000.');
}

/** Both variables are joined, as in OTel's SDKs; the one for traces wins for a name in both. */
function headersFromEnv(env: Environment): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const variable of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS']) {
    for (const [index, pair] of commaSeparated(env[variable]).entries()) {
      Object.assign(headers, header(splitPair(pair), decoded, `${variable}, pair ${index + 1},`));
    }
  }
  return headers;
}

function headersFromFlags(flags: readonly string[]): Record<string, string> {
  return Object.assign({}, ...flags.map((flag, index) => header(splitPair(flag), (text) => text, `--header ${index + 1}`)));
}

/** RFC 9110 §5.6.2 "token" and §5.5 "field-value", as node:http checks them. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const HEADER_VALUE = /^[\t -~\u0080-\u00ff]*$/;

/** Never repeats the pair in an error: it is a secret even when it is malformed. */
function header(pair: Pair | undefined, decode: (text: string) => string, source: string): Record<string, string> {
  const hint = 'Write name=value, such as authorization=Bearer%20… in a variable and "authorization=Bearer …" in a flag.';
  if (pair === undefined) throw new UserError(`${source} is not name=value.`, hint);
  const name = decode(pair.name).toLowerCase();
  const value = decode(pair.value);
  if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(value)) throw new UserError(`${source} is not a valid HTTP header.`, hint);
  return { [name]: value };
}

function tlsFromEnv(env: Environment): Tls {
  const ca = pemFrom(env, 'CERTIFICATE');
  const cert = pemFrom(env, 'CLIENT_CERTIFICATE');
  const key = pemFrom(env, 'CLIENT_KEY');
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function pemFrom(env: Environment, suffix: string): Uint8Array | undefined {
  const setting = settingFrom(env, suffix);
  if (setting === undefined) return undefined;
  try {
    return readFileSync(setting.value);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `${setting.variable} names a file that can't be read: ${reason}`,
      'Give the path of a readable PEM file, or unset it.',
    );
  }
}

interface Setting {
  readonly variable: string;
  readonly value: string;
  readonly forTraces: boolean;
}

/** An empty variable counts as unset (OTel specification, "Parsing empty value"). */
function settingFrom(env: Environment, suffix: string): Setting | undefined {
  for (const variable of [`OTEL_EXPORTER_OTLP_TRACES_${suffix}`, `OTEL_EXPORTER_OTLP_${suffix}`]) {
    const value = env[variable]?.trim();
    if (value) return { variable, value, forTraces: variable.includes('_TRACES_') };
  }
  return undefined;
}

interface Pair {
  readonly name: string;
  readonly value: string;
}

const commaSeparated = (list: string | undefined): string[] =>
  (list ?? '')
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '');

/** At the first `=`: values may be base64 and end in some. */
function splitPair(pair: string): Pair | undefined {
  const at = pair.indexOf('=');
  const name = pair.slice(0, Math.max(at, 0)).trim();
  return name === '' ? undefined : { name, value: pair.slice(at + 1).trim() };
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // URIError: a `%` that is no percent-encoding. The caller decides what that means.
    return undefined;
  }
}

/** A secret with a bare `%` was not encoded at all: take it as it is. */
const decoded = (text: string): string => percentDecoded(text) ?? text;
