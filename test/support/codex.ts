/**
 * The recorded rollouts under fixtures/codex, as transcripts: plain lines to build, cut and shuffle.
 *
 * out:  `CODEX_STORIES`, `transcriptsOf` (one per root thread), `built`
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { codex } from '../../src/harness/codex/index.ts';
import type { Normalised, Transcript, TranscriptFile } from '../../src/harness/harness.ts';
import { spansOf, type TraceOptions } from '../../src/trace/build.ts';
import type { Span } from '../../src/trace/span.ts';
import { type PlainTranscript, refsOf, transcriptOf } from './stories.ts';

export const CODEX_FIXTURES = join('fixtures', 'codex');

export const CODEX_STORIES: readonly string[] = readdirSync(CODEX_FIXTURES).toSorted();

/** One per root thread, oldest first. */
export const transcriptsOf = (story: string): readonly PlainTranscript[] =>
  refsOf(`codex/${story}`)
    .map((ref) => transcriptOf(ref))
    .toSorted((a, b) => (a.main.name < b.main.name ? -1 : 1));

export function normalised(transcript: Transcript, content = false): Normalised {
  const parse = (file: TranscriptFile) => codex.parse(file, { content });
  return codex.normalise({
    sessionId: transcript.sessionId,
    main: parse(transcript.main),
    agents: transcript.agents.map(parse),
    related: [],
    ended: transcript.ended,
  });
}

export interface Built extends Normalised {
  readonly spans: readonly Span[];
}

export function built(transcript: Transcript, options: TraceOptions = {}): Built {
  const told = normalised(transcript, options.content);
  return { ...told, spans: spansOf(told.session, options) };
}

/** Each span once: forks share the turns they copied, and the original tells of them. */
export function builtStory(story: string): readonly Span[] {
  const spans = transcriptsOf(story).flatMap((transcript) => built(transcript).spans);
  return [...new Map(spans.toReversed().map((span) => [span.spanId, span])).values()];
}
