/** One holder at a time, whoever dies; and nobody who is dead keeps a lock. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { holderOf, isAlive, lastHeldMs, lock, type Process, processOf, tryLock } from '../../src/disk/lock.ts';
import { scratch } from '../support/scratch.ts';

const top = scratch('lock');
let made = 0;
const folder = (): string => join(top, `case-${made++}`);

const own = processOf(process.pid)!;

/** A lock as its holder left it. */
function leftBy(holder: Process | string, atMs = Date.now()): string {
  const path = folder();
  mkdirSync(path);
  writeFileSync(join(path, '7'), typeof holder === 'string' ? holder : JSON.stringify(holder));
  utimesSync(join(path, '7'), atMs / 1000, atMs / 1000);
  return path;
}

test('held by one, then free, then held by another', () => {
  const path = folder();
  const held = tryLock(path)!;
  expect([tryLock(path), holderOf(path)?.pid]).toEqual([undefined, process.pid]);
  held.release();
  expect(holderOf(path)).toBeUndefined();
  tryLock(path)!.release();
  expect(readdirSync(path)).toEqual(['2']);
  expect([path, join(path, '2')].map((file) => (statSync(file).mode & 0o777).toString(8))).toEqual(['700', '600']);
});

test('when it was last held', () => {
  const path = leftBy({ ...own, pid: 1 << 22 }, 1_700_000_000_000);
  expect(lastHeldMs(path)).toBe(1_700_000_000_000);
  tryLock(path)!.release();
  expect(lastHeldMs(path)).toBeGreaterThan(1_700_000_000_000);
  mkdirSync(join(path, 'empty'));
  expect([lastHeldMs(join(path, 'empty')), lastHeldMs(join(top, 'never'))]).toEqual([undefined, undefined]);
});

test('of one that never was nobody is the holder, and asking makes no folder', () => {
  expect(holderOf(join(top, 'never'))).toBeUndefined();
  expect(readdirSync(top)).not.toContain('never');
});

describe('what its holder left behind', () => {
  const MINUTE_MS = 60_000;
  const elsewhere: Process = { ...own, place: 'another-host pid:[4026531836]' };

  test.each([
    { what: 'a process that lives', holder: own, taken: false },
    { what: 'a pid that nobody has', holder: { ...own, pid: 4_194_305 }, taken: true },
    { what: 'a pid that another process has now', holder: { ...own, started: '1' }, taken: true },
    { what: 'a process of another boot', holder: { ...own, boot: 'an earlier one' }, taken: true },
    { what: 'a process elsewhere, that gave a sign just now', holder: elsewhere, taken: false },
    { what: 'a process elsewhere, that gave none for an hour', holder: elsewhere, atMs: -60 * MINUTE_MS, taken: true },
    { what: 'a process elsewhere, and the clock was set back a day since', holder: elsewhere, atMs: 24 * 60 * MINUTE_MS, taken: true },
    { what: 'nothing: it was released', holder: '', taken: true },
    { what: 'half a line', holder: JSON.stringify(own).slice(0, 20), taken: true },
    { what: 'garbage', holder: '\0\xff}{', taken: true },
    { what: 'JSON that names nobody', holder: 'null', taken: true },
    { what: 'JSON of another kind', holder: '[1]', taken: true },
  ])('$what', ({ holder, atMs = 0, taken }) => {
    const path = leftBy(holder, Date.now() + atMs);
    expect(tryLock(path) !== undefined).toBe(taken);
    expect(holderOf(path) !== undefined).toBe(true);
  });

  test('files that are no part of it are left alone; those of dead processes go', () => {
    const path = leftBy('');
    for (const name of ['7.4194305.abc', '3', 'README']) writeFileSync(join(path, name), '');
    tryLock(path)!.release();
    expect(readdirSync(path).toSorted()).toEqual(['8', 'README']);
  });
});

test('a zombie is dead', async () => {
  // The shell becomes a program that never asks how its children ended.
  const parent = spawn('sh', ['-c', 'exec 3<&0; cat <&3 & echo $!; exec sleep 60'], { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    const pid = Number(String((await once(parent.stdout!, 'data'))[0]));
    await vi.waitUntil(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n', { timeout: 20_000, interval: 2 });
    expect(processOf(pid)).toBeDefined();
    parent.stdin!.end();
    await vi.waitUntil(() => processOf(pid) === undefined, { timeout: 20_000, interval: 2 });
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z ');
  } finally {
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  }
});

test('alive, dead, not to be known', () => {
  expect([own, { ...own, boot: 'b' }, { ...own, place: 'p' }].map(isAlive)).toEqual([true, false, undefined]);
  expect(processOf(4_194_305)).toBeUndefined();
});

describe('a holder whom others took for dead', () => {
  test('does not fail at the end, and takes nothing from who holds it now', () => {
    const path = folder();
    const first = tryLock(path)!;
    writeFileSync(join(path, '1'), JSON.stringify({ ...own, boot: 'so it seemed' }));
    const second = tryLock(path)!;
    first.release();
    expect([holderOf(path)?.pid, tryLock(path)]).toEqual([process.pid, undefined]);
    second.release();
    expect(tryLock(path)).toBeDefined();
  });

  test('gives signs while it works, so that others elsewhere know', () => {
    vi.useFakeTimers({ now: Date.now() });
    try {
      const path = folder();
      const held = tryLock(path)!;
      const signMs = (): number => statSync(join(path, '1')).mtimeMs;
      for (let minute = 0; minute < 30; minute++) {
        vi.advanceTimersByTime(60_000);
        expect(Math.abs(Date.now() - signMs())).toBeLessThanOrEqual(60_000);
      }
      held.release();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('waiting', () => {
  test('until it is released', async () => {
    const path = folder();
    const held = tryLock(path)!;
    let got = false;
    const next = lock(path).then((mine) => {
      got = true;
      return mine;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(got).toBe(false);
    held.release();
    expect(await next).toBeDefined();
  });

  test('until patience ends', async () => {
    const path = folder();
    tryLock(path);
    expect(await lock(path, 20)).toBeUndefined();
    expect(await lock(path, 0)).toBeUndefined();
  });

  test('not a day longer when the clock is set back meanwhile', async () => {
    const path = folder();
    tryLock(path);
    const waiting = lock(path, 20);
    const day = 24 * 60 * 60_000;
    const clock = vi.spyOn(Date, 'now');
    clock.mockImplementation(() => performance.timeOrigin + performance.now() - day);
    try {
      expect(await waiting).toBeUndefined();
    } finally {
      clock.mockRestore();
    }
  });
});

/** Each process enters and leaves many times, and writes down when; some are killed inside. */
describe('many processes', () => {
  const program = join(top, 'contend.mjs');
  beforeAll(async () => {
    await build({
      stdin: {
        contents: `
          import { appendFileSync } from 'node:fs';
          import { lock } from './src/disk/lock.ts';
          const [folder, diary, rounds] = process.argv.slice(2);
          for (let round = 0; round < Number(rounds); round++) {
            const held = await lock(folder);
            appendFileSync(diary, \`+\${process.pid}\\n\`);
            await new Promise((resolve) => setTimeout(resolve, Math.random() * 2));
            appendFileSync(diary, \`-\${process.pid}\\n\`);
            held.release();
          }`,
        resolveDir: process.cwd(),
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      outfile: program,
    });
  });

  const contend = (path: string, rounds: number): ChildProcess =>
    spawn(process.execPath, [program, path, `${path}.diary`, String(rounds)], { stdio: ['ignore', 'ignore', 'inherit'] });

  test('one at a time; who is killed inside lets the next one in', async () => {
    const path = folder();
    const diary = (): readonly string[] => readFileSync(`${path}.diary`, 'utf8').trimEnd().split('\n');
    const [rounds, immortal] = [25, Array.from({ length: 3 }, () => contend(path, 25))];
    const killed: number[] = [];
    for (let n = 0; n < 3; n++) {
      const victim = contend(path, 10_000);
      await vi.waitUntil(() => statSync(`${path}.diary`, { throwIfNoEntry: false }) && diary().at(-1) === `+${victim.pid}`, {
        interval: 1,
        timeout: 20_000,
      });
      victim.kill('SIGKILL');
      await once(victim, 'exit');
      killed.push(victim.pid!);
    }
    await Promise.all(immortal.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined)));
    let inside: string | undefined;
    for (const entry of diary()) {
      const [sign, pid] = [entry[0], entry.slice(1)];
      // Killed inside, a process leaves nothing but its place.
      if (sign === '+') expect(inside === undefined || killed.includes(Number(inside)), `${pid} came in on ${inside}`).toBe(true);
      else expect(inside).toBe(pid);
      inside = sign === '+' ? pid : undefined;
    }
    for (const { pid } of immortal) expect(diary().filter((entry) => entry === `-${pid}`)).toHaveLength(rounds);
    expect(holderOf(path)).toBeUndefined();
    expect(readdirSync(path)).toHaveLength(1);
  });
});
