/** Random characters that are the same for the same seed: secrets for tests, made at run time. */
import type { Draw, Example } from '../../src/redact/rule.ts';

export function drawFrom(seed: number): Draw {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return (characters, length) => {
    const alphabet = alphabetOf(characters);
    return Array.from({ length }, () => alphabet[Math.floor(next() * alphabet.length)]).join('');
  };
}

/** `A-Z0-9_` → every character of it. */
function alphabetOf(characters: string): string {
  return characters.replace(/([A-Za-z0-9])-([A-Za-z0-9])/g, (_, from: string, to: string) => {
    const first = from.charCodeAt(0);
    return String.fromCharCode(...Array.from({ length: to.charCodeAt(0) - first + 1 }, (_, at) => first + at));
  });
}

export interface Planted {
  readonly before: string;
  readonly secret: string;
  readonly after: string;
}

export function plantedIn(example: Example): Planted {
  const [before, secret, after = ''] = typeof example === 'string' ? ['', example] : example;
  return { before, secret, after };
}
