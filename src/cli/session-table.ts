/**
 * Sessions and their sums → a row each.
 *
 * in:   `ListedRow[]`; colours and columns of the terminal
 * out:  lines; no wider than the terminal: columns that tell least are dropped first, titles take what is left
 */
import type { SessionRef } from '../read/find.ts';
import type { SessionSummary } from '../stats/summary.ts';
import { duration } from '../view/page/format.ts';
import { dayOf } from './since.ts';
import { dollars, tokens } from './summary.ts';
import { harmless, type Terminal } from './terminal.ts';
import { CHARS_A_COLUMN, cut, padEnd, padStart, widthOf } from './text-width.ts';

export interface ListedRow {
  readonly ref: SessionRef;
  /** Or why there is none. */
  readonly summary: SessionSummary | string;
}

interface Column {
  readonly head: string;
  readonly of: (summary: SessionSummary, ref: SessionRef) => string;
  readonly isNumber?: boolean;
  /** The higher, the longer it stays as the terminal gets narrower. */
  readonly worth: number;
  readonly paint?: (text: string) => string;
}

const GAP = 2;
/** A title cut to less tells nothing. */
const TITLE_CHARS = 16;
const PROJECT_CHARS = 32;
const ID_CHARS = 8;

export function sessionTable(
  rows: readonly ListedRow[],
  home: string,
  view: Pick<Terminal, 'colors' | 'width' | 'ascii'>,
): readonly string[] {
  const { width } = view;
  const summaries = rows.flatMap(({ ref, summary }) => (typeof summary === 'string' ? [] : [{ ref, summary }]));
  const ids = shortIds(rows.map(({ ref }) => ref.sessionId));
  const all = columns(rows, home, view).map((column) => ({
    ...column,
    width: Math.max(column.head.length, ...summaries.map(({ ref, summary }) => widthOf(column.of(summary, ref)))),
  }));
  const idWidth = Math.min(width ?? Number.POSITIVE_INFINITY, Math.max('session'.length, ...[...ids.values()].map(widthOf)));
  const shown = fitting(all, width === undefined ? undefined : width - idWidth - GAP - TITLE_CHARS);
  const taken = shown.reduce((sum, column) => sum + GAP + column.width, idWidth + GAP);
  const titleWidth = width === undefined ? undefined : Math.max(0, width - taken);
  const cell = ({ isNumber, width }: { isNumber?: boolean; width: number }, text: string): string =>
    (isNumber ? padStart : padEnd)(text, width);
  const title = (text: string): string => (titleWidth === undefined ? text : cut(text, titleWidth, view.ascii ? '...' : '…'));
  const line = (id: string, cells: readonly string[], last: string): string =>
    [padEnd(cut(id, idWidth, ''), idWidth), ...cells, last].join('  ').trimEnd();
  const clipped = (text: string): string => (width === undefined ? text : cut(text, width, view.ascii ? '...' : '…'));
  return [
    view.colors.dim(
      clipped(
        line(
          'session',
          shown.map((column) => cell(column, column.head)),
          title('title'),
        ),
      ),
    ),
    ...rows.map(({ ref, summary }) => {
      const id = ids.get(ref.sessionId)!;
      if (typeof summary === 'string') return view.colors.red(clipped(`${padEnd(id, idWidth)}  ${harmless(summary)}`));
      const cells = shown.map((column) => (column.paint ?? same)(cell(column, column.of(summary, ref))));
      return line(id, cells, title(harmless(summary.title ?? '')));
    }),
  ];
}

/** The worthiest first, each if there is room for it yet; those of the same worth tell something only together. */
function fitting<C extends Column & { readonly width: number }>(columns: readonly C[], width: number | undefined): readonly C[] {
  if (width === undefined) return columns;
  let room = width;
  const kept = new Set<number>();
  for (const worth of new Set(columns.map((column) => column.worth).toSorted((a, b) => b - a))) {
    const taken = columns.reduce((sum, column) => sum + (column.worth === worth ? GAP + column.width : 0), 0);
    if (taken > room) continue;
    room -= taken;
    kept.add(worth);
  }
  return columns.filter(({ worth }) => kept.has(worth));
}

const same = (text: string): string => text;

function columns(
  rows: readonly ListedRow[],
  home: string,
  { colors, ascii, width }: Pick<Terminal, 'colors' | 'ascii' | 'width'>,
): readonly Column[] {
  const hasHarnesses = new Set(rows.map(({ ref }) => ref.harness.name)).size > 1;
  const harness: Column = { head: 'harness', of: ({ harness }) => harness, worth: 2 };
  return [
    ...(hasHarnesses ? [harness] : []),
    {
      head: 'project',
      of: (_, { startDirectory }) => {
        const project = withTilde(harmless(startDirectory ?? ''), home);
        return width === undefined ? project : endOf(project, PROJECT_CHARS, ascii ? '...' : '…');
      },
      worth: 6,
    },
    // What the list is sorted by.
    { head: 'last', of: (_, { modifiedMs }) => localTime(modifiedMs), worth: 8 },
    { head: 'took', of: ({ startedAtMs, endedAtMs }) => duration(endedAtMs - startedAtMs), isNumber: true, worth: 3 },
    { head: 'turns', of: ({ turns }) => turns.toLocaleString('en-US'), isNumber: true, worth: 5 },
    { head: 'in', of: (summary) => tokens(summary.tokens.input), isNumber: true, worth: 1 },
    { head: 'out', of: (summary) => tokens(summary.tokens.output), isNumber: true, worth: 1 },
    {
      head: 'cost',
      of: ({ costUsd, unpriced }) => (costUsd === 0 ? '' : `${unpriced > 0 ? (ascii ? '>' : '≥') : ''}${dollars(costUsd)}`),
      isNumber: true,
      worth: 7,
    },
    { head: 'errors', of: ({ errors }) => (errors === 0 ? '' : String(errors)), isNumber: true, worth: 4, paint: colors.red },
  ];
}

/** The end of a path tells more than its beginning. */
function endOf(path: string, columns: number, dots: string): string {
  if (widthOf(path) <= columns) return path;
  // Of a path of any length no more is looked at than could be shown.
  let end = path.slice(-columns * CHARS_A_COLUMN);
  while (widthOf(end) > columns - dots.length) end = end.slice(1);
  return `${dots}${end}`;
}

const withTilde = (path: string, home: string): string =>
  path === home ? '~' : path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;

/** The beginnings of ids by which each of these can be named. */
function shortIds(ids: readonly string[]): ReadonlyMap<string, string> {
  const different = new Set(ids);
  let chars = ID_CHARS;
  while (new Set([...different].map((id) => id.slice(0, chars))).size < different.size) chars++;
  return new Map(ids.map((id) => [id, harmless(id.slice(0, chars))]));
}

function localTime(ms: number): string {
  const at = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${dayOf(ms)} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
