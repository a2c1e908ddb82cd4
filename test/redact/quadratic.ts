/**
 * A measure of time that is the same on every machine: what a pattern of quadratic time takes.
 *
 * out:  how long work took, in quadratic times: 1 is what `/a+b/` takes for 25,000 characters without a b
 */
const LENGTH = 25_000;
/** The collector of this process, and of the tests before, may do its work in one of them. */
const TRIES = 3;

let unitMs: number | undefined;

/** Of a try that took less than the bar, or else the least of all. */
export function quadraticTimesOf(work: () => unknown, bar: number): number {
  unitMs ??= millisecondsOf(() => /a+b/.test('a'.repeat(LENGTH)));
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < TRIES && least >= bar; attempt++) least = Math.min(least, millisecondsOf(work) / unitMs);
  return least;
}

/** That the process ran: others that are at work cost nothing. */
function millisecondsOf(work: () => unknown): number {
  const before = process.cpuUsage().user;
  work();
  return (process.cpuUsage().user - before) / 1000;
}
