/**
 * `trace-build verify <transcript…>`: do the spans tell what the lines tell, and has it arrived?
 *
 * in:   argv, World
 * out:  a table per session, or JSON; exit code 1 on any difference, 2 when one could not be verified. Changes nothing
 */
import { statSync } from 'node:fs';
import { UserError } from '../../errors.ts';
import { findSessions, lastSession, placeOf, type SessionRef, type UnreadableFile } from '../../read/find.ts';
import type { VerifyReport } from '../../verify/report.ts';
import { EXIT } from '../account.ts';
import { placesOf } from '../places.ts';
import { progressBar } from '../progress.ts';
import type { World } from '../run.ts';
import { count } from '../summary.ts';
import { harmless, harmlessJson } from '../terminal.ts';
import { overSessions } from '../threads.ts';
import { verifyLine, verifyText } from '../verify-text.ts';
import { type CliCommand, commandLine } from './command.ts';

interface Flags {
  readonly last?: true;
  readonly json?: true;
  readonly verbose?: true;
  readonly quiet?: true;
}

/** What `--json` prints. */
export interface VerifyJson {
  readonly sessions: readonly VerifiedSession[];
  readonly skipped: readonly SkippedSession[];
  /** Of all sessions. */
  readonly differences: number;
}

export interface VerifiedSession extends VerifyReport {
  readonly session: string;
  readonly harness: string;
  readonly path: string | null;
}

/** One that could not be read, or a file that holds none. */
interface SkippedSession {
  /** Null for a file of which no session could be read. */
  readonly session: string | null;
  readonly path: string | null;
  readonly why: string;
  /** False for a file without a session that was not named but found among others: nobody said that it has one. */
  readonly unverified: boolean;
}

const NOTES = `
Counts responses, tool calls, sub-agents and tokens straight from the lines, and compares them with the spans, with the
agent's own account where it keeps one, and with what destinations have acknowledged. Changes nothing.

Exit codes: 0 no difference, 1 a difference, 2 a session that can't be read, or something else for you to change`;

export const verify: CliCommand = {
  name: 'verify',
  summary: 'count a transcript a second time, and compare: its lines, its spans, what arrived',
  async run(argv, world) {
    const { command, parse } = commandLine('trace-build verify', 'Do the spans tell what the lines tell, and has it arrived?');
    let code: number = EXIT.ok;
    command
      .argument('[transcripts...]', 'transcripts, session ids, or directories of them')
      .option('--last', 'the newest session of this directory')
      .option('--json', 'as JSON')
      .option('--verbose', 'the whole table of every session, and every difference')
      .option('--quiet', 'only sessions with differences')
      .addHelpText('after', NOTES)
      .action(async (given: readonly string[], flags: Flags) => {
        code = await verifyAll(chosen(given, flags, world), flags, world);
      });
    await parse(argv, world.out);
    return code;
  },
};

async function verifyAll({ refs, named, unread }: Chosen, flags: Flags, world: World): Promise<number> {
  const { out, now = Date.now } = world;
  const { json } = flags;
  const bar = refs.length > 1 && out.watched && !flags.quiet ? progressBar(refs.length) : undefined;
  const tell =
    bar !== undefined && out.width !== undefined ? async (text: string) => bar.log(text) : (text: string) => out.write(`${text}\n`);
  const skipped: SkippedSession[] = unread.map(({ path, message }) => ({ session: null, path, why: message, unverified: true }));
  let [differences, wrong, told, bugs] = [0, 0, 0, 0];
  if (json) await out.write('{"sessions":[');
  try {
    for await (const result of overSessions(refs, { kind: 'verify', nowMs: now() }, world)) {
      const { ref } = result;
      if (result.kind === 'failed') {
        const { message, hint } = result;
        const unverified = result.isNone !== true || named.has(placeOf(ref));
        if (refs.length === 1 && !json) throw hint === undefined ? new Error(message) : new UserError(message, hint);
        if (hint === undefined) bugs++;
        skipped.push({ session: ref.sessionId, path: ref.path ?? null, why: message, unverified });
        if (!json) out.note(harmless(`${message} ${unverified ? 'Not verified.' : 'Skipped.'}`));
      } else {
        const { report } = result;
        differences += report.differences.length;
        wrong += Number(report.differences.length > 0);
        if (json) await out.write(`${told > 0 ? ',' : ''}\n${harmlessJson(JSON.stringify(verifiedSession(ref, report)))}`);
        else await tellReport(ref, report, refs.length > 1, flags, out, tell);
        told++;
      }
      bar?.step();
    }
  } finally {
    bar?.stop();
  }
  if (json) await out.write(`\n],"skipped":${harmlessJson(JSON.stringify(skipped))},"differences":${differences}}\n`);
  else if (refs.length > 1 || unread.length > 0) await out.write(`${lastLine(told, wrong, differences, skipped)}\n`);
  if (bugs > 0) return EXIT.bug;
  if (differences > 0) return EXIT.undelivered;
  return skipped.some(({ unverified }) => unverified) || (told === 0 && skipped.length > 0) ? EXIT.user : EXIT.ok;
}

async function tellReport(
  ref: SessionRef,
  report: VerifyReport,
  isOneOfMany: boolean,
  flags: Flags,
  out: World['out'],
  tell: (text: string) => Promise<void>,
): Promise<void> {
  const isWell = report.differences.length === 0;
  if (flags.quiet && isWell) return;
  const verbose = flags.verbose === true;
  await tell(
    isWell && isOneOfMany && !verbose
      ? verifyLine(ref.sessionId, report, out.colors)
      : verifyText(ref.path === undefined ? `${ref.sessionId} (only its agents are left)` : placeOf(ref), report, out.colors, verbose),
  );
}

const verifiedSession = ({ sessionId, harness, path }: SessionRef, report: VerifyReport): VerifiedSession => ({
  session: sessionId,
  harness: harness.name,
  path: path ?? null,
  ...report,
});

function lastLine(told: number, wrong: number, differences: number, skipped: readonly SkippedSession[]): string {
  const unverified = skipped.filter((each) => each.unverified).length;
  const others = skipped.length - unverified;
  return [
    wrong === 0
      ? `${count(told, 'session')}, no difference`
      : `${count(told, 'session')}, ${wrong} with ${count(differences, 'difference')}`,
    ...(unverified > 0 ? [`${unverified} not verified`] : []),
    ...(others > 0 ? [`${others} skipped`] : []),
  ].join(', ');
}

interface Chosen {
  /** What should hold sessions, and can't be read. */
  readonly unread: readonly UnreadableFile[];
  /** Each once. */
  readonly refs: readonly SessionRef[];
  /** Where those are that the user named one by one: of them it is known that there should be a session. */
  readonly named: ReadonlySet<string>;
}

function chosen(given: readonly string[], { last }: Flags, world: World): Chosen {
  const unread: UnreadableFile[] = [];
  const places = placesOf(world, (file) => unread.push(file));
  if (given.length === 0 && !last)
    throw new UserError('No transcript was named.', 'Name a transcript, a session id or a directory, or use --last.');
  const beside = new Map();
  const found = given.map((one) => ({ refs: findSessions(one, places, beside), isNamed: !isDirectory(one) }));
  const all = last ? [...found, { refs: [lastSession(world.cwd, placesOf(world))], isNamed: true }] : found;
  return {
    unread,
    refs: [...new Map(all.flatMap(({ refs }) => refs.map((ref) => [placeOf(ref), ref]))).values()],
    named: new Set(all.flatMap(({ refs, isNamed }) => (isNamed ? refs.map(placeOf) : []))),
  };
}

const isDirectory = (given: string): boolean => statSync(given, { throwIfNoEntry: false })?.isDirectory() === true;
