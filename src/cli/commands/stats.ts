/**
 * `trace-build stats`: what agents did, how long it took and what it cost, over any number of sessions.
 *
 * in:   argv, World; transcripts on disk
 * out:  an overview and tables, or one JSON document (`StatsDocument`)
 */
import { realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { Option } from 'commander';
import { UserError } from '../../errors.ts';
import { allSessions, findSessions, type Places, type SessionRef, searchedPlaces, type UnreadableFile } from '../../read/find.ts';
import { type Collected, Collector } from '../../stats/collector.ts';
import { type ModelReport, reportOf, type StatsReport } from '../../stats/report.ts';
import type { CountedTurn } from '../../stats/turns.ts';
import { EXIT } from '../account.ts';
import { placesOf } from '../places.ts';
import { progressBar } from '../progress.ts';
import type { World } from '../run.ts';
import type { Failure, SessionStats } from '../session-task.ts';
import { configOf } from '../settings.ts';
import { dayOf, sinceMs, untilMs } from '../since.ts';
import { groupsText, overviewText, tablesText } from '../stats-text.ts';
import { harmless, jsonText } from '../terminal.ts';
import { overSessions } from '../threads.ts';
import { type CliCommand, commandLine } from './command.ts';

interface StatsOptions {
  readonly since?: string;
  readonly until?: string;
  readonly project?: string;
  readonly by?: By;
  readonly threads?: number;
  readonly json?: true;
}

const GROUPINGS = ['day', 'project', 'repo', 'model', 'harness'] as const;
type By = (typeof GROUPINGS)[number];

/** What `--json` writes. Keys are added, none goes. */
export interface StatsDocument {
  /** Of the turns counted, by when they began; ISO 8601. */
  readonly since?: string;
  readonly until?: string;
  /** Sessions, and files of sessions, that could not be read. */
  readonly failed: readonly { readonly path: string; readonly message: string }[];
  readonly total: StatsReport;
  readonly by?: By;
  /** By day, project, repo or harness, sorted by key; `''` where it is not known. */
  readonly groups?: readonly (({ readonly key: string } & StatsReport) | ({ readonly key: string } & ModelReport))[];
}

const NOTES = `
Turns are counted where they began; a turn that a fork copied counts once. Days are those of your time zone; a repo is
its address, a project the directory that the session began in. Percentiles are by nearest rank. A tool's duration has
the wait for your permission in it. A failure is an error of the tool; a call you denied or stopped is none. Cost is by
list price, tokens are as billed: input includes what the cache held.`;

export const stats: CliCommand = {
  name: 'stats',
  summary: 'what agents did, how long it took and what it cost',
  async run(argv, world) {
    const { command, parse } = commandLine(
      'trace-build stats',
      'Calls, tokens, cost, durations and failures, of all sessions on this machine or of those named.',
    );
    command
      .argument('[transcripts...]', 'a transcript or database, a session id or its beginning, or a directory of sessions')
      .option('--since <when>', 'turns begun since then: 7d, 12h, or a date')
      .option('--until <when>', 'turns begun until then; of a date its whole day')
      .option('--project <dir>', 'sessions begun in this directory, or below it')
      .addOption(new Option('--by <what>', 'a table by this, too').choices(GROUPINGS))
      .option('--json', 'everything, as one JSON document')
      .option('--threads <n>', 'at most so many at once (default: one a core)', threadCount)
      .addHelpText('after', NOTES);
    let code: number = EXIT.ok;
    command.action(async () => {
      code = await told(command.args, command.opts(), world);
    });
    await parse(argv, world.out);
    return code;
  },
};

async function told(transcripts: readonly string[], options: StatsOptions, world: World): Promise<number> {
  const { out, now = Date.now } = world;
  const unread: UnreadableFile[] = [];
  const places = placesOf(world, (file) => unread.push(file));
  const from = options.since === undefined ? undefined : sinceMs(options.since, now());
  const to = options.until === undefined ? undefined : untilMs(options.until, now());
  // What is wrong with the config is told once, and before anything else.
  configOf(world);
  const refs = sessionsFor(transcripts, places)
    .filter(inProject(options.project, world.cwd))
    // A file holds no turn that is younger than itself.
    .filter(({ modifiedMs }) => from === undefined || modifiedMs >= from);
  const isCounted = ({ startedAtMs }: CountedTurn): boolean =>
    startedAtMs >= (from ?? 0) && startedAtMs <= (to ?? Number.POSITIVE_INFINITY);
  const { collected, failed } = await collect(refs, options, isCounted, world);
  if (refs.length === 1 && failed.length === 1 && failed[0]!.hint !== undefined) throw new UserError(failed[0]!.message, failed[0]!.hint);
  const total = reportOf(collected.total);
  if (options.json)
    await out.write(
      jsonText(
        documentOf(total, collected, [...unread, ...failed.map(({ ref, message }) => ({ path: nameOf(ref), message }))], options, from, to),
      ),
    );
  else if (total.turns + total.modelCalls === 0) await out.write(`${nothing(refs, options, places)}\n`);
  else {
    await out.write(overviewText(total, out));
    if (options.by !== undefined && options.by !== 'model') await out.write(groupsText(options.by, groupsOf(collected), out));
    await out.write(tablesText(total, out));
  }
  return failed.some(({ hint }) => hint === undefined) ? EXIT.bug : EXIT.ok;
}

function sessionsFor(transcripts: readonly string[], places: Places): readonly SessionRef[] {
  if (transcripts.length === 0) return allSessions(places);
  const found = transcripts.flatMap((given) => findSessions(given, places));
  return [...new Map(found.map((ref) => [nameOf(ref), ref])).values()];
}

type Failed = Failure & { readonly ref: SessionRef };

async function collect(
  refs: readonly SessionRef[],
  { by, threads }: StatsOptions,
  isCounted: (turn: CountedTurn) => boolean,
  world: World,
): Promise<{ readonly collected: Collected; readonly failed: readonly Failed[] }> {
  const { out, now = Date.now } = world;
  const collector = new Collector();
  const failed: Failed[] = [];
  const longest = longestFiles(refs);
  const ranks = new Map(refs.map((ref, rank) => [ref, rank]));
  const bar = refs.length > 1 && out.watched ? progressBar(refs.length) : undefined;
  // Redacted, for only content tells of secrets, commits and files.
  const results = overSessions(refs, { kind: 'stats', content: 'redacted', nowMs: now() }, world, threads === undefined ? {} : { threads });
  try {
    for await (const result of results) {
      const { ref } = result;
      if (result.kind === 'failed') failed.push({ ...result, ref });
      else {
        const origin = { rank: ranks.get(ref)!, isLeftover: longest.get(ref.sessionId) !== ref };
        collector.add(result.stats.turns, origin, (turn) => (isCounted(turn) ? groupOf(by, ref, result.stats, turn) : undefined));
      }
      bar?.step();
    }
  } finally {
    bar?.stop();
  }
  for (const { ref, message, hint } of failed)
    if (hint !== undefined) out.note(harmless(`${message} Skipped.`));
    else
      out.complain(
        `${harmless(nameOf(ref))} was left out: ${harmless(message)}\nThis is a bug in trace-build ${world.version}; please report it.`,
      );
  return { collected: collector.collected(), failed };
}

function groupOf(by: By | undefined, ref: SessionRef, { harness, repositoryUrl }: SessionStats, { startedAtMs }: CountedTurn): string {
  switch (by) {
    case 'day':
      return dayOf(startedAtMs);
    case 'project':
      return ref.startDirectory ?? '';
    case 'repo':
      return repositoryUrl ?? '';
    case 'harness':
      return harness;
    // A turn may use several models: these are told apart within its figures.
    case 'model':
    case undefined:
      return '';
    default:
      return by satisfies never;
  }
}

/** A session that moved to another folder may have left its old file behind. */
function longestFiles(refs: readonly SessionRef[]): ReadonlyMap<string, SessionRef> {
  const longest = new Map<string, SessionRef>();
  for (const ref of refs) {
    const other = longest.get(ref.sessionId);
    if (other === undefined || ref.bytes > other.bytes) longest.set(ref.sessionId, ref);
  }
  return longest;
}

const groupsOf = ({ groups }: Collected): readonly ({ readonly key: string } & StatsReport)[] =>
  groups.map(({ key, stats: figures }) => ({ key, ...reportOf(figures) }));

function documentOf(
  total: StatsReport,
  collected: Collected,
  failed: StatsDocument['failed'],
  { by }: StatsOptions,
  from: number | undefined,
  to: number | undefined,
): StatsDocument {
  const groups = by === 'model' ? total.models.map((model) => ({ key: model.model, ...model })) : groupsOf(collected);
  return {
    ...(from !== undefined && { since: new Date(from).toISOString() }),
    ...(to !== undefined && { until: new Date(to).toISOString() }),
    failed: failed.map(({ path, message }) => ({ path, message })),
    total,
    ...(by !== undefined && { by, groups }),
  };
}

function nothing(refs: readonly SessionRef[], { since, until, project }: StatsOptions, places: Places): string {
  const asked = [since && `since ${since}`, until && `until ${until}`, project && `in ${project}`].filter(Boolean).join(', ');
  if (asked !== '') return harmless(`No turn of an agent ${asked}.`);
  if (refs.length > 0) return 'No turn of an agent in these sessions.';
  return harmless(`No session of an agent was found under ${searchedPlaces(places).join(', ')}.`);
}

/** @returns whether a session began there, by the name it was given or by where that really is */
function inProject(project: string | undefined, cwd: string): (ref: SessionRef) => boolean {
  if (project === undefined) return () => true;
  const named = resolve(cwd, project);
  const tops = [...new Set([named, realPathOf(named)])];
  return ({ startDirectory }) =>
    startDirectory !== undefined &&
    tops.some((top) => startDirectory === top || startDirectory.startsWith(top.endsWith(sep) ? top : top + sep));
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // It is gone, and its sessions are still there.
  }
}

const nameOf = ({ path, folder, sessionId }: SessionRef): string => path ?? `${folder}/${sessionId}`;

function threadCount(text: string): number {
  const n = Number(text);
  if (Number.isInteger(n) && n > 0) return n;
  throw new UserError(`--threads ${text} is no number of threads.`, 'Give 1 or more.');
}
