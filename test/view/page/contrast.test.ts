/** Colours can be told apart, and texts read, in both themes (WCAG 2.1 AA). */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const css = readFileSync('src/view/page/tokens.css', 'utf8');
const [light, dark] = [...css.matchAll(/:root(?:\[[^\]]*\])? \{([^}]*)\}/g)].map(
  ([, block]) => new Map([...block!.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, color]) => [name!, color!])),
);
const THEMES = [
  ['light', light!],
  ['dark', dark!],
] as const;

/** What is text, and what is behind it. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  text: ['page', 'surface', 'raised', 'hover', 'selected', 'match', 'code'],
  muted: ['page', 'surface', 'raised', 'hover', 'selected', 'match'],
  accent: ['page', 'surface', 'selected'],
  'on-accent': ['accent'],
  error: ['page', 'surface', 'hover', 'selected', 'match', 'error-surface'],
  surface: ['error'],
  ok: ['surface'],
  added: ['surface', 'added-surface'],
  removed: ['surface', 'removed-surface'],
};
/** Bars, marks, borders of fields. */
const SHAPES: Readonly<Record<string, readonly string[]>> = {
  turn: ['surface', 'hover', 'selected'],
  agent: ['surface', 'hover', 'selected'],
  chat: ['surface', 'hover', 'selected'],
  tool: ['surface', 'hover', 'selected'],
  error: ['surface'],
  accent: ['surface', 'selected'],
  'line-strong': ['surface'],
};

for (const [name, colors] of THEMES) {
  test(`${name}: text 4.5:1, shapes 3:1`, () => {
    const tooLow = [...pairs(TEXTS, 4.5), ...pairs(SHAPES, 3)].flatMap(({ front, back, least }) => {
      const ratio = contrast(colors.get(front)!, colors.get(back)!);
      return ratio < least ? [`${front} on ${back}: ${ratio.toFixed(2)}`] : [];
    });
    expect(tooLow).toEqual([]);
  });
}

test('both themes have the same colours', () => {
  expect([...dark!.keys()]).toEqual([...light!.keys()]);
});

test('the ratio is what the standard says', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
});

const pairs = (wanted: typeof TEXTS, least: number) =>
  Object.entries(wanted).flatMap(([front, backs]) => backs.map((back) => ({ front, back, least })));

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((from) => {
    const part = Number.parseInt(color.slice(from, from + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}
