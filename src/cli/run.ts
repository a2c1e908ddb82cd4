/**
 * `trace-build <transcripts…>`: build, show or write, send, report.
 *
 * in:   Options; the outside world as `World`
 * out:  exit code 0 or 1; UserError when the user must change something
 */
import { renameSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { UserError } from '../errors.ts';
import { createDelivery, type Delivery, type DeliveryReport } from '../export/deliver.ts';
import { type Destination, describe, destinationFrom, resourceOverrides } from '../export/destination.ts';
import { otlpJsonChunks } from '../export/otlp-json.ts';
import type { Scope } from '../export/readable.ts';
import { harnesses } from '../harness/index.ts';
import { type BuildOptions, type TracedRef, traceSessions } from '../pipeline.ts';
import { findSessions, lastSession, type Places, type SessionRef } from '../read/find.ts';
import { brokenInvariants } from '../trace/check.ts';
import { profiles } from '../trace/semconv.ts';
import type { Span } from '../trace/span.ts';
import type { Options } from './options.ts';
import { progressBar } from './progress.ts';
import { spanLines } from './span-lines.ts';
import { addTotals, NO_TOTALS, sessionLine, type Totals, totalLine, totalsOf } from './summary.ts';
import type { Terminal } from './terminal.ts';
import { treeText } from './tree.ts';

export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly cwd: string;
  readonly version: string;
  readonly out: Terminal;
}

const EXIT_OK = 0;
const EXIT_NOT_DELIVERED = 1;

export async function run(options: Options, world: World): Promise<number> {
  const { out } = world;
  const refs = sessionsFor(options, { env: world.env, home: world.home, harnesses }, world.cwd);
  const destination = destinationFor(options, world);
  const overrides = resourceOverrides(world.env);
  for (const warning of overrides.warnings) out.note(warning);
  const sends = destination !== undefined && !options.dryRun && (options.output === undefined || options.endpoint !== undefined);
  const writes = options.output ?? (destination === undefined || options.out !== undefined ? 'tree' : undefined);
  const build: BuildOptions = {
    // What is shown here stays here; what is sent or written for others is empty unless asked for.
    content: options.content ?? (writes === 'tree' && !sends ? 'full' : 'none'),
    semconv: options.semconv,
    agentUsage: options.agentUsage,
    resource: overrides.attributes,
  };
  const { schemaUrl } = profiles[options.semconv];
  const scope: Scope = { name: 'trace-build', version: world.version, ...(schemaUrl !== undefined && { schemaUrl }) };
  const delivery = sends ? createDelivery(destination, { scope }) : undefined;
  // A report is the result where nothing else is written, else it must not be mixed into what is.
  const report = writes === undefined ? (text: string) => out.write(`${text}\n`) : async (text: string) => out.note(text);
  const account = new Account(options, out);
  const sessions = checked(traced(refs, build, account, out, options), options, account);
  const bar = sends && refs.length > 1 && out.watched && !options.quiet ? progressBar(refs.length) : undefined;
  const tell = bar !== undefined && out.width !== undefined ? async (text: string) => bar.log(text) : report;
  const sent = delivered(sessions, delivery, account, async (line) => {
    if (destination !== undefined && !options.quiet) await tell(line);
    bar?.step();
  });
  try {
    await written(sent, writes, scope, options, out);
  } finally {
    bar?.stop();
    await delivery?.close();
  }
  const code = await account.close(refs.length, destination, report);
  if (destination !== undefined && options.dryRun) out.note(`Dry run: nothing was sent to ${describe(destination)}.`);
  if (destination === undefined && writes === 'tree' && !options.quiet && options.out === undefined)
    out.note(out.colors.dim('To send it: --endpoint http://localhost:4318, or set OTEL_EXPORTER_OTLP_ENDPOINT.'));
  return code;
}

function sessionsFor(options: Options, places: Places, cwd: string): readonly SessionRef[] {
  if (options.transcripts.length === 0 && !options.last)
    throw new UserError(
      'No transcript was named.',
      'Name a transcript, a session id or a directory, or use --last. See trace-build --help.',
    );
  const found = options.transcripts.flatMap((given) => findSessions(given, places));
  const all = options.last ? [...found, lastSession(cwd, places)] : found;
  return [...new Map(all.map((ref) => [ref.path ?? `${ref.folder}/${ref.sessionId}`, ref])).values()];
}

function destinationFor(options: Options, { env, out }: World): Destination | undefined {
  if (env['OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT'] === 'true' && options.content === undefined)
    out.note(
      'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT asks for content, which is not sent without redaction: use --content full.',
    );
  return destinationFrom({ env, endpoint: options.endpoint, headers: options.header, protocol: options.protocol });
}

/** One session after another; of a single one that is no transcript, the user is told what it is. */
function* traced(
  refs: readonly SessionRef[],
  build: BuildOptions,
  account: Account,
  out: Terminal,
  options: Options,
): Generator<TracedRef> {
  // Who names a transcript wants it as it stands now: nothing in it is waited for.
  for (const session of traceSessions(refs, build, true)) {
    const nothing = nothingIn(session);
    if (nothing !== undefined && refs.length === 1) throw nothing;
    if (nothing !== undefined) out.note(`${nothing.message} Skipped.`);
    account.problems(session);
    if (options.verbose) for (const { file, line, reason, detail } of session.problems) out.note(`${file}:${line}: ${reason}: ${detail}`);
    yield session;
  }
}

function nothingIn({ session, problems, ref }: TracedRef): UserError | undefined {
  if (session.turns.length > 0 || session.strays.length > 0) return undefined;
  const unreadable = problems.find(({ reason }) => reason === 'unreadable-file');
  if (unreadable !== undefined)
    return new UserError(
      `${unreadable.file} can't be read: ${unreadable.detail}.`,
      'Check its permissions, or run as the user it belongs to.',
    );
  const garbage = problems.find(({ reason }) => ['not-json', 'not-an-object', 'torn-line', 'wrong-shape'].includes(reason));
  if (garbage !== undefined)
    return new UserError(
      `${ref.path} is not a transcript: line ${garbage.line}: ${garbage.detail}.`,
      'A transcript is a .jsonl file that the agent wrote, such as those under ~/.claude/projects.',
    );
  return ref.path === undefined || ref.bytes > 0
    ? undefined
    : new UserError(`${ref.path} is empty.`, 'The session wrote nothing: name another one.');
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
  delivery: Delivery | undefined,
  account: Account,
  done: (line: string) => Promise<void>,
): AsyncGenerator<TracedRef> {
  for (const session of sessions) {
    const report = await delivery?.send(session.spans);
    await done(account.session(session, report));
    yield session;
  }
}

async function written(
  sessions: AsyncIterable<TracedRef>,
  format: Options['output'] | undefined,
  scope: Scope,
  options: Options,
  out: Terminal,
): Promise<void> {
  const texts = format === undefined ? nothing(sessions) : textOf(sessions, format, scope, options, out);
  if (options.out === undefined) {
    for await (const text of texts) await out.write(text);
    return;
  }
  // All of it or nothing: half a file is worse than an old one.
  const temporary = `${options.out}.${process.pid}.tmp`;
  const file = await open(temporary, 'w').catch((error: Error) => {
    throw new UserError(`--out ${options.out}: ${error.message}.`, 'Name a file in a directory you may write to.');
  });
  for await (const text of texts) await file.write(text);
  await file.close();
  renameSync(temporary, options.out);
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
      for await (const session of sessions)
        yield options.out === undefined ? treeText(session, out.colors, out.width) : treeText(session, undefined, undefined);
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

async function* spansIn(sessions: AsyncIterable<TracedRef>): AsyncGenerator<readonly Span[]> {
  for await (const { spans } of sessions) yield spans;
}

/** Adds up what happened, and says it at the end. */
class Account {
  readonly #options: Options;
  readonly #out: Terminal;
  #totals: Totals = NO_TOTALS;
  #problems = 0;
  #broken: string[] = [];
  #undelivered = 0;
  readonly #messages = new Set<string>();

  constructor(options: Options, out: Terminal) {
    this.#options = options;
    this.#out = out;
  }

  problems({ problems }: TracedRef): void {
    this.#problems += problems.length;
  }

  broken(sentences: readonly string[]): void {
    for (const sentence of sentences) this.#broken.push(sentence);
  }

  session(session: TracedRef, report: DeliveryReport | undefined): string {
    const totals = totalsOf(session.spans, report);
    this.#totals = addTotals(this.#totals, totals);
    if (report !== undefined) {
      this.#undelivered += report.refused + report.pending;
      for (const message of report.messages) this.#messages.add(message);
    }
    return sessionLine(session, totals);
  }

  async close(sessions: number, destination: Destination | undefined, report: (text: string) => Promise<void>): Promise<number> {
    const { quiet, check, dryRun } = this.#options;
    for (const message of this.#messages) this.#out.complain(message);
    if (!quiet && (destination !== undefined || sessions > 1))
      await report(totalLine(sessions, this.#totals, destination !== undefined && !dryRun));
    if (!quiet && this.#problems > 0)
      this.#out.note(
        `${this.#problems} problem${this.#problems === 1 ? '' : 's'} in the transcripts${this.#options.verbose ? '' : '; --verbose lists them'}.`,
      );
    if (this.#broken.length > 0)
      throw new Error(`--check: ${this.#broken.length} invariants do not hold:\n${this.#broken.slice(0, 20).join('\n')}`);
    if (check && !quiet) this.#out.note('--check: all invariants hold.');
    return this.#undelivered > 0 ? EXIT_NOT_DELIVERED : EXIT_OK;
  }
}
