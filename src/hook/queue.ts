/**
 * The queue: what hooks have put there, one file a hook.
 *
 * in:   the state folder; files that hooks/trace-build.sh, or `trace-build hook`, has written
 * out:  `Job[]`, oldest first; files removed when they are done with or too old, each of those counted
 *
 *   trace-build job 1
 *   <key>=<value>            as many as there are
 *                            (an empty line)
 *   {"session_id":…}         the hook's payload, to the end
 */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { readIfThere } from '../disk/files.ts';
import { isObject, parsedJson } from '../json.ts';
import { eventCalled, type HookEvent } from './events.ts';

export interface Job {
  /** Its file. */
  readonly path: string;
  readonly atMs: number;
  readonly event: HookEvent;
  /** Whose hook it was; absent: Claude Code's. */
  readonly harness?: string | undefined;
  readonly sessionId: string;
  /** Set where it was a sub-agent that did something. */
  readonly agentId?: string | undefined;
  readonly transcriptPath?: string | undefined;
  /** Current directory of the session, which moves. */
  readonly cwd?: string | undefined;
  readonly projectDirectory?: string | undefined;
  readonly pid?: number | undefined;
  readonly traceparent?: string | undefined;
  /** The user wants nothing of this session to be exported. */
  readonly disabled: boolean;
  /** What the agent said last, of a stop. */
  readonly lastMessage?: string | undefined;
}

/** Older than what the agent keeps of a vacation's work, younger than its own transcripts' deletion. */
const JOB_MAX_MS = 14 * 24 * 60 * 60_000;
const QUEUE_MAX_BYTES = 64 * 1024 * 1024;
/** A payload holds one message of the agent; the rest of the bytes are somebody else's. */
const JOB_MAX_BYTES = 16 * 1024 * 1024;
/** A file that is being written is done with in a moment. */
const HALF_WRITTEN_MAX_MS = 60_000;

/** Of a payload what we use. A field of another type costs only itself. */
const optionalText = z.catch(z.optional(z.string()), undefined);
const payloadSchema = z.object({
  session_id: optionalText,
  agent_id: optionalText,
  transcript_path: optionalText,
  cwd: optionalText,
  hook_event_name: optionalText,
  last_assistant_message: optionalText,
});

export const queueFolder = (stateFolder: string): string => join(stateFolder, 'queue');

/**
 * @param unusable  told of each file that holds no job; it is removed, for nothing can be done with it
 */
export function jobsIn(stateFolder: string, nowMs: number, unusable: (name: string, why: string) => void): readonly Job[] {
  const folder = queueFolder(stateFolder);
  dropOverdue(folder, nowMs);
  return filesIn(folder, /\.job$/).flatMap(({ path, name, atMs, bytes }) => {
    const job = bytes > JOB_MAX_BYTES ? 'it is too large' : jobFrom(path, atMs);
    if (typeof job !== 'string') return job === undefined ? [] : [job];
    unusable(name, job);
    rmSync(path, { force: true });
    return [];
  });
}

/** @param but  files that don't count */
export const isEmpty = (stateFolder: string, but: ReadonlySet<string>): boolean =>
  filesIn(queueFolder(stateFolder), /\.job$/).every(({ path }) => but.has(path));

export const remove = (job: Job): void => rmSync(job.path, { force: true });

export interface Waiting {
  readonly jobs: number;
  /** Unix ms; undefined when there are none. */
  readonly oldestAtMs: number | undefined;
  readonly newestAtMs: number | undefined;
}

/** What nobody has taken up yet. Reads only. */
export function waitingJobs(stateFolder: string): Waiting {
  const files = filesIn(queueFolder(stateFolder), /\.job$/);
  const [oldest, newest] = [files[0], files.at(-1)].map((file) => file && Math.floor(file.atMs));
  return { jobs: files.length, oldestAtMs: oldest, newestAtMs: newest };
}

/** How many jobs were dropped because nobody had drained the queue in time. */
export const droppedJobs = (stateFolder: string): number =>
  (readIfThere(join(queueFolder(stateFolder), '.dropped')) ?? '').split('\n').filter((line) => line !== '').length;

/** Puts a job there, as hooks/trace-build.sh does. */
export function enqueue(stateFolder: string, fields: Readonly<Record<string, string | undefined>>, payload: string): void {
  const folder = queueFolder(stateFolder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const head = Object.entries(fields).flatMap(([key, value]) => (value === undefined || value.includes('\n') ? [] : [`${key}=${value}\n`]));
  const name = `${process.pid}.${Date.now()}.${Math.random().toString(36).slice(2)}`;
  const temporary = join(folder, `.${name}.tmp`);
  try {
    writeFileSync(temporary, `trace-build job 1\n${head.join('')}\n${payload}`, { mode: 0o600, flag: 'wx' });
    renameSync(temporary, join(folder, `${name}.job`));
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** @returns why it is no job; undefined when somebody else has removed it */
function jobFrom(path: string, atMs: number): Job | string | undefined {
  const text = textOf(path);
  if (text === undefined) return undefined;
  const end = text.indexOf('\n\n');
  const [first, ...lines] = text.slice(0, Math.max(end, 0)).split('\n');
  if (first !== 'trace-build job 1') return 'it does not begin like a job';
  const fields = new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  const told = parsedJson(text.slice(end + 2));
  // Some old versions give hooks no payload: the fields above have to do.
  const payload = payloadSchema.parse(isObject(told) ? told : {});
  const event = eventCalled(fields.get('event') ?? payload.hook_event_name);
  const sessionId = payload.session_id ?? fields.get('session_id');
  if (event === undefined) return 'it tells of no event we know';
  if (sessionId === undefined || sessionId === '') return 'it tells of no session';
  const pid = Number(fields.get('pid'));
  return {
    path,
    atMs,
    event,
    harness: fields.get('harness'),
    sessionId,
    agentId: payload.agent_id,
    transcriptPath: payload.transcript_path,
    cwd: payload.cwd,
    projectDirectory: fields.get('project_dir'),
    ...(Number.isSafeInteger(pid) && pid > 0 && { pid }),
    traceparent: fields.get('traceparent'),
    disabled: fields.has('disabled'),
    lastMessage: payload.last_assistant_message,
  };
}

/** The oldest first: a queue that nobody drains must not grow for ever. */
function dropOverdue(folder: string, nowMs: number): void {
  for (const { path } of filesIn(folder, /^\..*\.tmp$/).filter(({ atMs }) => nowMs - atMs > HALF_WRITTEN_MAX_MS))
    rmSync(path, { force: true });
  const files = filesIn(folder, /\.job$/);
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const file of files) {
    const reason = nowMs - file.atMs > JOB_MAX_MS ? 'age' : bytes > QUEUE_MAX_BYTES ? 'size' : undefined;
    if (reason === undefined) continue;
    bytes -= file.bytes;
    rmSync(file.path, { force: true });
    appendFileSync(join(folder, '.dropped'), `${nowMs} ${reason}\n`, { mode: 0o600 });
  }
}

interface QueueFile {
  readonly path: string;
  readonly name: string;
  readonly atMs: number;
  readonly bytes: number;
}

function filesIn(folder: string, pattern: RegExp): readonly QueueFile[] {
  return namesIn(folder)
    .filter((name) => pattern.test(name))
    .flatMap((name) => {
      const path = join(folder, name);
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats?.isFile() ? [{ path, name, atMs: stats.mtimeMs, bytes: stats.size }] : [];
    })
    .toSorted((a, b) => a.atMs - b.atMs || (a.name < b.name ? -1 : 1));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return '';
  }
}
