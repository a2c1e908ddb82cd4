/**
 * The whole flow on one page. Only this file knows the order.
 *
 *   files ──parse──▶ records ──normalise──▶ Session ──redact──▶ Session ──build──▶ Span[] ──▶ whoever asked
 *
 * in:   a `Transcript` as plain data (`buildTrace`, pure), or a session on disk (`traceSession`)
 * out:  `Trace`: spans and problems
 */
import type {
  Checkpoint,
  Cursor,
  Harness,
  Normalised,
  ParsedTranscript,
  Repository,
  Transcript,
  TranscriptFile,
} from './harness/harness.ts';
import { harnesses } from './harness/index.ts';
import { countByReason, type ProblemCounts } from './harness/problems.ts';
import { type AgentIndex, type AgentRef, findAgent, findNeighbour, type SessionRef } from './read/find.ts';
import { repositoryOf } from './read/repository.ts';
import { agentFile, type OpenedMain, openFile, openMain, stampOf } from './read/transcript.ts';
import { createRedactor, type Redactor } from './redact/redact.ts';
import { builtInRules } from './redact/rules/index.ts';
import { redactSession } from './redact/session.ts';
import type { Problem, Session } from './session/types.ts';
import { spansOf } from './trace/build.ts';
import type { SemconvVersion } from './trace/semconv.ts';
import type { Attributes, Span } from './trace/span.ts';

export interface BuildOptions {
  /**
   * What of prompts, answers, arguments, results and error texts goes onto spans. Default `none`. But with `full`, all
   * that does goes through the redactor first, names of branches and agents too.
   */
  readonly content?: Content;
  /** What hides secrets, for a session begun in this directory. Default: the rules that come with us. */
  readonly redactorFor?: (directory: string | undefined) => Redactor;
  /** Which names the attributes have. Default `1.41`, what today's backends read. */
  readonly semconv?: SemconvVersion;
  /** Whether an agent's span sums the tokens of its own calls. Default `own`. */
  readonly agentUsage?: 'own' | 'off';
  /** Merged over the resource that the transcript tells, e.g. `service.name`. */
  readonly resource?: Attributes;
}

export type Content = 'none' | 'redacted' | 'full';

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
  return { spans: build(session, options, transcript.repository?.url, undefined).spans, problems };
}

export interface ToldSession {
  /** As the spans tell it: what is hidden in them is hidden here, too. */
  readonly session: Session;
  /** Browser address of the repository it began in, without credentials. */
  readonly repositoryUrl?: string;
  readonly problems: readonly Problem[];
}

export interface TracedSession extends Trace, ToldSession {
  /** All there are, those too of what was not read again. */
  readonly problemCounts: ProblemCounts;
  /**
   * How to go on from just before a turn the next time. To be kept between runs.
   *
   * @param at  index into `session.turns`; their number for a turn to come
   */
  readonly resumeAt: (at: number) => Resume | undefined;
}

/** What is known of a session beside its transcript. */
export interface Standing {
  /** True when it can't go on. */
  readonly ended: boolean;
  /** When its agent last stopped, if somebody told. Unix ms. */
  readonly stoppedAtMs?: number | undefined;
  /** Given back by an earlier run: only later turns are told then, if the files still fit. */
  readonly resume?: Resume | undefined;
}

/** Plain JSON. */
export interface Resume {
  readonly cursor: Cursor;
  readonly checkpoint: Checkpoint;
  /** Directory the session began in. */
  readonly directory?: string | undefined;
  /** The agents that have their place, as they were. */
  readonly agents: readonly { readonly path: string; readonly stamp?: string | undefined }[];
}

/** What sessions of one run ask the disk alike: each answer is found once. */
export interface Known {
  readonly agents: AgentIndex;
  readonly repositories: Map<string, Repository>;
}

export const nothingKnown = (): Known => ({ agents: new Map(), repositories: new Map() });

/**
 * The same, of a session on disk, with what it leans on: agents of the session it was forked from, its lead, git.
 * With `resume` only what was added is read, or everything when that won't do.
 *
 * @throws UserError when reading a file breaks off
 */
export function traceSession(ref: SessionRef, options: BuildOptions, standing: Standing, known: Known = nothingKnown()): TracedSession {
  const { resume } = standing;
  const resumed = resume?.agents.every(isAsItWas) ? added(ref, options, standing, resume, known) : undefined;
  return resumed ?? whole(ref, options, standing, known);
}

/** A session on disk without its spans, for whoever only counts. */
export function tellSession(ref: SessionRef, options: BuildOptions, standing: Standing, known: Known = nothingKnown()): ToldSession {
  const { files, directory } = partsOf(ref, openMain(ref), options, standing, known, new Set());
  const { session, problems } = ref.harness.normalise(files);
  const repository = directory === undefined ? undefined : repositoryOf(directory, known.repositories);
  return { ...told(session, redactorOf(options, directory), repository?.url), problems };
}

/** What was added since, or undefined: then everything has to be read. */
function added(ref: SessionRef, options: BuildOptions, standing: Standing, resume: Resume, known: Known): TracedSession | undefined {
  const { checkpoint, directory } = resume;
  const opened = openMain(ref, resume.cursor, checkpoint.line);
  if (opened.fromStart) return undefined;
  const placed = new Set(checkpoint.agents);
  const parts = partsOf(
    { ...ref, agents: ref.agents.filter(({ agentId }) => !placed.has(agentId)) },
    opened,
    options,
    standing,
    known,
    placed,
  );
  const normalised = ref.harness.resume({ ...parts.files, related: [] }, checkpoint);
  return normalised && traced(normalised, parts.agents, { ...resume, directory }, opened, options, known);
}

function whole(ref: SessionRef, options: BuildOptions, standing: Standing, known: Known): TracedSession {
  const opened = openMain(ref);
  const { files, agents, directory } = partsOf(ref, opened, options, standing, known, new Set());
  return traced(ref.harness.normalise(files), agents, { directory, agents: [] }, opened, options, known);
}

type StampedAgent = AgentRef & { readonly stamp: string | undefined };

/** The files of a session, parsed, and which they are. */
function partsOf(
  ref: SessionRef,
  opened: OpenedMain,
  options: BuildOptions,
  { ended, stoppedAtMs }: Standing,
  known: Known,
  placed: ReadonlySet<string>,
): { files: ParsedTranscript<unknown>; agents: readonly StampedAgent[]; directory: string | undefined } {
  const { harness } = ref;
  const parse = parserOf(harness, options);
  const main = parse(opened.file);
  const ids = new Set([...placed, ...ref.agents.map(({ agentId }) => agentId)]);
  const wants = harness.wants(main, ids);
  const neighbours = opened.fromStart ? wants.sessionPrefixes.flatMap((prefix) => findNeighbour(ref, prefix) ?? []) : [];
  const agents: (StampedAgent & { readonly parsed: unknown })[] = [];
  const read = (refs: readonly AgentRef[]): readonly string[] => {
    // The stamp before the lines: what is written meanwhile, or while the spans are sent, must be seen the next time.
    const opened = refs.map((agent) => ({ ...agent, stamp: stampOf(agent.path), parsed: parse(agentFile(agent, ref.layout)) }));
    for (const agent of opened) agents.push(agent);
    for (const { agentId } of opened) ids.add(agentId);
    return opened.flatMap(({ parsed }) => harness.wants(parsed, ids).agents);
  };
  // Agents of the session this one was copied from may have started others, that lie there, too.
  for (let missing = new Set([...wants.agents, ...read(ref.agents)]); missing.size > 0; )
    missing = new Set(read([...missing].flatMap((agentId) => findAgent(ref, agentId, known.agents) ?? [])));
  return {
    files: {
      sessionId: ref.sessionId,
      main,
      agents: agents.map(({ parsed }) => parsed),
      related: neighbours.map((path) => parse(openFile(path))),
      ended,
      ...(stoppedAtMs !== undefined && { stoppedAtMs }),
    },
    agents: agents.map(({ parsed: _, ...agent }) => agent),
    directory: wants.directory,
  };
}

function traced(
  { session, problems, checkpointAt }: Normalised,
  agents: readonly StampedAgent[],
  earlier: Pick<Resume, 'directory' | 'agents'> & { readonly checkpoint?: Checkpoint },
  opened: OpenedMain,
  options: BuildOptions,
  known: Known,
): TracedSession {
  const { directory } = earlier;
  const repository = directory === undefined ? undefined : repositoryOf(directory, known.repositories);
  return {
    ...build(session, options, repository?.url, directory),
    problems,
    problemCounts: countByReason(problems, earlier.checkpoint?.problems),
    resumeAt: (at) => {
      const checkpoint = checkpointAt(at);
      const cursor = checkpoint && opened.cursorAfter(checkpoint.line);
      if (checkpoint === undefined || cursor === undefined) return undefined;
      const placed = new Set(checkpoint.agents);
      const newlyPlaced = agents.filter(({ agentId }) => placed.has(agentId)).map(({ path, stamp }) => ({ path, stamp }));
      return { cursor, checkpoint, directory, agents: [...earlier.agents, ...newlyPlaced] };
    },
  };
}

/** One that is gone has told all it will ever tell. */
const isAsItWas = ({ path, stamp }: Resume['agents'][number]): boolean => [stamp, undefined].includes(stampOf(path));

/**
 * Many sessions, each span once. A fork repeats turns of the session it was copied from, with the same
 * ids: the original is built first, and of the copy only what the original lacks. So it is with two files
 * of one session: the longer one is the whole, the other was left behind.
 *
 * @param refs        as found, a session before its unmarked forks
 * @param standingOf  whether each has ended
 * @param failed      told of a session that could not be built; the others are, unless it throws
 */
export function* traceSessions(
  refs: readonly SessionRef[],
  options: BuildOptions,
  standingOf: (ref: SessionRef) => Standing,
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
      traced = traceSession(ref, options, standingOf(ref), known);
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
    harness.parse(file, { content: keepsContent(options) });

const keepsContent = ({ content = 'none' }: BuildOptions): boolean => content !== 'none';

let ownRules: Redactor | undefined;

/** Made once: it takes longer than a small session. */
function ownRedactor(): Redactor {
  ownRules ??= createRedactor(builtInRules.filter(({ pack }) => pack === 'credentials'));
  return ownRules;
}

function build(
  session: Session,
  options: BuildOptions,
  url: string | undefined,
  directory: string | undefined,
): Pick<TracedSession, 'session' | 'spans' | 'repositoryUrl'> {
  const redactor = redactorOf(options, directory);
  const whole = told(session, redactor, url);
  const spans = spansOf(whole.session, {
    content: keepsContent(options),
    ...(options.semconv !== undefined && { semconv: options.semconv }),
    ...(options.agentUsage !== undefined && { agentUsage: options.agentUsage }),
    ...(options.resource !== undefined && { resource: redactor?.value(options.resource).value ?? options.resource }),
    ...(whole.repositoryUrl !== undefined && { repositoryUrl: whole.repositoryUrl }),
  });
  return { ...whole, spans };
}

const redactorOf = (options: BuildOptions, directory: string | undefined): Redactor | undefined =>
  options.content === 'full' ? undefined : (options.redactorFor ?? ownRedactor)(directory);

function told(session: Session, redactor: Redactor | undefined, url: string | undefined): Pick<ToldSession, 'session' | 'repositoryUrl'> {
  const address = url && (redactor?.text(url).value ?? url);
  return {
    session: redactor === undefined ? session : redactSession(session, redactor),
    ...(address !== undefined && URL.canParse(address) && { repositoryUrl: address }),
  };
}
