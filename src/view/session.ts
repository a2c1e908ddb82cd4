/**
 * A session and its spans → what the page shows of it: turns, and rows light enough for 20,000 of them.
 *
 * in:   `Shown`: the session as the spans tell it, and what is known beside it
 * out:  `ViewSession`; pure
 */
import { grouped } from '../grouped.ts';
import type { Problem, Session, Turn } from '../session/types.ts';
import { summaryOf } from '../stats/summary.ts';
import { callCostUsd } from '../trace/cost.ts';
import { spanIdOf, traceIdOf } from '../trace/ids.ts';
import * as attr from '../trace/semconv.ts';
import type { Span } from '../trace/span.ts';
import { labelOf } from './labels.ts';
import type { ContextPoint, Shares, SpanKind, ViewSession, ViewSpan, ViewTurn } from './model.ts';
import { type SpanObject, type SpanObjects, spanObjectsOf } from './objects.ts';
import { type Interval, sharesOf } from './shares.ts';

/** What is shown of one session. */
export interface Shown {
  /** Names it in addresses. */
  readonly key: string;
  readonly session: Session;
  readonly spans: readonly Span[];
  readonly problems: readonly Problem[];
  /** Directory it began in. */
  readonly project?: string;
  readonly repositoryUrl?: string;
  /** What of the content was kept: `none`, `redacted` or `full`. */
  readonly content: string;
}

export function viewSessionOf(shown: Shown, objects: SpanObjects = spanObjectsOf(shown.session)): ViewSession {
  const { key, session, project, repositoryUrl, problems, content } = shown;
  const rows = rowsOf(shown.spans);
  const rowOf = new Map(rows.map(({ span }, at) => [span.spanId, at]));
  const spans = rows.map((row) => viewSpan(row, objects.get(row.span.spanId), rows[row.parent]));
  const turns = turnsOf(rows, spans, objects);
  return {
    key,
    ...(project !== undefined && { project }),
    ...(repositoryUrl !== undefined && { repositoryUrl }),
    summary: summaryOf(session, callCostUsd),
    turns,
    shares: sharesAmong(turns, spans),
    spans,
    context: contextOf(session, rowOf),
    compactions: session.turns.flatMap(({ compactions }) =>
      compactions.map(({ atMs, tokensBefore, tokensAfter }) => ({
        atMs,
        ...(tokensBefore !== undefined && { tokensBefore }),
        ...(tokensAfter !== undefined && { tokensAfter }),
      })),
    ),
    problems,
    content,
  };
}

export interface Row {
  readonly span: Span;
  /** Index of the row above it in the tree; -1 for a root. */
  readonly parent: number;
  readonly depth: number;
}

/** Depth first, siblings in order of time. A span whose parent is not among them is a root. */
export function rowsOf(spans: readonly Span[]): readonly Row[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const children = grouped(spans, ({ parentSpanId }) => (known.has(parentSpanId ?? '') ? parentSpanId : undefined));
  const rows: Row[] = [];
  const add = (span: Span, parent: number, depth: number): void => {
    const at = rows.push({ span, parent, depth }) - 1;
    for (const child of (children.get(span.spanId) ?? []).toSorted((a, b) => a.startMs - b.startMs)) add(child, at, depth + 1);
  };
  for (const root of children.get(undefined) ?? []) add(root, -1, 0);
  return rows;
}

export function kindOf({ attributes }: Span): SpanKind {
  switch (attributes[attr.ATTR_GEN_AI_OPERATION_NAME]) {
    case attr.GEN_AI_OPERATION_NAME_VALUE_CHAT:
      return 'chat';
    case attr.GEN_AI_OPERATION_NAME_VALUE_EXECUTE_TOOL:
      return 'tool';
    default:
      return attributes[attr.ATTR_TURN_NUMBER] === undefined ? 'agent' : 'turn';
  }
}

/** Without the operation. */
export function nameOf(span: Span): string {
  const number = span.attributes[attr.ATTR_TURN_NUMBER];
  return number === undefined ? span.name.slice(span.name.indexOf(' ') + 1) : `Turn ${number}`;
}

// ---------------------------------------------------------------------------------------------

function viewSpan({ span, parent, depth }: Row, object: SpanObject | undefined, above: Row | undefined): ViewSpan {
  const kind = kindOf(span);
  const label = object && labelOf(object);
  const outcome = outcomeOf(span, object);
  const error = span.attributes[attr.ATTR_ERROR_TYPE];
  const cost = span.attributes[attr.ATTR_COST_USD];
  const usage = object?.kind === 'chat' ? object.call.usage : object?.kind === 'agent' ? object.agent.sessionUsage?.usage : undefined;
  const account = object?.kind === 'turn' ? object.turn.sessionUsage : undefined;
  return {
    id: span.spanId,
    parent,
    depth,
    kind,
    name: nameOf(span),
    ...(label !== undefined && { label }),
    startMs: span.startMs,
    endMs: span.endMs,
    ...(error !== undefined && { error: String(error) }),
    ...(['interrupted', 'denied', 'open'].includes(outcome) && { outcome }),
    ...(span.attributes[attr.ATTR_TIME_ESTIMATED] === true && { timeEstimated: true }),
    ...(account !== undefined && {
      session: {
        input: account.usage.input,
        output: account.usage.output,
        ...(account.costUsd !== undefined && { costUsd: account.costUsd }),
      },
    }),
    ...(usage !== undefined && { tokens: { input: usage.input, output: usage.output, cacheRead: usage.cacheRead } }),
    ...(typeof cost === 'number' && account === undefined && { costUsd: cost }),
    ...(kind === 'chat' && cost === undefined && !(above && tellsCost(above.span)) && { unpriced: true }),
  };
}

/** Of all calls of an agent together; what a turn tells is the session's. */
const tellsCost = (span: Span): boolean => kindOf(span) === 'agent' && span.attributes[attr.ATTR_COST_USD] !== undefined;

const sharesAmong = (turns: readonly Interval[], spans: readonly ViewSpan[]): Shares =>
  sharesOf(
    turns,
    spans.filter(({ kind }) => kind === 'chat'),
    spans.filter(({ kind }) => kind === 'tool'),
  );

/** In a turn that goes on much is over; its span is held back all the same. */
export function outcomeOf(span: Span, object: SpanObject | undefined): string {
  switch (object?.kind) {
    case 'turn':
      return object.turn.finished ? object.turn.outcome.kind : 'open';
    case 'agent':
      return object.agent.finished ? object.agent.outcome.kind : 'open';
    case 'tool':
      return object.call.outcome.kind;
    case 'chat':
      return 'completed';
    case undefined:
      return span.open ? 'open' : 'completed';
    default:
      return object satisfies never;
  }
}

function turnsOf(rows: readonly Row[], spans: readonly ViewSpan[], objects: SpanObjects): readonly ViewTurn[] {
  const roots = rows.flatMap(({ parent }, at) => (parent === -1 ? [at] : []));
  return roots.map((first, at) => {
    const own = spans.slice(first, roots[at + 1] ?? spans.length);
    return viewTurn(rows[first]!.span, first, own, objects.get(rows[first]!.span.spanId));
  });
}

function viewTurn(root: Span, first: number, spans: readonly ViewSpan[], object: SpanObject | undefined): ViewTurn {
  const sum = (of: (span: ViewSpan) => number | undefined): number => spans.reduce((total, span) => total + (of(span) ?? 0), 0);
  const label = spans[0]?.label;
  const extent = {
    startMs: spans.reduce((start, span) => Math.min(start, span.startMs), root.startMs),
    endMs: spans.reduce((end, span) => Math.max(end, span.endMs), root.endMs),
  };
  return {
    ...(object?.kind === 'turn' && turnFields(object.turn)),
    ...(label !== undefined && { label }),
    first,
    count: spans.length,
    ...extent,
    outcome: outcomeOf(root, object),
    errors: spans.filter(({ error }) => error !== undefined).length,
    tokens: { input: sum(({ tokens }) => tokens?.input), output: sum(({ tokens }) => tokens?.output) },
    costUsd: sum((span) => span.costUsd),
    unpriced: spans.filter(({ unpriced }) => unpriced).length,
    shares: sharesAmong([extent], spans),
  };
}

const turnFields = ({ number, trigger }: Turn) => ({ number, trigger });

/** Of the main agent: how large its context was, call by call. */
function contextOf(session: Session, rowOf: ReadonlyMap<string, number>): readonly ContextPoint[] {
  return session.turns.flatMap(({ startId, modelCalls }) => {
    const traceId = traceIdOf(startId);
    return modelCalls.flatMap(({ id, usage, startedAtMs }) => {
      const span = rowOf.get(spanIdOf(traceId, 'chat', id));
      return usage === undefined || span === undefined ? [] : [{ atMs: startedAtMs, tokens: usage.input, span }];
    });
  });
}
