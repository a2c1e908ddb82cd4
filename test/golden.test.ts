/**
 * The traces as people read them, one file per story: `vitest -u` rewrites, and the diff is the review.
 * All attributes are in, so that nothing changes unseen; ids are not, test/trace/ids.test.ts freezes those.
 */
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { brokenInvariants } from '../src/index.ts';
import type { BuildOptions } from '../src/pipeline.ts';
import { ALL_STORIES, folderOf, loadStory, type Story } from './support/stories.ts';
import { treeText } from './support/tree.ts';

const golden = (story: string, file: string): string => resolve(folderOf(story), file);

/** A fork shares the turns it copied: they are shown where they come first. */
function shown(story: Story): string {
  const seen = new Set<string>();
  return treeText(
    story.sessions.map(({ id, traced }) => {
      const spans = traced.spans.filter(({ spanId }) => !seen.has(spanId));
      for (const { spanId } of spans) seen.add(spanId);
      const shared = traced.spans.length - spans.length;
      return { title: shared === 0 ? id : `${id}  (${shared} spans are above)`, spans };
    }),
  );
}

test.each(ALL_STORIES)('%s: the trace is as it was', async (name) => {
  const story = loadStory(name);
  await expect(shown(story)).toMatchFileSnapshot(golden(name, 'trace.txt'));
  await expect(`${JSON.stringify(story.problems, null, 2)}\n`).toMatchFileSnapshot(golden(name, 'problems.json'));
});

test.each([
  { name: 'fg', options: { content: 'full' }, file: 'trace.full.txt' },
  { name: 'tools', options: { content: 'full' }, file: 'trace.full.txt' },
  ...['codex/0.169-tools-direct', 'codex/0.169-code-mode', 'codex/0.44.0-tools'].map((name) => ({
    name,
    options: { content: 'full' as const },
    file: 'trace.full.txt',
  })),
  { name: 'fg', options: { semconv: 'latest' }, file: 'trace.latest.txt' },
  { name: 'tools', options: { semconv: 'latest' }, file: 'trace.latest.txt' },
] satisfies { name: string; options: BuildOptions; file: string }[])('$name: $file is as it was', async ({ name, options, file }) => {
  await expect(shown(loadStory(name, options))).toMatchFileSnapshot(golden(name, file));
});

test.each(ALL_STORIES)('%s: the invariants hold, session by session and all together', (name) => {
  const { sessions, spans } = loadStory(name);
  for (const { traced } of sessions) expect(brokenInvariants(traced.spans)).toEqual([]);
  expect(brokenInvariants(spans)).toEqual([]);
});

test.each(ALL_STORIES)('%s: what options change, they do not change ids and times', (name) => {
  const skeleton = (options: BuildOptions) =>
    loadStory(name, options).spans.map(({ traceId, spanId, parentSpanId, startMs, endMs }) => [
      traceId,
      spanId,
      parentSpanId,
      startMs,
      endMs,
    ]);
  const plain = skeleton({});
  expect(skeleton({ content: 'full' })).toEqual(plain);
  expect(skeleton({ semconv: 'latest' })).toEqual(plain);
  expect(skeleton({ agentUsage: 'off' })).toEqual(plain);
});

test.each(ALL_STORIES)('%s: links point at spans that are there', (name) => {
  const { spans } = loadStory(name);
  const ids = new Set(spans.map(({ traceId, spanId }) => `${traceId} ${spanId}`));
  expect(spans.flatMap(({ links }) => links).filter(({ traceId, spanId }) => !ids.has(`${traceId} ${spanId}`))).toEqual([]);
});

/** The user may ask for a compaction between two turns: it is told with the turn whose history it made. */
test.each(ALL_STORIES)('%s: an event lies within its span, but for a compaction before the turn', (name) => {
  const outside = loadStory(name).spans.flatMap(({ startMs, endMs, events }) =>
    events
      .filter(({ timeMs }) => timeMs < startMs || timeMs > endMs)
      .map((event) => ({ name: event.name, before: event.timeMs < startMs })),
  );
  expect(outside.filter((event) => event.name !== 'trace_build.compaction' || !event.before)).toEqual([]);
});

/** Of what was recorded whole: where lines are missing, the last one that is left ends the turn. */
test.each(ALL_STORIES)('%s: a tool call begins before its turn has ended', (name) => {
  for (const { traced } of loadStory(name).sessions) {
    const endOf = new Map(traced.spans.flatMap((span) => (span.parentSpanId === undefined ? [[span.spanId, span.endMs] as const] : [])));
    const late = traced.spans.filter(
      ({ name: tool, parentSpanId = '', startMs }) => tool.startsWith('execute_tool') && startMs > (endOf.get(parentSpanId) ?? startMs),
    );
    expect(late).toEqual([]);
  }
});
