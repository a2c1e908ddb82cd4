/** Tokens that are known of a session or an agent only: the rows and the spans tell the same, and what is wrong is found. */

import { createColors } from 'picocolors';
import { expect, test } from 'vitest';
import { verifyLine, verifyText } from '../../src/cli/verify-text.ts';
import type { Span } from '../../src/trace/span.ts';
import { compare } from '../../src/verify/compare.ts';
import { loadStory, transcriptOf } from '../support/stories.ts';

const colors = createColors(false);

const verified = (story: string, nth: number, change: (span: Span) => readonly Span[] = (span) => [span]) => {
  const { ref, traced } = loadStory(story).sessions[nth]!;
  return compare(ref.harness.recount(transcriptOf(ref)), traced.spans.flatMap(change));
};
const isAccount = ({ attributes }: Span): boolean => attributes['trace_build.usage.scope'] === 'session';
const found = (change: (span: Span) => readonly Span[]) =>
  verified('hermes/schema30', 0, change).differences.map(({ kind, id }) => [kind, id]);

test.each(['hermes/real-run-0.18.2', 'hermes/live-wal-0.18.2', 'hermes/schema30'])('%s: no difference, and they are compared', (story) => {
  const sessions = loadStory(story).sessions.map((_, nth) => verified(story, nth));
  for (const { differences } of sessions) expect(differences).toEqual([]);
  for (const row of sessions.flatMap(({ rows }) => rows)) expect(row.difference).toBe(0);
  const [first] = sessions;
  expect(first!.rows.find(({ what, ofSessions }) => ofSessions === true && what === 'input tokens')!.raw).toBe(
    story.includes('real-run') ? 10300 : 7710 + 1050,
  );
});

test('for people: their tokens are in the line and in the table', () => {
  expect(verifyLine('one', verified('hermes/schema30', 0), colors)).toContain('9,187 tokens');
  expect(verifyText('one', verified('hermes/schema30', 0), colors, false)).toMatch(
    /session and agents as a whole\s+input tokens\s+8,760\s+8,760\s+0/,
  );
});

test('other counts, another cost, one that is missing, twice or of nobody', () => {
  const changed = (name: string) => (span: Span) =>
    isAccount(span) ? [{ ...span, attributes: { ...span.attributes, [name]: Number(span.attributes[name]) + 1 } }] : [span];
  const agent = loadStory('hermes/schema30').sessions[0]!.ref.agents[0]!.agentId;
  const both = [
    ['session-tokens', 'session'],
    ['session-tokens', agent],
  ];
  expect(found(changed('gen_ai.usage.input_tokens'))).toEqual(both);
  expect(found(changed('trace_build.cost.usd'))).toEqual(both);
  const without = ({ attributes: { 'trace_build.usage.scope': _, ...attributes }, ...span }: Span) => [{ ...span, attributes }];
  expect(found(without)).toEqual(both);
  expect(
    found((span) => (isAccount(span) && span.parentSpanId === undefined ? [span, { ...span, spanId: 'other' }] : [span])),
  ).toContainEqual(['session-tokens', 'session']);
  const { ref, traced } = loadStory('hermes/schema30').sessions[0]!;
  const { accounts: _, ...recount } = ref.harness.recount(transcriptOf(ref));
  expect(compare(recount, traced.spans).differences.map(({ kind, id }) => [kind, id])).toEqual(both.toReversed());
});
