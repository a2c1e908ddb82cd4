/**
 * What happened alike looks alike, whoever tells it: stories that several harnesses recorded have the same shape of tree.
 *
 * A shape is the children of a turn, or of an agent, in order of time: `chat`, `tools` for all calls between two answers
 * (`∥` when any two overlap, `!` when one failed), `compaction`, and for an agent a list of its own.
 */
import { describe, expect, test } from 'vitest';
import { harnesses } from '../src/harness/index.ts';
import type { Span } from '../src/trace/span.ts';
import { loadStory } from './support/stories.ts';

type Shape = readonly (string | Shape)[];

interface Told {
  readonly story: string;
  /** Beginning of its id; default: the first one. */
  readonly session?: string;
  /** 1-based. */
  readonly turn: number;
  /** Of the turn's first agent, not of the turn itself. */
  readonly agent?: true;
  /** Where more was told in the same turn: from, to. */
  readonly part?: readonly [number, number];
}

interface Concept {
  readonly name: string;
  readonly shape: Shape;
  /** What of a group of calls counts. */
  readonly marks: readonly ('∥' | '!')[];
  /** How the turn, or the agent, ended. */
  readonly outcome?: string;
  /** By harness: where it was recorded, or why there is nothing to compare. */
  readonly told: Readonly<Record<string, Told | string>>;
}

const CONCEPTS: readonly Concept[] = [
  {
    name: 'plain',
    shape: ['chat'],
    marks: [],
    outcome: 'completed',
    told: {
      'claude-code': { story: 'rewind', turn: 1 },
      codex: { story: 'codex/0.169-plain', turn: 1 },
      openclaw: { story: 'openclaw/2026.9.6-sqlite', session: 's-plain', turn: 1 },
      hermes: { story: 'hermes/real-run-0.18.2', turn: 2 },
      pi: { story: 'pi/0.73.1-tools', turn: 2 },
    },
  },
  {
    name: 'tools',
    shape: ['chat', 'tools', 'chat'],
    marks: [],
    outcome: 'completed',
    told: {
      'claude-code': { story: 'compact', turn: 1 },
      codex: { story: 'codex/0.169-resume-fork', turn: 1 },
      openclaw: { story: 'openclaw/2026.9.6-sqlite', session: 'bfae7d41', turn: 1 },
      hermes: { story: 'hermes/live-wal-0.18.2', session: '20261120_103000', turn: 1 },
      pi: { story: 'pi/0.73.1-tools', turn: 1, part: [0, 3] },
    },
  },
  {
    name: 'parallel tools',
    shape: ['chat', 'tools∥', 'chat'],
    marks: ['∥'],
    told: {
      'claude-code': { story: 'fg', turn: 1, agent: true },
      codex: { story: 'codex/0.128.0-tools', turn: 1, part: [0, 3] },
      openclaw: { story: 'openclaw/2026.6.11-jsonl', session: 'l-tools', turn: 1, part: [0, 3] },
      hermes: 'it writes results one after another when all are there: whether calls overlapped is on no row',
      pi: { story: 'pi/0.73.1-tools', turn: 1, part: [0, 3] },
    },
  },
  {
    name: 'failing tool',
    shape: ['chat', 'tools!', 'chat'],
    marks: ['!'],
    told: {
      'claude-code': { story: 'tools', turn: 1, part: [2, 5] },
      codex: { story: 'codex/0.128.0-tools', turn: 1, part: [0, 3] },
      openclaw: { story: 'openclaw/2026.9.6-sqlite', session: 's-tools', turn: 1, part: [0, 3] },
      hermes: { story: 'hermes/real-run-0.18.2', turn: 1, part: [0, 3] },
      pi: { story: 'pi/0.73.1-tools', turn: 1, part: [0, 3] },
    },
  },
  {
    name: 'sub-agent',
    shape: ['chat', ['chat', 'tools', 'chat'], 'chat'],
    marks: [],
    told: {
      'claude-code': { story: 'fg', turn: 1 },
      codex: { story: 'codex/0.128.0-legacy-subagent-fork', turn: 1, part: [2, 5] },
      openclaw: { story: 'openclaw/2026.9.6-sqlite', session: '408c60a1', turn: 1 },
      hermes: { story: 'hermes/live-wal-0.18.2', session: '20261120_100000', turn: 1, part: [2, 5] },
      pi: 'it has no sub-agents',
    },
  },
  {
    name: 'compaction',
    shape: ['compaction', 'chat'],
    marks: [],
    told: {
      'claude-code': { story: 'compact', turn: 2 },
      codex: { story: 'codex/0.169-auto-compaction', turn: 1, part: [5, 7] },
      openclaw: 'only /compact was recorded, which is a turn of its own, with nothing else in it',
      hermes: { story: 'hermes/live-wal-0.18.2', session: '20261120_100000', turn: 5 },
      pi: 'none was recorded',
    },
  },
  {
    name: 'interrupt',
    shape: ['chat', 'tools'],
    marks: [],
    outcome: 'interrupted',
    told: {
      'claude-code': { story: 'midexits', session: 'bf5bd303', turn: 1 },
      codex: { story: 'codex/0.169-interrupted-sigint', turn: 1 },
      openclaw: { story: 'openclaw/2026.9.6-sqlite', session: '4c52f742', turn: 1 },
      hermes: { story: 'hermes/real-run-0.18.2', turn: 1, agent: true },
      pi: 'none was recorded',
    },
  },
];

describe.each(CONCEPTS)('$name', ({ name, shape, marks, outcome, told }) => {
  const places = Object.entries(told).flatMap(([harness, place]) => (typeof place === 'string' ? [] : [{ harness, place }]));

  test.each(places)('$harness', ({ harness, place }) => {
    const { root, spans } = spanOf(place);
    expect(root.attributes['gen_ai.agent.name'] === harness || place.agent === true).toBe(true);
    const whole = shapeOf(root, spans, marks);
    expect(place.part === undefined ? whole : whole.slice(...place.part), JSON.stringify(whole)).toEqual(shape);
    if (outcome !== undefined && place.part === undefined) expect(root.attributes['trace_build.outcome']).toBe(outcome);
  });

  test('every harness tells it, or there is a reason', () => {
    expect(Object.keys(told).toSorted(), name).toEqual(harnesses.map((harness) => harness.name).toSorted());
    expect(places.length).toBeGreaterThan(1);
  });
});

function spanOf({ story, session = '', turn, agent }: Told): { readonly root: Span; readonly spans: readonly Span[] } {
  const { spans } = loadStory(story).sessions.find(({ id }) => id.startsWith(session))!.traced;
  const root = spans.filter(({ parentSpanId }) => parentSpanId === undefined)[turn - 1]!;
  const [first] = childrenOf(root, spans).filter(isAgent);
  return { root: agent ? first! : root, spans };
}

const isAgent = ({ attributes }: Span): boolean => attributes['gen_ai.operation.name'] === 'invoke_agent';

const childrenOf = (parent: Span, spans: readonly Span[]): readonly Span[] =>
  spans.filter(({ parentSpanId }) => parentSpanId === parent.spanId);

function shapeOf(root: Span, spans: readonly Span[], marks: Concept['marks']): Shape {
  const children = childrenOf(root, spans).map((span) => ({ span, startMs: span.startMs, endMs: span.endMs }));
  const compactions = root.events
    .filter(({ name }) => name === 'trace_build.compaction')
    .map(({ timeMs }) => ({ span: undefined, startMs: timeMs, endMs: timeMs }));
  const parts: (string | Shape)[] = [];
  let calls: Span[] = [];
  const close = (): void => {
    if (calls.length > 0) parts.push(`tools${marks.map((mark) => (MARKED[mark](calls) ? mark : '')).join('')}`);
    calls = [];
  };
  for (const { span } of [...compactions, ...children].toSorted((a, b) => a.startMs - b.startMs || a.endMs - b.endMs)) {
    if (span?.attributes['gen_ai.operation.name'] === 'execute_tool') {
      calls.push(span);
      continue;
    }
    close();
    const part = span === undefined ? 'compaction' : isAgent(span) ? shapeOf(span, spans, marks) : 'chat';
    if (typeof part !== 'string' || part !== parts.at(-1)) parts.push(part);
  }
  close();
  return parts;
}

const MARKED: Readonly<Record<'∥' | '!', (calls: readonly Span[]) => boolean>> = {
  '∥': (calls) => calls.some((call, at) => calls.slice(0, at).some(({ startMs, endMs }) => call.startMs < endMs && startMs < call.endMs)),
  '!': (calls) => calls.some(({ status }) => status.kind === 'error'),
};
