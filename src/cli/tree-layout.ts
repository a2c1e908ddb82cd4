/**
 * Which columns the tree has on a terminal of some width, and how wide each is. Pure arithmetic.
 *
 * in:   how wide the cells of each row would like to be; columns of the terminal
 * out:  `TreeLayout`: with gaps of two, no wider than the terminal
 */
export interface TreeLayout {
  /** Branches, name, remarks; and the label, if that is beside it. */
  readonly name: number;
  readonly labels: 'beside' | 'below';
  /** 0: not shown. So of all that follow. */
  readonly bar: number;
  readonly duration: number;
  readonly tokens: number;
  readonly cost: number;
  readonly cached: number;
}

export interface CellWidths {
  readonly name: number;
  readonly label: number;
  readonly tokens: number;
  readonly cost: number;
  readonly cached: number;
}

const GAP = 2;
const DURATION = 8;
const MIN_BAR = 8;
const MAX_BAR = 48;
/** Names longer than this push the figures of their row to the right, where nothing is cut. */
const UNCUT_NAME = 56;
/** Narrower, a label beside the name would be cut to a few letters. */
export const WIDE = 100;
/** Narrower, a bar would tell less than the name it cuts. */
const BAR_FROM = 48;
const DURATION_FROM = 24;
const COST_FROM = 40;
const TOKENS_FROM = 60;
const CACHED_FROM = 120;

export function layoutOf(rows: readonly CellWidths[], width: number | undefined): TreeLayout {
  const widest = (of: (row: CellWidths) => number): number => rows.reduce((most, row) => Math.max(most, of(row)), 0);
  const wanted = { tokens: widest((row) => row.tokens), cost: widest((row) => row.cost), cached: widest((row) => row.cached) };
  const names = widest(({ name }) => name);
  if (width === undefined) return { name: Math.min(UNCUT_NAME, names), labels: 'below', bar: 0, duration: DURATION, ...wanted };
  const labels = width >= WIDE ? 'beside' : 'below';
  const all = labels === 'below' ? names : widest(({ name, label }) => name + (label > 0 ? GAP + label : 0));
  // What a row must have, before columns are dropped for it.
  let least = Math.min(names, Math.floor(width * 0.45));
  let room = width - least;
  let isFull = false;
  // The worthiest first. After one that has no room none is taken: a column that is there stays as the terminal gets wider.
  const take = (columns: number, from: number): number => {
    if (columns === 0 || width < from) return 0;
    isFull ||= room < GAP + columns;
    if (isFull) return 0;
    room -= GAP + columns;
    return columns;
  };
  const duration = take(DURATION, DURATION_FROM);
  const cost = take(wanted.cost, COST_FROM);
  const minBar = take(MIN_BAR, BAR_FROM);
  const tokens = take(wanted.tokens, TOKENS_FROM);
  const cached = take(wanted.cached, CACHED_FROM);
  // Of what is left, a label beside the name has its part, too.
  const missing = Math.max(0, Math.min(all, Math.floor(width * 0.4)) - least);
  least += Math.min(missing, room);
  room -= Math.min(missing, room);
  // Half of what is left makes the bars longer, the rest shows more of the labels.
  const longer = minBar === 0 ? 0 : Math.max(0, Math.min(MAX_BAR - MIN_BAR, Math.max(Math.floor(room / 2), room - (all - least))));
  return {
    name: Math.max(0, Math.min(all, least + room - longer)),
    labels,
    bar: minBar + longer,
    duration,
    tokens,
    cost,
    cached,
  };
}
