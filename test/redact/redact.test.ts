/** What must hold of any text and any value, whatever is in it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRedactor, type Redactor } from '../../src/redact/redact.ts';
import { builtInRules } from '../../src/redact/rules/index.ts';
import { drawFrom, type Planted, plantedIn } from './draw.ts';

const credentials = builtInRules.filter(({ pack }) => pack === 'credentials');
const redactor = createRedactor(credentials);
const everything = createRedactor(builtInRules);

/** A secret of any rule in what it stands in, made anew each time. */
const planted: fc.Arbitrary<Planted & { readonly id: string }> = fc
  .tuple(fc.constantFrom(...credentials), fc.integer(), fc.nat())
  .map(([rule, seed, which]) => {
    const examples = rule.hides(drawFrom(seed));
    return { id: rule.id, ...plantedIn(examples[which % examples.length]!) };
  });

/** Ordinary text, apart from what comes before and after it. */
const words = fc
  .array(
    fc.constantFrom('the', 'const', 'x = 1;', '"a": 2,', '// note', '[', '}', 'é', '日本', '🙂', '\t', '$HOME', '--flag', '\\n', 'C:\\new'),
    { maxLength: 6 },
  )
  .map((all) => all.join(' '));
const lines = fc.array(words, { maxLength: 3 }).map((all) => all.join('\n'));

const inText = fc.tuple(lines, planted, lines).map(([above, secret, below]) => ({
  ...secret,
  before: `${above}\n${secret.before}`,
  after: `${secret.after}\n${below}`,
}));

const hidden = ({ before, id, after }: { before: string; id: string; after: string }): string => `${before}[REDACTED:${id}]${after}`;

describe('a secret of any rule', () => {
  test('anywhere in a text: it goes, and nothing else', () => {
    fc.assert(
      fc.property(inText, (secret) => {
        expect(redactor.text(`${secret.before}${secret.secret}${secret.after}`)).toEqual({
          value: hidden(secret),
          counts: { [secret.id]: 1 },
        });
      }),
      { numRuns: 2000 },
    );
  });

  test('in text that was escaped as JSON, once or more: the same, and it is still JSON', () => {
    fc.assert(
      fc.property(inText, fc.integer({ min: 1, max: 3 }), (secret, times) => {
        const wrap = (text: string): string =>
          times > 0 ? Array.from({ length: times }).reduce<string>((inner) => JSON.stringify(inner), text) : text;
        const { value, counts } = redactor.text(wrap(`${secret.before}${secret.secret}${secret.after}`));
        expect(counts).toEqual({ [secret.id]: 1 });
        const unwrapped = Array.from({ length: times }).reduce<string>((outer) => JSON.parse(outer), value);
        expect(unwrapped).toBe(hidden(secret));
      }),
      { numRuns: 2000 },
    );
  });

  test('with any of its characters as \\u escapes', () => {
    fc.assert(
      fc.property(inText, fc.infiniteStream(fc.boolean()), (secret, which) => {
        const escaped = [...secret.secret]
          .map((c) => (which.next().value ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : JSON.stringify(c).slice(1, -1)))
          .join('');
        const { value } = redactor.text(`${JSON.stringify(secret.before).slice(0, -1)}${escaped}${JSON.stringify(secret.after).slice(1)}`);
        expect(JSON.parse(value)).toBe(hidden(secret));
      }),
      { numRuns: 2000 },
    );
  });

  test('split between text blocks of a message', () => {
    fc.assert(
      fc.property(inText, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 3 }), (secret, at) => {
        const text = `${secret.before}${secret.secret}${secret.after}`;
        const edges = [0, ...at.map((share) => Math.floor(share * text.length)).toSorted((a, b) => a - b), text.length];
        const parts = edges.slice(1).map((edge, index) => ({ kind: 'text', text: text.slice(edges[index], edge) }));
        const { value, counts } = redactor.value([{ role: 'user', parts }]);
        expect(value[0]!.parts.map((part) => part.text).join('')).toBe(hidden(secret));
        expect(value[0]!.parts.map((part) => part.kind)).toEqual(parts.map(() => 'text'));
        expect(counts).toEqual({ [secret.id]: 1 });
      }),
      { numRuns: 2000 },
    );
  });

  test('anywhere in a JSON value: no text of it holds the secret, keys and all else are as they were', () => {
    const holder = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        inText,
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ maxLength: 15 }), tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(holder, (tree) => {
        const value = withTexts(tree);
        const before = JSON.stringify(value);
        const redacted = redactor.value(value).value;
        expect(JSON.stringify(value)).toBe(before);
        expect(shapeOf(redacted)).toEqual(shapeOf(value));
        const told = textsIn(redacted);
        for (const secret of secretsIn(tree)) expect(told.filter((text) => text.includes(secret))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });
});

/** The secrets of a tree are told apart from what stands around them; in the value they are one text. */
function withTexts(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(withTexts);
  if (typeof tree !== 'object' || tree === null) return tree;
  if (isPlanted(tree)) return `${tree.before}${tree.secret}${tree.after}`;
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, withTexts(value)]));
}

function secretsIn(tree: unknown): string[] {
  if (typeof tree !== 'object' || tree === null) return [];
  return isPlanted(tree) ? [tree.secret] : Object.values(tree).flatMap(secretsIn);
}

const isPlanted = (tree: object): tree is Planted => 'secret' in tree && 'before' in tree;

const shapeOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value), (_, item) => (typeof item === 'string' ? '' : item));

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** Bits of all that means something to a rule, in any order. */
const anchors = builtInRules.flatMap(({ anchors = [] }) => anchors);
const bits = fc.oneof(
  fc.constantFrom(...anchors),
  fc.constantFrom(
    '\\',
    '"',
    "'",
    '=',
    ':',
    ': ',
    ' ',
    '\n',
    '@',
    '/',
    '.',
    ',',
    ';',
    '[REDACTED:jwt]',
    '[REDACTED:',
    ']',
    '\\n',
    '\\"',
    '\\u002d',
    '\x1b[31m',
    'a',
    '1',
    'Z9',
    'x'.repeat(20),
  ),
  planted.map(({ before, secret, after }) => `${before}${secret}${after}`),
  planted.map(({ secret }) => secret.slice(0, secret.length >> 1)),
  fc.integer().map((seed) => drawFrom(seed)('A-Za-z0-9', 40)),
);
const soup = fc.array(bits, { maxLength: 12 }).map((all) => all.join(''));

describe.each<{ what: string; all: Redactor }>([
  { what: 'default rules', all: redactor },
  { what: 'all rules', all: everything },
])('any text, $what', ({ all }) => {
  test('what is redacted stays as it is when it is redacted again', () => {
    fc.assert(
      fc.property(soup, (text) => {
        const once = all.text(text).value;
        expect(all.text(once)).toEqual({ value: once, counts: {} });
      }),
      { numRuns: 5000 },
    );
  });

  test('so do values', () => {
    fc.assert(
      fc.property(fc.array(soup, { minLength: 1, maxLength: 4 }), fc.constantFrom('blocks', 'lines', 'entries'), (texts, kind) => {
        const value =
          kind === 'lines'
            ? texts
            : kind === 'blocks'
              ? texts.map((text) => ({ type: 'text', text }))
              : Object.fromEntries(texts.map((text, at) => [['api_key', 'cookie', 'x', 'value'][at], text]));
        const once = all.value(value).value;
        expect(all.value(once)).toEqual({ value: once, counts: {} });
      }),
      { numRuns: 5000 },
    );
  });

  test('JSON stays JSON', () => {
    fc.assert(
      fc.property(fc.array(soup, { maxLength: 4 }), fc.integer({ min: 0, max: 2 }), (texts, times) => {
        const json = Array.from({ length: times }).reduce<string>((inner) => JSON.stringify(inner), JSON.stringify(texts));
        expect(() => JSON.parse(all.text(json).value)).not.toThrow();
      }),
      { numRuns: 3000 },
    );
  });
});
