/**
 * Text to the user's terminal, and nothing in it that the terminal would obey.
 *
 * in:   streams, environment
 * out:  `Terminal`; `harmless` for text out of a transcript, `harmlessJson` for JSON of it, `jsonText` for what `--json` prints
 */
import { createInterface } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { createColors } from 'picocolors';
import { UserError } from '../errors.ts';

export interface Terminal {
  readonly colors: ReturnType<typeof createColors>;
  /** Columns; undefined when it is no terminal. */
  readonly width: number | undefined;
  /** Lines; undefined when it is no terminal. */
  readonly height?: number | undefined;
  /** Whether it shows nothing but ASCII. */
  readonly ascii?: boolean;
  /** Whether somebody is watching the messages. */
  readonly watched: boolean;
  /** Whether nobody reads any more what is still to come. */
  readonly isLeft?: () => boolean;
  /** The result asked for. Waits until it is taken, so that no amount of it piles up. */
  write(text: string): Promise<void>;
  /** Anything else: notes, summaries. */
  note(text: string): void;
  complain(text: string): void;
}

export function terminal(stdout: WriteStream, stderr: WriteStream, env: NodeJS.ProcessEnv): Terminal {
  const wanted = env['NO_COLOR'] ? false : env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0' ? true : undefined;
  const colors = createColors(wanted ?? stdout.isTTY === true);
  const errorColors = createColors(wanted ?? stderr.isTTY === true);
  return {
    colors,
    // Some terminals don't know how wide they are: then the user may. What is no terminal has no width, whoever says so.
    width: stdout.isTTY ? stdout.columns || sizeIn(env['COLUMNS']) || 80 : undefined,
    height: stdout.isTTY ? stdout.rows || sizeIn(env['LINES']) || 24 : undefined,
    ascii: isAscii(env),
    watched: stderr.isTTY === true,
    write: (text) =>
      new Promise((resolve) => {
        if (stdout.write(text)) resolve();
        else stdout.once('drain', resolve);
      }),
    note: (text) => void stderr.write(`${text}\n`),
    complain: (text) => void stderr.write(`${errorColors.red('trace-build:')} ${text}\n`),
  };
}

const sizeIn = (text: string | undefined): number => (/^[1-9]\d{0,4}$/.test(text ?? '') ? Number(text) : 0);

/** A locale that is not told is taken for UTF-8: it is, nearly everywhere, even where nobody says so. */
function isAscii(env: NodeJS.ProcessEnv): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || 'UTF-8';
  return env['TERM'] === 'dumb' || !/utf-?8/i.test(locale);
}

/** A way to ask, of a terminal where somebody can answer. */
export const asker =
  (stdin: ReadStream, stderr: WriteStream) =>
  (question: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const lines = createInterface({ input: stdin, output: stderr });
      // Ctrl-C and Ctrl-D close it. After an answer that has no effect any more.
      lines.once('close', () => reject(new UserError('There was no answer.', 'Nothing was changed.')));
      lines.question(question, (answer) => {
        resolve(answer.trim());
        lines.close();
      });
    });

/** On one line, without control characters and marks that turn text around: a transcript is a stranger's text. */
export const harmless = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must go
    .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, '·');

/** JSON that means the same. Of what a terminal obeys JSON itself escapes only a part. */
export const harmlessJson = (json: string): string =>
  json.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** One document, for people to read and programs to parse. */
export const jsonText = (value: unknown): string => `${harmlessJson(JSON.stringify(value, undefined, 2))}\n`;
