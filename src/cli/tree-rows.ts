/**
 * The spans of a session → the rows of its tree, as data.
 *
 * in:   a session and its spans; which turn, how deep
 * out:  `TreeRow[]`, depth first; UserError for a turn that is not there
 */
import { UserError } from '../errors.ts';
import type { Session } from '../session/types.ts';
import { isAccount } from '../trace/account.ts';
import * as attr from '../trace/semconv.ts';
import type { Span } from '../trace/span.ts';
import { labelOf } from '../view/labels.ts';
import type { SpanKind } from '../view/model.ts';
import { type SpanObject, spanObjectsOf } from '../view/objects.ts';
import { kindOf, outcomeOf, type Row, rowsOf } from '../view/session.ts';
import { count, numberOf } from './summary.ts';
import { harmless } from './terminal.ts';
import type { Axis } from './tree-bar.ts';

export interface TreeRow {
  readonly span: Span;
  readonly kind: SpanKind;
  /** What it was about: a prompt, an answer, a command. */
  readonly label?: string | undefined;
  /** Whether it goes on. */
  readonly open: boolean;
  /** Why it failed. */
  readonly message?: string | undefined;
  /** For itself and each level above it but the root's: whether more follow there. */
  readonly more: readonly boolean[];
  readonly hasChildren: boolean;
  readonly hidden: { readonly spans: number; readonly errors: number };
  /** Of the calls in it and below it. */
  readonly used: Used;
  /** Time from the beginning of its turn to the end of the last that ran for it. */
  readonly axis: Axis;
}

export interface Used {
  readonly calls: number;
  /** Those of them whose tokens nobody told. */
  readonly untold: number;
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly costUsd: number;
  /** Of any call in it the output is known to be more than told. */
  readonly unreliable: boolean;
}

/** @param depth  levels below a turn that are shown */
export function treeRows(session: Session, spans: readonly Span[], depth = Number.POSITIVE_INFINITY): readonly TreeRow[] {
  const rows = rowsOf(spans);
  const used = usedBelow(rows);
  const hidden = hiddenBelow(rows, depth);
  const axes = axesOf(rows);
  const objects = spanObjectsOf(session);
  const shown = rows.flatMap((row, at) => (row.depth <= depth ? [{ ...row, at }] : []));
  const more = followers(shown);
  return shown.map(({ span, at, depth: level }, n) => {
    const kind = kindOf(span);
    const object = objects.get(span.spanId);
    const label = object && (speaks(object) ? labelOf(object) : undefined);
    const { status } = span;
    return {
      span,
      kind,
      label: label === undefined ? undefined : harmless(label),
      open: outcomeOf(span, object) === 'open',
      message: status.kind === 'error' && status.message.trim() !== '' ? harmless(status.message.slice(0, 1000)).trim() : undefined,
      more: more[n]!,
      hasChildren: (shown[n + 1]?.depth ?? 0) > level,
      hidden: hidden[at]!,
      used: used[at]!,
      axis: axes[at]!,
    };
  });
}

/** An answer without a word asks for tools, and they have rows of their own. */
const speaks = (object: SpanObject): boolean =>
  object.kind !== 'chat' || (object.call.output?.parts ?? []).some((part) => part.kind === 'text' && part.text.trim() !== '');

/**
 * The spans of one turn, agents it started included.
 *
 * @param turn  its number; below zero: from the end
 * @throws UserError
 */
export function spansOfTurn(spans: readonly Span[], turn: number): readonly Span[] {
  const turns = spans.flatMap((span) => {
    const number = span.attributes[attr.ATTR_TURN_NUMBER];
    return typeof number === 'number' && kindOf(span) === 'turn' ? [{ number, traceId: span.traceId }] : [];
  });
  const wanted = turn < 0 ? turns.at(turn) : turns.find(({ number }) => number === turn);
  if (wanted === undefined)
    throw new UserError(
      `There is no turn ${turn}: the session has ${turns.length === 0 ? 'none' : count(turns.length, 'turn')}.`,
      turns.length === 0
        ? 'Leave out --turn.'
        : `Give a number from ${turns[0]!.number} to ${turns.at(-1)!.number}, or -1 for the last one.`,
    );
  return spans.filter(({ traceId }) => traceId === wanted.traceId);
}

const NOTHING: Used = { calls: 0, untold: 0, input: 0, cached: 0, output: 0, costUsd: 0, unreliable: false };

function usedBelow(rows: readonly Row[]): readonly Used[] {
  // An agent may have an account of its own in place of its calls'. A session's, on its last turn, is of other turns, too.
  const tells = (at: number): boolean => at >= 0 && kindOf(rows[at]!.span) === 'agent' && isAccount(rows[at]!.span);
  const used = rows.map(({ span }, at): Used => {
    if (kindOf(span) === 'chat') return usedBy(span);
    return tells(at) ? { ...usedBy(span), calls: 0, untold: 0 } : NOTHING;
  });
  for (let at = rows.length - 1; at >= 0; at--) {
    const { span, parent } = rows[at]!;
    if (parent < 0) continue;
    const isIn = kindOf(span) === 'chat' && tells(parent);
    used[parent] = sum(used[parent]!, isIn ? { ...used[at]!, untold: 0 } : used[at]!);
  }
  return used;
}

/** What was used up to the end of a turn by the whole session, where that is all that is known. */
export const sessionUsed = (span: Span): Used | undefined => (isAccount(span) && kindOf(span) === 'turn' ? usedBy(span) : undefined);

const usedBy = (span: Span): Used => ({
  calls: 1,
  untold: span.attributes[attr.ATTR_GEN_AI_USAGE_INPUT_TOKENS] === undefined ? 1 : 0,
  input: numberOf(span, attr.ATTR_GEN_AI_USAGE_INPUT_TOKENS),
  cached: numberOf(span, attr.ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS),
  output: numberOf(span, attr.ATTR_GEN_AI_USAGE_OUTPUT_TOKENS),
  costUsd: numberOf(span, attr.ATTR_COST_USD),
  unreliable: span.attributes[attr.ATTR_USAGE_UNRELIABLE] === true,
});

const sum = (a: Used, b: Used): Used => ({
  calls: a.calls + b.calls,
  untold: a.untold + b.untold,
  input: a.input + b.input,
  cached: a.cached + b.cached,
  output: a.output + b.output,
  costUsd: a.costUsd + b.costUsd,
  unreliable: a.unreliable || b.unreliable,
});

function hiddenBelow(rows: readonly Row[], depth: number): readonly TreeRow['hidden'][] {
  const hidden = rows.map(() => ({ spans: 0, errors: 0 }));
  for (let at = rows.length - 1; at >= 0; at--) {
    const { span, parent, depth: level } = rows[at]!;
    if (level <= depth || parent < 0) continue;
    hidden[parent]!.spans += hidden[at]!.spans + 1;
    hidden[parent]!.errors += hidden[at]!.errors + (span.status.kind === 'error' ? 1 : 0);
  }
  return hidden;
}

function axesOf(rows: readonly Row[]): readonly Axis[] {
  const axes: { startMs: number; endMs: number }[] = [];
  for (const { span, parent } of rows) {
    const axis = parent < 0 ? { startMs: span.startMs, endMs: span.endMs } : axes[parent]!;
    axis.startMs = Math.min(axis.startMs, span.startMs);
    axis.endMs = Math.max(axis.endMs, span.endMs);
    axes.push(axis);
  }
  return axes;
}

/** From the last row up: what was seen of a level, and no level above it since, follows. */
function followers(rows: readonly Row[]): readonly (readonly boolean[])[] {
  const seen: boolean[] = [];
  const all: boolean[][] = [];
  for (let at = rows.length - 1; at >= 0; at--) {
    const { depth } = rows[at]!;
    all[at] = Array.from({ length: depth }, (_, level) => seen[level + 1] === true);
    seen.length = depth;
    seen[depth] = true;
  }
  return all;
}
