/**
 * A stranger's text → text that hides nothing and turns nothing around.
 *
 * in:   text out of a transcript
 * out:  the same, with control characters, marks of direction and invisible characters shown as what they are; pure
 *
 * Line breaks and tabs stay. Joiners stay too: scripts and emoji need them, and they move nothing.
 */

/** C0 but \t and \n, DEL, C1; marks and overrides of direction; what has no width; line and paragraph separators; tags. */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be shown
  /\r\n|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

export const safeText = (text: string): string => text.replace(HIDDEN, picture);

/** On one line, for rows and tooltips. */
export const oneLine = (text: string): string => safeText(text.replace(/\s+/g, ' ').trim());

function picture(hidden: string): string {
  if (hidden === '\r\n') return '\n';
  const code = hidden.codePointAt(0)!;
  // Unicode has a picture for each of the old ones.
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
