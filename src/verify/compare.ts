/**
 * Is what the spans tell what the raw lines tell? Pure.
 *
 * in:   a `Recount` of the raw lines, the spans of the same session, what destinations have acknowledged
 * out:  `VerifyReport`: the counts of both, and a difference for whatever is not the same, by id
 *
 *   spans.ts     the spans' side, read off their attributes
 *   declared.ts  the harness's own account
 *   accounts.ts  what is only known of a session as a whole
 *   delivery.ts  the ledger
 *   here         the lines against the spans
 */
import { grouped } from '../grouped.ts';
import type { Counted, CountedAgent, CountedResponse, Recount, Tokens } from '../harness/recount.ts';
import type { Span } from '../trace/span.ts';
import { compareAccounts } from './accounts.ts';
import { compareDeclared } from './declared.ts';
import { compareDelivery } from './delivery.ts';
import type { Acknowledged, Difference, Note, Row, VerifyReport } from './report.ts';
import { type BuiltAgent, type BuiltResponse, builtOf, TOKEN_ROWS } from './spans.ts';

export function compare(recount: Recount, spans: readonly Span[], acknowledged: readonly Acknowledged[] = []): VerifyReport {
  const built = builtOf(spans);
  const declared = recount.declared === undefined ? undefined : compareDeclared(recount.declared, built.responses);
  const accounts = compareAccounts(recount.accounts ?? [], built.accounts);
  const deliveries = acknowledged.map((known) => compareDelivery(known, spans));
  return {
    rows: [
      row('responses', recount.responses, built.responses),
      row('tool calls', recount.toolCalls, built.toolCalls),
      row('sub-agents', recount.agents, built.agents),
      ...tokenRows(recount.responses, built.responses),
      ...accounts.rows,
    ],
    ...(declared !== undefined && { declared: declared.report }),
    destinations: deliveries.map(({ report }) => report),
    differences: [
      ...compareResponses(recount, built.responses),
      ...compareEach('tool-call', 'tool call', recount.toolCalls, built.toolCalls, ({ id }) => [id]),
      ...compareAgents(recount.agents, built.agents),
      ...accounts.differences,
      ...(declared?.differences ?? []),
      ...deliveries.flatMap(({ differences }) => differences),
    ],
    notes: notesOf(recount),
  };
}

const row = (what: Row['what'], raw: readonly unknown[], built: readonly unknown[]): Row => ({
  what,
  raw: raw.length,
  built: built.length,
  difference: built.length - raw.length,
});

function tokenRows(raw: readonly CountedResponse[], built: readonly BuiltResponse[]): Row[] {
  const models = [...new Set([...raw, ...built].map(({ model }) => model))];
  const total = (all: readonly { readonly model: string; readonly tokens?: Tokens }[], model: string, counter: keyof Tokens): number =>
    all.reduce((sum, response) => sum + (response.model === model ? (response.tokens?.[counter] ?? 0) : 0), 0);
  return models.flatMap((model) =>
    TOKEN_ROWS.map(([what, counter]): Row => {
      const [inLines, inSpans] = [total(raw, model, counter), total(built, model, counter)];
      return { what, model, raw: inLines, built: inSpans, difference: inSpans - inLines };
    }),
  );
}

function compareResponses({ responses, agents }: Recount, built: readonly BuiltResponse[]): Difference[] {
  const sameAgent = new Map(agents.flatMap(({ ids }) => ids.map((id) => [id, ids] as const)));
  const inSpans = grouped(built, ({ id }) => id);
  return [
    ...compareEach('response', 'response', responses, built, ({ id }) => [id]),
    ...responses.flatMap((response) => {
      const [chat, ...more] = inSpans.get(response.id) ?? [];
      return chat === undefined || more.length > 0 ? [] : compareResponse(response, chat, sameAgent);
    }),
  ];
}

function compareResponse(response: CountedResponse, chat: BuiltResponse, sameAgent: ReadonlyMap<string, readonly string[]>): Difference[] {
  const { id, places } = response;
  const at = { id, places, spans: [chat.spanId] };
  const holders = response.agents.flatMap((agent) => sameAgent.get(agent) ?? [agent]);
  const isAtHome = chat.agentId === undefined ? holders.length === 0 : holders.includes(chat.agentId);
  return [
    ...differentTokens(response, chat),
    ...(chat.model === response.model
      ? []
      : [{ ...at, kind: 'response-model' as const, says: `The lines say it is of ${response.model}, its span says of ${chat.model}.` }]),
    ...(isAtHome
      ? []
      : [
          {
            ...at,
            kind: 'response-elsewhere' as const,
            says: `It stands in the file of ${agentName(holders[0])}, and its span is one of ${agentName(chat.agentId)}.`,
          },
        ]),
  ];
}

const agentName = (id: string | undefined): string => (id === undefined ? 'the main agent' : `agent ${id}`);

function differentTokens({ id, places, tokens: raw }: CountedResponse, { spanId, tokens: built }: BuiltResponse): Difference[] {
  const at = { kind: 'response-tokens' as const, id, places, spans: [spanId] };
  if (raw === undefined && built === undefined) return [];
  if (raw === undefined) return [{ ...at, ...(built && { built }), says: 'Its span counts tokens, and no line does.' }];
  if (built === undefined) return [{ ...at, raw, says: 'Its lines count tokens, and its span does not.' }];
  const wrong = TOKEN_ROWS.filter(([, counter]) => raw[counter] !== built[counter]);
  if (wrong.length === 0) return [];
  const counts = wrong.map(([what, counter]) => `${raw[counter]} ${what} in its lines and ${built[counter]} in its span`);
  return [{ ...at, raw, built, says: `It has ${counts.join(', ')}.` }];
}

function compareAgents(agents: readonly CountedAgent[], built: readonly BuiltAgent[]): Difference[] {
  const inSpans = grouped(built, ({ id }) => id);
  return [
    ...compareEach('agent', 'sub-agent', agents, built, ({ ids }) => ids),
    ...agents.flatMap(({ id, ids, places, startedBy }): Difference[] => {
      const [span, ...more] = ids.flatMap((each) => inSpans.get(each) ?? []);
      if (span === undefined || more.length > 0 || startedBy.length === 0 || startedBy.includes(span.callId ?? '')) return [];
      const where = span.callId === undefined ? 'under no call' : `as that of the call ${span.callId}`;
      const says = `The lines say that the call ${startedBy.join(' or ')} started it, and its span stands ${where}.`;
      return [{ kind: 'agent-elsewhere', id, places, spans: [span.spanId], says }];
    }),
  ];
}

interface Built {
  readonly id: string;
  readonly spanId: string;
}

/** Each thing counted is to be one span, and each span one thing counted. */
function compareEach<C extends Counted>(
  kind: 'response' | 'tool-call' | 'agent',
  noun: string,
  counted: readonly C[],
  built: readonly Built[],
  idsOf: (item: C) => readonly string[],
): Difference[] {
  const inSpans = grouped(built, ({ id }) => id);
  const known = new Set(counted.flatMap(idsOf));
  const unknown = [...inSpans].filter(([id]) => !known.has(id));
  // Several may have one id: then there are to be as many spans.
  const sameIds = [...grouped(counted, (item) => idsOf(item).join(' ')).values()];
  return [
    ...sameIds.flatMap((same): Difference[] => {
      const [{ id }, ids] = [same[0]!, idsOf(same[0]!)];
      const spans = ids.flatMap((each) => (inSpans.get(each) ?? []).map(({ spanId }) => spanId));
      if (spans.length === same.length) return [];
      const at = { id, places: same.flatMap(({ places }) => places), spans };
      if (spans.length > same.length)
        return [
          { ...at, kind: `${kind}-twice`, says: `${spans.length} spans tell of this ${noun}, which happened ${times(same.length)}.` },
        ];
      const says = spans.length === 0 ? 'no span does' : `only ${spans.length} of ${same.length} spans do`;
      return [{ ...at, kind: `${kind}-missing`, says: `The lines tell of this ${noun}, and ${says}.` }];
    }),
    ...unknown.map(
      ([id, spans]): Difference => ({
        kind: `${kind}-unknown`,
        id,
        places: [],
        spans: spans.map(({ spanId }) => spanId),
        says: `A span tells of this ${noun}, and no line does.`,
      }),
    ),
  ];
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

function notesOf({ unusable, missing }: Recount): Note[] {
  const why = grouped(unusable, (line) => line.why);
  return [
    ...[...why].map(([reason, lines]) => ({
      places: lines.map(({ place }) => place),
      says: `${lines.length === 1 ? 'This' : 'These'} can't be counted: ${reason}.`,
    })),
    ...missing.map(({ id, places }) => ({ places, says: `The file of agent ${id} is gone: what it did is not counted.` })),
  ];
}
