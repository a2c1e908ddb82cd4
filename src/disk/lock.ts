/**
 * One at a time, across processes, without a daemon and without a clock.
 *
 * in:   a folder that stands for the thing to be locked
 * out:  `Lock`, or undefined while somebody who lives holds it
 *
 * The folder holds numbered files; the highest number tells who has the lock, and an empty one that nobody has. Whoever
 * wants it makes the next number, which only one can. Numbers never fall, so a slow process that saw an old state makes
 * a number that is not the highest, and knows that it came too late. A holder that died is told by its pid, the start
 * time of that pid and the boot: none of them depends on what the clock says.
 */
import { spawnSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

export interface Lock {
  /** Does not fail: a lock that can't be released ends with its process. */
  readonly release: () => void;
}

/** Of a holder on another machine or in another container nothing can be asked: this long without a sign, it is dead. */
const FOREIGN_HOLDER_MAX_MS = 2 * 60_000;
/** A sign is a new date of the file. A build may keep a process busy for some seconds. */
const SIGN_EVERY_MS = 15_000;
const RETRY_FIRST_MS = 2;
const RETRY_MAX_MS = 100;

/** @throws whatever the file system says: no space, no permission */
export function tryLock(folder: string): Lock | undefined {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (;;) {
    const highest = numbersIn(folder).at(-1) ?? 0;
    if (highest > 0 && isHeld(join(folder, String(highest)))) return undefined;
    const own = join(folder, String(highest + 1));
    if (!makeOnly(own)) continue;
    if (numbersIn(folder).at(-1) === highest + 1) {
      removeOlder(folder, highest + 1);
      return holding(own);
    }
    rmSync(own, { force: true });
  }
}

/**
 * Waits for it.
 *
 * @param patienceMs  when to give up, whatever becomes of the clock meanwhile
 */
export async function lock(folder: string, patienceMs = Number.POSITIVE_INFINITY): Promise<Lock | undefined> {
  const begunMs = performance.now();
  for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(RETRY_MAX_MS, waitMs * 2)) {
    const held = tryLock(folder);
    if (held !== undefined || performance.now() - begunMs >= patienceMs) return held;
    // At random, so that those who wait do not all come at once.
    await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random())));
  }
}

/** Who has it, for people; undefined: nobody who lives. */
export function holderOf(folder: string): { readonly pid: number } | undefined {
  try {
    const highest = numbersIn(folder).at(-1) ?? 0;
    return highest > 0 && isHeld(join(folder, String(highest))) ? holderIn(join(folder, String(highest))) : undefined;
  } catch {
    return undefined; // No such folder: it was never locked.
  }
}

/** When somebody last took it, gave a sign, or gave it back. Unix ms; undefined: it was never locked. */
export function lastHeldMs(folder: string): number | undefined {
  try {
    const times = numbersIn(folder).map((name) => statSync(join(folder, String(name))).mtimeMs);
    return times.length === 0 ? undefined : Math.floor(Math.max(...times));
  } catch {
    return undefined; // No such folder, or somebody takes it this moment.
  }
}

/** A process, as it can be known again when its pid was given to another one. */
export interface Process {
  readonly pid: number;
  /** As the system tells it: text to compare, no time to reckon with. */
  readonly started: string;
  readonly boot: string;
  /** Machine and container: elsewhere the pid means another process. */
  readonly place: string;
}

/** @returns undefined when there is no such process */
export function processOf(pid: number): Process | undefined {
  const started = startOf(pid);
  return started === undefined ? undefined : { pid, started, boot: textOf('/proc/sys/kernel/random/boot_id'), place: placeOf() };
}

/** Undefined where that can't be known from here. */
export function isAlive(known: Process): boolean | undefined {
  if (known.place !== placeOf()) return undefined;
  return known.boot === textOf('/proc/sys/kernel/random/boot_id') && startOf(known.pid) === known.started;
}

// ---------------------------------------------------------------------------------------------

function holding(path: string): Lock {
  const attempt = (act: () => void): void => {
    try {
      act();
    } catch {
      // Others took us for dead and the file is gone, or the disk has become read-only.
    }
  };
  const signs = setInterval(() => attempt(() => utimesSync(path, new Date(), new Date())), SIGN_EVERY_MS).unref();
  return {
    release: () => {
      clearInterval(signs);
      attempt(() => truncateSync(path));
    },
  };
}

const numbersIn = (folder: string): readonly number[] =>
  readdirSync(folder)
    .flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
    .toSorted((a, b) => a - b);

/** Also what killed processes left half made. */
function removeOlder(folder: string, own: number): void {
  for (const name of readdirSync(folder))
    if (Number.parseInt(name, 10) <= own && name !== String(own)) rmSync(join(folder, name), { force: true });
}

function isHeld(path: string): boolean {
  const holder = holderIn(path);
  if (holder === undefined) return false;
  const alive = isAlive(holder);
  if (alive !== undefined) return alive;
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && Math.abs(Date.now() - stats.mtimeMs) < FOREIGN_HOLDER_MAX_MS;
}

/** Nobody: it was released, or somebody went on to the next number meanwhile, or the disk lost what was written. */
function holderIn(path: string): Process | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isProcess(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
}

function isProcess(value: unknown): value is Process {
  const { pid, started, boot, place: where } = (value ?? {}) as Record<string, unknown>;
  return typeof pid === 'number' && [started, boot, where].every((text) => typeof text === 'string');
}

/** Whole or not at all: nobody may see it without its content. */
function makeOnly(path: string): boolean {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    writeFileSync(temporary, JSON.stringify(processOf(process.pid)), { flag: 'wx', mode: 0o600 });
    linkSync(temporary, path);
    return true;
  } catch (error) {
    // Somebody was first, and may have cleaned up after us already.
    if (['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Linux tells ticks since boot; elsewhere `ps` tells a date. */
function startOf(pid: number): string | undefined {
  const stat = textOf(`/proc/${pid}/stat`);
  // The name in parentheses may hold anything; the start time is the 20th field after it. A zombie is dead.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields.length > 19) return fields[0] === 'Z' ? undefined : fields[19];
  if (textOf('/proc/self/stat') !== '') return undefined;
  const { stdout, error } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  return error === undefined ? stdout.trim() || undefined : answers(pid);
}

/** Where there is no `ps` either, a pid is all there is. */
function answers(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return 'unknown';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'unknown' : undefined;
  }
}

let place: string | undefined;

function placeOf(): string {
  place ??= `${hostname()} ${linkOf('/proc/self/ns/pid')}`;
  return place;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // No /proc here, or no such process.
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // No /proc here.
  }
}
