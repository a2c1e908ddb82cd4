/** What would hide in a text, or turn it around, is seen. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { safeText, withoutTerminalCodes } from '../../../src/view/page/text.ts';

test('control characters are shown by their pictures', () => {
  expect(safeText('a\u0000b\u001b[31mc\u007fd\te\nf\r\ng\rh')).toBe('a␀b␛[31mc␡d\te\nf\ng␍h');
});

test('marks that turn or hide text are shown by their numbers', () => {
  expect(safeText('user\u202enimda\u2066x\u200by\ufeff')).toBe('user⟨U+202E⟩nimda⟨U+2066⟩x⟨U+200B⟩y⟨U+FEFF⟩');
  expect(safeText('hi\u{e0041}\u{e007f}')).toBe('hi⟨U+E0041⟩⟨U+E007F⟩');
});

test('a joiner is shown, but within an emoji', () => {
  expect(safeText('👩‍💻 👨🏽‍🚀 ❤️‍🔥')).toBe('👩‍💻 👨🏽‍🚀 ❤️‍🔥');
  expect(safeText('ad\u200dmin')).toBe('ad⟨U+200D⟩min');
});

test('ordinary text of any script is left as it is', () => {
  for (const text of ['', 'Grüße', 'مرحبا', '你好', 'नमस्ते', 'a\tb\nc', '𝒳']) expect(safeText(text)).toBe(text);
});

test('nothing that hides is left, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(safeText(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
    }),
  );
});

test('orders to a terminal go, their text stays', () => {
  expect(withoutTerminalCodes('\u001b[1;31mred\u001b[0m \u001b]8;;http://x\u0007link\u001b]8;;\u0007 \u001b(Bok')).toBe('red link ok');
  expect(withoutTerminalCodes('10%\r20%\r\ndone')).toBe('10%\n20%\ndone');
});

test('a torn order takes nothing that comes after', () => {
  expect(withoutTerminalCodes('\u001b')).toBe('\u001b');
  expect(withoutTerminalCodes('a\u001b[')).toBe('a\u001b[');
  expect(withoutTerminalCodes('a\u001b]0;the rest is no title')).toContain('the rest is no title');
});
