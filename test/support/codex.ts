/**
 * The recorded rollouts under fixtures/codex, as transcripts: plain lines to build, cut and shuffle.
 *
 * out:  `CODEX_STORIES`, `transcriptsOf` (one per root thread), `built`
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decompress } from 'fzstd';
import { codex } from '../../src/harness/codex/index.ts';
import type { AgentFile, Line, Normalised, Transcript, TranscriptFile } from '../../src/harness/harness.ts';
import { spansOf, type TraceOptions } from '../../src/trace/build.ts';
import type { Span } from '../../src/trace/span.ts';

export const CODEX_FIXTURES = join('fixtures', 'codex');

export const CODEX_STORIES: readonly string[] = readdirSync(CODEX_FIXTURES).toSorted();

export interface PlainFile extends TranscriptFile {
  readonly lines: readonly Line[];
}
export interface PlainTranscript extends Transcript {
  readonly main: PlainFile;
  readonly agents: readonly (AgentFile & PlainFile)[];
}

const { layouts } = codex;
export const layout = layouts[0]!;

/** Oldest first. */
export function transcriptsOf(story: string): readonly PlainTranscript[] {
  if (layout.kind !== 'threads') throw new Error('a file per thread');
  const folder = join(CODEX_FIXTURES, story, 'sessions');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => layout.threadOf(path) !== undefined)
    .toSorted()
    .map((path) => {
      const lines = textOf(join(folder, path)).replace(/\n$/, '').split('\n');
      return { id: layout.threadOf(path)!, name: join(folder, path).replaceAll('\\', '/'), lines, head: layout.headOf(lines[0]!) };
    });
  const rootOf = (id: string): string => {
    const parent = files.find((file) => file.id === id)?.head?.parentThreadId;
    return parent === undefined ? id : rootOf(parent);
  };
  return files
    .filter(({ head }) => head?.parentThreadId === undefined)
    .map(({ id, name, lines }) => ({
      harness: 'codex',
      sessionId: id,
      main: { name, lines },
      agents: files.filter((file) => file.id !== id && rootOf(file.id) === id),
      ended: true,
    }));
}

function textOf(path: string): string {
  const bytes = readFileSync(path);
  return Buffer.from(path.endsWith('.zst') ? decompress(bytes) : bytes).toString('utf8');
}

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
