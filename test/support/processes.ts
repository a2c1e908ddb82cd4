/**
 * Processes that a test started and did not wait for: hooks leave workers behind.
 *
 * in:   a text that their command lines have, such as the home they work in
 * out:  their pids, and when there are none left
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { vi } from 'vitest';

/** Pids of all processes whose command line has it. */
export const processesNaming = (text: string): readonly number[] =>
  readdirSync('/proc').flatMap((pid) => (/^\d+$/.test(pid) && commandLine(pid).includes(text) ? [Number(pid)] : []));

/** A process that becomes another one has no command line for a moment, and until then it may be one of ours. */
const isAnyBecomingAnother = (): boolean =>
  readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && commandLine(pid) === '' && hasProgram(pid));

/** Threads of the kernel have none, nor has what has ended. */
function hasProgram(pid: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) !== '';
  } catch {
    return false;
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // It has ended meanwhile.
  }
}

/** Resolves when no process names it, nor one that is just becoming another. @throws when one remains */
export async function quiet(text: string): Promise<void> {
  let looks = 0;
  await vi.waitUntil(
    () => {
      looks = processesNaming(text).length === 0 && !isAnyBecomingAnother() ? looks + 1 : 0;
      return looks === 4;
    },
    { timeout: 20_000, interval: 5 },
  );
}
