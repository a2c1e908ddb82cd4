/**
 * The recorded stories under fixtures/, found, built and taken apart.
 *
 * out:  `STORIES`, those of Claude Code by their names; `ALL_STORIES`, with the others as `<harness>/<story>`; `loadStory` (every session built, spans told once), `transcriptOf` (plain lines to cut and shuffle)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentFile, Line, Transcript, TranscriptFile } from '../../src/harness/harness.ts';
import { harnesses } from '../../src/harness/index.ts';
import { type BuildOptions, type TracedSession, traceSession, traceSessions } from '../../src/pipeline.ts';
import { findAgent, findNeighbour, findSessions, type SessionRef } from '../../src/read/find.ts';
import { agentFile, mainFile, openFile } from '../../src/read/transcript.ts';
import type { Problem } from '../../src/session/types.ts';
import type { Span } from '../../src/trace/span.ts';

export const FIXTURES = join('fixtures', 'claude-code');

const foldersIn = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    .toSorted();

export const STORIES: readonly string[] = foldersIn(FIXTURES);

export const ALL_STORIES: readonly string[] = [
  ...STORIES,
  ...foldersIn('fixtures')
    .filter((folder) => folder !== 'claude-code' && harnesses.some(({ name }) => name === folder))
    .flatMap((harness) => foldersIn(join('fixtures', harness)).map((story) => `${harness}/${story}`)),
];

export const folderOf = (story: string): string => (story.includes('/') ? join('fixtures', story) : join(FIXTURES, story));

/** The folder that stands for the one in a home where the harness keeps its sessions. */
const sessionsOf = (story: string): string => (story.includes('/') ? folderOf(story) : join(FIXTURES, story, 'projects'));

/** Nothing of the machine: no variables, no home. */
export const PLACES = { env: {}, home: '/nowhere', harnesses };

export interface Story {
  readonly name: string;
  readonly folder: string;
  readonly sessions: readonly StorySession[];
  /** Each span once: forks share the turns they copied, and the original tells of them. */
  readonly spans: readonly Span[];
  readonly problems: readonly Problem[];
}

interface StorySession {
  readonly id: string;
  readonly ref: SessionRef;
  /** All of it, what it was copied from too. */
  readonly traced: TracedSession;
}

export const refsOf = (story: string): readonly SessionRef[] => findSessions(sessionsOf(story), PLACES);

const loaded = new Map<string, Story>();

export function loadStory(name: string, options: BuildOptions = {}): Story {
  const key = `${name} ${JSON.stringify(options)}`;
  const known = loaded.get(key);
  if (known !== undefined) return known;
  const told = [...traceSessions(refsOf(name), options, () => ({ ended: true }))];
  const sessions = told.map(({ ref }) => ({ id: ref.sessionId, ref, traced: traceSession(ref, options, { ended: true }) }));
  const story: Story = {
    name,
    folder: folderOf(name),
    sessions,
    spans: told.flatMap(({ spans }) => spans),
    problems: sessions.flatMap(({ traced }) => traced.problems),
  };
  loaded.set(key, story);
  return story;
}

/** A transcript whose lines lie in arrays: to be cut, doubled, shuffled, and read again. */
export interface PlainTranscript extends Transcript {
  readonly main: PlainFile;
  readonly agents: readonly (AgentFile & PlainFile)[];
}
export interface PlainFile extends TranscriptFile {
  readonly lines: readonly string[];
}

/** What `traceSession` reads of a session, as strings. */
export function transcriptOf(ref: SessionRef, ended = true): PlainTranscript {
  const main = plain(mainFile(ref));
  const wants = ref.harness.wants(ref.harness.parse(main, { content: false }), new Set(ref.agents.map(({ agentId }) => agentId)));
  const borrowed = wants.agents.flatMap((id) => findAgent(ref, id) ?? []);
  return {
    harness: ref.harness.name,
    sessionId: ref.sessionId,
    main,
    agents: [...ref.agents, ...borrowed].map((agent) => plain(agentFile(agent, ref.layout))),
    related: wants.sessionPrefixes.flatMap((prefix) => findNeighbour(ref, prefix) ?? []).map((path) => plain(openFile(path))),
    ended,
  };
}

const plain = <F extends TranscriptFile>(file: F): F & PlainFile => ({ ...file, lines: [...file.lines].map(textOf) });

const textOf = (line: Line): string => (typeof line === 'string' ? line : Buffer.from(line).toString('utf8'));

/** All text of a story's transcripts, agents' files too, by session folder order: for an independent look at what is on disk. */
export function rawFilesOf(story: string): readonly { readonly path: string; readonly text: string }[] {
  const folder = sessionsOf(story);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.jsonl'))
    .toSorted()
    .map((path) => ({ path: join(folder, path), text: readFileSync(join(folder, path), 'utf8') }));
}

/** The model server's own log. */
export interface Expected {
  readonly [sessionId: string]: ExpectedSession;
}
interface ExpectedSession {
  readonly agents: Readonly<Record<string, ExpectedAgent>>;
  readonly totals: Readonly<Record<string, number>>;
}
interface ExpectedAgent {
  readonly parent: string | null;
  readonly marker?: string | null;
  readonly responses: readonly ExpectedResponse[];
}
export interface ExpectedResponse {
  readonly messageId: string;
  readonly requestId: string;
  readonly model: string;
  readonly stop: string | null;
  readonly usage: Readonly<Record<string, number>>;
  readonly blocks: readonly string[];
  readonly tools: readonly { readonly name: string; readonly id: string }[];
  readonly marker?: string | null;
}

export const expectedOf = (story: string): Expected => JSON.parse(readFileSync(join(FIXTURES, story, 'expected.json'), 'utf8'));
