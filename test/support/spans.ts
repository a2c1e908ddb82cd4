/**
 * Hand-made spans for tests of what lies behind the trace: no transcript, no build.
 *
 * out:  Span; ids are made from a number, so that they are readable in a failing test
 */
import type { Resource, Span } from '../../src/trace/span.ts';

/** An odd ms, so that a rounding on the way to ns shows: 1763675000123 × 1e6 is no exact float. */
const START_MS = 1_763_675_000_123;

const RESOURCE: Resource = { attributes: { 'service.name': 'claude-code', 'service.version': '2.1.329' } };
const OTHER_RESOURCE: Resource = { attributes: { 'service.name': 'claude-code', 'vcs.repository.name': 'trace-build' } };

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0');

export function span(n: number, own: Partial<Span> = {}): Span {
  return {
    traceId: hex(1, 32),
    spanId: hex(n + 1, 16),
    name: `execute_tool Tool${n}`,
    kind: 'internal',
    startMs: START_MS + n,
    endMs: START_MS + n + 1,
    status: { kind: 'unset' },
    attributes: { 'gen_ai.tool.name': `Tool${n}` },
    events: [],
    links: [],
    resource: RESOURCE,
    open: false,
    ...own,
  };
}

export const spansNumbered = (count: number, own: Partial<Span> = {}): Span[] => Array.from({ length: count }, (_, n) => span(n, own));

/** Every feature a span can have, over two traces and two resources. */
export const FEATURES: readonly Span[] = [
  span(0, {
    name: 'invoke_agent claude-code',
    endMs: START_MS + 7_654_321,
    attributes: {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.usage.input_tokens': 9_007_199_254_740_991,
      'trace_build.cost.usd': 0.123456789,
      'trace_build.turn.is_first': true,
      'trace_build.turn.is_last': false,
      'gen_ai.response.finish_reasons': ['end_turn', 'tool_use'],
      'trace_build.empty_list': [],
      'trace_build.empty_text': '',
      'trace_build.text': 'zwölf Boxkämpfer 🥊 "quoted"\n\u0000 end',
      'trace_build.negative': -1,
    },
    events: [
      { name: 'trace_build.compaction', timeMs: START_MS + 999, attributes: { 'trace_build.tokens.before': 155_000 } },
      { name: 'trace_build.interrupt', timeMs: START_MS + 1001, attributes: {} },
    ],
    links: [
      { traceId: hex(99, 32), spanId: hex(98, 16), attributes: { 'trace_build.link': 'previous_turn' } },
      { traceId: hex(97, 32), spanId: hex(96, 16), attributes: {} },
    ],
  }),
  span(1, { name: 'chat claude-opus-4', kind: 'client', parentSpanId: hex(1, 16), startMs: 1_763_675_999_999, endMs: 1_763_675_999_999 }),
  span(2, { parentSpanId: hex(1, 16), status: { kind: 'error', message: 'tool_error' }, attributes: { 'error.type': 'tool_error' } }),
  span(3, {
    traceId: hex(2, 32),
    name: 'invoke_agent claude-code',
    resource: OTHER_RESOURCE,
    startMs: 1_000_000_000_001,
    endMs: 1_000_000_000_009,
  }),
  span(4, { traceId: hex(2, 32), parentSpanId: hex(4, 16), resource: OTHER_RESOURCE }),
];
