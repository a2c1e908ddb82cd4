/**
 * OTEL_EXPORTER_OTLP_TRACES_*, then OTEL_EXPORTER_OTLP_*, each as a value.
 *
 * in:   an environment (never process.env by itself)
 * out:  a value; undefined when the variable is not set; UserError when it can't be used. No I/O
 */
import { UserError } from '../errors.ts';
import type { Protocol } from './batches.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Setting {
  readonly variable: string;
  readonly value: string;
  readonly forTraces: boolean;
}

/** An empty variable counts as unset (OTel specification, "Parsing empty value"). */
export function settingFrom(env: Environment, suffix: string): Setting | undefined {
  for (const variable of variablesOf(suffix)) {
    const value = env[variable]?.trim();
    if (value) return { variable, value, forTraces: variable.includes('_TRACES_') };
  }
  return undefined;
}

/** The one for traces first. */
export const variablesOf = (suffix: string): readonly [string, string] => [
  `OTEL_EXPORTER_OTLP_TRACES_${suffix}`,
  `OTEL_EXPORTER_OTLP_${suffix}`,
];

export function urlFromEnv(env: Environment): string | undefined {
  const setting = settingFrom(env, 'ENDPOINT');
  if (setting === undefined) return undefined;
  const url = parsedUrl(setting.value, setting.variable, `${setting.variable}=`);
  return setting.forTraces ? url.href : withTracesPath(url);
}

/** A base URL, or the whole one when it ends in /v1/traces. */
export function urlFrom(endpoint: string, source: string): string {
  const url = parsedUrl(endpoint, source, '');
  return /\/v1\/traces\/?$/.test(url.pathname) ? url.href : withTracesPath(url);
}

function withTracesPath(base: URL): string {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}

function parsedUrl(text: string, source: string, example: string): URL {
  const hint = `Write a URL with http:// or https://, such as ${example}http://localhost:4318`;
  // The text is not repeated: it may hold a password.
  if (!URL.canParse(text.trim())) throw new UserError(`${source} is not a URL.`, hint);
  const url = new URL(text.trim());
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new UserError(`${source} is not an http:// or https:// URL.`, hint);
  url.hash = '';
  return url;
}

const PROTOCOLS: readonly Protocol[] = ['http/protobuf', 'http/json'];

export function protocolFromEnv(env: Environment): Protocol | undefined {
  const setting = settingFrom(env, 'PROTOCOL');
  return setting && protocolFrom(setting.value, setting.variable);
}

export function protocolFrom(value: string, source: string): Protocol {
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

export function compressionFromEnv(env: Environment): 'gzip' | 'none' | undefined {
  const setting = settingFrom(env, 'COMPRESSION');
  if (setting === undefined || setting.value === 'gzip' || setting.value === 'none') return setting?.value as 'gzip' | 'none' | undefined;
  throw new UserError(`${setting.variable} is "${setting.value}".`, 'Use gzip or none.');
}

export function timeoutFromEnv(env: Environment): number | undefined {
  const setting = settingFrom(env, 'TIMEOUT');
  if (setting === undefined) return undefined;
  const ms = Number(setting.value);
  if (Number.isFinite(ms) && ms > 0) return ms;
  throw new UserError(`${setting.variable} is "${setting.value}".`, 'Give milliseconds above 0, such as 10000.');
}

/** Both variables are joined, as in OTel's SDKs; the one for traces wins for a name in both. */
export function headersFromEnv(env: Environment): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const variable of variablesOf('HEADERS').toReversed()) {
    for (const [index, pair] of commaSeparated(env[variable]).entries()) {
      Object.assign(headers, header(splitPair(pair), decoded, `${variable}, pair ${index + 1},`));
    }
  }
  return headers;
}

/** RFC 9110 §5.6.2 "token" and §5.5 "field-value", as node:http checks them. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const HEADER_VALUE = /^[\t -~\u0080-\u00ff]*$/;

/** Never repeats the pair in an error: it is a secret even when it is malformed. */
export function header(pair: Pair | undefined, decode: (text: string) => string, source: string): Record<string, string> {
  const hint = 'Write name=value, such as authorization=Bearer%20… in a variable and "authorization=Bearer …" in a flag.';
  if (pair === undefined) throw new UserError(`${source} is not name=value.`, hint);
  const name = decode(pair.name).toLowerCase();
  const value = decode(pair.value);
  if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(value)) throw new UserError(`${source} is not a valid HTTP header.`, hint);
  return { [name]: value };
}

export interface Pair {
  readonly name: string;
  readonly value: string;
}

export const commaSeparated = (list: string | undefined): string[] =>
  (list ?? '')
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '');

/** At the first `=`: values may be base64 and end in some. */
export function splitPair(pair: string): Pair | undefined {
  const at = pair.indexOf('=');
  const name = pair.slice(0, Math.max(at, 0)).trim();
  return name === '' ? undefined : { name, value: pair.slice(at + 1).trim() };
}

export function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // URIError: a `%` that is no percent-encoding. The caller decides what that means.
    return undefined;
  }
}

/** A secret with a bare `%` was not encoded at all: take it as it is. */
export const decoded = (text: string): string => percentDecoded(text) ?? text;
