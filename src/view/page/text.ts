/**
 * A stranger's text → text that hides nothing and turns nothing around.
 *
 * in:   text out of a transcript
 * out:  the same, with control characters, marks of direction and invisible characters shown as what they are; pure
 *
 * Line breaks and tabs stay. Joiners stay where scripts and emoji need them: beside a letter of ASCII they only hide.
 * Elements that hold such text also isolate it (`dir="auto"`): letters of right-to-left scripts turn their line around without any mark.
 */

/** C0 but \t and \n, DEL, C1; marks and overrides of direction; what has no width or no shape; line and paragraph separators; tags. */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be shown
  /\r\n|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|(?<=[!-~])[\u200c\u200d]|[\u200c\u200d](?=[!-~])/gu;

export const safeText = (text: string): string => text.replace(HIDDEN, picture);

/** On one line, for rows and tooltips. */
export const oneLine = (text: string): string => safeText(text.replace(/\s+/g, ' ').trim());

/** What a program printed: colours and other orders to a terminal go, a line written over with a carriage return becomes lines. */
export const withoutTerminalCodes = (text: string): string => text.replace(TERMINAL_CODE, '').replace(/\r\n?/g, '\n');

/** CSI, then OSC and the other strings if they end, then the short ones. No part matches in two ways, so this is linear. */
const TERMINAL_CODE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must go
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-Z\\`-~])|\u009b[0-?]*[ -/]*[@-~]/g;

function picture(hidden: string): string {
  if (hidden === '\r\n') return '\n';
  const code = hidden.codePointAt(0)!;
  // Unicode has a picture for each of the old ones.
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
