/**
 * Parses lines of JSON and redacts what they hold, line by line, each timed apart, as a cold process.
 *
 *   node redacting.mjs <file>
 *
 * in:   a file of JSON lines
 * out:  one JSON line: milliseconds of JSON.parse and of the default rules over the same lines, secrets hidden
 *
 * The two run in turn over some lines at a time, so that neither has the warmer compiler or cache.
 */
import { readFileSync } from 'node:fs';
import { createRedactor } from '../src/redact/redact.ts';
import { builtInRules } from '../src/redact/rules/index.ts';

const LINES_AT_A_TIME = 50;

const lines = readFileSync(process.argv[2]!, 'utf8').split('\n').filter(Boolean);
const redactor = createRedactor(builtInRules.filter(({ pack }) => pack === 'credentials'));
const sum = { parseMs: 0, redactMs: 0, hidden: 0 };
for (let from = 0; from < lines.length; from += LINES_AT_A_TIME) {
  const some = lines.slice(from, from + LINES_AT_A_TIME);
  const start = performance.now();
  const values = some.map((line) => JSON.parse(line) as unknown);
  const parsed = performance.now();
  for (const value of values) for (const count of Object.values(redactor.value(value).counts)) sum.hidden += count;
  sum.parseMs += parsed - start;
  sum.redactMs += performance.now() - parsed;
}
process.stdout.write(JSON.stringify(sum));
