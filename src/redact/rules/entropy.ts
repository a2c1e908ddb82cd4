/**
 * Whatever looks random, without any name or shape: off, for it also hides what is no secret.
 *
 * in:   nothing      out: rules
 */
import { ALNUM, HEX, type Rule } from '../rule.ts';
import { entropy, isPlaceholder, strangeness } from '../secrecy.ts';

/** Bits a character: random base 62 of 24 characters has 4.2 on average, a word 3. */
const MIN_BITS = 3.7;

export const entropyRules: readonly Rule[] = [
  {
    id: 'entropy',
    pack: 'entropy',
    description: 'Anything of 24 characters and more that looks random; digests and ids of hex stay',
    pattern: /(?<![\w+/=-])[A-Za-z0-9+/_-]{24,}={0,2}(?![\w+/=-])/,
    accepts: ({ secret, text, at }) =>
      !/^[0-9a-f-]+$/i.test(secret) &&
      !isPlaceholder(secret) &&
      !/(?:sha\d+-|base64,)$/.test(text.slice(Math.max(0, at - 8), at)) &&
      !/^sha\d+-/.test(secret) &&
      secret.length <= 512 &&
      /\d/.test(secret) &&
      strangeness(secret) >= 0.5 &&
      entropy(secret) >= MIN_BITS,
    hides: (draw) => [`${draw(ALNUM, 30)}7`, ['x = ', `${draw(ALNUM, 40)}9`, ';']],
    keeps: (draw) => [
      draw(HEX, 40),
      `sha512-${draw(ALNUM, 86)}==`,
      'aVeryLongIdentifierThatSomebodyHasWritten',
      'src/components/navigation/Header2.tsx',
    ],
  },
];
