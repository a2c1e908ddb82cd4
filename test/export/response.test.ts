import { expect, test } from 'vitest';
import { errorWords, readResponse } from '../../src/export/response.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const accepted = (rejectedSpans: number, errorMessage = '') => ({ kind: 'response', rejectedSpans, errorMessage });

test.each<[string, Uint8Array, object]>([
  ['empty', bytes(''), accepted(0)],
  ['a line end', bytes('\r\n'), accepted(0)],
  ['JSON {}', bytes('{}'), accepted(0)],
  ['JSON with fields of its own, as mockotlpserver', bytes('{"ok":1}'), accepted(0)],
  ['JSON null', bytes('null'), accepted(0)],
  ['JSON, partialSuccess null', bytes('{"partialSuccess":null}'), accepted(0)],
  ['JSON, a number', bytes('{"partialSuccess":{"rejectedSpans":2,"errorMessage":"no"}}'), accepted(2, 'no')],
  ['JSON, an int64 as text', bytes('{"partialSuccess":{"rejectedSpans":"3"}}'), accepted(3)],
  ['JSON, original field names', bytes('{"partial_success":{"rejected_spans":4,"error_message":"no"}}'), accepted(4, 'no')],
  ['JSON, a count that is none', bytes('{"partialSuccess":{"rejectedSpans":"many"}}'), accepted(0)],
  ['JSON, a negative count', bytes('{"partialSuccess":{"rejectedSpans":-5}}'), accepted(0)],
  ['JSON, pretty-printed', bytes('{\n\t"partialSuccess": {\r\n "rejectedSpans": 1 }\n}\n'), accepted(1)],
  ['protobuf, empty partial_success', Uint8Array.of(0x0a, 0), accepted(0)],
  ['protobuf, a count', Uint8Array.of(0x0a, 2, 0x08, 5), accepted(5)],
  ['protobuf, count and message', Uint8Array.of(0x0a, 6, 0x08, 7, 0x12, 2, 0x6e, 0x6f), accepted(7, 'no')],
  ['protobuf, a warning', Uint8Array.of(0x0a, 4, 0x12, 2, 0x6e, 0x6f), accepted(0, 'no')],
])('a response: %s', (_, body, expected) => {
  expect(readResponse(body)).toEqual(expected);
});

test.each<[string, Uint8Array, string]>([
  ['a web page', bytes('<!DOCTYPE html><html><title>Log in</title></html>'), 'a web page "Log in"'],
  ['a web page after a line end, which could begin a protobuf message', bytes('\n<html><body>Hello</body></html>'), 'a web page ""'],
  ['text that OTel decodes as protobuf', bytes('accepted'), 'accepted'],
  ['text that is valid protobuf', bytes('hi'), 'hi'],
  ['a JSON list', bytes('[]'), '[]'],
  ['a JSON string', bytes('"ok"'), '"ok"'],
  ['broken JSON', bytes('{"partialSuccess":'), '{"partialSuccess":'],
  ['protobuf cut off', Uint8Array.of(0x0a, 9, 0x08, 7), ''],
  ['a compressed body', Uint8Array.of(0x1f, 0x8b, 0x08, 0x00), ''],
])('junk: %s', (_, body, beginning) => {
  const read = readResponse(body);
  expect(read.kind).toBe('junk');
  expect(read.kind === 'junk' && read.beginning).toContain(beginning);
});

/** A google.rpc.Status in protobuf, decoded as UTF-8 as OTel's transport does. */
function status(message: string): string {
  const text = Buffer.from(message);
  const length = text.length < 128 ? [text.length] : [(text.length & 0x7f) | 0x80, text.length >> 7];
  return Buffer.from([0x08, 3, 0x12, ...length, ...text, 0x1a, 0]).toString();
}

test.each([
  ['{"code":3,"message":"bad trace id"}', 'bad trace id'],
  ['{"error":"Invalid content type"}', 'Invalid content type'],
  ['{"error":{"code":400,"message":"no data"}}', 'no data'],
  ['{"detail":[{"loc":"x"}]}', '[{"loc":"x"}]'],
  ['{}', '{}'],
  [status('bad trace id'), 'bad trace id'],
  [status('a'.repeat(49)), 'a'.repeat(49)],
  [status('x'.repeat(200)), 'x'.repeat(200)],
  ['<html><head><title>\n502 Bad Gateway </title>', 'a web page "502 Bad Gateway"'],
  ['  plain\n words\u0007 ', 'plain words'],
  ['', ''],
  ['z'.repeat(400), `${'z'.repeat(300)}…`],
])('the words of the error %j', (body, words) => {
  expect(errorWords(body)).toBe(words);
});
