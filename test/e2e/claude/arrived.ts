/**
 * What has to be at the collector, and what is there.
 *
 * in:   a world whose sessions have ended
 * out:  a failing test, or none; `differences`
 *
 * Two truths: the final spans that `buildTrace` makes of the transcripts now on disk, and what the model server says it
 * served. The one tells whether delivery lost, doubled or changed anything; the other does not know this project's code.
 */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { harnesses } from '../../../src/harness/index.ts';
import { traceSessions } from '../../../src/pipeline.ts';
import { findSessions } from '../../../src/read/find.ts';
import type { Span } from '../../../src/trace/span.ts';
import { asReceived, type ReceivedSpan } from '../../support/otlp.ts';
import { nobodyIsLeft } from './processes.ts';
import { jobsOf, stateOf, type World } from './world.ts';

/** Fails where anything but every final span, once, is at the collector; says what the plugin left. */
export async function expectAllArrived(world: World): Promise<void> {
  expect(await differences(world), stateOf(world)).toEqual(NONE);
  expect(servedDifferences(world), stateOf(world)).toEqual({ untold: [], wrong: [] });
}

/** Where sessions lie, and where their spans go. */
export type Arrivals = Pick<World, 'folder' | 'home' | 'collector'>;

/** The same of any harness, without the model's part. @param sessions  the folder they lie in */
export async function expectEachOnce(world: Arrivals, sessions: string): Promise<void> {
  expect(await differences(world, sessions), stateOf(world)).toEqual(NONE);
}

interface Differences {
  /** Final spans that did not arrive. */
  readonly missing: readonly string[];
  /** Spans that arrived more than once. */
  readonly repeated: readonly string[];
  /** Spans that arrived, and that nothing on disk tells of. */
  readonly unexpected: readonly string[];
  /** Spans that arrived otherwise than they are built now, with what differs. */
  readonly changed: readonly string[];
  /** Jobs in the queue, with nobody left to do them. */
  readonly jobs: readonly string[];
}

const NONE: Differences = { missing: [], repeated: [], unexpected: [], changed: [], jobs: [] };

/** Once nothing of this world runs any more: no agent, no hook, no worker. */
export async function differences(world: Arrivals, sessions = join(world.home, '.claude', 'projects')): Promise<Differences> {
  await nobodyIsLeft(world.folder, () => stateOf(world));
  const built = new Map(finalSpans(world, sessions).map((span) => [keyOf(span), span]));
  const arrived = new Map<string, ReceivedSpan[]>();
  for (const span of world.collector.taken) arrived.set(keyOf(span), [...(arrived.get(keyOf(span)) ?? []), span]);
  return {
    missing: [...built].filter(([key]) => !arrived.has(key)).map(([, span]) => described(span)),
    repeated: [...arrived.values()].filter((spans) => spans.length > 1).map((spans) => `${spans.length} × ${described(spans[0]!)}`),
    unexpected: [...arrived].filter(([key]) => !built.has(key)).map(([, spans]) => described(spans[0]!)),
    changed: [...built].flatMap(([key, span]) =>
      (arrived.get(key) ?? [])
        .flatMap((received) => changes(flat(asReceived(span, received.scope)), flat(received)))
        .map((change) => `${described(span)}: ${change}`),
    ),
    jobs: jobsOf(world),
  };
}

interface ServedDifferences {
  /** Answers that no chat span tells of. */
  readonly untold: readonly string[];
  /** Chat spans with other tokens than were served, or of another agent. */
  readonly wrong: readonly string[];
}

/** Every answer the model gave in full is a chat span with its tokens, of the agent it was given to. */
function servedDifferences({ model, collector }: World): ServedDifferences {
  const chats = new Map(collector.taken.map((span) => [span.attributes['gen_ai.response.id'], span]));
  const scripted = model.served.filter(({ script, wholeAtMs }) => script !== undefined && wholeAtMs !== undefined);
  return {
    untold: scripted
      .filter(({ responseId }) => !chats.has(responseId))
      .map(({ responseId, script, step }) => `${responseId} ${script} ${step}`),
    wrong: scripted.flatMap(({ responseId, usage, agentId }) => {
      const attributes = chats.get(responseId)?.attributes;
      if (attributes === undefined) return [];
      const told = [attributes['gen_ai.usage.input_tokens'], attributes['gen_ai.usage.output_tokens'], attributes['gen_ai.agent.id']];
      const input = usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens;
      return isDeepStrictEqual(told, [input, usage.output_tokens, agentId]) ? [] : [`${responseId}: ${told.join(' ')}`];
    }),
  };
}

function finalSpans({ home }: Arrivals, sessions: string): readonly Span[] {
  const refs = findSessions(sessions, { env: {}, home, harnesses });
  return [...traceSessions(refs, {}, () => ({ ended: true }))].flatMap(({ spans }) => spans).filter(({ open }) => !open);
}

const keyOf = ({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }): string => `${traceId} ${spanId}`;

const described = (span: Span | ReceivedSpan): string =>
  `${span.name}, of ${span.attributes['gen_ai.conversation.id']}, trace ${span.traceId}, span ${span.spanId}`;

type Flat = ReadonlyMap<string, unknown>;

/** One level, so that what differs can be named; the order of attributes is nobody's promise. */
const flat = ({ attributes, resource, scope, ...span }: ReceivedSpan): Flat =>
  new Map([attributes, resource, span, { scope: scope.name }].flatMap((values) => Object.entries(values)));

const changes = (built: Flat, arrived: Flat): readonly string[] =>
  [...new Set([...built.keys(), ...arrived.keys()])]
    .filter((key) => !isDeepStrictEqual(built.get(key), arrived.get(key)))
    .map((key) => `${key} built ${JSON.stringify(built.get(key))}, arrived ${JSON.stringify(arrived.get(key))}`);

/** What has arrived of a session. */
export const spansOf = ({ collector }: Arrivals, sessionId: string): readonly ReceivedSpan[] =>
  collector.taken.filter(({ attributes }) => attributes['gen_ai.conversation.id'] === sessionId);
