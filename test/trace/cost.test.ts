/** What a call cost: by hand for the cases that bills quarrel about, and against the price list itself for all others. */
import { readFileSync } from 'node:fs';
import { calcPrice } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ModelCall, TokenUsage } from '../../src/session/types.ts';
import { callCostUsd, costUsd, PRICES_VERSION, priceOf } from '../../src/trace/cost.ts';

const AT_MS = Date.parse('2026-11-20T12:00:00Z');
const usage = (own: Partial<TokenUsage>): TokenUsage => ({
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  cacheWrite1h: 0,
  webSearches: 0,
  reliable: true,
  ...own,
});

/** claude-opus-4-1: 15 $ a million in, 75 $ out, 1.50 $ read, 18.75 $ written for five minutes, 30 $ for an hour. */
test.each([
  { what: 'nothing', counts: {}, usd: 0 },
  { what: 'plain input', counts: { input: 1_000_000 }, usd: 15 },
  { what: 'output', counts: { output: 1_000_000 }, usd: 75 },
  { what: 'all input read from the cache', counts: { input: 1_000_000, cacheRead: 1_000_000 }, usd: 1.5 },
  { what: 'all input written for five minutes', counts: { input: 1_000_000, cacheWrite: 1_000_000 }, usd: 18.75 },
  { what: 'all input written for an hour', counts: { input: 1_000_000, cacheWrite: 1_000_000, cacheWrite1h: 1_000_000 }, usd: 30 },
  {
    what: 'half for five minutes, half for an hour',
    counts: { input: 1_000_000, cacheWrite: 1_000_000, cacheWrite1h: 500_000 },
    usd: 24.375,
  },
  { what: 'a thousand web searches', counts: { webSearches: 1000 }, usd: 10 },
  { what: 'reasoning, which is output already', counts: { output: 100, reasoning: 100 }, usd: 0.0075 },
  {
    what: 'all of it',
    counts: { input: 1000, cacheRead: 300, cacheWrite: 200, cacheWrite1h: 50, output: 10, webSearches: 1 },
    usd: 0.0075 + 0.00045 + 0.0028125 + 0.0015 + 0.00075 + 0.01,
  },
])('$what', ({ counts, usd }) => {
  expect(costUsd('anthropic', 'claude-opus-4-1', usage(counts), AT_MS)).toBeCloseTo(usd, 12);
});

describe('brackets', () => {
  test.each([
    { input: 199_999, perMillion: 3 },
    { input: 200_000, perMillion: 3 },
    { input: 200_001, perMillion: 6 },
    { input: 900_000, perMillion: 6 },
  ])('of $input input tokens a million costs $perMillion $', ({ input, perMillion }) => {
    expect(costUsd('anthropic', 'claude-sonnet-4-5-20250929', usage({ input }), AT_MS)).toBeCloseTo((input * perMillion) / 1_000_000, 9);
  });

  test('the bracket goes by all input, cached or not, and holds for the output too', () => {
    const long = usage({ input: 250_000, cacheRead: 240_000, output: 1_000_000 });
    expect(costUsd('anthropic', 'claude-sonnet-4-5-20250929', long, AT_MS)).toBeCloseTo(0.06 + 0.144 + 22.5, 9);
  });
});

test.each([
  ['anthropic', 'claude-haiku-5-5'],
  ['anthropic', 'unknown'],
  ['anthropic', ''],
  ['openai', 'claude-opus-4-1'],
  ['nobody', 'some-model'],
])('a model that the list does not know has no cost: %s %s', (provider, model) => {
  expect(costUsd(provider, model, usage({ input: 1000, output: 1000 }), AT_MS)).toBeUndefined();
});

test('the version told is that of the installed list', () => {
  const { version } = JSON.parse(readFileSync('node_modules/@pydantic/genai-prices/package.json', 'utf8'));
  expect(PRICES_VERSION).toBe(version);
});

/** Ours, and how the list calls the provider. */
const MODELS = [
  ['anthropic', 'anthropic', 'claude-opus-5-5'],
  ['anthropic', 'anthropic', 'claude-opus-4-1'],
  ['anthropic', 'anthropic', 'claude-opus-4-7'],
  ['anthropic', 'anthropic', 'claude-sonnet-4-5-20250929'],
  ['anthropic', 'anthropic', 'claude-haiku-4-5-20251001'],
  ['anthropic', 'anthropic', 'claude-3-5-haiku-latest'],
  ['aws.bedrock', 'aws', 'anthropic.claude-opus-4-1-20250805-v1:0'],
  ['gcp.vertex_ai', 'google', 'claude-opus-4-1@20250805'],
  ['gcp.gemini', 'google', 'gemini-2.5-pro'],
  ['openai', 'openai', 'gpt-5'],
  ['openai', 'openai', 'gpt-4o'],
  ['deepseek', 'deepseek', 'deepseek-chat'],
  ['x_ai', 'x-ai', 'grok-4'],
  ['mistral_ai', 'mistral', 'mistral-large-latest'],
] as const;

test.each(MODELS)('%s (%s) %s: any usage costs what the list says', (provider, providerId, model) => {
  const count = fc.oneof(fc.nat(3000), fc.nat(400_000));
  fc.assert(
    fc.property(fc.record({ plain: count, read: count, write: count, hour: count, output: count, searches: fc.nat(5) }), (some) => {
      const counts = usage({
        input: some.plain + some.read + some.write + some.hour,
        cacheRead: some.read,
        cacheWrite: some.write + some.hour,
        cacheWrite1h: some.hour,
        output: some.output,
        webSearches: some.searches,
      });
      const asked = {
        input_tokens: counts.input,
        cache_read_tokens: counts.cacheRead,
        cache_write_tokens: counts.cacheWrite,
        cache_write_1h_tokens: counts.cacheWrite1h,
        output_tokens: counts.output,
        web_searches: counts.webSearches,
      };
      const listed = calcPrice(asked, model, { providerId, timestamp: new Date(AT_MS) })!.total_price;
      expect(costUsd(provider, model, counts, AT_MS)).toBeCloseTo(listed, 9);
    }),
    { numRuns: 60 },
  );
});

describe('a provider that the list does not know', () => {
  const call = (provider: string, model: string, reckoned?: number): ModelCall =>
    ({
      provider,
      model,
      usage: usage({ input: 1_000_000 }),
      startedAtMs: AT_MS,
      ...(reckoned !== undefined && { costUsd: reckoned }),
    }) as ModelCall;

  test.each([
    { provider: 'my-proxy', model: 'gpt-5.1-codex', usd: 1.25 },
    { provider: 'openrouter', model: 'gpt-5.1-codex', usd: 1.25 },
    { provider: 'my-proxy', model: 'openai/gpt-5.1-codex', usd: 1.25 },
    { provider: 'my-proxy', model: 'o3', usd: 2 },
    { provider: 'corp', model: 'claude-opus-4-1', usd: 15 },
  ])('$provider, $model: its vendor takes $usd $ a million', ({ provider, model, usd }) => {
    expect(priceOf(call(provider, model))).toEqual({ usd: expect.closeTo(usd, 9), by: 'list' });
  });

  test.each([
    { provider: 'my-proxy', model: 'gpt-oss:120b' },
    { provider: 'my-proxy', model: 'qwen3:30b' },
    { provider: 'my-proxy', model: 'gpt-5.1-codex-of-our-own' },
    { provider: 'my-proxy', model: 'opus' },
    { provider: 'ollama', model: 'gpt-5.1-codex' },
    { provider: 'lmstudio', model: 'gpt-4o' },
  ])('$provider, $model: nobody knows', ({ provider, model }) => {
    expect(callCostUsd(call(provider, model))).toBeUndefined();
  });

  test('what the harness reckons goes first', () => {
    expect(priceOf(call('my-proxy', 'gpt-5.1-codex', 0.5))).toEqual({ usd: 0.5, by: 'harness' });
    expect(priceOf(call('openai', 'gpt-5.1-codex', 0.5))).toMatchObject({ by: 'list' });
  });
});
