/**
 * `trace-build sessions list|show`: what is on this machine, and one session event by event.
 *
 * in:   argv, World; transcripts on disk
 * out:  a table, or a line an event, or JSON. Changes nothing of any session
 */
import { realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { Option } from 'commander';
import { destinationConfig } from '../../config/destination.ts';
import { expanded } from '../../config/paths.ts';
import { UserError } from '../../errors.ts';
import { destinationFrom } from '../../export/destination.ts';
import { keyOf } from '../../export/outlet.ts';
import { harnesses } from '../../harness/index.ts';
import { tellSession } from '../../pipeline.ts';
import { allSessions, findSessions, lastSession, type Places, type SessionRef, type UnreadableFile } from '../../read/find.ts';
import type { SessionSummary } from '../../stats/summary.ts';
import { type Owing, undeliveredTo, unplacedIn } from '../../sync/undelivered.ts';
import { EXIT } from '../account.ts';
import { eventLines } from '../event-lines.ts';
import { eventsOf, type SessionEvent } from '../events.ts';
import { demandSession } from '../no-session.ts';
import { withPager } from '../pager.ts';
import { placesOf } from '../places.ts';
import { progressBar } from '../progress.ts';
import type { World } from '../run.ts';
import { type ListedRow, sessionTable } from '../session-table.ts';
import { configOf } from '../settings.ts';
import { sinceMs } from '../since.ts';
import { standingIn } from '../standing.ts';
import { count } from '../summary.ts';
import { harmless, jsonText, type Terminal } from '../terminal.ts';
import { overSessions } from '../threads.ts';
import { WIDE } from '../tree-layout.ts';
import { unplacedWords } from '../unplaced.ts';
import { wrapped } from '../wrap.ts';
import { type CliCommand, commandLine, wholeNumber } from './command.ts';

interface ListFlags {
  readonly harness?: string;
  readonly project?: string;
  readonly since?: string;
  readonly status?: 'open' | 'ended' | 'undelivered';
  readonly limit?: number;
  readonly all?: true;
  readonly json?: true;
  readonly pager: boolean;
}

interface ShowFlags {
  readonly last?: true;
  readonly short?: true;
  readonly json?: true;
  readonly pager: boolean;
}

/** What `list --json` prints. */
export interface SessionsJson {
  readonly sessions: readonly ListedJson[];
  /** Sessions that match and were not listed. */
  readonly more: number;
  /** Files that should hold sessions and can't be read: what is in them is not listed. */
  readonly unreadable: readonly { readonly path: string; readonly message: string }[];
}

export type ListedJson = {
  readonly id: string;
  readonly harness: string;
  readonly path: string | null;
  /** Directory it began in. */
  readonly project: string | null;
  /** When its file last changed, Unix ms. */
  readonly modifiedMs: number;
  /** Whether it may go on. */
  readonly status: 'open' | 'ended';
} & ({ readonly summary: SessionSummary } | { readonly failed: string });

/** What `show --json` prints. */
export interface EventsJson {
  readonly session: string;
  readonly harness: string;
  readonly events: readonly SessionEvent[];
}

const LIMIT = 20;

const NOTES = `
Examples:
  trace-build sessions list --project . --since 7d
  trace-build sessions list --status undelivered
  trace-build sessions show 4f1c
  trace-build sessions show --last --short`;

export const sessions: CliCommand = {
  name: 'sessions',
  summary: 'list the sessions of this machine, and read one event by event',
  async run(argv, world) {
    const { command, parse } = commandLine('trace-build sessions', 'The sessions of this machine.');
    command.addHelpText('after', NOTES);
    command
      .command('list')
      .description('the last written to first')
      .option('--harness <name>', `of this agent only: ${harnesses.map(({ name }) => name).join(', ')}`)
      .option('--project <dir>', 'begun in this directory, or below it')
      .option('--since <when>', 'written to since then: 7d, 12h, or a date')
      .addOption(
        new Option('--status <which>', 'may go on, has ended, or not all of it is delivered yet').choices(['open', 'ended', 'undelivered']),
      )
      .option('--limit <n>', `at most so many (default: ${LIMIT})`, (value) => wholeNumber('--limit', value, 1))
      .option('--all', 'all of them')
      .option('--json', 'as JSON')
      .option('--no-pager', 'no pager for a list longer than the terminal')
      .action((flags: ListFlags) => list(world, flags));
    command
      .command('show')
      .description('a line for every event, in order of time, sub-agents included')
      .argument('[session]', 'a session id or its beginning, or a transcript')
      .option('--last', 'the newest session of the current directory')
      .option('--short', 'leave out what was said')
      .option('--json', 'as JSON')
      .option('--no-pager', 'no pager for a session longer than the terminal')
      .action((session: string | undefined, flags: ShowFlags) => show(world, session, flags));
    await parse(argv.length === 0 ? ['--help'] : argv, world.out);
    return EXIT.ok;
  },
};

async function list(world: World, flags: ListFlags): Promise<void> {
  if (flags.all && flags.limit !== undefined) throw new UserError('--all and --limit contradict one another.', 'Give one of them.');
  const unread: UnreadableFile[] = [];
  const matching = matches(
    world,
    flags,
    placesOf(world, (file) => unread.push(file)),
  );
  const refs = flags.all ? matching : matching.slice(0, flags.limit ?? LIMIT);
  const rows = await summarised(refs, world);
  const more = matching.length - refs.length;
  if (flags.json) {
    const json: SessionsJson = {
      sessions: rows.map((row) => listedJson(row, statusIn(world))),
      more,
      unreadable: unread.map(({ path, message }) => ({ path, message })),
    };
    await world.out.write(jsonText(json));
    return;
  }
  if (rows.length === 0) {
    world.out.note(unread.length === 0 ? 'No sessions were found.' : 'No sessions were found in what can be read.');
    return;
  }
  await paged(world, flags, async (out) => {
    await out.write(`${sessionTable(rows, world.home, out).join('\n')}\n`);
    if (more > 0) out.note(`${count(more, 'older session')} not listed: --all, or --limit ${matching.length}.`);
  });
}

/** What can be told without opening a session for good. */
function matches(world: World, { harness, project, since, status }: ListFlags, places: Places): readonly SessionRef[] {
  const { home, cwd, now = Date.now } = world;
  const known = harnesses.filter(({ name }) => harness === undefined || name === harness);
  if (known.length === 0)
    throw new UserError(`There is no harness ${harness}.`, `Those known: ${harnesses.map(({ name }) => name).join(', ')}.`);
  const afterMs = since === undefined ? undefined : sinceMs(since, now());
  const directories = project === undefined ? undefined : namesOf(resolve(cwd, expanded(project, home)));
  const isWithin = (directory: string | undefined): boolean =>
    directories === undefined ||
    directories.some((top) => directory === top || directory?.startsWith(top.endsWith(sep) ? top : `${top}${sep}`));
  const within = allSessions({ ...places, harnesses: known }).filter(
    (ref) => (afterMs === undefined || ref.modifiedMs >= afterMs) && isWithin(ref.startDirectory),
  );
  if (status === undefined) return within;
  if (status === 'undelivered') return undelivered(within, world);
  const statusOf = statusIn(world);
  return within.filter((ref) => statusOf(ref) === status);
}

/** Of those that can't be delivered by themselves only their number is told. */
function undelivered(refs: readonly SessionRef[], world: World): readonly SessionRef[] {
  const { env, home, out, now = Date.now } = world;
  const loaded = configOf(world);
  const { config, paths } = loaded;
  const destination = destinationFrom({ env, config: destinationConfig(loaded, home) });
  if (destination === undefined)
    throw new UserError('No endpoint is set, so nothing is to be delivered.', 'Set one: trace-build init, or OTEL_EXPORTER_OTLP_ENDPOINT.');
  const owing: Owing = { config, home, stateFolder: paths.state, key: keyOf(destination), nowMs: now() };
  const words = unplacedWords(refs.filter(unplacedIn(owing)).length, config);
  if (words !== undefined) out.note(harmless(words));
  return refs.filter(undeliveredTo(owing));
}

function statusIn(world: World): (ref: SessionRef) => 'open' | 'ended' {
  const standing = standingIn(world, (world.now ?? Date.now)());
  return (ref) => (standing(ref).ended ? 'ended' : 'open');
}

/** As typed, and where that leads: a transcript may tell either. The directory may be gone. */
function namesOf(directory: string): readonly string[] {
  try {
    return [...new Set([directory, realpathSync(directory)])];
  } catch {
    return [directory];
  }
}

/** In the order given, whichever is done first. */
async function summarised(refs: readonly SessionRef[], world: World): Promise<readonly ListedRow[]> {
  const made = new Map<SessionRef, ListedRow['summary']>();
  const bar = refs.length > LIMIT && world.out.watched ? progressBar(refs.length) : undefined;
  try {
    for await (const result of overSessions(refs, { kind: 'summary', content: 'full', nowMs: (world.now ?? Date.now)() }, world)) {
      made.set(result.ref, result.kind === 'summary' ? result.summary : result.message);
      bar?.step();
    }
  } finally {
    bar?.stop();
  }
  return refs.flatMap((ref) => {
    const summary = made.get(ref);
    return summary === undefined ? [] : [{ ref, summary }];
  });
}

function listedJson({ ref, summary }: ListedRow, statusOf: (ref: SessionRef) => 'open' | 'ended'): ListedJson {
  return {
    id: ref.sessionId,
    harness: ref.harness.name,
    path: ref.path ?? null,
    project: ref.startDirectory ?? null,
    modifiedMs: ref.modifiedMs,
    status: statusOf(ref),
    ...(typeof summary === 'string' ? { failed: summary } : { summary }),
  };
}

// ---------------------------------------------------------------------------------------------

async function show(world: World, given: string | undefined, flags: ShowFlags): Promise<void> {
  const ref = named(world, given, flags);
  // What is shown here stays here.
  const standing = standingIn(world, (world.now ?? Date.now)())(ref);
  const { session, problems } = tellSession(ref, { content: flags.short ? 'none' : 'full' }, standing);
  demandSession({ session, problems, ref });
  const events = eventsOf(session, standing.ended);
  if (flags.json) {
    const json: EventsJson = { session: session.id, harness: session.harness, events };
    await world.out.write(jsonText(json));
    return;
  }
  if (events.length === 0) throw new UserError(`Nothing happened in ${ref.path ?? ref.sessionId}.`, 'Name another session.');
  await paged(world, flags, async (out) => {
    for (const line of heading(session.id, events, standing.ended, out)) await out.write(`${out.colors.bold(line)}\n`);
    for (const line of eventLines(events, {
      colors: out.colors,
      width: out.width,
      ascii: out.ascii === true,
      short: flags.short === true,
    })) {
      await out.write(`${line}\n`);
      if (out.isLeft?.()) return;
    }
  });
}

function named(world: World, given: string | undefined, { last }: ShowFlags): SessionRef {
  const places = placesOf(world);
  if (given === undefined && !last) throw new UserError('No session was named.', 'Name a session id, a transcript, or use --last.');
  if (given !== undefined && last) throw new UserError('A session and --last contradict one another.', 'Give one of them.');
  if (given === undefined) return lastSession(world.cwd, places);
  const found = findSessions(given, places);
  if (found.length > 1) throw new UserError(`${given} holds ${found.length} sessions.`, 'Name one of them: trace-build sessions list.');
  return found[0]!;
}

function heading(id: string, events: readonly SessionEvent[], ended: boolean, { width, ascii }: Terminal): readonly string[] {
  const sum = (of: (event: SessionEvent) => number): number => events.reduce((total, event) => total + of(event), 0);
  const counted = (kind: SessionEvent['kind']): number => sum((event) => (event.kind === kind ? 1 : 0));
  const parts = [
    count(counted('turn_started'), 'turn'),
    count(counted('model_called'), 'model call'),
    count(counted('tool_called'), 'tool call'),
    ...(counted('agent_started') > 0 ? [count(counted('agent_started'), 'agent')] : []),
    `began ${new Date(events[0]!.atMs).toISOString().replace('T', ' ')}`,
    ...(ended ? [] : ['open']),
  ];
  const name = harmless(width === undefined || width >= WIDE ? id : id.slice(0, 8));
  const [first, ...rest] = parts;
  return wrapped([`${name}  ${first}`, ...rest], ascii ? ', ' : ' · ', width ?? Number.POSITIVE_INFINITY, ascii ? '...' : '…');
}

const paged = (world: World, { pager }: { readonly pager: boolean }, work: (out: Terminal) => Promise<void>): Promise<void> =>
  pager ? withPager(world.out, world.env, work) : work(world.out);
