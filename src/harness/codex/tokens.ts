/**
 * Token counts of a rollout.
 *
 * in:   `usage` of a `token_usage_record`, `info` of a `token_count`
 * out:  `Counts`, `TokenUsage`; which `token_count` tells of a call that was not told yet
 *
 * A `token_count` is written again and again: before requests, with news of rate limits, after a compaction with an
 * estimate in place of the last call. It tells of a new call only when the total grew, and by just as much as the last
 * call is said to have used.
 */
import { isObject } from '../../json.ts';
import type { TokenUsage } from '../../session/types.ts';
import type { Fields } from '../fields.ts';

export interface Counts {
  /** Cached tokens included. */
  readonly input: number;
  readonly cached: number;
  readonly cacheWrite: number;
  /** Reasoning included. */
  readonly output: number;
  readonly reasoning: number | undefined;
  readonly total: number;
}

export function countsOf(value: unknown): Counts | undefined {
  if (!isObject(value)) return undefined;
  const input = count(value, 'input_tokens');
  const output = count(value, 'output_tokens');
  if (input === undefined && output === undefined) return undefined;
  return {
    input: input ?? 0,
    cached: Math.min(count(value, 'cached_input_tokens') ?? 0, input ?? 0),
    cacheWrite: Math.min(count(value, 'cache_write_input_tokens') ?? 0, input ?? 0),
    output: output ?? 0,
    reasoning: count(value, 'reasoning_output_tokens'),
    total: count(value, 'total_tokens') ?? (input ?? 0) + (output ?? 0),
  };
}

export const usageOf = (counts: Counts, webSearches: number): TokenUsage => ({
  input: counts.input,
  output: counts.output,
  cacheRead: counts.cached,
  cacheWrite: counts.cacheWrite,
  cacheWrite1h: 0,
  ...(counts.reasoning !== undefined && { reasoning: counts.reasoning }),
  webSearches,
  reliable: true,
});

/** What all calls of a thread have used so far: the two figures that a total is told apart by. */
export interface Total {
  readonly input: number;
  readonly output: number;
}

export const NOTHING: Total = { input: 0, output: 0 };

export interface Told {
  readonly total: Total;
  /** Of a call that this line is the first to tell of. */
  readonly call: Counts | undefined;
  /** Tokens in the context, as the harness reckons after a compaction. */
  readonly context: number | undefined;
}

/**
 * @param before  undefined: not known, and the last call was not told yet
 * @returns       undefined when the line has no figures
 */
export function toldBy(info: unknown, before: Total | undefined): Told | undefined {
  if (!isObject(info)) return undefined;
  const total = countsOf(info['total_token_usage']);
  const last = countsOf(info['last_token_usage']);
  if (total === undefined || last === undefined) return undefined;
  const grown = before === undefined ? last : { input: total.input - before.input, output: total.output - before.output };
  const isCall = grown.input + grown.output > 0 && grown.input === last.input && grown.output === last.output;
  const isEstimate = grown.input === 0 && grown.output === 0 && last.total > 0 && last.input + last.output === 0;
  return { total, call: isCall ? last : undefined, context: isEstimate ? last.total : undefined };
}

function count(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}
