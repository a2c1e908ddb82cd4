/**
 * Transcripts taken apart, and what a harness owes of any part.
 *
 * out:  `growing` (the sessions of a story while they run), `withMain`, `mapFiles`, `complaints`
 */
import { brokenInvariants, buildTrace, type Line, type Span, type Trace, type Transcript } from '../../src/index.ts';
import { type PlainFile, type PlainTranscript, refsOf, transcriptOf } from './stories.ts';

export const growing = (story: string): PlainTranscript[] => refsOf(story).map((ref) => transcriptOf(ref, false));

export const idsOf = (spans: readonly Span[]): string[] => spans.map(({ spanId }) => spanId);

export const withMain = (transcript: PlainTranscript, lines: readonly Line[]): Transcript => ({
  ...transcript,
  main: { ...transcript.main, lines },
});

/** Main file and agents' files alike. */
export const mapFiles = (transcript: PlainTranscript, map: (file: PlainFile) => readonly Line[]): Transcript => ({
  ...transcript,
  main: { ...transcript.main, lines: map(transcript.main) },
  agents: transcript.agents.map((agent) => ({ ...agent, lines: map(agent) })),
});

/** Ids that may be sent: of what is open, or has not found its call, a longer transcript may know better. */
const settledIds = ({ spans }: Trace): string[] =>
  spans.flatMap((span) => (span.open || span.attributes['trace_build.agent.unclaimed'] === true ? [] : [span.spanId]));

/** @returns what is wrong with a build of a part, given the ids of the whole; nothing, mostly */
export function complaints(part: Transcript, whole: ReadonlySet<string>): string[] {
  try {
    const trace = buildTrace(part);
    return [
      ...brokenInvariants(trace.spans),
      ...settledIds(trace).flatMap((id) => (whole.has(id) ? [] : [`span ${id} is settled, and gone from the longer transcript`])),
    ];
  } catch (error) {
    return [`it throws ${error}`];
  }
}
