/**
 * Rows in aligned columns, no wider than the terminal.
 *
 * in:   columns, rows of cells; columns of the terminal
 * out:  text; whatever the cells hold, each row is one line and nothing in it is an order to the terminal
 */
import { harmless, type Terminal } from './terminal.ts';
import { cut, padEnd, padStart, widthOf } from './text-width.ts';

export interface Column {
  readonly title: string;
  /** Numbers right. Default: left. */
  readonly align?: 'left' | 'right';
  /** Whether its cells may be cut. */
  readonly shrinks?: boolean;
  /** Left out where there is no room, the highest first. Absent: always there. */
  readonly drop?: number;
}

const GAP = 2;
/** A name cut further tells nothing. */
const MIN_SHRUNK = 12;
const INDENT = '  ';

export function tableText(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { width, colors }: Pick<Terminal, 'width' | 'colors'>,
): string {
  const clean = rows.map((row) => row.map(harmless));
  const all = columns.map((column, at) => ({
    ...column,
    at,
    columns: Math.max(widthOf(column.title), ...clean.map((row) => widthOf(row[at] ?? ''))),
  }));
  const room = width === undefined ? Number.POSITIVE_INFINITY : width - INDENT.length;
  // Of what has no figure in any row, nothing is to be seen.
  const shown = fitting(
    all.filter(({ at, drop }) => drop === undefined || clean.some((row) => (row[at] ?? '') !== '')),
    room,
  );
  const line = (cells: readonly string[]): string => {
    const padded = shown.map(({ at, align, columns: own }) => (align === 'right' ? padStart : padEnd)(cut(cells[at] ?? '', own), own));
    const text = `${INDENT}${padded.join(' '.repeat(GAP))}`.trimEnd();
    return width === undefined ? text : cut(text, width);
  };
  return `${[colors.dim(line(columns.map(({ title }) => title))), ...clean.map(line)].join('\n')}\n`;
}

type Sized = Column & { readonly at: number; readonly columns: number };

function fitting(columns: readonly Sized[], room: number): readonly Sized[] {
  const taken = columns.reduce((sum, column) => sum + column.columns + GAP, -GAP);
  if (taken <= room) return columns;
  const names = columns.filter(({ shrinks }) => shrinks);
  const spare = names.reduce((sum, { columns: own }) => sum + Math.max(0, own - MIN_SHRUNK), 0);
  const dropped = columns.toSorted((a, b) => (b.drop ?? 0) - (a.drop ?? 0))[0];
  // Half of a name is worth more than one figure more, a few letters of it are not.
  if (taken - room > spare / 2 && dropped?.drop !== undefined)
    return fitting(
      columns.filter((column) => column !== dropped),
      room,
    );
  const missing = Math.min(taken - room, spare);
  return columns.map((column) => {
    const own = Math.max(0, column.columns - MIN_SHRUNK);
    return column.shrinks && spare > 0 ? { ...column, columns: column.columns - Math.ceil((missing * own) / spare) } : column;
  });
}
