/**
 * The whole flow on one page. Only this file knows the order.
 *
 *   files ──parse──▶ records ──normalise──▶ Session ──build──▶ Span[] ──▶ whoever asked
 *
 * in:   a `Transcript` as plain data (`buildTrace`, pure), or a session on disk (`traceSession`)
 * out:  `Trace`: spans and problems
 */
import type { Harness, Repository, Transcript, TranscriptFile } from './harness/harness.ts';
import { harnesses } from './harness/index.ts';
import { type AgentIndex, findAgent, findNeighbour, type SessionRef } from './read/find.ts';
import { repositoryOf } from './read/repository.ts';
import { agentFile, mainFile, openFile } from './read/transcript.ts';
import type { Problem, Session } from './session/types.ts';
import { spansOf } from './trace/build.ts';
import type { SemconvVersion } from './trace/semconv.ts';
import type { Attributes, Span } from './trace/span.ts';

export interface BuildOptions {
  /** What of prompts, answers, arguments and results goes onto spans. Default `none`. */
  readonly content?: 'none' | 'full';
  /** Which names the attributes have. Default `1.41`, what today's backends read. */
  readonly semconv?: SemconvVersion;
  /** Whether an agent's span sums the tokens of its own calls. Default `own`. */
  readonly agentUsage?: 'own' | 'off';
  /** Merged over the resource that the transcript tells, e.g. `service.name`. */
  readonly resource?: Attributes;
}

export interface Trace {
  /** Parents before children, turn after turn. */
  readonly spans: readonly Span[];
  /** What could not be used of the transcript, or only in part. */
  readonly problems: readonly Problem[];
}

/**
 * Rebuilds the span tree of a session from its transcript. Pure: no clock, no randomness, no
 * environment, no I/O but what the given iterables do. Same input, same output, byte for byte.
 *
 * @throws Error when no harness has the transcript's name; whatever the lines hold, it does not throw
 */
export function buildTrace(transcript: Transcript, options: BuildOptions = {}): Trace {
  const harness = harnesses.find(({ name }) => name === transcript.harness);
  if (harness === undefined) throw new Error(`unknown harness ${transcript.harness}`);
  const parse = parserOf(harness, options);
  const { session, problems } = harness.normalise({
    sessionId: transcript.sessionId,
    main: parse(transcript.main),
    agents: transcript.agents.map(parse),
    related: (transcript.related ?? []).map(parse),
    ended: transcript.ended,
  });
  return { spans: build(session, options, transcript.repository?.url), problems };
}

export interface TracedSession extends Trace {
  readonly session: Session;
}

/** What sessions of one run ask the disk alike: each answer is found once. */
interface Known {
  readonly agents: AgentIndex;
  readonly repositories: Map<string, Repository>;
}

const nothingKnown = (): Known => ({ agents: new Map(), repositories: new Map() });

/**
 * The same, of a session on disk, with what it leans on: agents of the session it was forked from, its lead, git.
 *
 * @throws UserError when reading a file breaks off
 */
export function traceSession(ref: SessionRef, options: BuildOptions, ended: boolean, known: Known = nothingKnown()): TracedSession {
  const { harness } = ref;
  const parse = parserOf(harness, options);
  const main = parse(mainFile(ref));
  const wants = harness.wants(main, new Set(ref.agents.map(({ agentId }) => agentId)));
  const borrowed = wants.agents.flatMap((agentId) => findAgent(ref, agentId, known.agents) ?? []);
  const neighbours = wants.sessionPrefixes.flatMap((prefix) => findNeighbour(ref, prefix) ?? []);
  const { session, problems } = harness.normalise({
    sessionId: ref.sessionId,
    main,
    agents: [...ref.agents, ...borrowed].map((agent) => parse(agentFile(agent))),
    related: neighbours.map((path) => parse(openFile(path))),
    ended,
  });
  const repository = wants.directory === undefined ? undefined : repositoryOf(wants.directory, known.repositories);
  return { session, spans: build(session, options, repository?.url), problems };
}

/**
 * Many sessions, each span once. A fork repeats turns of the session it was copied from, with the same
 * ids: the original is built first, and of the copy only what the original lacks. So it is with two files
 * of one session: the longer one is the whole, the other was left behind.
 *
 * @param refs    as found, a session before its unmarked forks
 * @param failed  told of a session that could not be built; the others are, unless it throws
 */
export function* traceSessions(
  refs: readonly SessionRef[],
  options: BuildOptions,
  ended: boolean,
  failed: (ref: SessionRef, error: unknown) => void = rethrow,
): Generator<TracedRef> {
  const told = new Set<string>();
  const begun = new Set<SessionRef>();
  const known = nothingKnown();
  const refById = new Map(
    refs
      .toReversed()
      .toSorted((a, b) => a.bytes - b.bytes)
      .map((ref) => [ref.sessionId, ref]),
  );
  function* visit(ref: SessionRef): Generator<TracedRef> {
    if (begun.has(ref)) return;
    begun.add(ref);
    yield* visit(refById.get(ref.sessionId)!);
    let traced: TracedSession;
    try {
      traced = traceSession(ref, options, ended, known);
    } catch (error) {
      failed(ref, error);
      return;
    }
    for (const { copiedFrom } of traced.session.turns) {
      const original = copiedFrom?.sessionId === undefined ? undefined : refById.get(copiedFrom.sessionId);
      if (original !== undefined) yield* visit(original);
    }
    const spans = traced.spans.filter(({ spanId }) => !told.has(spanId));
    for (const { spanId } of spans) told.add(spanId);
    yield { ...traced, ref, spans, repeated: traced.spans.length - spans.length };
  }
  for (const ref of refs) yield* visit(ref);
}

function rethrow(_ref: SessionRef, error: unknown): never {
  throw error;
}

export interface TracedRef extends TracedSession {
  readonly ref: SessionRef;
  /** Spans left out, for another session of this run told them. */
  readonly repeated: number;
}

const parserOf =
  (harness: Harness, options: BuildOptions) =>
  (file: TranscriptFile): unknown =>
    harness.parse(file, { content: options.content === 'full' });

const build = (session: Session, options: BuildOptions, repositoryUrl: string | undefined): readonly Span[] =>
  spansOf(session, {
    content: options.content === 'full',
    ...(options.semconv !== undefined && { semconv: options.semconv }),
    ...(options.agentUsage !== undefined && { agentUsage: options.agentUsage }),
    ...(options.resource !== undefined && { resource: options.resource }),
    ...(repositoryUrl !== undefined && { repositoryUrl }),
  });
