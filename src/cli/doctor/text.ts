/**
 * A report → what is printed.
 *
 * in:   Report, the terminal's colours and width
 * out:  text: the verdict, then a line a check, what to do below it
 */
import { harmless, type Terminal } from '../terminal.ts';
import type { Report, Status } from './report.ts';

type Style = Pick<Terminal, 'colors' | 'width'>;

const MARKS = { ok: '✓', warning: '!', failure: '✗' } as const;
/** Where nobody has said how wide it is. */
const WIDTH = Number.POSITIVE_INFINITY;

export function reportText({ verdict, checks }: Report, style: Style): string {
  const names = Math.max(...checks.map(({ name }) => name.length));
  const column = 2 + names + 2;
  const lines = [
    ...marked(verdict.status, '', verdict.sentence, 2, style),
    ...(verdict.todo === undefined ? [] : todo(verdict.todo, 2, style)),
    '',
    ...checks.flatMap((check) => [
      ...marked(check.status, check.name.padEnd(names + 2), check.sentence, column, style),
      ...(check.todo === undefined ? [] : todo(check.todo, column, style)),
      ...(check.details ?? []).flatMap((detail) =>
        wrapped(detail, column, style).map((line) => style.colors.dim(`${' '.repeat(column)}${line}`)),
      ),
    ]),
  ];
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function marked(status: Status, name: string, sentence: string, column: number, style: Style): string[] {
  const [first = '', ...rest] = wrapped(sentence, column, style);
  return [`${painted(status, MARKS[status], style)} ${name}${first}`, ...rest.map((line) => `${' '.repeat(column)}${line}`)];
}

function todo(what: string, column: number, style: Style): string[] {
  const [first = '', ...rest] = wrapped(what, column + 2, style);
  return [
    `${' '.repeat(column)}→ ${style.colors.bold(first)}`,
    ...rest.map((line) => `${' '.repeat(column + 2)}${style.colors.bold(line)}`),
  ];
}

function painted(status: Status, text: string, { colors }: Style): string {
  switch (status) {
    case 'ok':
      return colors.green(text);
    case 'warning':
      return colors.yellow(text);
    case 'failure':
      return colors.red(text);
    default:
      return status satisfies never;
  }
}

/** Between words; a word that is too long stays whole. */
function wrapped(text: string, column: number, { width = WIDTH }: Style): string[] {
  const room = Math.max(20, width - column);
  const lines: string[] = [];
  let line = '';
  for (const word of harmless(text).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
