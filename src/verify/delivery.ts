/**
 * The spans against what a destination has acknowledged.
 *
 * in:   `Acknowledged`, the spans
 * out:  how many arrived, and a difference for each span that did not, or that should not have, and for totals that arrived
 *       otherwise than they are
 *
 * No difference: a session that was never exported; spans that may still change; turns begun before the export was set up;
 * a turn that was copied from another session, for that one sends it, as soon as it is final there.
 */
import { accountOf, isSame, sumOf } from '../trace/account.ts';
import { copiedTraces } from '../trace/copied.ts';
import { ATTR_COST_USD } from '../trace/semconv.ts';
import type { Span } from '../trace/span.ts';
import type { Acknowledged, DestinationReport, Difference } from './report.ts';

export function compareDelivery(
  known: Acknowledged,
  spans: readonly Span[],
): { readonly report: DestinationReport; readonly differences: readonly Difference[] } {
  const { key, url, ends, own, doneUntilMs = Number.NEGATIVE_INFINITY, sinceMs = Number.NEGATIVE_INFINITY, refused } = known;
  const begunMs = beginnings(spans);
  const isKnown = ({ spanId, endMs }: Span): boolean => ends.has(spanId) || endMs <= doneUntilMs;
  const copied = copiedTraces(spans);
  const isLeftOut = (span: Span): boolean => !isKnown(span) && (begunMs.get(span.traceId)! < sinceMs || copied.has(span.traceId));
  const exported = own.size > 0 || spans.some(isKnown);
  const final = spans.filter((span) => !span.open && !isLeftOut(span));
  const pending = final.filter((span) => !isKnown(span));
  // A copy's lines may have been written anew, with times of their own.
  const outdated = final.filter((span) => !copied.has(span.traceId) && (ends.get(span.spanId) ?? Number.POSITIVE_INFINITY) < span.endMs);
  const built = new Set(spans.map(({ spanId }) => spanId));
  const notBuilt = [...own].filter(([spanId]) => !built.has(spanId));
  const where = url ?? `destination ${key}`;
  const report: DestinationReport = {
    key,
    ...(url !== undefined && { url }),
    exported,
    final: final.length,
    open: spans.filter(({ open }) => open).length,
    leftOut: spans.filter((span) => !span.open && isLeftOut(span)).length,
    acknowledged: exported ? final.length - pending.length : 0,
    refused,
    pending: exported ? pending.length + outdated.length : 0,
    notBuilt: notBuilt.length,
  };
  if (!exported) return { report, differences: [] };
  const of = (kind: Difference['kind'], { spanId, name }: Span, says: string): Difference => ({
    kind,
    id: spanId,
    places: [],
    spans: [spanId],
    says: `${name}: ${says}`,
  });
  return {
    report,
    differences: [
      ...pending.map((span) =>
        of('span-pending', span, `${where} has not acknowledged it. It is sent with the next hook, or by trace-build sync.`),
      ),
      ...outdated.map((span) => of('span-outdated', span, `${where} has it with an earlier end. It is sent again by trace-build sync.`)),
      ...final.flatMap((span) => {
        const says = ends.has(span.spanId) ? toldOtherwise(span, known) : undefined;
        return says === undefined ? [] : [of('span-totals', span, `${where} was told ${says}`)];
      }),
      ...notBuilt.map(
        ([spanId, traceId]): Difference => ({
          kind: 'span-not-built',
          id: spanId,
          places: [],
          spans: [spanId],
          says: `${where} has acknowledged it, in trace ${traceId}, and the transcript tells of it no more: its lines or an agent's file are gone, or it was sent while it could still change.`,
        }),
      ),
    ],
  };
}

/** The build has totals on one span; several may have told parts of them. Undefined: they are told, or none ever was. */
function toldOtherwise(span: Span, { told = new Map() }: Acknowledged): string | undefined {
  const account = accountOf(span);
  const parts = [...told.values()].flatMap(({ owner, counts }) => (owner === account?.owner ? [counts] : []));
  if (account === undefined || parts.every((counts) => Object.keys(counts).length === 0)) return undefined;
  const wrong = Object.entries(account.counts)
    .map(([name, total]) => ({ name, total, sum: sumOf(parts, name) }))
    .filter(({ total, sum }) => !isSame(total, sum));
  if (wrong.length === 0) return undefined;
  const counts = wrong.map(({ name, total, sum }) => `${sum}${name === ATTR_COST_USD ? ' USD' : ` ${name}`} in place of ${total}`);
  const isMore = wrong.some(({ total, sum }) => sum > total);
  const then = isMore
    ? 'What was taken back since can not be: the turns to come tell less.'
    : 'The next turn tells the rest, or trace-build sync --resend.';
  return `${counts.join(', ')}, in all. ${then}`;
}

function beginnings(spans: readonly Span[]): ReadonlyMap<string, number> {
  const begunMs = new Map<string, number>();
  for (const { traceId, startMs } of spans) begunMs.set(traceId, Math.min(startMs, begunMs.get(traceId) ?? startMs));
  return begunMs;
}
