/** Content as attribute values: always JSON, never too long, and what was cut is told. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Part } from '../../src/session/types.ts';
import { cappedJson, MAX_BYTES, messagesJson, resultJson, statusText } from '../../src/trace/content.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const bytes = (text: string): number => Buffer.byteLength(text);

test('an attribute is at most 16 KiB, so that three of them stay under 64 KiB', () => {
  expect(MAX_BYTES).toBe(16 * 1024);
});

describe('capping', () => {
  const long = fc
    .tuple(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), fc.nat(2000))
    .map(([text, times]) => text.repeat(times));
  const anything = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      long,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 40 }),
      fc.dictionary(fc.string({ maxLength: 12 }), tie('value'), { maxKeys: 12 }),
    ),
  })).value;

  test('any value becomes JSON of at most 16 KiB; what fits is told in full', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const json = cappedJson(value);
        expect(bytes(json)).toBeLessThanOrEqual(MAX_BYTES);
        const parsed = JSON.parse(json);
        if (bytes(JSON.stringify(value)) <= MAX_BYTES) expect(parsed).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    { what: 'a long string', value: 'x'.repeat(100_000) },
    { what: 'a string of two-byte characters', value: 'ü'.repeat(100_000) },
    { what: 'a string of pairs', value: '🥊'.repeat(50_000) },
    { what: 'a string that JSON makes six times as long', value: '\u0001'.repeat(100_000) },
    { what: 'a list of many', value: Array.from({ length: 100_000 }, (_, n) => n) },
    { what: 'a list of many long strings', value: Array.from({ length: 500 }, () => 'y'.repeat(5000)) },
    { what: 'an object of many fields', value: Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`key${n}`, n])) },
    { what: 'a field with a very long name', value: { ['k'.repeat(100_000)]: 1 } },
    { what: 'long strings at every depth', value: { a: 'z'.repeat(20_000), b: [{ c: 'z'.repeat(20_000) }, ['z'.repeat(20_000)]] } },
  ])('$what is cut to size', ({ value }) => {
    const json = cappedJson(value);
    expect(bytes(json)).toBeLessThanOrEqual(MAX_BYTES);
    expect(json).toMatch(/cut/);
    JSON.parse(json);
  });

  test('a string that is cut tells its full length and digest, and keeps its beginning', () => {
    const text = `begin ${'x'.repeat(100_000)}`;
    const kept = JSON.parse(cappedJson(text)) as string;
    expect(kept.startsWith('begin xxx')).toBe(true);
    expect(kept.endsWith(`… [cut: ${text.length} characters, sha256 ${sha256(text)}]`)).toBe(true);
  });

  test('what is too much to be cut part by part tells the length and digest of the whole', () => {
    const whole = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`key${n}`, n]));
    const json = JSON.stringify(whole);
    expect(JSON.parse(cappedJson(whole))).toEqual({ type: 'cut', length: json.length, sha256: sha256(json) });
  });

  test('only the long part of a message is cut', () => {
    const parts: Part[] = [
      { kind: 'text', text: 'short' },
      { kind: 'tool_call', id: 'toolu_1', name: 'Write', arguments: { path: 'a.txt', content: 'x'.repeat(50_000) } },
    ];
    const [message] = JSON.parse(messagesJson([{ role: 'assistant', parts }], 'tool_use'));
    expect(message.parts[0]).toEqual({ type: 'text', content: 'short' });
    expect(message.parts[1]).toMatchObject({ type: 'tool_call', id: 'toolu_1', name: 'Write', arguments: { path: 'a.txt' } });
    expect(message.parts[1].arguments.content).toMatch(/\[cut: 50000 characters/);
    expect(message.finish_reason).toBe('tool_use');
  });

  test('a pair of surrogates is cut before or after, never in between', () => {
    for (let lead = 0; lead < 4; lead++) {
      const text = 'x'.repeat(lead) + '🥊'.repeat(50_000);
      const json = cappedJson(text);
      expect(Buffer.from(json, 'utf8').toString('utf8')).toBe(json);
      expect(json).not.toMatch(/\\ud[89ab]/i);
    }
  });

  test.each([
    { what: 'undefined', value: undefined, json: 'null' },
    { what: 'null', value: null, json: 'null' },
    { what: 'an empty string', value: '', json: '""' },
    { what: 'an empty list', value: [], json: '[]' },
    { what: 'a number', value: 7, json: '7' },
  ])('$what is $json', ({ value, json }) => {
    expect(cappedJson(value)).toBe(json);
  });

  test('a value nested too deeply says so', () => {
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    expect(JSON.parse(cappedJson(deep))).toEqual({ type: 'cut', reason: 'nested too deeply' });
  });
});

describe('messages', () => {
  test.each<{ part: Part; json: unknown }>([
    { part: { kind: 'text', text: 'hi' }, json: { type: 'text', content: 'hi' } },
    { part: { kind: 'reasoning', text: 'hm' }, json: { type: 'reasoning', content: 'hm' } },
    {
      part: { kind: 'tool_call', id: '1', name: 'Bash', arguments: { a: 1 } },
      json: { type: 'tool_call', id: '1', name: 'Bash', arguments: { a: 1 } },
    },
    { part: { kind: 'tool_result', id: '1', result: 'ok' }, json: { type: 'tool_call_response', id: '1', response: 'ok' } },
    {
      part: { kind: 'tool_result', id: '1', result: [{ kind: 'text', text: 'ok' }] },
      json: { type: 'tool_call_response', id: '1', response: [{ type: 'text', content: 'ok' }] },
    },
    {
      part: { kind: 'server_tool_call', id: '1', name: 'web_search', arguments: { q: 'x' } },
      json: { type: 'server_tool_call', id: '1', name: 'web_search', server_tool_call: { type: 'web_search', arguments: { q: 'x' } } },
    },
    {
      part: { kind: 'server_tool_result', name: 'web_search', result: [1] },
      json: { type: 'server_tool_call_response', server_tool_call_response: { type: 'web_search', result: [1] } },
    },
    {
      part: { kind: 'media', modality: 'image', mimeType: 'image/png', bytes: 70 },
      json: { type: 'blob', modality: 'image', mime_type: 'image/png', content: '', byte_size: 70 },
    },
    { part: { kind: 'other', type: 'redacted_thinking' }, json: { type: 'redacted_thinking' } },
  ])('a part of kind $part.kind has the form of the convention', ({ part, json }) => {
    expect(JSON.parse(messagesJson([{ role: 'user', parts: [part] }]))).toEqual([{ role: 'user', parts: [json] }]);
  });

  test('only an answer has a finish reason', () => {
    const messages = [
      { role: 'user', parts: [] },
      { role: 'assistant', parts: [] },
    ] as const;
    expect(JSON.parse(messagesJson(messages, 'end_turn'))).toEqual([
      { role: 'user', parts: [] },
      { role: 'assistant', parts: [], finish_reason: 'end_turn' },
    ]);
  });

  test('a result that happens to have a kind is left as it is', () => {
    const own = [{ kind: 'unknown to us', value: 1 }, { kind: 'text' }, 'text', 7, null];
    expect(() => cappedJson(resultJson(own))).not.toThrow();
    expect(JSON.parse(cappedJson(resultJson([{ kind: 'unknown to us', value: 1 }])))).toEqual([{ kind: 'unknown to us', value: 1 }]);
  });
});

test('a status is a sentence, not a page', () => {
  expect(statusText('short')).toBe('short');
  expect(statusText('x'.repeat(5000))).toBe(`${'x'.repeat(1024)}…`);
  const cut = statusText(`${'x'.repeat(1023)}🥊🥊`);
  expect(Buffer.from(cut).toString()).toBe(cut);
});
