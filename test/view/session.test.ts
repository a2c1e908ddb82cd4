/** Rows, turns and details of every recorded session. */
import { describe, expect, test } from 'vitest';
import { traceSession } from '../../src/pipeline.ts';
import { compiled } from '../../src/redact/custom.ts';
import { createRedactor } from '../../src/redact/redact.ts';
import type { Message, ModelCall, Part, Run, ToolCall } from '../../src/session/types.ts';
import { reportOf } from '../../src/stats/report.ts';
import { runsOf } from '../../src/stats/runs.ts';
import { sumOf } from '../../src/stats/stats.ts';
import { countedTurns } from '../../src/stats/turns.ts';
import type { Span } from '../../src/trace/span.ts';
import type { SpanDetails, ViewSession } from '../../src/view/model.ts';
import { spanObjectsOf } from '../../src/view/objects.ts';
import { type Shown, viewSessionOf } from '../../src/view/session.ts';
import { openSession } from '../../src/view/sessions.ts';
import { loadStory, STORIES } from '../support/stories.ts';
import { shownIn } from './shown.ts';

const OTHERS = [
  ...['codex/0.169-code-mode', 'codex/0.169-subagents-v2', 'openclaw/2026.9.6-sqlite'],
  ...['hermes/real-run-0.18.2', 'hermes/schema30'],
];

const total = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

describe.each([...STORIES, ...OTHERS])('%s', (story) => {
  const sessions = shownIn(story).map((shown) => ({ shown, view: viewSessionOf(shown) }));

  test('a row for each span, parents before children, siblings in order of time', () => {
    for (const { shown, view } of sessions) {
      expect(view.spans.map(({ id }) => id).toSorted()).toEqual(shown.spans.map(({ spanId }) => spanId).toSorted());
      const lastChild = new Map<number, number>();
      for (const [at, row] of view.spans.entries()) {
        expect(row.parent).toBeLessThan(at);
        expect(row.depth).toBe(row.parent === -1 ? 0 : view.spans[row.parent]!.depth + 1);
        const span = shown.spans.find(({ spanId }) => spanId === row.id)!;
        expect(span.parentSpanId).toBe(row.parent === -1 ? undefined : view.spans[row.parent]!.id);
        if (row.parent === -1) continue;
        expect(row.startMs).toBeGreaterThanOrEqual(lastChild.get(row.parent) ?? row.startMs);
        lastChild.set(row.parent, row.startMs);
        // Its whole subtree comes before the next row that is not in it.
        expect(ancestors(view, at - 1)).toContain(row.parent);
      }
    }
  });

  test('the turns divide the rows, and sum them up', () => {
    for (const { shown, view } of sessions) {
      expect(view.turns.flatMap(({ number }) => number ?? [])).toEqual(shown.session.turns.map(({ number }) => number));
      expect(view.turns.map(({ first }) => first)).toEqual(view.spans.flatMap(({ parent }, at) => (parent === -1 ? [at] : [])));
      expect(total(view.turns.map(({ count }) => count))).toBe(view.spans.length);
      // What is known of the session only is of no turn.
      const [account] = view.spans.flatMap(({ session }) => session ?? []);
      const { input, output } = view.summary.tokens;
      expect(total(view.turns.map(({ tokens }) => tokens.input))).toBe(input - (account?.input ?? 0));
      expect(total(view.turns.map(({ tokens }) => tokens.output))).toBe(output - (account?.output ?? 0));
      // What is a part of the session's cost, or of an agent's, has a price; of a turn only the latter tells.
      if (account === undefined) expect(total(view.turns.map(({ unpriced }) => unpriced))).toBe(view.summary.unpriced);
      expect(total(view.turns.map(({ costUsd }) => costUsd))).toBeCloseTo(view.summary.costUsd - (account?.costUsd ?? 0), 9);
      // The same time by another way: of runs, not of spans.
      expect(total(Object.values(view.shares))).toBe(
        reportOf(sumOf(countedTurns(shown.session, () => 0).map(({ stats }) => stats))).workMs,
      );
      for (const turn of view.turns) {
        const rows = view.spans.slice(turn.first, turn.first + turn.count);
        expect(total(Object.values(turn.shares))).toBe(turn.endMs - turn.startMs);
        for (const row of rows) {
          expect(row.startMs).toBeGreaterThanOrEqual(turn.startMs);
          expect(row.endMs).toBeLessThanOrEqual(turn.endMs);
        }
      }
    }
  });

  test('labels are one line of at most 200 characters', () => {
    for (const { view } of sessions)
      for (const { label } of [...view.spans, ...view.turns]) {
        if (label === undefined) continue;
        expect(label).not.toMatch(/[\n\r\t]|^\s|\s$/);
        expect(label.length).toBeLessThanOrEqual(200);
      }
  });

  test('the context is that of the main agent, call by call', () => {
    for (const { shown, view } of sessions) {
      const calls = shown.session.turns.flatMap(({ modelCalls }) => modelCalls.filter(({ usage }) => usage !== undefined));
      expect(view.context.map(({ tokens }) => tokens)).toEqual(calls.map(({ usage }) => usage!.input));
      for (const { span } of view.context) expect(view.spans[span]).toMatchObject({ kind: 'chat', depth: 1 });
    }
  });

  test('every span has its object, of its kind, and no object is without a span', () => {
    for (const { shown, view } of sessions) {
      const objects = spanObjectsOf(shown.session);
      expect(objects.size).toBe(view.spans.length);
      for (const { id, kind } of view.spans) expect(objects.get(id)?.kind).toBe(kind);
    }
  });

  test('all content of the session is in the details of its spans, whole', () => {
    for (const { shown } of sessions) {
      const { view, details } = openSession(shown);
      const told = new Set<unknown>();
      for (const { id } of view.spans) for (const value of contentIn(details(id)!)) told.add(value);
      for (const value of contentOf(shown)) expect(told.has(value), JSON.stringify(value).slice(0, 200)).toBe(true);
    }
  });

  test('no attribute of the details holds content that has a field of its own', () => {
    for (const { shown } of sessions) {
      const { view, details } = openSession(shown);
      for (const { id } of view.spans)
        expect(Object.keys(details(id)!.attributes).filter((name) => /messages|arguments|result$/.test(name))).toEqual([]);
    }
  });

  test('links lead to the rows they name', () => {
    for (const { shown } of sessions) {
      const { view, details } = openSession(shown);
      for (const { id } of view.spans)
        for (const link of details(id)!.links)
          expect(link.row).toBe(
            view.spans.some((row) => row.id === link.spanId) ? view.spans.findIndex((row) => row.id === link.spanId) : undefined,
          );
    }
  });

  test('without content there is none of it', () => {
    for (const shown of shownIn(story, 'none')) {
      const { view, details } = openSession(shown);
      for (const { id, kind } of view.spans) {
        const { files, ...others } = details(id)!;
        expect(contentIn(others)).toEqual([]);
        expect(files?.flatMap(({ change: _, ...content }) => Object.values(content)) ?? []).toEqual([]);
        if (kind !== 'turn') expect(view.spans.find((row) => row.id === id)!.label).toBeUndefined();
      }
      expect(view.turns.flatMap(({ number, label }) => (number === undefined ? [] : [label]))).toEqual(
        shown.session.turns.map(({ command }) => command),
      );
    }
  });
});

test('the session shown is the one the spans were built of: what is hidden in them is hidden in labels and details', () => {
  const hides = createRedactor([], compiled([{ id: 'deep', pattern: 'deep', source: 'test' }]));
  const { ref } = loadStory('nest').sessions[0]!;
  const traced = traceSession(ref, { content: 'redacted', redactorFor: () => hides }, { ended: true });
  const { view, details } = openSession({ ...traced, key: 'ab', content: 'redacted' });
  expect(JSON.stringify(shownIn('nest')[0]!.session)).toContain('echo deep');
  expect(view.spans.map(({ label }) => label)).toContain('echo [REDACTED:deep]');
  expect(JSON.stringify([view, view.spans.map(({ id }) => details(id))])).not.toMatch(/echo deep/);
});

test('a session of no turns has no rows', () => {
  const [shown] = shownIn('nest');
  const view = viewSessionOf({ ...shown!, session: { ...shown!.session, turns: [], strays: [] }, spans: [] });
  expect(view).toMatchObject({ turns: [], spans: [], context: [], compactions: [] });
});

test('an agent that outlives its turn stretches it, and goes on while the next turn does: that time counts once', () => {
  const [shown] = shownIn('bg');
  const { spans, turns } = viewSessionOf(shown!);
  expect(turns.some(({ first, endMs }) => endMs > spans[first]!.endMs)).toBe(true);
  const span = (id: string, startMs: number, endMs: number, operation: string, parentSpanId?: string): Span =>
    ({
      ...shown!.spans[0]!,
      ...{ spanId: id, parentSpanId, name: id, startMs, endMs, links: [] },
      attributes: { 'gen_ai.operation.name': operation },
    }) as Span;
  const view = viewSessionOf({
    ...shown!,
    spans: [
      ...[span('one', 0, 10, 'invoke_agent'), span('background', 2, 100, 'invoke_agent', 'one'), span('a', 50, 90, 'chat', 'background')],
      ...[span('two', 60, 80, 'invoke_agent'), span('b', 70, 75, 'chat', 'two')],
      ...[span('three', 200, 207, 'invoke_agent'), span('c', 203, 206, 'execute_tool', 'three')],
    ],
  });
  expect(view.turns.map(({ shares }) => shares)).toEqual([
    { modelMs: 40, toolMs: 0, waitMs: 60 },
    { modelMs: 5, toolMs: 0, waitMs: 15 },
    { modelMs: 0, toolMs: 3, waitMs: 4 },
  ]);
  expect(view.shares).toEqual({ modelMs: 40, toolMs: 3, waitMs: 64 });
});

// ---------------------------------------------------------------------------------------------

function ancestors(view: ViewSession, at: number): readonly number[] {
  const all: number[] = [];
  for (let row = at; row !== -1; row = view.spans[row]!.parent) all.push(row);
  return all;
}

/** The very objects that hold content, by identity. */
const contentIn = ({ input = [], output = [], arguments: given, result, files }: Partial<SpanDetails>): readonly unknown[] => [
  ...[...input, ...output].flatMap(({ parts }) => parts),
  ...[given, result, files].filter((value) => value !== undefined),
];

const contentOf = ({ session }: Shown): readonly unknown[] => [...runsOf(session)].flatMap(contentOfRun);

const contentOfRun = ({ prompt = [], answer = [], modelCalls, toolCalls }: Run): readonly unknown[] => [
  ...prompt,
  ...answer,
  ...modelCalls.flatMap(contentOfChat),
  ...toolCalls.flatMap(contentOfTool),
];

const contentOfChat = ({ input = [], output }: ModelCall): readonly Part[] =>
  [...input, ...(output === undefined ? [] : [output])].flatMap(({ parts }: Message) => parts);

const contentOfTool = ({ input, output, files }: ToolCall): readonly unknown[] =>
  [input, output, files].filter((value) => value !== undefined);

describe('what Hermes does not tell', () => {
  const [shown] = shownIn('hermes/schema30');
  const view = viewSessionOf(shown!);

  test('tokens of the session stand on its last turn, marked; those of an agent on the agent', () => {
    expect(view.spans.flatMap(({ name, session }) => (session === undefined ? [] : [[name, session]]))).toEqual([
      ['Turn 5', { input: 7710, output: 337, costUsd: 0.007 }],
    ]);
    expect(
      view.spans.filter(({ tokens }) => tokens !== undefined).map(({ name, tokens, costUsd }) => [name, tokens?.input, costUsd]),
    ).toEqual([['subagent', 1050, 0.002]]);
    expect(view.turns.map(({ tokens }) => tokens.input)).toEqual([1050, 0, 0, 0, 0]);
    expect(view.summary.tokens.input).toBe(8760);
    expect(view.summary.costUsd).toBeCloseTo(0.009, 9);
    expect(view.context).toEqual([]);
  });

  test('times that are estimated say so', () => {
    expect(new Set(view.spans.map(({ kind, timeEstimated }) => `${kind} ${timeEstimated ?? false}`))).toEqual(
      new Set(['turn false', 'agent false', 'chat true', 'tool true']),
    );
  });
});

test('calls that a call made have their place and their details', () => {
  const [shown] = shownIn('codex/0.169-code-mode');
  const opened = openSession(shown!);
  const { spans } = opened.view;
  const nested = spans.filter(({ parent, kind }) => kind === 'tool' && spans[parent]?.kind === 'tool');
  expect(nested.map(({ name }) => name)).toEqual(['exec_command', 'exec_command', 'apply_patch', 'mcp__demo__add']);
  for (const { id, label } of nested) {
    expect(label).not.toBe('');
    const { kind, arguments: given, files } = opened.details(id)!;
    expect(kind).toBe('tool');
    expect(given ?? files).toBeDefined();
  }
  expect(opened.details(nested[2]!.id)!.files).toHaveLength(2);
});

describe('labels', () => {
  const labelled = (story: string, nth: number, kind: string) =>
    viewSessionOf(shownIn(story)[nth]!)
      .spans.filter((span) => span.kind === kind)
      .map(({ name, label }) => [name, label]);

  test('what a shell runs, and the files of a call without arguments', () => {
    expect(labelled('codex/0.169-code-mode', 0, 'tool').filter(([name]) => name !== 'exec')).toEqual([
      ['exec_command', 'exit 4'],
      ['exec_command', 'sleep 1; echo one'],
      ['apply_patch', expect.stringMatching(/^\S+, \S+$/)],
      ['mcp__demo__add', '{"a":1,"b":2}'],
    ]);
  });

  test('what an agent was asked for, without what the harness wraps around it', () => {
    const agents = ['codex/0.169-subagents-v2', 'openclaw/2026.9.6-sqlite'].flatMap((story) =>
      shownIn(story).flatMap((_, nth) => labelled(story, nth, 'agent')),
    );
    expect(agents).toHaveLength(4);
    for (const [, label] of agents) expect(label).toMatch(/\[\[S:/);
    for (const [, label] of agents) expect(label).not.toMatch(/^(?:Message Type|\[Subagent Context)/);
  });
});
