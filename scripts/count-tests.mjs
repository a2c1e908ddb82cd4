/**
 * Sums up the test runs, and fails where a test was skipped: what is not run proves nothing.
 *
 * in:   coverage/tests.json, coverage/tests.e2e.json, written by vitest
 * out:  `N passed, N failed` on a line of its own
 */
import { readFileSync } from 'node:fs';

const runs = ['tests', 'tests.e2e'].map((name) => JSON.parse(readFileSync(`coverage/${name}.json`, 'utf8')));
const sum = (field) => runs.reduce((total, run) => total + run[field], 0);
const skipped = sum('numPendingTests') + sum('numTodoTests');
if (skipped > 0) {
  console.error(`${skipped} tests were skipped.`);
  process.exitCode = 1;
}
console.log(`${sum('numPassedTests')} passed, ${sum('numFailedTests')} failed`);
