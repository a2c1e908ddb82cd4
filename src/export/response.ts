/**
 * What a collector answered: an ExportTraceServiceResponse, or something else.
 *
 * in:   the body of a 2xx answer (bytes), or of an error (text)
 * out:  plain data; pure
 *
 * The decoders can't be asked whether a body is one: OTel's JSON one turns a web page into an empty response, and
 * its protobuf one reads past the end (the text `accepted` passes). What tells them apart: a protobuf response
 * that isn't empty holds a control character, text doesn't. The encoding is read off the body, not off what was
 * asked for: Langfuse and tracelet answer protobuf requests in JSON.
 */
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { parsedJson } from '../json.ts';

export type ResponseBody =
  | { readonly kind: 'response'; readonly rejectedSpans: number; readonly errorMessage: string }
  /** Not from an OTLP receiver: a login page, a proxy's greeting. */
  | { readonly kind: 'junk'; readonly beginning: string };

export function readResponse(body: Uint8Array): ResponseBody {
  const text = new TextDecoder().decode(body);
  if (text.trim() === '') return response(undefined, undefined);
  return hasControlCharacter(text) ? protobufResponse(body) : jsonResponse(text);
}

/** As much of a server's words as a terminal line should hold. */
const WORDS_MAX = 300;

/**
 * The message in an error's body: of a google.rpc.Status (OTLP's rule, JSON or protobuf), a web page's title, or
 * the text as it is.
 *
 * @param body  decoded as UTF-8, whatever it was
 */
export function errorWords(body: string): string {
  const words = jsonMessage(body) ?? protobufStatusMessage(body) ?? pageTitle(body) ?? body;
  const line = words.replace(/[\p{Cc}\uFFFD\s]+/gu, ' ').trim();
  return line.length > WORDS_MAX ? `${line.slice(0, WORDS_MAX)}…` : line;
}

const response = (rejectedSpans: unknown, errorMessage: unknown): ResponseBody => ({
  kind: 'response',
  rejectedSpans: Math.max(0, Math.trunc(Number(rejectedSpans ?? 0)) || 0),
  errorMessage: typeof errorMessage === 'string' ? errorMessage : '',
});

const junk = (body: string): ResponseBody => ({ kind: 'junk', beginning: errorWords(body).slice(0, 80) });

/** Any but the three that text is made of. */
const hasControlCharacter = (text: string): boolean => /[^\P{Cc}\t\n\r]/u.test(text);

function protobufResponse(body: Uint8Array): ResponseBody {
  try {
    const { partialSuccess } = ProtobufTraceSerializer.deserializeResponse(body);
    return response(partialSuccess?.rejectedSpans, partialSuccess?.errorMessage);
  } catch {
    // The decoder's complaint about a varint tells a user nothing; the beginning of the body may.
    return junk(new TextDecoder().decode(body));
  }
}

/**
 * Fields we don't know are allowed, as OTLP asks. `null` too: it is what a handler without a return value sends.
 * Original proto names (snake_case) are read as well, lest a count of rejected spans be overlooked.
 */
function jsonResponse(text: string): ResponseBody {
  const json = parsedJson(text);
  if (json === undefined || typeof json !== 'object' || Array.isArray(json)) return junk(text);
  const partial = field(json, 'partialSuccess') ?? field(json, 'partial_success');
  return response(
    field(partial, 'rejectedSpans') ?? field(partial, 'rejected_spans'),
    field(partial, 'errorMessage') ?? field(partial, 'error_message'),
  );
}

function jsonMessage(body: string): string | undefined {
  const json = parsedJson(body);
  const found = ['message', 'error', 'detail'].map((name) => field(json, name)).find((value) => value !== undefined && value !== null);
  const words = field(found, 'message') ?? found;
  return words === undefined ? undefined : typeof words === 'string' ? words : JSON.stringify(words);
}

/** `code` is field 1 (tag 0x08), `message` field 2 (tag 0x12, then its length), `details` follow with a control character. */
function protobufStatusMessage(body: string): string | undefined {
  const tag = body.indexOf('\u0012');
  if (tag === -1 || tag > 3) return undefined;
  const afterTag = body.slice(tag + 1);
  // A length above 127 takes two bytes, the first of which is no UTF-8.
  const message = afterTag.slice(afterTag.startsWith('\uFFFD') ? 2 : 1);
  return message.split(/[^\P{Cc}\t\n\r]/u, 1)[0];
}

const pageTitle = (body: string): string | undefined =>
  /^\s*</.test(body) ? `a web page "${/<title[^>]*>([^<]*)/i.exec(body)?.[1]?.trim() ?? ''}"` : undefined;

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
