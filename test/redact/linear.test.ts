/**
 * No text takes more than time in proportion to its length: beginnings of secrets over and over, and what the patterns
 * repeat without end, are what would take more.
 */
import { describe, expect, test } from 'vitest';
import { createRedactor } from '../../src/redact/redact.ts';
import { builtInRules } from '../../src/redact/rules/index.ts';
import { drawFrom, plantedIn } from './draw.ts';
import { quadraticTimesOf } from './quadratic.ts';

const LENGTH = 25_000;
/** Of what a quadratic pattern takes for as much. */
const MOST = 0.5;
const MOST_OF_VALUES = 4;

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
      if (part !== '')
        expect(
          quadraticTimesOf(() => redactor.text(part.repeat(LENGTH / part.length)), MOST),
          part,
        ).toBeLessThan(MOST);
  });

  test('a beginning, and then no end', () => {
    const redactor = createRedactor([rule]);
    for (const anchor of (rule.anchors ?? ['']).slice(0, 1))
      for (const sign of ['', '=', '="', ': ', '://u:', ' '])
        for (const tail of ['a', 'aB1', '-', '.', ' ', '\n', ':', 'a=b; ', '\\', '\\n', '"', `${'A'.repeat(20)}\n`])
          expect(
            quadraticTimesOf(() => redactor.text(anchor + sign + tail.repeat(LENGTH / tail.length)), MOST),
            anchor + sign + tail,
          ).toBeLessThan(MOST);
  });
});

test.each(['\\', '\\\\u', '\x1b[', '[REDACTED:', '[REDACTED:jwt]', '\u{1f642}', '\n', '{"a":'])('of %j', (part) => {
  const redactor = createRedactor(builtInRules);
  expect(quadraticTimesOf(() => redactor.text(part.repeat(500_000 / part.length)), MOST)).toBeLessThan(MOST);
});

test('of values: many blocks, many lines, many entries, nested deeper than the stack is', () => {
  const redactor = createRedactor(builtInRules);
  const secret = `ghp_${drawFrom(1)('A-Za-z0-9', 36)}`;
  const texts = Array.from({ length: 20_000 }, (_, index) => (index % 10 === 0 ? secret : 'const x = 1;'));
  expect(quadraticTimesOf(() => redactor.value(texts), MOST_OF_VALUES)).toBeLessThan(MOST_OF_VALUES);
  const blocks = texts.map((text) => ({ type: 'text', text }));
  expect(quadraticTimesOf(() => redactor.value(blocks), MOST_OF_VALUES)).toBeLessThan(MOST_OF_VALUES);
  const entries = Object.fromEntries(texts.map((text, index) => [`api_key_${index}`, text]));
  expect(quadraticTimesOf(() => redactor.value(entries), MOST_OF_VALUES)).toBeLessThan(MOST_OF_VALUES);
  const deep = JSON.parse(`${'[{"a":'.repeat(50_000)}"${secret}"${'}]'.repeat(50_000)}`);
  expect(redactor.value(deep).counts).toEqual({ 'github-token': 1 });
});
