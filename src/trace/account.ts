/**
 * What a span tells of a session or an agent as a whole, where a harness counts no single call: read off, or told otherwise.
 *
 * in:   Span
 * out:  `Account`; the span with other counts in place of its own
 */
import { HARNESS_PRICES } from './attributes.ts';
import * as attr from './semconv.ts';
import type { Attributes, Span } from './span.ts';

/** By attribute. */
export type Counts = Readonly<Record<string, number>>;

export interface Account {
  /** Id of the agent; '' for the session itself. */
  readonly owner: string;
  readonly counts: Counts;
}

export const COST: string = attr.ATTR_COST_USD;

const COUNTS: readonly string[] = [
  attr.ATTR_GEN_AI_USAGE_INPUT_TOKENS,
  attr.ATTR_GEN_AI_USAGE_OUTPUT_TOKENS,
  attr.ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
  ...Object.values(attr.profiles).map(({ cacheWriteTokens }) => cacheWriteTokens),
  attr.ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
  COST,
];
const TOLD: ReadonlySet<string> = new Set([...COUNTS, attr.ATTR_USAGE_SCOPE, attr.ATTR_COST_PRICES]);

/** Whether a span tells of a session or an agent as a whole: where no call tells its tokens. */
export const isAccount = ({ attributes }: Span): boolean => attributes[attr.ATTR_USAGE_SCOPE] === 'session';

/** @returns undefined for a span that tells of nothing but itself */
export function accountOf(span: Span): Account | undefined {
  if (!isAccount(span)) return undefined;
  const { attributes } = span;
  const owner = attributes[attr.ATTR_GEN_AI_AGENT_ID];
  const counts = COUNTS.flatMap((name) => (typeof attributes[name] === 'number' ? [[name, attributes[name]] as const] : []));
  return { owner: typeof owner === 'string' ? owner : '', counts: Object.fromEntries(counts) };
}

/** Whether it tells the usage of its own calls. */
export const hasOwnUsage = (span: Span): boolean => !isAccount(span) && span.attributes[attr.ATTR_GEN_AI_USAGE_INPUT_TOKENS] !== undefined;

/** @param counts  none: then it tells of no usage at all */
export function withCounts(span: Span, counts: Counts): Span {
  const others = Object.entries(span.attributes).filter(([name]) => !TOLD.has(name));
  const told: Attributes = {
    ...counts,
    ...(Object.keys(counts).length > 0 && { [attr.ATTR_USAGE_SCOPE]: 'session' }),
    ...(counts[COST] !== undefined && { [attr.ATTR_COST_PRICES]: HARNESS_PRICES }),
  };
  return { ...span, attributes: { ...Object.fromEntries(others), ...told } };
}

export const sumOf = (all: readonly Counts[], name: string): number => all.reduce((sum, counts) => sum + (counts[name] ?? 0), 0);

/** Cents that were added up in another order are the same. */
const SAME = 1e-9;

export const isSame = (a: number, b: number): boolean => Math.abs(a - b) < SAME;
