/** Rules that people write: what they hide, what is wrong with them, and how long they may take. */
import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { compiled, type WrittenRule } from '../../src/redact/custom.ts';
import { createRedactor, type Redactor } from '../../src/redact/redact.ts';
import { builtInRules } from '../../src/redact/rules/index.ts';
import { drawFrom } from './draw.ts';
import { quadraticTimesOf } from './quadratic.ts';

const rule = (pattern: string, more: Partial<WrittenRule> = {}): WrittenRule => ({ id: 'mine', pattern, source: 'acme.yaml', ...more });
const redactorOf = (...rules: readonly WrittenRule[]): Redactor => createRedactor([], compiled(rules));

describe('what is hidden', () => {
  test.each<{ what: string; rule: WrittenRule; text: string; value: string; count: number }>([
    { what: 'every match', rule: rule('EMP-\\d+'), text: 'EMP-1, EMP-22', value: '[REDACTED:mine], [REDACTED:mine]', count: 2 },
    {
      what: 'only the group named secret',
      rule: rule('id=(?<secret>\\d+);'),
      text: 'id=17; id=x;',
      value: 'id=[REDACTED:mine]; id=x;',
      count: 1,
    },
    {
      what: 'all of a match without that group',
      rule: rule('id=(?:(?<secret>\\d+)|none)'),
      text: 'id=none id=1',
      value: '[REDACTED:mine] id=[REDACTED:mine]',
      count: 2,
    },
    {
      what: 'with flags',
      rule: rule('^project .*?x$', { flags: 'ims' }),
      text: 'a\nProject b\nc x\nd',
      value: 'a\n[REDACTED:mine]\nd',
      count: 1,
    },
    { what: 'matches that touch, as one', rule: rule('\\d'), text: 'a 123 4', value: 'a [REDACTED:mine] [REDACTED:mine]', count: 2 },
    {
      what: 'in text with escapes',
      rule: rule('EMP-\\d+'),
      text: '{\\"id\\":\\"EMP\\u002d7\\"}',
      value: '{\\"id\\":\\"[REDACTED:mine]\\"}',
      count: 1,
    },
    { what: 'beyond ASCII', rule: rule('\\p{Lu}ü+'), text: 'x Äüü 🙂', value: 'x [REDACTED:mine] 🙂', count: 1 },
  ])('$what', ({ rule, text, value, count }) => {
    expect(redactorOf(rule).text(text)).toEqual({ value, counts: { mine: count } });
  });

  test('a rule of ours gives its name, what it does not cover goes too', () => {
    const token = `npm_${drawFrom(1)('A-Za-z0-9', 36)}`;
    const redactor = createRedactor(builtInRules, compiled([rule('<[^>]*>')]));
    expect(redactor.text(`a <x ${token} y> b`)).toEqual({ value: 'a [REDACTED:npm-token] b', counts: { 'npm-token': 1 } });
  });

  test('placeholders are no text', () => {
    const redactor = redactorOf(rule('[A-Z]+'));
    expect(redactor.text('ab CD [REDACTED:jwt]').value).toBe('ab [REDACTED:mine] [REDACTED:jwt]');
  });

  test('ids stay, whatever a rule makes of them', () => {
    const value = {
      id: 'toolu_01ABCdef',
      uuid: '0f8fad5b-d9cb-469f-a165-70867728950e',
      timestamp: '2026-01-02T03:04:05.678Z',
      name: 'x-9',
    };
    expect(redactorOf(rule('[a-z]*-?\\d+')).value(value).value).toEqual({ ...value, name: '[REDACTED:mine]' });
  });
});

describe('what is wrong with a rule', () => {
  test.each<{ what: string; rule: WrittenRule; message: RegExp }>([
    {
      what: 'a lookahead',
      rule: rule('a(?=b)'),
      message: /^acme\.yaml: rule mine: pattern: lookaheads and lookbehinds do not run in linear time\.$/,
    },
    { what: 'a lookbehind', rule: rule('(?<!b)a'), message: /lookaheads and lookbehinds/ },
    { what: 'a backreference', rule: rule('(a)\\1'), message: /backreferences do not run in linear time/ },
    { what: 'a possessive repetition', rule: rule('a++'), message: /possessive/ },
    { what: 'a bracket too few', rule: rule('(a'), message: /pattern: missing closing \)/ },
    { what: 'repetitions that multiply', rule: rule('((a{100}){100}){100}'), message: /pattern: invalid repeat count/ },
    { what: 'a pattern that matches nothing at all', rule: rule('a*'), message: /matches the empty text/ },
    {
      what: 'an example that it does not hide',
      rule: rule('abc', { hides: ['abc', 'abd'] }),
      message: /does not hide anything in hides\[1\]/,
    },
    { what: 'an example that it hides', rule: rule('abc', { keeps: ['xabcx'] }), message: /hides something in keeps\[0\]/ },
  ])('$what', ({ rule, message }) => {
    expect(() => compiled([rule])).toThrow(UserError);
    expect(() => compiled([rule])).toThrow(message);
  });
});

describe('how long it may take', () => {
  test.each(['a'.repeat(1_000_000), `${'a'.repeat(1_000_000)}!`])('nested repetitions on a line of 1 MB: far from quadratic', (line) => {
    const redactor = createRedactor(builtInRules, compiled([rule('(a+)+$')]));
    expect(quadraticTimesOf(() => redactor.text(line), 2)).toBeLessThan(2);
  });

  test('where every match looks at all the rest, the rest is hidden at some point', () => {
    const text = 'a'.repeat(200_000);
    let value = '';
    expect(quadraticTimesOf(() => (value = redactorOf(rule('a+b|a')).text(text).value), 10)).toBeLessThan(10);
    expect(value).toBe('[REDACTED:mine]');
  });

  test('many matches in one long line are all found, and what is between them stays', () => {
    const { value, counts } = redactorOf(rule('EMP-\\d+|(?:alice|bob|carol|dave)@\\w+')).text('x EMP-1 and bob@acme, '.repeat(20_000));
    expect(counts).toEqual({ mine: 40_000 });
    expect(value).toBe('x [REDACTED:mine] and [REDACTED:mine], '.repeat(20_000));
  });
});
