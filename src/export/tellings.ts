/**
 * What a destination is told of a session as a whole, a part with each turn: the parts add up to the session's totals.
 *
 * in:   spans about to be sent, that may tell totals; what the destination was told of the same session before
 * out:  `Tellings`: what each of them tells in place of what it was built with; pure
 *
 * A harness that counts no single call has totals, and they grow. The build has them on the last turn; the spans of earlier
 * turns were sent with the totals of their time, and stay as they were sent. So the last turn tells the difference.
 */
import { type Account, accountOf, COST, type Counts, hasOwnUsage, isSame, sumOf, withCounts } from '../trace/account.ts';
import type { Span } from '../trace/span.ts';

/** What a span told of a session or an agent; no counts: it told nothing. */
export interface Telling extends Account {
  /** False: it was sent, and whether it arrived is not known. */
  readonly acknowledged: boolean;
}

export interface Tellings {
  /** By span id: of each that tells totals, or did. */
  readonly of: ReadonlyMap<string, Account>;
  /** The span as it is to be sent. */
  readonly onWire: (span: Span) => Span;
  /** Something was told that the totals do not hold any more. */
  readonly isTooMuch: boolean;
}

/** @param known  by span id */
export function tellingsOf(sent: readonly Span[], known: ReadonlyMap<string, Telling>): Tellings {
  const of = new Map<string, Account>();
  for (const span of sent) {
    const before = known.get(span.spanId);
    // What was told with a span is told with it again: whoever got it twice must not care which of both to keep.
    if (before !== undefined && accountOf(span) === undefined) of.set(span.spanId, hasOwnUsage(span) ? { ...before, counts: {} } : before);
  }
  const others = new Map<string, Account>([...known].filter(([, { acknowledged }]) => acknowledged));
  let isTooMuch = false;
  for (const span of sent) {
    const account = accountOf(span);
    if (account === undefined) continue;
    const told = [...new Map([...others, ...of])].flatMap(([id, { owner, counts }]) =>
      id !== span.spanId && owner === account.owner ? [counts] : [],
    );
    const { counts, isLess } = difference(account.counts, told);
    isTooMuch ||= isLess;
    of.set(span.spanId, { owner: account.owner, counts });
  }
  return {
    of,
    isTooMuch,
    onWire: (span) => {
      const telling = of.get(span.spanId);
      return telling === undefined || hasOwnUsage(span) ? span : withCounts(span, telling.counts);
    },
  };
}

/** Tokens that were taken back, and cost likewise, can't be told: then there is nothing to tell until there is more again. */
function difference(totals: Counts, told: readonly Counts[]): { readonly counts: Counts; readonly isLess: boolean } {
  const left = Object.entries(totals).map(([name, total]) => [name, lessOf(total, sumOf(told, name))] as const);
  const isLess = (some: typeof left): boolean => some.some(([, count]) => count < 0);
  const [tokens, cost] = [left.filter(([name]) => name !== COST), left.filter(([name]) => name === COST)];
  const isNothing = isLess(tokens) || tokens.every(([, count]) => count === 0);
  return {
    counts: Object.fromEntries([...(isNothing ? [] : tokens), ...cost.filter(([, count]) => count > 0)]),
    isLess: isLess(left),
  };
}

function lessOf(total: number, told: number): number {
  const left = total - told;
  if (Number.isSafeInteger(left)) return left;
  return isSame(total, told) ? 0 : Number(left.toPrecision(12));
}
