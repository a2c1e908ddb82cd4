/** One token, one call, one agent, one response more or less in the build: the report names it, with its lines. Of every harness. */
import { describe, expect, test } from 'vitest';
import type { Counted, Recount } from '../../src/harness/recount.ts';
import { buildTrace } from '../../src/index.ts';
import type { SessionRef } from '../../src/read/find.ts';
import type { Span } from '../../src/trace/span.ts';
import { compare } from '../../src/verify/compare.ts';
import type { DifferenceKind } from '../../src/verify/report.ts';
import { randomFrom } from '../support/random.ts';
import { ALL_STORIES, loadStory, type PlainTranscript, refsOf, STORIES, transcriptOf } from '../support/stories.ts';

const MUTATIONS_A_SESSION = 3;
const COUNTERS = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.cache_creation.input_tokens',
] as const;

const isChat = (span: Span): boolean => span.attributes['gen_ai.operation.name'] === 'chat';
const tellsTokens = (span: Span): boolean => span.attributes['gen_ai.usage.input_tokens'] !== undefined;
const isAccount = (span: Span): boolean => span.attributes['trace_build.usage.scope'] === 'session' && tellsTokens(span);
const isCall = (span: Span): boolean => span.attributes['gen_ai.tool.call.id'] !== undefined;
const isAgent = (span: Span): boolean =>
  span.attributes['gen_ai.operation.name'] === 'invoke_agent' && span.attributes['gen_ai.agent.id'] !== undefined;

const without = (spans: readonly Span[], gone: Span): Span[] => spans.filter((span) => span !== gone);
const twice = (spans: readonly Span[], span: Span): Span[] => [...spans, span];
const changed = (spans: readonly Span[], changing: Span, own: Span['attributes']): Span[] =>
  spans.map((span) => (span === changing ? { ...span, attributes: { ...span.attributes, ...own } } : span));

interface Mutation {
  readonly what: string;
  readonly of: (span: Span) => boolean;
  readonly mutate: (spans: readonly Span[], span: Span, random: () => number) => readonly Span[];
  readonly kind: DifferenceKind;
  readonly idOf: (span: Span) => string;
}

const token = (by: number, span: Span, random: () => number): Span['attributes'] => {
  const counter = COUNTERS[Math.floor(random() * COUNTERS.length)]!;
  return { [counter]: Number(span.attributes[counter] ?? 0) + by };
};
const CALL = 'gen_ai.tool.call.id';
const AGENT = 'gen_ai.agent.id';
const attributeOf =
  (name: string) =>
  ({ attributes }: Span): string =>
    String(attributes[name]);
const callId = attributeOf(CALL);
const agentId = attributeOf(AGENT);
/** Not every harness keeps the provider's. */
const responseId = ({ attributes }: Span): string => String(attributes['trace_build.model_call.id'] ?? attributes['gen_ai.response.id']);
const accountId = ({ attributes }: Span): string => String(attributes[AGENT] ?? 'session');

const MUTATIONS: readonly Mutation[] = [
  {
    what: 'a token less',
    of: (span) => isChat(span) && tellsTokens(span),
    mutate: (all, span, random) => changed(all, span, token(-1, span, random)),
    kind: 'response-tokens',
    idOf: responseId,
  },
  {
    what: 'a token more',
    of: (span) => isChat(span) && tellsTokens(span),
    mutate: (all, span, random) => changed(all, span, token(1, span, random)),
    kind: 'response-tokens',
    idOf: responseId,
  },
  {
    what: 'tokens that no line tells of',
    of: (span) => isChat(span) && !tellsTokens(span),
    mutate: (all, span) => changed(all, span, { 'gen_ai.usage.input_tokens': 1 }),
    kind: 'response-tokens',
    idOf: responseId,
  },
  {
    what: 'a token of a whole session less',
    of: isAccount,
    mutate: (all, span, random) => changed(all, span, token(-1, span, random)),
    kind: 'session-tokens',
    idOf: accountId,
  },
  { what: 'a response less', of: isChat, mutate: without, kind: 'response-missing', idOf: responseId },
  { what: 'a response twice', of: isChat, mutate: twice, kind: 'response-twice', idOf: responseId },
  {
    what: 'another model',
    of: isChat,
    mutate: (all, span) => changed(all, span, { 'gen_ai.response.model': 'other' }),
    kind: 'response-model',
    idOf: responseId,
  },
  {
    what: 'a response of another agent',
    of: isChat,
    mutate: (all, span) => changed(all, span, { [AGENT]: 'other' }),
    kind: 'response-elsewhere',
    idOf: responseId,
  },
  { what: 'a tool call less', of: isCall, mutate: without, kind: 'tool-call-missing', idOf: callId },
  { what: 'a tool call twice', of: isCall, mutate: twice, kind: 'tool-call-twice', idOf: callId },
  { what: 'a sub-agent less', of: isAgent, mutate: without, kind: 'agent-missing', idOf: agentId },
  { what: 'a sub-agent twice', of: isAgent, mutate: twice, kind: 'agent-twice', idOf: agentId },
];

const recounts = new Map<SessionRef, Recount>();
function recountOf(ref: SessionRef): Recount {
  const known = recounts.get(ref) ?? ref.harness.recount(transcriptOf(ref));
  recounts.set(ref, known);
  return known;
}

/** A response may be called as its tool call is. */
function countedAs(kind: DifferenceKind, { responses, toolCalls, agents, accounts = [] }: Recount): readonly Counted[] {
  if (kind.startsWith('response-')) return responses;
  if (kind.startsWith('tool-call-')) return toolCalls;
  if (kind.startsWith('agent-')) return agents.flatMap((agent) => agent.ids.map((id) => ({ ...agent, id })));
  return accounts.map(({ agentId: id = 'session', place }) => ({ id, places: [place] }));
}

const mutated = new Set<string>();

describe.each(MUTATIONS)('$what', ({ what, of, mutate, kind, idOf }) => {
  test.each(ALL_STORIES)('%s', (name) => {
    const random = randomFrom(42);
    for (const { ref, traced } of loadStory(name).sessions) {
      const recount = recountOf(ref);
      const places = new Map(countedAs(kind, recount).map((counted) => [counted.id, counted.places] as const));
      const candidates = traced.spans.filter(of);
      for (let n = 0; n < Math.min(MUTATIONS_A_SESSION, candidates.length); n++) {
        const span = candidates[Math.floor(random() * candidates.length)]!;
        const nativeId = idOf(span);
        mutated.add(`${ref.harness.name} ${what}`);
        const { differences, rows } = compare(recount, mutate(traced.spans, span, random));
        const found = differences.filter((difference) => difference.kind === kind);
        expect(found.length, `${ref.sessionId} ${nativeId}`).toBe(1);
        expect(found[0]!.places).toEqual(places.get(nativeId));
        expect(found[0]!.places.length).toBeGreaterThan(0);
        if (!['response-elsewhere', 'response-model'].includes(kind)) expect(rows.some(({ difference }) => difference !== 0)).toBe(true);
        // An agent may have several transcripts, and its span the id of any.
        if (!kind.startsWith('agent-')) expect(found[0]!.id).toBe(nativeId);
      }
    }
  });
});

test.each(ALL_STORIES)('%s: an agent under another call, and calls and responses that no line tells of', (name) => {
  for (const { ref, traced } of loadStory(name).sessions) {
    const recount = recountOf(ref);
    const named = new Map(
      recount.agents.flatMap(({ ids, startedBy }) => (startedBy.length > 0 ? ids.map((id) => [id, startedBy] as const) : [])),
    );
    const agent = traced.spans.find((span) => isAgent(span) && named.has(String(span.attributes[AGENT])));
    if (agent !== undefined)
      expect(kindsOf(recount, changed(traced.spans, agent, { [CALL]: 'toolu_other' })).toSorted()).toEqual([
        'agent-elsewhere',
        'tool-call-missing',
        'tool-call-unknown',
      ]);
    const chat = traced.spans.find(isChat);
    if (chat !== undefined)
      expect(kindsOf(recount, changed(traced.spans, chat, { 'trace_build.model_call.id': 'msg_other' })).slice(0, 2)).toEqual([
        'response-missing',
        'response-unknown',
      ]);
  }
});

test('each kind was looked for in every harness whose stories have it', () => {
  const counts: Record<string, number> = {};
  for (const name of mutated.keys()) counts[name.split(' ')[0]!] = (counts[name.split(' ')[0]!] ?? 0) + 1;
  // Only Hermes keeps tokens of whole sessions, and few others have calls without any; pi has no agents.
  expect(counts).toEqual({ 'claude-code': 10, codex: 11, openclaw: 10, hermes: 12, pi: 8 });
});

const kindsOf = (recount: Parameters<typeof compare>[0], spans: readonly Span[]): DifferenceKind[] =>
  compare(recount, spans).differences.map(({ kind }) => kind);

test.each(ALL_STORIES)('%s: a line that the build did not get', (name) => {
  const random = randomFrom(11);
  for (const ref of refsOf(name)) {
    const whole = transcriptOf(ref);
    const recount = ref.harness.recount(whole);
    // What stands on one line alone is lost with it. But for Claude Code, a result is enough to know of a call.
    const lines = STORIES.includes(name) ? [] : [whole.main, ...whole.agents].flatMap((file) => file.lines);
    const alone = [
      ...recount.responses.map((response) => ({ ...response, kind: 'response-missing' })),
      ...recount.toolCalls.map((call) => ({ ...call, kind: 'tool-call-missing' })),
    ].filter(({ id, places }) => places.length === 1 && lines.filter((line) => line.includes(id)).length < 2);
    for (let n = 0; n < MUTATIONS_A_SESSION; n++) {
      const lost = alone[Math.floor(random() * alone.length)];
      if (lost === undefined) continue;
      const { differences } = compare(recount, buildTrace(withoutLine(whole, lost.places[0]!)).spans);
      const found = differences.filter(({ id, kind }) => id === lost.id && kind === lost.kind);
      expect(
        found.map(({ places }) => places),
        `${ref.sessionId} ${lost.id}`,
      ).toEqual([lost.places]);
    }
  }
});

/** The line stays, and is empty: the others keep their numbers. */
function withoutLine(transcript: PlainTranscript, { file, line }: { readonly file: string; readonly line: number }): PlainTranscript {
  const cut = <F extends PlainTranscript['main']>(one: F): F =>
    one.name === file ? { ...one, lines: one.lines.map((text, at) => (at === line - 1 ? '' : text)) } : one;
  return { ...transcript, main: cut(transcript.main), agents: transcript.agents.map(cut) };
}
