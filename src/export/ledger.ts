/**
 * What a destination has acknowledged: the memory that makes every span arrive once.
 *
 * in:   the state folder, a destination's key; spans about to be sent, and what became of them
 * out:  append-only files `ledger/<destination>/<first byte of the trace id>.jsonl`, and answers out of them
 *
 *   +{"t":"<trace id>","c":"<session>","s":{"<span id>":<end in Unix ms>, …}}     acknowledged, or refused for good
 *   -{ … }                                                                        about to be sent
 *
 * Spans that tell of a session as a whole have lines of their own, in `accounts.jsonl`, with what they told:
 *
 *   +{"t":…,"c":…,"s":{…},"u":{"<span id>":{"owner":"<agent>","counts":{"<attribute>":<count>, …}}}}
 *
 * A line is written before its spans are sent and its first byte changed when they are acknowledged: so a full disk shows
 * itself before anything leaves, and what was acknowledged can always be written down. A process killed in between
 * leaves a `-`: those spans are sent again. A torn line is no line. Whoever writes holds the destination's lock.
 */
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere, writePrivate } from '../disk/files.ts';
import { UserError } from '../errors.ts';
import { grouped } from '../grouped.ts';
import type { Account } from '../trace/account.ts';
import { ATTR_SESSION_ID } from '../trace/semconv.ts';
import type { Span } from '../trace/span.ts';
import type { Telling } from './tellings.ts';

/** Of the files' format. A newer one is not ours to touch, and without a ledger nothing may be sent. */
const VERSION = 1;

export interface Ledger {
  /**
   * Of which of these spans the destination knows, and up to which end.
   *
   * @param session  who asks: it shares the entries it finds from now on, and they live as long as it does.
   *                 Nobody: then nothing is written
   * @returns        end in Unix ms by span id
   */
  readonly acknowledged: (spans: readonly Span[], session?: string) => ReadonlyMap<string, number>;
  /** What its spans told of a session as a whole, by span id: those that were only intended, too. */
  readonly told: (session: string) => ReadonlyMap<string, Telling>;
  /**
   * To be called before spans are sent.
   *
   * @param told  what some of them tell of the session as a whole, by span id: acknowledged with the span, or not at all
   * @throws      when it can't be written: then they must not be sent
   */
  readonly intend: (spans: readonly Span[], session: string, told?: ReadonlyMap<string, Account>) => void;
  /** To be called when they are done with. They, or all spans they are part of, were intended before. */
  readonly settle: (spans: readonly Span[]) => void;
  /** Forgets sessions that are no more; each leaves the time up to which it was done with. */
  readonly prune: (isGone: (session: string) => boolean) => void;
}

interface Entry {
  readonly t: string;
  /** Session. */
  readonly c: string;
  /** Span id → end in Unix ms. */
  readonly s: Readonly<Record<string, number>>;
  /** Span id → what it told of the session, or of an agent. */
  readonly u?: Readonly<Record<string, Account>>;
}

const ACCOUNTS = 'accounts.jsonl';

/** @throws UserError when the ledger is a newer version's */
export function openLedger(stateFolder: string, destinationKey: string): Ledger {
  const folder = join(stateFolder, 'ledger', destinationKey);
  claimVersion(join(stateFolder, 'ledger'));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fileOf = (traceId: string): string => join(folder, `${traceId.slice(0, 2)}.jsonl`);
  const accounts = join(folder, ACCOUNTS);
  const intended = new Map<string, { readonly path: string; readonly offset: number }>();
  return {
    acknowledged: (spans, session) => {
      const ends = new Map<string, number>();
      const note = (spanId: string, endMs: number): void => void ends.set(spanId, Math.max(endMs, ends.get(spanId) ?? 0));
      const traceIds = new Set(spans.map(({ traceId }) => traceId));
      for (const [path, ids] of [...grouped(traceIds, fileOf), [accounts, traceIds] as const]) {
        const entries = entriesIn(path, new Set(ids));
        for (const { s } of entries) for (const [spanId, endMs] of Object.entries(s)) note(spanId, endMs);
        for (const traceId of new Set(entries.map(({ t }) => t)))
          if (session !== undefined && !entries.some(({ t, c }) => t === traceId && c === session))
            append(path, '+', { t: traceId, c: session, s: {} });
      }
      const doneUntilMs = watermarksIn(folder);
      for (const span of doneUntilMs.size === 0 ? [] : spans)
        if (span.endMs <= (doneUntilMs.get(conversationOf(span)) ?? 0)) note(span.spanId, span.endMs);
      return ends;
    },
    told: (session) => {
      const before = watermarkEntriesIn(folder).filter(({ c }) => c === session);
      const lines = (readIfThere(accounts) ?? '').split('\n').flatMap((line) => {
        const entry = entryIn(line);
        return entry?.c === session ? [{ entry, acknowledged: line.startsWith('+') }] : [];
      });
      const told = new Map<string, Telling>();
      for (const { entry, acknowledged } of [...before.map((entry) => ({ entry, acknowledged: true })), ...lines])
        for (const [spanId, account] of Object.entries(entry.u ?? {}))
          if (acknowledged || told.get(spanId)?.acknowledged !== true) told.set(spanId, { ...account, acknowledged });
      return told;
    },
    intend: (spans, session, told = NOTHING_TOLD) => {
      for (const ofTrace of grouped(spans, ({ traceId }) => traceId).values())
        for (const [tells, some] of grouped(ofTrace, ({ spanId }) => told.has(spanId))) {
          const { traceId } = some[0]!;
          const path = tells ? accounts : fileOf(traceId);
          const offset = append(path, '-', {
            t: traceId,
            c: session,
            s: Object.fromEntries(some.map(({ spanId, endMs }) => [spanId, endMs])),
            ...(tells && { u: Object.fromEntries(some.map(({ spanId }) => [spanId, accountIn(told.get(spanId)!)])) }),
          });
          for (const { spanId } of some) intended.set(spanId, { path, offset });
        }
    },
    settle: (spans) => {
      const places = new Map(spans.map(({ spanId }) => intended.get(spanId)!).map((place) => [`${place.path} ${place.offset}`, place]));
      for (const { path, offset } of places.values()) confirm(path, offset);
      for (const { spanId } of spans) intended.delete(spanId);
    },
    prune: (isGone) => prune(folder, isGone),
  };
}

const NOTHING_TOLD: ReadonlyMap<string, Account> = new Map();
const accountIn = ({ owner, counts }: Account): Account => ({ owner, counts });

/** How many spans a destination has acknowledged, or refused for good, of sessions that still are. Reads only. */
export function settledSpans(stateFolder: string, destinationKey: string): number {
  const folder = join(stateFolder, 'ledger', destinationKey);
  return ledgerFiles(folder).reduce((sum, name) => sum + spanIdsIn(readIfThere(join(folder, name)) ?? '').size, 0);
}

/** Without parsing, for there may be millions. */
function spanIdsIn(text: string): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const line of text.split('\n'))
    if (line.startsWith('+')) for (const [, id] of line.slice(line.lastIndexOf('"s":{')).matchAll(/"([0-9a-f]{16})":/g)) ids.add(id!);
  return ids;
}

export interface LedgerReading {
  /** @param traceIds  of the session's spans: what other sessions sent of these traces is acknowledged, too */
  readonly of: (session: string, traceIds: Iterable<string>) => LedgerAnswer;
}

export interface LedgerAnswer {
  /** End in Unix ms by span id, whoever sent it. */
  readonly ends: ReadonlyMap<string, number>;
  /** What the session sent itself: trace id by span id. */
  readonly own: ReadonlyMap<string, string>;
  /** What its spans told of the session as a whole, by span id. */
  readonly told: ReadonlyMap<string, Account>;
  /** The session was forgotten: it was done with up to then. Unix ms. */
  readonly doneUntilMs: number | undefined;
}

/** What a destination knows, as it is now, for whoever asks about many sessions. Reads only: nothing is made, nothing locked. */
export function readLedger(stateFolder: string, destinationKey: string): LedgerReading {
  const folder = join(stateFolder, 'ledger', destinationKey);
  const lines = ledgerFiles(folder).flatMap((name) => (readIfThere(join(folder, name)) ?? '').split('\n'));
  const acknowledged = lines.filter((line) => line.startsWith('+'));
  const partOf = (line: string, part: 't' | 'c'): string | undefined => ENTRY_BEGINNING.exec(line)?.groups?.[part];
  const ofTrace = grouped(acknowledged, (line) => partOf(line, 't'));
  const ofSession = grouped(acknowledged, (line) => partOf(line, 'c'));
  const watermarks = watermarkEntriesIn(folder);
  const doneUntilMs = watermarksIn(folder);
  const entries = (found: readonly string[] | undefined): readonly Entry[] => (found ?? []).flatMap((line) => entryOf(line) ?? []);
  return {
    of: (session, traceIds) => {
      const own = entries(ofSession.get(JSON.stringify(session).slice(1, -1)));
      const ends = new Map<string, number>();
      for (const { s } of [...own, ...[...new Set(traceIds)].flatMap((traceId) => entries(ofTrace.get(traceId)))])
        for (const [spanId, endMs] of Object.entries(s)) ends.set(spanId, Math.max(endMs, ends.get(spanId) ?? 0));
      return {
        ends,
        told: new Map([...watermarks.filter(({ c }) => c === session), ...own].flatMap(({ u = {} }) => Object.entries(u))),
        own: new Map(own.flatMap(({ t, s }) => Object.keys(s).map((spanId) => [spanId, t] as const))),
        doneUntilMs: doneUntilMs.get(session),
      };
    },
  };
}

/** As written by `append`: there may be millions, and most are never asked for. */
const ENTRY_BEGINNING = /^\+\{"t":"(?<t>[^"]*)","c":"(?<c>(?:[^"\\]|\\.)*)"/;

/** Whether a newer version has written the ledger: then nothing is sent. Reads only. */
export const isOfNewerVersion = (stateFolder: string): boolean => versionIn(join(stateFolder, 'ledger')) > VERSION;

const conversationOf = ({ attributes }: Span): string => String(attributes[ATTR_SESSION_ID]);

function claimVersion(folder: string): void {
  const version = versionIn(folder);
  if (version > VERSION)
    throw new UserError(
      `${folder} was written by a newer version of trace-build, so nothing is sent: this version can't tell what was delivered before.`,
      'Update trace-build.',
    );
  if (version !== VERSION) writePrivate(versionFile(folder), `${VERSION}\n`);
}

const versionFile = (folder: string): string => join(folder, 'version');
const versionIn = (folder: string): number => Number(readIfThere(versionFile(folder))?.trim());

const ledgerFiles = (folder: string): readonly string[] =>
  readdirSync(folder).filter((file) => file === ACCOUNTS || /^[0-9a-f]{2}\.jsonl$/.test(file));

/** Begins with a line feed, so that a line somebody was killed at does not spoil this one. @returns offset of the mark */
function append(path: string, mark: '+' | '-', entry: Entry): number {
  const fd = openSync(path, 'a', 0o600);
  try {
    const line = Buffer.from(`\n${mark}${JSON.stringify(entry)}\n`);
    const offset = fstatSync(fd).size + 1;
    const written = writeSync(fd, line);
    if (written < line.length) throw Object.assign(new Error(`${path}: no space left for the ledger`), { code: 'ENOSPC' });
    return offset;
  } finally {
    closeSync(fd);
  }
}

/** One byte over another: it takes no space. */
function confirm(path: string, offset: number): void {
  const fd = openSync(path, 'r+');
  try {
    writeSync(fd, '+', offset);
  } finally {
    closeSync(fd);
  }
}

function entriesIn(path: string, traceIds: ReadonlySet<string>): readonly Entry[] {
  const text = readIfThere(path) ?? '';
  const entries: Entry[] = [];
  for (const traceId of traceIds) {
    const beginning = `\n+{"t":"${traceId}"`;
    for (let at = text.indexOf(beginning); at >= 0; at = text.indexOf(beginning, at + 1)) {
      const entry = entryOf(text.slice(at + 1, lineEnd(text, at + 1)));
      if (entry !== undefined) entries.push(entry);
    }
  }
  return entries;
}

const lineEnd = (text: string, from: number): number => {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
};

/** @returns undefined for anything but an acknowledged entry: intentions, torn and damaged lines */
const entryOf = (line: string): Entry | undefined => (line.startsWith('+') ? entryIn(line) : undefined);

/** Whether it was acknowledged or not. */
function entryIn(line: string): Entry | undefined {
  if (!/^[+-]/.test(line)) return undefined;
  try {
    const entry: unknown = JSON.parse(line.slice(1));
    return isEntry(entry) ? entry : undefined;
  } catch {
    return undefined; // Torn or damaged: what it told is sent again.
  }
}

function isEntry(value: unknown): value is Entry {
  const { t, c, s, u = {} } = (value ?? {}) as Record<string, unknown>;
  return typeof t === 'string' && typeof c === 'string' && isCounts(s) && isObject(u) && Object.values(u).every(isAccount);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isCounts = (value: unknown): boolean => isObject(value) && Object.values(value).every(Number.isFinite);

function isAccount(value: unknown): value is Account {
  const { owner, counts } = (value ?? {}) as Record<string, unknown>;
  return typeof owner === 'string' && isCounts(counts);
}

// ---------------------------------------------------------------------------------------------
// Sessions that are no more.

const WATERMARKS = 'watermarks.jsonl';

const watermarkEntriesIn = (folder: string): readonly Entry[] =>
  (readIfThere(join(folder, WATERMARKS)) ?? '').split('\n').flatMap((line) => entryOf(line) ?? []);

const watermarksIn = (folder: string): Map<string, number> => new Map(watermarkEntriesIn(folder).map(({ c, s }) => [c, s['until'] ?? 0]));

/**
 * What was only intended goes, too: nobody sends meanwhile, so it is of processes that were killed. But what was told of a
 * session as a whole stays: sent again, it is told with the same span.
 */
function prune(folder: string, isGone: (session: string) => boolean): void {
  const doneUntilMs = watermarksIn(folder);
  const told = new Map(watermarkEntriesIn(folder).flatMap(({ c, u }) => (u === undefined ? [] : [[c, u] as const])));
  const kept = new Map<string, readonly string[]>();
  for (const name of ledgerFiles(folder)) {
    const path = join(folder, name);
    const lines = readFileSync(path, 'utf8').split('\n');
    const entries = lines.flatMap((line) => entryOf(line) ?? []);
    const dead = [...grouped(entries, ({ t }) => t).values()].filter((ofTrace) => ofTrace.every(({ c }) => isGone(c)));
    if (dead.length === 0) continue;
    // A fork that only shared what another session had sent is done with it, too.
    for (const ofTrace of dead) for (const { c } of ofTrace) doneUntilMs.set(c, Math.max(doneUntilMs.get(c) ?? 0, lastEndMs(ofTrace)));
    for (const { c, u } of dead.flat()) if (u !== undefined) told.set(c, { ...told.get(c), ...u });
    const goes = new Set(dead.flat());
    const unanswered = lines.filter((line) => line.startsWith('-') && isOfLiving(entryIn(line), isGone));
    kept.set(path, [...entries.filter((entry) => !goes.has(entry)).map((entry) => `+${JSON.stringify(entry)}`), ...unanswered]);
  }
  if (kept.size === 0) return;
  // The watermarks first: killed in between, a session is told twice here, and never not at all.
  const watermarks = [...doneUntilMs].map(([c, until]): Entry => ({ t: '', c, s: { until }, ...(told.has(c) && { u: told.get(c)! }) }));
  writePrivate(join(folder, WATERMARKS), watermarks.map((entry) => `+${JSON.stringify(entry)}\n`).join(''));
  for (const [path, lines] of kept) writePrivate(path, lines.map((line) => `\n${line}\n`).join(''));
}

const isOfLiving = (entry: Entry | undefined, isGone: (session: string) => boolean): boolean => entry?.u !== undefined && !isGone(entry.c);

const lastEndMs = (entries: readonly Entry[]): number =>
  entries.flatMap(({ s }) => Object.values(s)).reduce((last, endMs) => Math.max(last, endMs), 0);
