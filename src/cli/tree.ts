/**
 * The spans of a session → a tree for people.
 *
 * in:   a traced session; how it is to be shown: colours, columns, which turn, how deep
 * out:  text. On a terminal a row a span, with a bar for its time, no wider than the terminal; elsewhere plain and uncut
 */
import pc from 'picocolors';
import type { TracedRef } from '../pipeline.ts';
import * as attr from '../trace/semconv.ts';
import { duration } from '../view/page/format.ts';
import { nameOf } from '../view/session.ts';
import { count, dollars, numberOf, sessionLine, tokens, totalsOf } from './summary.ts';
import { harmless, type Terminal } from './terminal.ts';
import { cut, padStart, widthOf } from './text-width.ts';
import { bar } from './tree-bar.ts';
import { layoutOf, type TreeLayout, WIDE } from './tree-layout.ts';
import { sessionUsed, spansOfTurn, type TreeRow, treeRows, type Used } from './tree-rows.ts';
import { wrapped } from './wrap.ts';

export interface TreeView {
  readonly colors: Terminal['colors'];
  /** Columns; undefined: uncut. */
  readonly width?: number | undefined;
  /** Whether nothing but ASCII may be written. */
  readonly ascii?: boolean | undefined;
  /** Levels below a turn. Default: all. */
  readonly depth?: number | undefined;
  /** Only this one; below zero from the end. */
  readonly turn?: number | undefined;
}

/** Uncut is not endless. */
const LABEL_CHARS = 160;
/** Enough of an id to name a session by, where there is no room for all of it. */
const ID_CHARS = 8;

/** @throws UserError when there is no such turn */
export function treeText(session: TracedRef, view: TreeView = { colors: pc.createColors(false) }): string {
  const { colors, width = Number.POSITIVE_INFINITY } = view;
  const spans = view.turn === undefined ? session.spans : spansOfTurn(session.spans, view.turn);
  const { id } = session.session;
  const named = width < WIDE ? { ...session, session: { ...session.session, id: id.slice(0, ID_CHARS) } } : session;
  const line = sessionLine(named, totalsOf(spans, undefined));
  const between = view.ascii ? ' - ' : ' · ';
  const head = wrapped(line.split(' · '), between, width, view.ascii ? '...' : '…').map((text) => colors.bold(text));
  return `${[...head, ...linesOf(treeRows(session.session, spans, view.depth), view)].join('\n')}\n\n`;
}

function linesOf(rows: readonly TreeRow[], view: TreeView): readonly string[] {
  const widths = tokenWidths(rows, view);
  const cells = rows.map((row) => ({ row, name: nameCell(row, view), figures: figuresOf(row, widths, view) }));
  const layout = layoutOf(
    cells.map(({ row, name, figures }) => ({
      name: widthOf(branches(row, view)) + widthOf(joined(name)),
      label: widthOf(row.label ?? ''),
      tokens: widthOf(figures.tokens),
      cost: widthOf(figures.cost),
      cached: widthOf(figures.cached),
    })),
    view.width,
  );
  return cells.flatMap(({ row, name, figures }) => [spanLine(row, name, figures, layout, view), ...linesBelow(row, layout, view)]);
}

// ---------------------------------------------------------------------------------------------

interface Piece {
  readonly text: string;
  readonly paint: (text: string) => string;
}

const joined = (pieces: readonly Piece[]): string => pieces.map(({ text }) => text).join('  ');

/** Its name, and what is out of the ordinary. */
function nameCell(row: TreeRow, { colors, ascii, width }: TreeView): readonly Piece[] {
  const { span, hidden } = row;
  const failed = span.status.kind === 'error';
  const name = width === undefined ? fullName(row) : shortName(row);
  return [
    { text: `${failed ? (ascii ? '! ' : '✗ ') : ''}${name}`, paint: paintOf(row, colors) },
    ...(failed ? [{ text: harmless(String(span.attributes[attr.ATTR_ERROR_TYPE])), paint: colors.red }] : []),
    ...remarks(row).map((text) => ({ text, paint: colors.magenta })),
    ...sessionPieces(row, colors),
    ...(isWide(width) ? hiddenPieces(hidden, colors, ascii) : []),
  ];
}

/** Of the last turn, where nothing is known of the calls. */
function sessionPieces({ span }: TreeRow, colors: Terminal['colors']): readonly Piece[] {
  const used = sessionUsed(span);
  if (used === undefined) return [];
  const cost = used.costUsd > 0 ? `, ${dollars(used.costUsd)}` : '';
  return [{ text: `session ${tokens(used.input)} in, ${tokens(used.output)} out${cost}`, paint: colors.dim }];
}

const isWide = (width: number | undefined): boolean => width !== undefined && width >= WIDE;

function hiddenPieces({ spans, errors }: TreeRow['hidden'], colors: Terminal['colors'], ascii: boolean | undefined): readonly Piece[] {
  return [
    ...(spans > 0 ? [{ text: `${ascii ? '...' : '…'} ${count(spans, 'span')} below`, paint: colors.dim }] : []),
    ...(errors > 0 ? [{ text: count(errors, 'error'), paint: colors.red }] : []),
  ];
}

/** As it is sent. */
function fullName({ span }: TreeRow): string {
  const number = span.attributes[attr.ATTR_TURN_NUMBER];
  return harmless(number === undefined ? span.name : `${span.name} #${number} ${span.attributes[attr.ATTR_TURN_TRIGGER]}`);
}

function shortName({ span, kind }: TreeRow): string {
  const name = nameOf(span);
  if (kind === 'turn') return harmless(`${name} ${span.attributes[attr.ATTR_TURN_TRIGGER]}`);
  return harmless(kind === 'agent' ? `agent ${name}` : name);
}

function remarks({ span, kind, open }: TreeRow): readonly string[] {
  const outcome = span.attributes[attr.ATTR_OUTCOME];
  const retries = numberOf(span, attr.ATTR_RETRIES);
  return [
    ...(outcome === 'denied' || outcome === 'interrupted' ? [outcome] : []),
    ...(retries > 0 ? [`${retries} ${retries === 1 ? 'retry' : 'retries'}`] : []),
    ...(span.attributes[attr.ATTR_AGENT_UNCLAIMED] === true && kind === 'agent' ? ['no call found'] : []),
    ...(span.attributes[attr.ATTR_TURN_REWOUND_TO] !== undefined ? ['after a rewind'] : []),
    ...(numberOf(span, attr.ATTR_COMPACTIONS) > 0 ? ['compacted'] : []),
    ...(open ? ['open'] : []),
  ];
}

function paintOf({ span, kind }: TreeRow, colors: Terminal['colors']): (text: string) => string {
  if (span.status.kind === 'error') return colors.red;
  if (kind === 'chat') return colors.cyan;
  if (kind === 'turn') return (text) => colors.bold(colors.green(text));
  return kind === 'agent' ? colors.green : colors.yellow;
}

interface Figures {
  readonly duration: string;
  readonly tokens: string;
  readonly cost: string;
  readonly cached: string;
}

/** Of a turn or an agent: the sums of all below it. */
function figuresOf({ span, kind, open, used }: TreeRow, widths: TokenWidths, { width, ascii }: TreeView): Figures {
  // Nothing is not none.
  const hasCalls = used.calls > used.untold || used.input + used.output > 0;
  const about = span.attributes[attr.ATTR_TIME_ESTIMATED] === true ? '~' : '';
  const [input, output] = [inputOf(used, ascii).padStart(widths.input), outputOf(used, ascii).padStart(widths.output)];
  const isNarrow = width !== undefined && width < WIDE;
  return {
    // How long a call takes is told when it is over.
    duration: open && kind === 'tool' ? '' : `${about}${duration(span.endMs - span.startMs)}`,
    tokens: !hasCalls ? '' : isNarrow ? `${input} ${ascii ? '->' : '→'} ${output}` : `${input} in  ${output} out`,
    cost: hasCalls && used.costUsd > 0 ? dollars(used.costUsd) : '',
    cached: hasCalls && used.cached > 0 ? `${Math.round((100 * used.cached) / Math.max(1, used.input))}% cached` : '',
  };
}

interface TokenWidths {
  readonly input: number;
  readonly output: number;
}

const tokenWidths = (rows: readonly TreeRow[], { ascii }: TreeView): TokenWidths => ({
  input: rows.reduce((most, { used }) => Math.max(most, inputOf(used, ascii).length), 0),
  output: rows.reduce((most, { used }) => Math.max(most, outputOf(used, ascii).length), 0),
});

const inputOf = ({ input, untold }: Used, ascii: boolean | undefined): string => `${atLeast(untold > 0, ascii)}${tokens(input)}`;
const outputOf = ({ output, unreliable, untold }: Used, ascii: boolean | undefined): string =>
  `${atLeast(unreliable || untold > 0, ascii)}${tokens(output)}`;
const atLeast = (is: boolean, ascii: boolean | undefined): string => (is ? (ascii ? '>' : '≥') : '');

// ---------------------------------------------------------------------------------------------

function spanLine(row: TreeRow, name: readonly Piece[], figures: Figures, layout: TreeLayout, view: TreeView): string {
  const { colors } = view;
  const isSum = row.kind === 'turn' || row.kind === 'agent';
  const figure = (text: string, width: number): string[] =>
    width === 0 ? [] : [(isSum ? colors.dim : (plain: string) => plain)(padStart(text, width))];
  const cells = [
    firstCell(row, name, layout, view),
    ...(layout.bar === 0 ? [] : [paintOf(row, colors)(bar(row.span, row.axis, layout.bar, view.ascii))]),
    ...(layout.duration === 0 ? [] : [padStart(figures.duration, layout.duration)]),
    ...figure(figures.tokens, layout.tokens),
    ...figure(figures.cost, layout.cost),
    ...figure(figures.cached, layout.cached),
  ];
  return cells.join('  ').trimEnd();
}

function firstCell(row: TreeRow, name: readonly Piece[], layout: TreeLayout, view: TreeView): string {
  const most = view.width === undefined ? Number.POSITIVE_INFINITY : layout.name;
  const stem = cutStem(branches(row, view), most, view);
  const label = layout.labels === 'beside' && row.label !== undefined ? [{ text: row.label, paint: view.colors.dim }] : [];
  let taken = widthOf(stem);
  const painted: string[] = [];
  for (const [at, { text, paint }] of [...name, ...label].entries()) {
    const gap = at === 0 ? '' : '  ';
    const fits = cutIn(text, most - taken - gap.length, view);
    if (most - taken <= gap.length || fits === '') break;
    painted.push(gap + paint(fits));
    taken += gap.length + widthOf(fits);
  }
  return view.colors.dim(stem) + painted.join('') + ' '.repeat(Math.max(0, layout.name - taken));
}

/** Label and error, where the row has no room for them. */
function linesBelow(row: TreeRow, { labels }: TreeLayout, view: TreeView): readonly string[] {
  const { colors, width } = view;
  const stem = cutStem(`${branchesBelow(row, view)}  `, width ?? Number.POSITIVE_INFINITY, view);
  const room = width === undefined ? LABEL_CHARS : width - widthOf(stem);
  const line = (text: string, paint: (text: string) => string): string => `${colors.dim(stem)}${paint(cutIn(text, room, view))}`;
  return [
    ...(labels === 'below' && row.label !== undefined ? [line(row.label, colors.dim)] : []),
    ...(row.message !== undefined ? [line(row.message, colors.red)] : []),
    ...(isWide(width) ? [] : hiddenPieces(row.hidden, colors, view.ascii).map(({ text, paint }) => line(text, paint))),
  ];
}

const STEMS = { last: '└─ ', more: '├─ ', down: '│  ', none: '   ' } as const;
const ASCII_STEMS = { last: '`- ', more: '|- ', down: '|  ', none: '   ' } as const;

/** Branches of the tree up to its name. */
function branches({ more }: TreeRow, { ascii }: TreeView): string {
  const stems = ascii ? ASCII_STEMS : STEMS;
  return more
    .map((follows, at) => (at === more.length - 1 ? (follows ? stems.more : stems.last) : follows ? stems.down : stems.none))
    .join('');
}

/** The same for lines below it that are about it. */
function branchesBelow({ more, hasChildren }: TreeRow, { ascii }: TreeView): string {
  const stems = ascii ? ASCII_STEMS : STEMS;
  return [...more, hasChildren].map((follows) => (follows ? stems.down : stems.none)).join('');
}

/** Of a tree deeper than its column the branches at the left go, so that names stay. */
function cutStem(stem: string, columns: number, { ascii }: TreeView): string {
  const most = Math.max(0, Math.floor(columns / 2));
  return stem.length <= most ? stem : `${ascii ? '.' : '…'}${stem.slice(stem.length - most + 1)}`.slice(0, most);
}

const cutIn = (text: string, columns: number, { ascii }: TreeView): string =>
  Number.isFinite(columns) ? cut(text, columns, ascii ? '...' : '…') : text;
