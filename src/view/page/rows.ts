/**
 * Which rows of a session are on show, and what each stands for.
 *
 * in:   the session's spans (depth first), what is collapsed, what is searched for
 * out:  row numbers, sums below each row; pure
 *
 * Everything of the size of the session is computed once, into flat arrays: 20,000 rows are then cheap to walk.
 */
import type { ViewSpan, ViewTurn } from '../model.ts';

/** Per row of the session. */
export interface Tree {
  /** The row after the last one below it. */
  readonly ends: Int32Array;
  /** Of the row and all below it. */
  readonly input: Float64Array;
  readonly output: Float64Array;
  readonly costUsd: Float64Array;
  /** Model calls whose cost is not in it. */
  readonly unpriced: Int32Array;
  /** Model calls whose tokens nobody told. */
  readonly untold: Int32Array;
  readonly errors: Int32Array;
}

export function treeOf(spans: readonly ViewSpan[]): Tree {
  const count = spans.length;
  const tree: Tree = {
    ends: new Int32Array(count),
    input: new Float64Array(count),
    output: new Float64Array(count),
    costUsd: new Float64Array(count),
    unpriced: new Int32Array(count),
    untold: new Int32Array(count),
    errors: new Int32Array(count),
  };
  for (let row = count - 1; row >= 0; row--) {
    const { parent, kind, tokens, costUsd, unpriced, error } = spans[row]!;
    tree.ends[row] = Math.max(tree.ends[row]!, row + 1);
    tree.input[row]! += tokens?.input ?? 0;
    tree.output[row]! += tokens?.output ?? 0;
    tree.costUsd[row]! += costUsd ?? 0;
    tree.unpriced[row]! += unpriced ? 1 : 0;
    // An agent may tell what its calls used together.
    if (kind === 'chat' && tokens === undefined && spans[parent]?.tokens === undefined) tree.untold[row]! += 1;
    tree.errors[row]! += error === undefined ? 0 : 1;
    if (parent < 0 || parent >= row) continue;
    tree.ends[parent] = Math.max(tree.ends[parent]!, tree.ends[row]!);
    tree.input[parent]! += tree.input[row]!;
    tree.output[parent]! += tree.output[row]!;
    tree.costUsd[parent]! += tree.costUsd[row]!;
    tree.unpriced[parent]! += tree.unpriced[row]!;
    tree.untold[parent]! += tree.untold[row]!;
    tree.errors[parent]! += tree.errors[row]!;
  }
  return tree;
}

/** What a turn or an agent took: its own calls, and all below it. */
export interface Took {
  readonly own: { readonly costUsd: number; readonly unpriced: number };
  /** Absent without agents below it. */
  readonly withAgents?: {
    readonly input: number;
    readonly output: number;
    readonly untold: number;
    readonly costUsd: number;
    readonly unpriced: number;
  };
}

/** @returns undefined of a call */
export function tookOf(spans: readonly ViewSpan[], tree: Tree, row: number): Took | undefined {
  const { kind, costUsd = 0 } = spans[row]!;
  if (kind === 'chat' || kind === 'tool') return undefined;
  const below = spans.slice(row + 1, tree.ends[row]);
  const calls = below.filter((span) => span.kind === 'chat' && span.parent === row);
  return {
    // An agent may tell what its calls cost together.
    own: {
      costUsd: calls.reduce((sum, call) => sum + (call.costUsd ?? 0), costUsd),
      unpriced: calls.filter(({ unpriced }) => unpriced).length,
    },
    ...(below.some((span) => span.kind === 'agent') && {
      withAgents: {
        input: tree.input[row]!,
        output: tree.output[row]!,
        untold: tree.untold[row]!,
        costUsd: tree.costUsd[row]!,
        unpriced: tree.unpriced[row]!,
      },
    }),
  };
}

/** The rows from `first` on, but for those below a collapsed one. */
export function visibleRows({ ends }: Tree, first: number, count: number, collapsed: ReadonlySet<number>): Int32Array {
  const rows = new Int32Array(count);
  let length = 0;
  for (let row = first; row < first + count; row = collapsed.has(row) ? ends[row]! : row + 1) rows[length++] = row;
  return rows.subarray(0, length);
}

/** Index of a row among ascending ones; of the last one before it, when it is not there. -1: before all. */
export function placeOf(rows: Int32Array, row: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle]! <= row) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Index of the turn a row belongs to. */
export function turnOf(turns: readonly ViewTurn[], row: number): number {
  return placeOf(
    Int32Array.from(turns, ({ first }) => first),
    row,
  );
}

export function ancestorsOf(spans: readonly ViewSpan[], row: number): readonly number[] {
  const ancestors: number[] = [];
  for (let at = spans[row]?.parent ?? -1; at >= 0; at = spans[at]!.parent) ancestors.push(at);
  return ancestors;
}

/** What a search looks through, in small letters: made once a session. */
export const haystacks = (spans: readonly ViewSpan[]): readonly string[] =>
  spans.map(({ name, label = '', error = '', outcome = '' }) => `${name}\n${label}\n${error}\n${outcome}`.toLowerCase());

/** Every word of the query has to be there. */
export function matchesIn(texts: readonly string[], query: string): Int32Array {
  const words = wordsOf(query);
  if (words.length === 0) return new Int32Array(0);
  const rows: number[] = [];
  for (const [row, text] of texts.entries()) if (words.every((word) => text.includes(word))) rows.push(row);
  return Int32Array.from(rows);
}

export const wordsOf = (query: string): readonly string[] =>
  query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');

/** The match after or before a row; round the end, on from the other. */
export function nextMatch(matches: Int32Array, row: number, step: 1 | -1): number | undefined {
  if (matches.length === 0) return undefined;
  const before = placeOf(matches, step === 1 ? row : row - 1);
  const at = step === 1 ? before + 1 : before;
  return matches[(at + matches.length) % matches.length];
}
