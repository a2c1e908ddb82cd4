/**
 * The library: `buildTrace`, a pure function from a transcript to spans, and the types it speaks.
 *
 * in:   plain data      out: plain data
 */
export type { AgentFile, Line, Repository, Transcript, TranscriptFile } from './harness/harness.ts';
export { type BuildOptions, buildTrace, type Trace } from './pipeline.ts';
export type { Problem, ProblemReason } from './session/types.ts';
export { brokenInvariants } from './trace/check.ts';
export type { Attributes, AttributeValue, Resource, Span, SpanEvent, SpanLink, SpanStatus } from './trace/span.ts';
