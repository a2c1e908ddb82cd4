/**
 * Rows → lanes for viewers that draw one stack of calls at a time: in a lane, whatever overlaps is nested.
 *
 * in:   rows, depth first
 * out:  `Lane[]`: each agent has its own, and more where its tools ran in parallel; every row is in exactly one
 */
import * as attr from '../trace/semconv.ts';
import { kindOf, nameOf, type Row } from './session.ts';

export interface Lane {
  /** No two are called the same. */
  readonly name: string;
  /** In the order they open. */
  readonly slices: readonly Slice[];
}

export interface Slice {
  /** Index into the rows. */
  readonly row: number;
  /** How many slices of the lane are open when it opens; those at its depth or deeper have ended by then. */
  readonly depth: number;
}

export function lanesOf(rows: readonly Row[]): readonly Lane[] {
  const groups = new Map<number, number[]>();
  const owners: number[] = [];
  for (const [at, row] of rows.entries()) {
    owners[at] = ownerOf(row, at, owners);
    const group = groups.get(owners[at]);
    if (group === undefined) groups.set(owners[at], [at]);
    else group.push(at);
  }
  const used = new Map<string, number>();
  return [...groups].flatMap(([owner, group]) => {
    const name = owner === MAIN ? mainName(rows) : nameOf(rows[owner]!.span);
    return stacked(rows, group).map((slices) => ({ name: numbered(name, used), slices }));
  });
}

const MAIN = -1;

/** The main agent has all turns; another agent what it did itself. */
function ownerOf(row: Row, at: number, owners: readonly number[]): number {
  const kind = kindOf(row.span);
  if (kind === 'turn') return MAIN;
  return kind === 'agent' || row.parent === -1 ? at : owners[row.parent]!;
}

interface OpenLane {
  readonly slices: Slice[];
  readonly open: number[];
}

function stacked(rows: readonly Row[], group: readonly number[]): readonly (readonly Slice[])[] {
  const lanes: OpenLane[] = [];
  const span = (at: number) => rows[at]!.span;
  const inOrder = group.toSorted((a, b) => span(a).startMs - span(b).startMs || span(b).endMs - span(a).endMs || a - b);
  for (const row of inOrder) {
    let lane = lanes.find(({ open }) => fits(rows, open, row));
    if (lane === undefined) {
      lane = { slices: [], open: [] };
      lanes.push(lane);
    }
    lane.slices.push({ row, depth: lane.open.length });
    lane.open.push(row);
  }
  return lanes.map(({ slices }) => slices);
}

/** Into a lane where nothing is at work, or what is at work is what started it. Closes what has ended. */
function fits(rows: readonly Row[], open: number[], row: number): boolean {
  const { startMs, endMs } = rows[row]!.span;
  for (;;) {
    const top = open.at(-1);
    if (top === undefined) return true;
    const topEndMs = rows[top]!.span.endMs;
    const isAbove = isAncestor(rows, top, row);
    if (isAbove && endMs <= topEndMs) return true;
    if (topEndMs > startMs) return false;
    open.pop();
  }
}

function isAncestor(rows: readonly Row[], above: number, row: number): boolean {
  let at = rows[row]!.parent;
  while (at > above) at = rows[at]!.parent;
  return at === above;
}

const mainName = (rows: readonly Row[]): string => {
  const turn = rows.find(({ span }) => kindOf(span) === 'turn');
  return String(turn?.span.attributes[attr.ATTR_GEN_AI_AGENT_NAME] ?? '');
};

function numbered(name: string, used: Map<string, number>): string {
  for (;;) {
    const times = (used.get(name) ?? 0) + 1;
    used.set(name, times);
    const candidate = times === 1 ? name : `${name} ${times}`;
    if (times === 1 || !used.has(candidate)) {
      used.set(candidate, used.get(candidate) ?? 1);
      return candidate;
    }
  }
}
