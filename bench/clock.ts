/**
 * How long the main thread has run so far, in milliseconds, without the time it waited for a core.
 *
 * out:  of the process, on Linux; elsewhere `undefined`
 *
 * On an idle machine that is the wall time less a few milliseconds. On a busy one it is the better measure: V8 compiles
 * and collects on helper threads, and with too few cores these push the main thread aside, ours more than the floor's.
 */
import { readFileSync } from 'node:fs';

export function mainThreadMs(): number | undefined {
  try {
    const [ranNs] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
    return Number(ranNs) / 1e6;
  } catch {
    return undefined;
  }
}
