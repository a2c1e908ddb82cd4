/** One token, one call, one agent, one response more or less in the build: the report names it, with its lines. */
import { describe, expect, test } from 'vitest';
import { buildTrace } from '../../src/index.ts';
import type { Span } from '../../src/trace/span.ts';
import { compare } from '../../src/verify/compare.ts';
import type { DifferenceKind } from '../../src/verify/report.ts';
import { randomFrom } from '../support/random.ts';
import { loadStory, type PlainTranscript, refsOf, STORIES, transcriptOf } from '../support/stories.ts';

const MUTATIONS_A_SESSION = 3;
const COUNTERS = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.cache_creation.input_tokens',
] as const;

const isChat = (span: Span): boolean => span.attributes['gen_ai.operation.name'] === 'chat';
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
  /** The attribute that names it. */
  readonly id: string;
}

const token = (by: number, span: Span, random: () => number): Span['attributes'] => {
  const counter = COUNTERS[Math.floor(random() * COUNTERS.length)]!;
  return { [counter]: Number(span.attributes[counter] ?? 0) + by };
};
const RESPONSE = 'gen_ai.response.id';
const CALL = 'gen_ai.tool.call.id';
const AGENT = 'gen_ai.agent.id';

const MUTATIONS: readonly Mutation[] = [
  {
    what: 'a token less',
    of: isChat,
    mutate: (all, span, random) => changed(all, span, token(-1, span, random)),
    kind: 'response-tokens',
    id: RESPONSE,
  },
  {
    what: 'a token more',
    of: isChat,
    mutate: (all, span, random) => changed(all, span, token(1, span, random)),
    kind: 'response-tokens',
    id: RESPONSE,
  },
  { what: 'a response less', of: isChat, mutate: without, kind: 'response-missing', id: RESPONSE },
  { what: 'a response twice', of: isChat, mutate: twice, kind: 'response-twice', id: RESPONSE },
  {
    what: 'another model',
    of: isChat,
    mutate: (all, span) => changed(all, span, { 'gen_ai.response.model': 'other' }),
    kind: 'response-model',
    id: RESPONSE,
  },
  {
    what: 'a response of another agent',
    of: isChat,
    mutate: (all, span) => changed(all, span, { [AGENT]: 'other' }),
    kind: 'response-elsewhere',
    id: RESPONSE,
  },
  { what: 'a tool call less', of: isCall, mutate: without, kind: 'tool-call-missing', id: CALL },
  { what: 'a tool call twice', of: isCall, mutate: twice, kind: 'tool-call-twice', id: CALL },
  { what: 'a sub-agent less', of: isAgent, mutate: without, kind: 'agent-missing', id: AGENT },
  { what: 'a sub-agent twice', of: isAgent, mutate: twice, kind: 'agent-twice', id: AGENT },
];

describe.each(MUTATIONS)('$what', ({ of, mutate, kind, id }) => {
  test.each(STORIES)('%s', (name) => {
    const random = randomFrom(42);
    for (const { ref, traced } of loadStory(name).sessions) {
      const recount = ref.harness.recount(transcriptOf(ref));
      const places = new Map(
        [
          ...recount.responses,
          ...recount.toolCalls,
          ...recount.agents.flatMap((agent) => agent.ids.map((one) => ({ ...agent, id: one }))),
        ].map((counted) => [counted.id, counted.places] as const),
      );
      const candidates = traced.spans.filter(of);
      for (let n = 0; n < Math.min(MUTATIONS_A_SESSION, candidates.length); n++) {
        const span = candidates[Math.floor(random() * candidates.length)]!;
        const nativeId = String(span.attributes[id]);
        const { differences, rows } = compare(recount, mutate(traced.spans, span, random));
        const found = differences.filter((difference) => difference.kind === kind);
        expect(found.length, `${ref.sessionId} ${nativeId}`).toBe(1);
        expect(found[0]!.places).toEqual(places.get(nativeId));
        expect(found[0]!.places.length).toBeGreaterThan(0);
        if (!['response-elsewhere', 'response-model'].includes(kind)) expect(rows.some(({ difference }) => difference !== 0)).toBe(true);
        // An agent may have several transcripts, and its span the id of any.
        if (id !== AGENT) expect(found[0]!.id).toBe(nativeId);
      }
    }
  });
});

test.each(STORIES)('%s: an agent under another call, and calls and responses that no line tells of', (name) => {
  for (const { ref, traced } of loadStory(name).sessions) {
    const recount = ref.harness.recount(transcriptOf(ref));
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
      expect(kindsOf(recount, changed(traced.spans, chat, { [RESPONSE]: 'msg_other' })).slice(0, 2)).toEqual([
        'response-missing',
        'response-unknown',
      ]);
  }
});

const kindsOf = (recount: Parameters<typeof compare>[0], spans: readonly Span[]): DifferenceKind[] =>
  compare(recount, spans).differences.map(({ kind }) => kind);

test.each(STORIES)('%s: a line that the build did not get', (name) => {
  const random = randomFrom(11);
  for (const ref of refsOf(name)) {
    const whole = transcriptOf(ref);
    const recount = ref.harness.recount(whole);
    for (let n = 0; n < MUTATIONS_A_SESSION; n++) {
      // What stands on one line alone is lost with it.
      const alone = [...recount.responses, ...recount.toolCalls].filter(({ places }) => places.length === 1);
      const lost = alone[Math.floor(random() * alone.length)];
      if (lost === undefined) continue;
      const { differences } = compare(recount, buildTrace(withoutLine(whole, lost.places[0]!)).spans);
      const found = differences.filter(({ id, kind }) => id === lost.id && kind.endsWith('-missing'));
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
