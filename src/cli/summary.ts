/**
 * Spans → the line that sums up a session, and the one that sums up all.
 *
 * in:   Span[], DeliveryReport
 * out:  text; `Totals`, which add up
 */
import type { OutletReport } from '../export/outlet.ts';
import type { TracedRef } from '../pipeline.ts';
import type { Problem } from '../session/types.ts';
import { isAccount } from '../trace/account.ts';
import * as attr from '../trace/semconv.ts';
import type { Span } from '../trace/span.ts';
import { harmless } from './terminal.ts';

export interface Totals {
  readonly turns: number;
  readonly spans: number;
  readonly errors: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  /** Calls of models that the price list doesn't know. */
  readonly unpriced: number;
  /** What was hidden. */
  readonly redactions: number;
  readonly delivered: number;
  /** By an earlier run. */
  readonly before: number;
  /** Of those delivered, the ones that an earlier run had delivered with an earlier end. */
  readonly updated: number;
  /** Held back, for they may still change. */
  readonly open: number;
  readonly refused: number;
  readonly pending: number;
}

export const NO_TOTALS: Totals = {
  turns: 0,
  spans: 0,
  errors: 0,
  inputTokens: 0,
  outputTokens: 0,
  costUsd: 0,
  unpriced: 0,
  redactions: 0,
  delivered: 0,
  before: 0,
  updated: 0,
  open: 0,
  refused: 0,
  pending: 0,
};

export function totalsOf(spans: readonly Span[], report: OutletReport | undefined): Totals {
  const sum = (read: (span: Span) => number): number => spans.reduce((total, span) => total + read(span), 0);
  const chats = spans.filter(isChat);
  const paid = new Set(
    spans.flatMap((span) => (isAccount(span) && span.attributes[attr.ATTR_COST_USD] !== undefined ? [whose(span)] : [])),
  );
  return {
    turns: spans.filter((span) => span.parentSpanId === undefined).length,
    spans: spans.length,
    errors: spans.filter((span) => span.status.kind === 'error').length,
    inputTokens: sum((span) => (isCounted(span) ? numberOf(span, attr.ATTR_GEN_AI_USAGE_INPUT_TOKENS) : 0)),
    outputTokens: sum((span) => (isCounted(span) ? numberOf(span, attr.ATTR_GEN_AI_USAGE_OUTPUT_TOKENS) : 0)),
    costUsd: sum((span) => numberOf(span, attr.ATTR_COST_USD)),
    unpriced: chats.filter((span) => span.attributes[attr.ATTR_COST_USD] === undefined && !paid.has(whose(span))).length,
    redactions: sum((span) => numberOf(span, attr.ATTR_REDACTIONS)),
    delivered: report?.acknowledged ?? 0,
    before: report?.before ?? 0,
    updated: report?.updated ?? 0,
    open: report?.open ?? 0,
    refused: report?.refused ?? 0,
    pending: report?.pending ?? 0,
  };
}

export const addTotals = (a: Totals, b: Totals): Totals =>
  Object.fromEntries(Object.entries(a).map(([key, value]) => [key, value + b[key as keyof Totals]])) as unknown as Totals;

export function sessionLine({ session, repeated }: TracedRef, totals: Totals): string {
  const copied = repeated > 0 ? [`${repeated} told by the session it was copied from`] : [];
  return `${harmless(session.id)}  ${[...figures(totals), ...outcome(totals, totals.delivered > 0), ...copied].join(' · ')}`;
}

export const totalLine = (sessions: number, totals: Totals, sent: boolean): string =>
  [count(sessions, 'session'), ...figures(totals), ...outcome(totals, sent)].join(' · ');

export const problemLine = ({ file, line, reason, detail }: Problem): string => harmless(`${file}:${line}: ${reason}: ${detail}`);

const figures = (totals: Totals): string[] => [
  count(totals.turns, 'turn'),
  count(totals.spans, 'span'),
  `${tokens(totals.inputTokens)} in, ${tokens(totals.outputTokens)} out`,
  ...(totals.costUsd > 0
    ? [`${dollars(totals.costUsd)}${totals.unpriced > 0 ? ` (${count(totals.unpriced, 'call')} without a price)` : ''}`]
    : []),
  ...(totals.errors > 0 ? [count(totals.errors, 'error')] : []),
  ...(totals.redactions > 0 ? [`${totals.redactions.toLocaleString('en-US')} redacted`] : []),
];

const outcome = (totals: Totals, sent: boolean): string[] => [
  ...(sent ? [`${totals.delivered} delivered${totals.updated > 0 ? ` (${totals.updated} updated)` : ''}`] : []),
  ...(totals.before > 0 ? [`${totals.before} delivered before`] : []),
  ...(totals.open > 0 ? [`${totals.open} open`] : []),
  ...(totals.refused > 0 ? [`${totals.refused} refused`] : []),
  ...(totals.pending > 0 ? [`${totals.pending} not delivered`] : []),
];

export const isChat = (span: Span): boolean => span.attributes[attr.ATTR_GEN_AI_OPERATION_NAME] === attr.GEN_AI_OPERATION_NAME_VALUE_CHAT;

const isCounted = (span: Span): boolean => isChat(span) || isAccount(span);
const whose = (span: Span): string => String(span.attributes[attr.ATTR_GEN_AI_AGENT_ID] ?? '');

export function numberOf(span: Span, name: string): number {
  const value = span.attributes[name];
  return typeof value === 'number' ? value : 0;
}

export const count = (n: number, what: string): string => `${n.toLocaleString('en-US')} ${what}${n === 1 ? '' : 's'}`;

export function tokens(n: number): string {
  if (n < 10_000) return n.toLocaleString('en-US');
  return n < 999_950 ? `${(n / 1000).toFixed(1)}k` : `${(n / 1_000_000).toFixed(2)}M`;
}

export const dollars = (usd: number): string => `$${usd < 1 ? usd.toFixed(4) : usd.toFixed(2)}`;
