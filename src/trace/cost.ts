/**
 * What a model call cost, by the price list of @pydantic/genai-prices.
 *
 * in:   provider, model, usage, time of the call
 * out:  US dollars; `undefined` when the list doesn't know the model
 *
 * The library takes 60 µs a call, as long as all the rest of a span. A price is a rate times a count
 * for each kind of token, so it is asked once per model, price bracket and day, by one probe a kind.
 */
import { calcPrice } from '@pydantic/genai-prices';
import type { ModelCall, TokenUsage } from '../session/types.ts';

/** Of the installed package; a test compares. */
export const PRICES_VERSION = '0.1.8';

/** How the price list calls the providers that the convention calls otherwise. */
const PROVIDER_IDS: Readonly<Record<string, string>> = {
  'aws.bedrock': 'aws',
  'gcp.vertex_ai': 'google',
  'gcp.gemini': 'google',
  x_ai: 'x-ai',
  mistral_ai: 'mistral',
};

/** Prices change at midnight UTC, but for those that also depend on the time of day. */
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Tokens in a probe: enough to keep the rates exact, small enough to stay in the first bracket. */
const PROBE_TOKENS = 1000;

export function costUsd(provider: string, model: string, usage: TokenUsage, atMs: number): number | undefined {
  const listed = listing(PROVIDER_IDS[provider] ?? provider, model, atMs);
  if (listed === undefined) return undefined;
  const bracket = listed.brackets.findLast((start) => usage.input > start) ?? 0;
  const rates = listed.rates(bracket);
  if (rates === undefined) return undefined;
  const plain = usage.input - usage.cacheRead - usage.cacheWrite;
  const usd =
    plain * rates.input +
    usage.cacheRead * rates.cacheRead +
    (usage.cacheWrite - usage.cacheWrite1h) * rates.cacheWrite +
    usage.cacheWrite1h * rates.cacheWrite1h +
    usage.output * rates.output +
    usage.webSearches * rates.webSearch;
  // Beyond this the digits are those of the arithmetic, not of the price.
  return Math.round(usd * 1e12) / 1e12;
}

export interface Price {
  readonly usd: number;
  /** Whose prices they are. */
  readonly by: 'list' | 'harness';
}

/** Of a model that the list doesn't know with its provider, what the harness reckons, else its vendor's price. Undefined, too, for a call that tells no usage. */
export function priceOf({ provider, model, usage, startedAtMs, costUsd: reckoned }: ModelCall): Price | undefined {
  if (usage === undefined) return undefined;
  const listed =
    costUsd(provider, model, usage, startedAtMs) ??
    (reckoned === undefined ? vendorCostUsd(provider, model, usage, startedAtMs) : undefined);
  if (listed !== undefined) return { usd: listed, by: 'list' };
  return reckoned === undefined ? undefined : { usd: reckoned, by: 'harness' };
}

export const callCostUsd = (call: ModelCall): number | undefined => priceOf(call)?.usd;

/**
 * What the model's own vendor takes: a provider may be a proxy, by a name that its user gave it.
 *
 * @returns undefined where the name of the model may be somebody else's, or it runs on the user's own machine
 */
function vendorCostUsd(provider: string, model: string, usage: TokenUsage, atMs: number): number | undefined {
  if (IS_LOCAL.test(provider)) return undefined;
  const name = model.replace(/^(?:openai|anthropic|google|x-ai)\//, '');
  const vendor = VENDORS.find(({ names }) => names.test(name));
  return vendor && costUsd(vendor.id, name, usage, atMs);
}

/** Whoever serves models there calls them as he likes. */
const IS_LOCAL = /ollama|lm-?studio|llama|vllm|local/i;

/** What nobody else calls a model of his. */
const VENDORS: readonly { readonly id: string; readonly names: RegExp }[] = [
  { id: 'openai', names: /^(?:gpt-\d|o\d(?:-|$)|codex-)/ },
  { id: 'anthropic', names: /^claude-/ },
  { id: 'google', names: /^gemini-/ },
  { id: 'x-ai', names: /^grok-/ },
];

interface Rates {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly cacheWrite1h: number;
  readonly webSearch: number;
}

interface Listing {
  /** Input counts above which other rates hold, ascending. */
  readonly brackets: readonly number[];
  rates(bracket: number): Rates | undefined;
}

const listings = new Map<string, Listing | undefined>();
const stepsMs = new Map<string, number>();

function listing(providerId: string, model: string, atMs: number): Listing | undefined {
  const name = `${providerId} ${model}`;
  let stepMs = stepsMs.get(name);
  if (stepMs === undefined) {
    stepMs = dependsOnTimeOfDay(providerId, model) ? MINUTE_MS : DAY_MS;
    stepsMs.set(name, stepMs);
  }
  const step = Math.floor(atMs / stepMs);
  const key = `${name} ${step}`;
  if (!listings.has(key)) listings.set(key, readListing(providerId, model, new Date(step * stepMs)));
  return listings.get(key);
}

function dependsOnTimeOfDay(providerId: string, model: string): boolean {
  const prices = calcPrice({ input_tokens: 1 }, model, { providerId, timestamp: new Date(0) })?.model.prices;
  return Array.isArray(prices) && prices.some(({ constraint }) => constraint?.type === 'time_of_date');
}

function readListing(providerId: string, model: string, timestamp: Date): Listing | undefined {
  const price = (usage: Record<string, number>): number | undefined => {
    try {
      return calcPrice(usage, model, { providerId, timestamp })?.total_price;
    } catch {
      return undefined; // the list has no such kind of token for this model
    }
  };
  const known = calcPrice({ input_tokens: 1 }, model, { providerId, timestamp });
  if (known === null) return undefined;
  const starts = Object.values(known.model_price).flatMap((rate) => (typeof rate === 'object' ? rate.tiers.map((tier) => tier.start) : []));
  const brackets = [...new Set(starts)].sort((a, b) => a - b);
  const byBracket = new Map<number, Rates | undefined>();
  return {
    brackets,
    rates: (bracket) => {
      if (!byBracket.has(bracket)) byBracket.set(bracket, probe(price, bracket + PROBE_TOKENS));
      return byBracket.get(bracket);
    },
  };
}

/** @param n  input tokens of each probe: they decide the bracket */
function probe(price: (usage: Record<string, number>) => number | undefined, n: number): Rates | undefined {
  const base = price({ input_tokens: n });
  if (base === undefined) return undefined;
  const extra = (usage: Record<string, number>): number => (price({ input_tokens: n, ...usage }) ?? base) - base;
  const cached = (usage: Record<string, number>): number => (price({ input_tokens: n, ...usage }) ?? base) / n;
  return {
    input: base / n,
    output: extra({ output_tokens: n }) / n,
    cacheRead: cached({ cache_read_tokens: n }),
    cacheWrite: cached({ cache_write_tokens: n }),
    cacheWrite1h: cached({ cache_write_tokens: n, cache_write_1h_tokens: n }),
    webSearch: extra({ web_searches: n }) / n,
  };
}
