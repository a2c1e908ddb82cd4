/**
 * `trace-build <transcripts…>`: build, show or write, send, report.
 *
 * in:   Options; the outside world as `World`
 * out:  exit code; UserError when the user must change something
 */
import { createColors } from 'picocolors';
import { destinationConfig } from '../config/destination.ts';
import { redactorsFor } from '../config/packs.ts';
import { UserError } from '../errors.ts';
import { describe, destinationFrom, resourceOverrides } from '../export/destination.ts';
import { otlpJsonChunks } from '../export/otlp-json.ts';
import type { OutletReport } from '../export/outlet.ts';
import type { Scope } from '../export/readable.ts';
import { type BuildOptions, type Standing, type TracedRef, traceSessions } from '../pipeline.ts';
import { findSessions, lastSession, type Places, placeOf, type SessionRef } from '../read/find.ts';
import { scopeOf } from '../sync/settings.ts';
import { brokenInvariants } from '../trace/check.ts';
import { type ParentSpan, parentFrom, underParent } from '../trace/parent.ts';
import type { Span } from '../trace/span.ts';
import { Account } from './account.ts';
import { holdsSession, noSession, nothingIn } from './no-session.ts';
import type { Options } from './options.ts';
import { writeOut } from './out-file.ts';
import { withPager } from './pager.ts';
import { placesOf } from './places.ts';
import { progressBar } from './progress.ts';
import { openSending, type Sending } from './sending.ts';
import { configOf, pathsOf, settled, traceparentIn } from './settings.ts';
import { spanLines } from './span-lines.ts';
import { standingIn } from './standing.ts';
import { harmless, type Terminal } from './terminal.ts';
import { type TreeView, treeText } from './tree.ts';

export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly cwd: string;
  readonly version: string;
  readonly out: Terminal;
  /** This process's, unless a test says otherwise. */
  readonly platform?: NodeJS.Platform;
  /** For tests: where the managed config is. */
  readonly managed?: string;
  /** Absent where nobody sits at a terminal. @throws UserError when the question is broken off */
  readonly ask?: (question: string) => Promise<string>;
  /** Unix ms; for tests. */
  readonly now?: () => number;
  /** For tests: what the user database tells, and what comes on stdin. */
  readonly databaseHome?: string;
  readonly stdin?: () => Promise<string>;
  /** Where the built program lies, and beside it the page of `view` and the code of the threads. Absent: not built. */
  readonly dist?: URL;
  /** For tests: ends what otherwise runs until Ctrl-C. */
  readonly stopped?: Promise<void>;
}

export async function run(options: Options, world: World): Promise<number> {
  const refs = sessionsFor(options, placesOf(world), world.cwd);
  const loaded = configOf(world);
  const settings = settled(options, loaded, world.env);
  const configured = destinationConfig(loaded, world.home);
  const destination = destinationFrom({
    env: world.env,
    endpoint: options.endpoint,
    headers: options.header,
    protocol: options.protocol,
    config: configured,
  });
  const overrides = resourceOverrides(world.env, configured);
  for (const warning of overrides.warnings) world.out.note(warning);
  const sends = destination !== undefined && !options.dryRun && (options.output === undefined || options.endpoint !== undefined);
  const writes = options.output ?? (destination === undefined || options.out !== undefined ? 'tree' : undefined);
  demandTree(options, writes);
  // Whoever leaves a pager wants no more of it: what is sent must not end with it.
  const isPaged = options.pager && writes === 'tree' && options.out === undefined && !sends;
  const built = (out: Terminal): Promise<number> =>
    buildAndReport({ options, world, out, refs, loaded, settings, destination, overrides, sends, writes });
  return isPaged ? withPager(world.out, world.env, built) : built(world.out);
}

interface Job {
  readonly options: Options;
  readonly world: World;
  readonly out: Terminal;
  readonly refs: readonly SessionRef[];
  readonly loaded: ReturnType<typeof configOf>;
  readonly settings: ReturnType<typeof settled>;
  readonly destination: ReturnType<typeof destinationFrom>;
  readonly overrides: ReturnType<typeof resourceOverrides>;
  readonly sends: boolean;
  readonly writes: Options['output'];
}

async function buildAndReport({
  options,
  world,
  out,
  refs,
  loaded,
  settings,
  destination,
  overrides,
  sends,
  writes,
}: Job): Promise<number> {
  const build: BuildOptions = {
    // What is shown here stays here; what is sent or written for others is empty unless asked for.
    content: options.content ?? (writes === 'tree' && !sends ? 'full' : settings.content),
    redactorFor: redactorsFor(loaded),
    semconv: settings.semconv,
    agentUsage: settings.agent_usage,
    resource: overrides.attributes,
  };
  if (sends && build.content === 'full')
    out.note(
      'Content is sent as it is, secrets included, for --content full or the config says so. --content redacted sends it without them.',
    );
  const scope = scopeOf(settings.semconv, world.version);
  const traceparent = traceparentIn(world.env);
  const { resend, final } = options;
  const { version, now = Date.now } = world;
  const { state: stateFolder } = pathsOf(world);
  const sending =
    sends && destination !== undefined
      ? openSending(destination, { stateFolder, scope, version, resend, final, traceparent, now })
      : undefined;
  // A report is the result where nothing else is written, else it must not be mixed into what is.
  const report = writes === undefined ? (text: string) => out.write(`${text}\n`) : async (text: string) => out.note(text);
  // An endpoint in the environment that nothing is sent to is not spoken of.
  const reports = sends || (destination !== undefined && options.dryRun);
  const account = new Account(options, out, world.version);
  const bar = sends && refs.length > 1 && out.watched && !options.quiet ? progressBar(refs.length) : undefined;
  const sessions = checked(
    traced(refs, build, sending?.standingOf ?? (writes === 'tree' ? standingIn(world, now()) : whole), account, out, () => bar?.step()),
    options,
    account,
  );
  const tell = bar !== undefined && out.width !== undefined ? async (text: string) => bar.log(text) : report;
  const sent = delivered(sessions, sending, account, async (line) => {
    if (reports && !options.quiet) await tell(line);
    bar?.step();
  });
  try {
    await written(underParents(sent, traceparent), writes, scope, options, out);
  } finally {
    bar?.stop();
    await sending?.close();
  }
  const code = await account.close(reports || refs.length > 1, sends, report);
  if (destination !== undefined && options.dryRun) out.note(`Dry run: nothing was sent to ${describe(destination)}.`);
  if (destination === undefined && writes === 'tree' && !options.quiet && options.out === undefined)
    out.note(out.colors.dim('To send it: --endpoint http://localhost:4318, or set OTEL_EXPORTER_OTLP_ENDPOINT.'));
  return code;
}

function demandTree({ depth, turn }: Options, writes: Options['output']): void {
  const given = depth !== undefined ? '--depth' : turn !== undefined ? '--turn' : undefined;
  if (given !== undefined && writes !== 'tree')
    throw new UserError(`${given} is about the tree, and none is written.`, 'Add --output tree, or leave it out.');
}

function sessionsFor(options: Options, places: Places, cwd: string): readonly SessionRef[] {
  if (options.transcripts.length === 0 && !options.last)
    throw new UserError(
      'No transcript was named.',
      'Name a transcript, a session id or a directory, or use --last. See trace-build --help.',
    );
  const found = options.transcripts.flatMap((given) => findSessions(given, places));
  const all = options.last ? [...found, lastSession(cwd, places)] : found;
  return [...new Map(all.map((ref) => [placeOf(ref), ref])).values()];
}

/** One session after another. What is wrong with one costs only that one, but for the only one: that is all the user asked for. */
function* traced(
  refs: readonly SessionRef[],
  build: BuildOptions,
  standing: (ref: SessionRef) => Standing,
  account: Account,
  out: Terminal,
  skipped: () => void,
): Generator<TracedRef> {
  const failed = (ref: SessionRef, error: unknown): void => {
    if (refs.length === 1) throw error;
    if (error instanceof UserError) out.note(harmless(`${error.message} Skipped.`));
    else account.bug(ref, error);
    skipped();
  };
  for (const session of traceSessions(refs, build, standing, failed)) {
    const nothing = nothingIn(session);
    account.problems(session);
    if (nothing !== undefined) failed(session.ref, nothing);
    else if (holdsSession(session)) yield session;
    else if (refs.length === 1) throw noSession(session.ref);
    else {
      account.notOurs();
      skipped();
    }
  }
}

function* checked(sessions: Iterable<TracedRef>, options: Options, account: Account): Generator<TracedRef> {
  const before = new Map<string, Span>();
  for (const session of sessions) {
    if (options.check) {
      account.broken(brokenInvariants(session.spans, before));
      for (const span of session.spans) before.set(span.spanId, span);
    }
    yield session;
  }
}

async function* delivered(
  sessions: Iterable<TracedRef>,
  sending: Sending | undefined,
  account: Account,
  done: (line: string) => Promise<void>,
): AsyncGenerator<TracedRef> {
  for (const session of sessions) {
    const report: OutletReport | undefined = await sending?.send(session);
    if (sending !== undefined && report === undefined) account.notSampled();
    await done(account.session(session, report));
    yield session;
  }
}

/** What is written for others is all there is of it, and the same whenever it is written: nothing in it is waited for. */
const whole = (): Standing => ({ ended: true });

/** What is written shows it as what is sent. */
async function* underParents(sessions: AsyncIterable<TracedRef>, traceparent: string | undefined): AsyncGenerator<TracedRef> {
  const parent: ParentSpan | undefined = traceparent === undefined ? undefined : parentFrom(traceparent);
  for await (const session of sessions)
    yield parent === undefined ? session : { ...session, spans: session.spans.map((span) => underParent(span, parent)) };
}

async function written(
  sessions: AsyncIterable<TracedRef>,
  format: Options['output'] | undefined,
  scope: Scope,
  options: Options,
  out: Terminal,
): Promise<void> {
  const texts = format === undefined ? nothing(sessions) : textOf(sessions, format, scope, options, out);
  if (options.out !== undefined) await writeOut(options.out, texts);
  else
    for await (const text of texts) {
      await out.write(text);
      if (out.isLeft?.()) break;
    }
}

async function* nothing(sessions: AsyncIterable<TracedRef>): AsyncGenerator<string> {
  for await (const _ of sessions) yield '';
}

async function* textOf(
  sessions: AsyncIterable<TracedRef>,
  format: NonNullable<Options['output']>,
  scope: Scope,
  options: Options,
  out: Terminal,
): AsyncGenerator<string> {
  switch (format) {
    case 'tree':
      for await (const session of sessions) yield treeText(session, treeView(options, out));
      return;
    case 'spans':
      for await (const { spans } of sessions) yield* spanLines(spans);
      return;
    case 'otlp-json':
      yield* otlpJsonChunks(spansIn(sessions), scope);
      yield '\n';
      return;
    default:
      format satisfies never;
  }
}

/** In a file it is plain. */
const treeView = ({ out: file, depth, turn }: Options, { colors, width, ascii }: Terminal): TreeView =>
  file === undefined ? { colors, width, ascii, depth, turn } : { colors: createColors(false), depth, turn };

async function* spansIn(sessions: AsyncIterable<TracedRef>): AsyncGenerator<readonly Span[]> {
  for await (const { spans } of sessions) yield spans;
}
