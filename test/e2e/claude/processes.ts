/**
 * Waiting for what other processes do, and knowing which of them are ours.
 *
 * in:   a folder; /proc, so Linux only
 * out:  the processes that were started for it: its path is in their command line, working directory or HOME
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;

export interface Process {
  readonly pid: number;
  readonly command: string;
}

export function processesOf(folder: string): readonly Process[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    const command = told(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
      .replaceAll('\0', ' ')
      .trim();
    const directory = told(() => readlinkSync(`/proc/${pid}/cwd`));
    const environment = told(() => readFileSync(`/proc/${pid}/environ`, 'utf8'));
    // One that has ended, and whose parent has not asked yet, has no command line.
    if (command === '') return [];
    return `${command}\n${directory}\n${environment}`.includes(folder) ? [{ pid, command }] : [];
  });
}

/** Workers live on after the agent: waits until nothing that was started for a folder runs any more. */
export async function nobodyIsLeft(folder: string, details: () => string = () => ''): Promise<void> {
  await until('nobody is left', () => processesOf(folder).length === 0, {
    timeoutMs: 60_000,
    details: () => [...processesOf(folder).map(({ pid, command }) => `${pid} ${command}`), details()].join('\n'),
  });
}

export const isAlive = (pid: number): boolean => told(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) !== '';

/**
 * @param probe    asked again and again, until it says something other than undefined or false
 * @param details  told when it takes too long
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false,
  { timeoutMs = 30_000, details = () => '' }: { readonly timeoutMs?: number; readonly details?: () => string } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`${timeoutMs} ms, and not yet: ${what}\n${details()}`);
    await sleep(POLL_MS);
  }
}

/** A process may go at any moment, and some are not ours to look at. */
function told(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
