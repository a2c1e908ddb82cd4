/** Every rule carries its own proof: what it hides, and what it keeps. */
import { describe, expect, test } from 'vitest';
import { createRedactor } from '../../src/redact/redact.ts';
import { builtInRules } from '../../src/redact/rules/index.ts';
import { drawFrom, plantedIn } from './draw.ts';

const SEEDS = Array.from({ length: 50 }, (_, seed) => seed);
const defaults = builtInRules.filter(({ pack }) => pack === 'credentials');

describe.each(builtInRules.map((rule) => ({ id: rule.id, rule })))('$id', ({ id, rule }) => {
  const alone = createRedactor([rule]);
  const inForce = createRedactor(defaults.includes(rule) ? defaults : [...defaults, rule]);

  test('hides the secret, and nothing beside it', () => {
    for (const seed of SEEDS)
      for (const example of rule.hides(drawFrom(seed))) {
        const { before, secret, after } = plantedIn(example);
        const text = `${before}${secret}${after}`;
        expect(alone.text(text), text).toEqual({
          value: `${before}${rule.replacement ?? `[REDACTED:${id}]`}${after}`,
          counts: { [id]: 1 },
        });
      }
  });

  test('keeps its name among all the others', () => {
    for (const example of rule.hides(drawFrom(1))) {
      const { before, secret, after } = plantedIn(example);
      expect(inForce.text(`${before}${secret}${after}`)).toEqual({
        value: `${before}${rule.replacement ?? `[REDACTED:${id}]`}${after}`,
        counts: { [id]: 1 },
      });
    }
  });

  test('leaves alone what only looks like one, as all the others do', () => {
    for (const seed of SEEDS) for (const text of rule.keeps(drawFrom(seed))) expect(inForce.text(text).value).toBe(text);
  });
});

test('ids and descriptions', () => {
  const ids = builtInRules.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id, description } of builtInRules) {
    expect(id).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
    expect(description).toMatch(/^\w.*[^.]$/);
  }
});
