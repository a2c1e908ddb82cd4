/**
 * No text takes more than time in proportion to its length: beginnings of secrets over and over, and what the patterns
 * repeat without end, are what would take more.
 */
import { describe, expect, test } from 'vitest';
import { createRedactor } from '../../src/redact/redact.ts';
import { builtInRules } from '../../src/redact/rules/index.ts';
import { drawFrom, plantedIn } from './draw.ts';

const LENGTH = 25_000;
/** A quadratic pattern would take a second for it. */
const MAX_MS = 250;

const BETWEEN = ['', 'a', '=', ' ', ':', '-', '@', '="', '\\n', '\\"'];

describe.each(builtInRules.map((rule) => ({ id: rule.id, rule })))('$id', ({ rule }) => {
  test('beginnings, over and over', () => {
    const redactor = createRedactor([rule]);
    const starts = (rule.anchors ?? [''])
      .slice(0, 4)
      .flatMap((anchor) => BETWEEN.flatMap((between) => [anchor + between, between + anchor]));
    const parts = rule.hides(drawFrom(7)).flatMap((example) => {
      const { before, secret, after } = plantedIn(example);
      const text = before + secret + after;
      return [4, 16, 64, text.length].flatMap((length) => [text.slice(0, length), text.slice(-length), secret.slice(0, length)]);
    });
    for (const part of new Set([...starts, ...parts]))
      if (part !== '') expect(millisecondsFor(redactor.text, part.repeat(LENGTH / part.length)), part).toBeLessThan(MAX_MS);
  });

  test('a beginning, and then no end', () => {
    const redactor = createRedactor([rule]);
    for (const anchor of (rule.anchors ?? ['']).slice(0, 1))
      for (const sign of ['', '=', '="', ': ', '://u:', ' '])
        for (const tail of ['a', 'aB1', '-', '.', ' ', '\n', ':', 'a=b; ', '\\', '\\n', '"', `${'A'.repeat(20)}\n`])
          expect(millisecondsFor(redactor.text, anchor + sign + tail.repeat(LENGTH / tail.length)), anchor + sign + tail).toBeLessThan(
            MAX_MS,
          );
  });
});

test.each(['\\', '\\\\u', '\x1b[', '[REDACTED:', '[REDACTED:jwt]', '\u{1f642}', '\n', '{"a":'])('of %j', (part) => {
  const redactor = createRedactor(builtInRules);
  expect(millisecondsFor(redactor.text, part.repeat(500_000 / part.length))).toBeLessThan(MAX_MS);
});

test('of values: many blocks, many lines, many entries, nested deeper than the stack is', () => {
  const redactor = createRedactor(builtInRules);
  const secret = `ghp_${drawFrom(1)('A-Za-z0-9', 36)}`;
  const texts = Array.from({ length: 20_000 }, (_, index) => (index % 10 === 0 ? secret : 'const x = 1;'));
  expect(millisecondsFor(redactor.value, texts)).toBeLessThan(2000);
  expect(
    millisecondsFor(
      redactor.value,
      texts.map((text) => ({ type: 'text', text })),
    ),
  ).toBeLessThan(2000);
  expect(millisecondsFor(redactor.value, Object.fromEntries(texts.map((text, index) => [`api_key_${index}`, text])))).toBeLessThan(2000);
  const deep = JSON.parse(`${'[{"a":'.repeat(50_000)}"${secret}"${'}]'.repeat(50_000)}`);
  expect(redactor.value(deep).counts).toEqual({ 'github-token': 1 });
});

function millisecondsFor<T>(work: (value: T) => unknown, value: T): number {
  const before = process.cpuUsage().user;
  work(value);
  return (process.cpuUsage().user - before) / 1000;
}
