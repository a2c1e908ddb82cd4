/**
 * A stranger's text, made safe to look at: what would hide, or turn the text around, is shown by a symbol or by its number.
 *
 * in:   text of a transcript
 * out:  `visible` for text nodes, `withoutTerminalCodes` for what a program printed
 *
 * Whoever shows such text also sets `dir="auto"` or `unicode-bidi: isolate` on its element: letters of a right-to-left
 * script turn text around without any mark.
 */

/** Control characters become their pictures (␛), marks without a shape become ⟨U+202E⟩. Line ends and tabs stay. */
export const visible = (text: string): string =>
  HIDDEN.test(text) ? text.replaceAll(LINE_ENDS, '\n').replaceAll(HIDDEN_ALL, shown) : text;

/** Colours and other orders to a terminal go; a line written over with a carriage return becomes lines. */
export const withoutTerminalCodes = (text: string): string => text.replaceAll(TERMINAL_CODE, '').replaceAll(/\r\n?/g, '\n');

/**
 * Controls; soft hyphen; Arabic letter mark; zero-width and direction marks, embeddings, isolates; Hangul fillers;
 * line and paragraph separators; tags, by which text can be smuggled. A joiner within an emoji is part of it.
 */
const CLASS =
  '\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u115f\\u1160\\u180e\\u200b\\u200c\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}';
const JOINER = '(?<![\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f])\\u200d|\\u200d(?!\\p{Extended_Pictographic})';
const HIDDEN = new RegExp(`[${CLASS}]|${JOINER}`, 'u');
const HIDDEN_ALL = new RegExp(`[${CLASS}]|${JOINER}`, 'gu');
const LINE_ENDS = /\r\n/g;

function shown(mark: string): string {
  const code = mark.codePointAt(0)!;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '␡';
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** CSI, OSC and the other strings, then the short ones. None of the parts can match in two ways, so this is linear. */
const TERMINAL_CODE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must go
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-Z\\`-~])|\u009b[0-?]*[ -/]*[@-~]/g;
