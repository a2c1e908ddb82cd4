/**
 * Tokens, against what the model server was scripted to say: input, of it cached, output, of it reasoning, a response each.
 * Each counts once, however many files and lines repeat it.
 */
import { describe, expect, test } from 'vitest';
import { builtStory, CODEX_STORIES } from '../../support/codex.ts';

type Served = readonly [input: number, cached: number, output: number, reasoning: number];

const TOOLS: readonly Served[] = [
  [2000, 1500, 120, 40],
  [2400, 2000, 90, 20],
  [2500, 2400, 80, 0],
  [2600, 2500, 30, 0],
  [2700, 2600, 25, 0],
  [2800, 2700, 25, 0],
  [2900, 2800, 20, 5],
];
const OLD: readonly Served[] = [
  [2000, 1500, 120, 40],
  [2400, 2000, 90, 20],
  [2900, 2800, 20, 5],
];
const PLAIN: Served = [1200, 1000, 60, 30];
const SUMMARY: Served = [900, 100, 40, 5];
const TWO: readonly Served[] = [
  [1000, 0, 10, 0],
  [1100, 1000, 10, 0],
];
const INTERRUPTED: Served = [1000, 0, 10, 0];

/** What a response was that ended too soon to be counted, the server never told. */
const UNCOUNTED: Readonly<Record<string, number>> = { '0.169-sigkill': 1, '0.20.0-tools': 3 };

const SERVED: Readonly<Record<string, readonly Served[]>> = {
  '0.128.0-legacy-fork-rollback': [...TWO, ...TWO, ...TWO],
  '0.128.0-legacy-subagent-fork': [
    [2500, 0, 30, 0],
    [3000, 2000, 50, 10],
    [3100, 3000, 40, 0],
    [3300, 3200, 20, 0],
    [800, 0, 20, 0],
    [900, 800, 20, 0],
  ],
  '0.128.0-tools': OLD,
  '0.169-appserver': [...TWO, ...TWO, INTERRUPTED, SUMMARY, SUMMARY, ...TWO, PLAIN],
  '0.169-auto-compaction': [[3000, 0, 20, 0], [30000, 2000, 20, 0], SUMMARY, [1500, 0, 20, 0]],
  '0.169-code-mode': [
    [5000, 4000, 100, 10],
    [5100, 5000, 100, 10],
    [5200, 5100, 100, 10],
    [5300, 5200, 20, 0],
  ],
  '0.169-context-overflow': [[1000, 0, 10, 0]],
  '0.169-fatal': [],
  '0.169-interrupted-sigint': [INTERRUPTED],
  '0.169-mcp': [
    [1500, 500, 40, 0],
    [1600, 1500, 40, 0],
    [1700, 1600, 20, 0],
  ],
  '0.169-plain': [PLAIN],
  '0.169-resume-fork': [...TWO, [1300, 1100, 12, 0], [1400, 1100, 13, 0]],
  '0.169-sigkill': [],
  '0.169-subagents-v1': [
    [3000, 2000, 50, 10],
    [3100, 3000, 40, 0],
    [3200, 3100, 30, 0],
    [3300, 3200, 20, 0],
    [800, 0, 20, 0],
    [850, 0, 21, 0],
    [950, 800, 22, 0],
  ],
  '0.169-subagents-v2': [
    [3000, 2000, 50, 10],
    [3100, 3000, 40, 0],
    [3150, 3100, 40, 0],
    [3200, 3100, 30, 0],
    [3250, 3200, 40, 0],
    [3300, 3200, 20, 0],
    [800, 0, 20, 0],
    [850, 0, 20, 0],
    [860, 0, 20, 0],
    [900, 800, 20, 0],
    [500, 0, 5, 0],
    [700, 0, 7, 0],
    [950, 900, 8, 0],
  ],
  '0.169-tools-direct': TOOLS,
  '0.169-zst': [PLAIN],
  '0.20.0-tools': [],
  '0.44.0-tools': OLD,
  '0.98.0-tools': OLD,
};

describe.each(CODEX_STORIES)('%s', (story) => {
  const chats = builtStory(story).filter(({ attributes }) => attributes['gen_ai.operation.name'] === 'chat');
  const counted = chats.filter(({ attributes }) => attributes['gen_ai.usage.input_tokens'] !== undefined);

  test('each response has what was served', () => {
    const told = counted.map(({ attributes }) => [
      attributes['gen_ai.usage.input_tokens'],
      attributes['gen_ai.usage.cache_read.input_tokens'],
      attributes['gen_ai.usage.output_tokens'],
      attributes['gen_ai.usage.reasoning.output_tokens'],
    ]);
    const sorted = (responses: readonly unknown[]): string[] => responses.map((response) => JSON.stringify(response)).toSorted();
    expect(sorted(told)).toEqual(sorted(SERVED[story]!));
    expect(chats.length - counted.length).toBe(UNCOUNTED[story] ?? 0);
  });

  test('agents sum their own, and nobody counts twice', () => {
    const sums = (operation: string): number =>
      builtStory(story)
        .filter(({ attributes }) => attributes['gen_ai.operation.name'] === operation)
        .reduce((sum, { attributes }) => sum + Number(attributes['gen_ai.usage.input_tokens'] ?? 0), 0);
    expect(sums('invoke_agent')).toBe(sums('chat'));
    expect(sums('chat')).toBe(SERVED[story]!.reduce((sum, [input]) => sum + input, 0));
  });
});
