/**
 * The traces of Codex's rollouts as people read them, one file per story: `vitest -u` rewrites, and the diff is the review.
 */
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { brokenInvariants } from '../../../src/index.ts';
import type { TraceOptions } from '../../../src/trace/build.ts';
import { built, CODEX_FIXTURES, CODEX_STORIES, transcriptsOf } from '../../support/codex.ts';
import { treeText } from '../../support/tree.ts';

const golden = (story: string, file: string): string => resolve(CODEX_FIXTURES, story, file);

/** A fork shares the turns it copied: they are shown where they come first. */
function shown(story: string, options: TraceOptions): string {
  const seen = new Set<string>();
  return treeText(
    transcriptsOf(story).map((transcript) => {
      const all = built(transcript, options).spans;
      const spans = all.filter(({ spanId }) => !seen.has(spanId));
      for (const { spanId } of spans) seen.add(spanId);
      const shared = all.length - spans.length;
      return { title: shared === 0 ? transcript.sessionId : `${transcript.sessionId}  (${shared} spans are above)`, spans };
    }),
  );
}

test.each(CODEX_STORIES)('%s: the trace is as it was', async (story) => {
  await expect(shown(story, {})).toMatchFileSnapshot(golden(story, 'trace.txt'));
  const problems = transcriptsOf(story).flatMap((transcript) => built(transcript).problems);
  await expect(`${JSON.stringify(problems, null, 2)}\n`).toMatchFileSnapshot(golden(story, 'problems.json'));
});

test.each(['0.169-tools-direct', '0.169-code-mode', '0.44.0-tools'])('%s: with content, too', async (story) => {
  await expect(shown(story, { content: true })).toMatchFileSnapshot(golden(story, 'trace.full.txt'));
});

test.each(CODEX_STORIES)('%s: the invariants hold', (story) => {
  for (const transcript of transcriptsOf(story)) expect(brokenInvariants(built(transcript).spans)).toEqual([]);
});

test.each(CODEX_STORIES)('%s: what options change, they do not change ids and times', (story) => {
  for (const transcript of transcriptsOf(story)) {
    const skeleton = (options: TraceOptions) =>
      built(transcript, options).spans.map(({ traceId, spanId, parentSpanId, startMs, endMs }) => [
        traceId,
        spanId,
        parentSpanId,
        startMs,
        endMs,
      ]);
    expect(skeleton({ content: true })).toEqual(skeleton({}));
  }
});
