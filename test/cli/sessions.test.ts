/** `sessions list` and `show`: what is on this machine; events in the order they happened. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { createColors } from 'picocolors';
import { describe, expect, test, vi } from 'vitest';
import { eventLines } from '../../src/cli/event-lines.ts';
import { eventsOf, type SessionEvent } from '../../src/cli/events.ts';
import { type ListedRow, sessionTable } from '../../src/cli/session-table.ts';
import { widthOf } from '../../src/cli/text-width.ts';
import type { AgentRun, Session, ToolCall } from '../../src/session/types.ts';
import { callsOf, runsOf } from '../../src/stats/runs.ts';
import { summaryOf } from '../../src/stats/summary.ts';
import { scratch } from '../support/scratch.ts';
import { loadStory, refsOf, STORIES } from '../support/stories.ts';
import { trace } from './world.ts';

const colors = createColors(false);
const top = scratch('sessions');

const NOW = Date.parse('2026-11-21T12:00:00Z');
const DAY_S = 86_400;

/** Stories under a home, the first the newest, a day between any two. */
function homeOf(...stories: string[]): string {
  const home = mkdtempSync(join(top, 'home-'));
  for (const [n, story] of stories.entries())
    for (const folder of readdirSync(join('fixtures/claude-code', story, 'projects'))) {
      const to = join(home, '.claude', 'projects', folder);
      mkdirSync(to, { recursive: true });
      cpSync(join('fixtures/claude-code', story, 'projects', folder), to, { recursive: true });
      for (const { path } of refsOf(story)) {
        const modified = NOW / 1000 - (n + 0.5) * DAY_S;
        if (path?.includes(folder)) utimesSync(join(to, basename(path)), modified, modified);
      }
    }
  return home;
}

const session = (story: string, nth = 0): Session => loadStory(story, { content: 'full' }).sessions[nth]!.traced.session;
const sessions: readonly (readonly [string, Session])[] = [
  ...STORIES,
  ...['codex/0.169-code-mode', 'codex/0.169-subagents-v2', 'openclaw/2026.9.6-sqlite', 'hermes/schema30'],
].flatMap((story) =>
  loadStory(story, { content: 'full' }).sessions.map(({ id, traced }) => [`${story} ${id.slice(0, 8)}`, traced.session] as const),
);

describe('list', () => {
  const home = homeOf('nest', 'tools', 'compact');
  const world = { home, now: () => NOW };
  const idsIn = (stdout: string): string[] =>
    stdout
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(' ')[0]!);
  const idOf = (story: string): string => refsOf(story)[0]!.sessionId.slice(0, 8);

  test('the newest first, with figures', async () => {
    const { code, stdout } = await trace(['sessions', 'list'], world);
    expect(code).toBe(0);
    expect(idsIn(stdout)).toEqual([idOf('nest'), idOf('tools'), idOf('compact')]);
    expect(stdout).toMatch(/\/home\/dev\/nest .* 8\.4 s +1 +416 +1,216 +\$0\.0260 +go \[\[NEST\]\]/);
    expect(stdout).toMatch(/\/home\/dev\/tools .* \$0\.0277 +5 +do tools/);
  });

  test('so many at most, and how many more there are', async () => {
    const { stdout, stderr } = await trace(['sessions', 'list', '--limit', '1'], world);
    expect(idsIn(stdout)).toEqual([idOf('nest')]);
    expect(stderr).toContain('2 older sessions not listed');
    expect((await trace(['sessions', 'list', '--all'], world)).stderr).toBe('');
  });

  test.each([
    { args: ['--since', '2d'], stories: ['nest', 'tools'] },
    { args: ['--since', '1h'], stories: [] },
    { args: ['--project', '/home/dev/tools'], stories: ['tools'] },
    { args: ['--project', '/home/dev'], stories: ['nest', 'tools', 'compact'] },
    { args: ['--project', '/home/dev/too'], stories: [] },
    { args: ['--harness', 'claude-code'], stories: ['nest', 'tools', 'compact'] },
  ])('$args', async ({ args, stories }) => {
    expect(idsIn((await trace(['sessions', 'list', ...args], world)).stdout)).toEqual(stories.map(idOf));
  });

  test('--json is one document', async () => {
    const { sessions: listed, more } = JSON.parse((await trace(['sessions', 'list', '--json', '--limit', '2'], world)).stdout);
    expect(more).toBe(1);
    expect(listed).toHaveLength(2);
    expect(listed[0]).toMatchObject({
      id: refsOf('nest')[0]!.sessionId,
      harness: 'claude-code',
      project: '/home/dev/nest',
      modifiedMs: NOW - DAY_S * 500,
      summary: { turns: 1, agents: 3, modelCalls: 8, errors: 0 },
    });
  });

  test('nothing there is no error', async () => {
    expect(await trace(['sessions', 'list'], { home: join(top, 'nobody') })).toMatchObject({ code: 0, stdout: '' });
    expect(JSON.parse((await trace(['sessions', 'list', '--json'], { home: join(top, 'nobody') })).stdout)).toEqual({
      sessions: [],
      more: 0,
      unreadable: [],
    });
  });

  test.each([[['--since', 'x']], [['--harness', 'x']], [['--limit', '0']], [['--all', '--limit', '3']]])(
    '%j makes no sense',
    async (args) => {
      expect((await trace(['sessions', 'list', ...args], world)).code).toBe(2);
    },
  );

  test('no row is wider than the terminal, whatever titles and directories are', () => {
    const ref = refsOf('nest')[0]!;
    const summary = summaryOf(session('nest'), () => 1);
    const strange = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('日本語のとても長い名前です', '\u001b[31mred', '👩‍👩‍👧‍👦🏳️‍🌈'),
    );
    fc.assert(
      fc.property(strange, strange, fc.integer({ min: 1, max: 220 }), fc.boolean(), (title, directory, width, failed) => {
        const rows: ListedRow[] = [
          { ref: { ...ref, startDirectory: `/code/${directory}` }, summary: { ...summary, title } },
          { ref, summary: failed ? title : summary },
        ];
        for (const line of sessionTable(rows, '/code', { colors, width })) {
          expect(widthOf(line)).toBeLessThanOrEqual(width);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
          expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
        }
      }),
    );
  });
});

test('the narrower the terminal, the fewer the columns: those that tell most stay', () => {
  const rows: readonly ListedRow[] = [{ ref: refsOf('nest')[0]!, summary: summaryOf(session('nest'), () => 1) }];
  const heads = (width: number | undefined): readonly string[] => sessionTable(rows, '/code', { colors, width })[0]!.split(/ +/);
  const all = ['session', 'project', 'last', 'took', 'turns', 'in', 'out', 'cost', 'errors', 'title'];
  expect(heads(undefined)).toEqual(all);
  expect(heads(200)).toEqual(all);
  // What went in without what came out tells nothing.
  expect(heads(80)).toEqual(['session', 'project', 'last', 'turns', 'cost', 'title']);
  expect(heads(60)).toEqual(['session', 'last', 'turns', 'cost', 'title']);
  expect(heads(40)).toEqual(['session', 'turns', 'cost', 'title']);
});

test('a directory of any length is cut to its end, and soon', () => {
  const [{ ref }] = [{ ref: refsOf('nest')[0]! }];
  const startDirectory = `/${'日本/'.repeat(20_000)}the-end`;
  const rows: readonly ListedRow[] = [{ ref: { ...ref, startDirectory }, summary: summaryOf(session('nest'), () => 0) }];
  const looked = vi.spyOn(Intl.Segmenter.prototype, 'segment');
  const [, line] = sessionTable(rows, '/code', { colors, width: 200 });
  expect(line).toMatch(/…[日本/]+the-end /);
  expect(looked.mock.calls.reduce((sum, [text]) => sum + text.length, 0)).toBeLessThan(1_000_000);
});

describe('events', () => {
  const times = (events: readonly SessionEvent[], kind: SessionEvent['kind'], id: string): number =>
    events.filter((event) => event.kind === kind && 'id' in event && event.id === id).length;

  test.each(sessions)('%s: calls twice, agents twice, what is open once', (_, told) => {
    const events = eventsOf(told);
    const runs = [...runsOf(told)];
    const expected = new Map<string, number>();
    const add = (kind: string, n = 1): void => void expected.set(kind, (expected.get(kind) ?? 0) + n);
    for (const run of runs) {
      for (const { id } of run.modelCalls) {
        expect([times(events, 'model_called', id), times(events, 'model_answered', id)], id).toEqual([1, 1]);
        add('model_called');
        add('model_answered');
      }
      for (const { id, outcome } of callsOf(run)) {
        expect([times(events, 'tool_called', id), times(events, 'tool_ended', id)], id).toEqual([1, outcome.kind === 'open' ? 0 : 1]);
        add('tool_called');
        if (outcome.kind !== 'open') add('tool_ended');
      }
      const isTurn = 'number' in run;
      add(isTurn ? 'turn_started' : 'agent_started');
      if (run.finished) add(isTurn ? 'turn_ended' : 'agent_ended');
      if (run.compactions.length > 0) add('compacted', run.compactions.length);
      if (run.steering.length > 0) add('steering', run.steering.length);
    }
    if (events.length > 0) add('session_ended');
    const found = new Map<string, number>();
    for (const { kind } of events) found.set(kind, (found.get(kind) ?? 0) + 1);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  });

  test.each(sessions)('%s: in order of time, causes first, the end last', (_, told) => {
    const events = eventsOf(told);
    const at = (kind: SessionEvent['kind'], id: string): number =>
      events.findIndex((event) => event.kind === kind && 'id' in event && event.id === id);
    expect(events.map(({ atMs }) => atMs)).toEqual(events.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
    for (const run of runsOf(told)) {
      for (const { id } of run.modelCalls) expect(at('model_called', id), id).toBeLessThan(at('model_answered', id));
      for (const call of callsOf(run)) {
        for (const { id } of call.toolCalls ?? []) expect(at('tool_called', call.id), id).toBeLessThan(at('tool_called', id));
        if (call.outcome.kind !== 'open') expect(at('tool_called', call.id), call.id).toBeLessThan(at('tool_ended', call.id));
        for (const agent of startedBy(call)) expect(at('tool_called', call.id), agent.id).toBeLessThan(at('agent_started', agent.id));
      }
    }
    if (events.length > 0) expect(events.at(-1)!.kind).toBe('session_ended');
  });

  test('results are given once, to the call that follows them', () => {
    for (const [name, told] of sessions) {
      const events = eventsOf(told);
      const given = events.reduce((sum, event) => sum + (event.kind === 'model_called' ? event.results : 0), 0);
      expect(given, name).toBeLessThanOrEqual(events.filter(({ kind }) => kind === 'tool_ended').length);
    }
    const results = eventsOf(session('tools')).flatMap((event) => (event.kind === 'model_called' ? [event.results] : []));
    expect(results.slice(0, 4)).toEqual([0, 2, 1, 2]);
  });

  const historiesOf = (events: readonly SessionEvent[], who = 'claude-code'): readonly number[] =>
    events.flatMap((event) => (event.kind === 'model_called' && event.agent === who ? [event.messages] : []));

  test('before a call are the prompts, the answers and the results up to it', () => {
    // A prompt; an answer with two calls, and their results; an answer with one …
    expect(historiesOf(eventsOf(session('tools'))).slice(0, 4)).toEqual([1, 4, 6, 9]);
    // An agent knows nothing of who started it.
    expect(historiesOf(eventsOf(session('nest')), 'general-purpose')[0]).toBe(1);
    for (const [name, told] of sessions) {
      const events = eventsOf(told).filter(({ agent }) => agent === told.agentName);
      if (told.turns.some(({ rewound }) => rewound) || events.some(({ kind }) => kind === 'compacted')) continue;
      const counts = { turn_started: 1, steering: 1, model_answered: 1, tool_ended: 1 } as Readonly<Record<string, number>>;
      const all = events.reduce((sum, { kind }) => sum + (counts[kind] ?? 0), 0);
      const seen = historiesOf(events, told.agentName);
      expect(seen, name).toEqual(seen.toSorted((a, b) => a - b));
      expect(seen.at(-1) ?? 0, name).toBeLessThan(Math.max(all, 1));
    }
  });

  test('a compaction leaves its summary, a rewind what was before it', () => {
    const compact = session('compact');
    const [, ...after] = eventsOf(compact).slice(eventsOf(compact).findIndex(({ kind }) => kind === 'compacted'));
    // The summary, and the prompt that follows.
    expect(historiesOf(after)[0]).toBe(2);
    const [first, second] = session('plan').turns;
    const again = { ...second!, startId: 'again', number: 3, rewound: { toTurnId: first!.startId, droppedTurnIds: [second!.startId] } };
    const turns = [
      first!,
      second!,
      { ...again, startedAtMs: second!.endedAtMs, modelCalls: second!.modelCalls.slice(0, 1), toolCalls: [] },
    ];
    const of = (all: typeof turns) => historiesOf(eventsOf({ ...session('plan'), turns: all }));
    expect(of(turns).at(-1)).toBe(of(turns.slice(0, 2))[first!.modelCalls.length]);
  });

  test.each([
    ['steer', 'please also do this'],
    ['codex/0.169-appserver', 'steer: please also do X'],
  ])('what a user adds amid work has its words: %s', (story, words) => {
    const prompts = (content: 'full' | 'none') =>
      loadStory(story, { content }).sessions.flatMap(({ traced }) =>
        eventsOf(traced.session).flatMap((event) => (event.kind === 'steering' ? [event.text] : [])),
      );
    expect(prompts('full')).toEqual([words]);
    expect(prompts('none')).toEqual([undefined]);
  });

  /** When all happens at once, only causes tell the order. */
  test('at the same millisecond a cause comes before its effect', () => {
    const told = JSON.parse(JSON.stringify(session('nest')), (key, value) => (/AtMs$/.test(key) ? 1000 : value)) as Session;
    const kinds = eventsOf(told).map((event) => `${event.kind}${'id' in event ? ` ${event.id}` : ''}`);
    const real = eventsOf(session('nest')).map((event) => `${event.kind}${'id' in event ? ` ${event.id}` : ''}`);
    expect(kinds).toEqual(real);
    const given = (all: readonly SessionEvent[]) => all.flatMap((event) => (event.kind === 'model_called' ? [event.results] : []));
    expect(given(eventsOf(told))).toEqual(given(eventsOf(session('nest'))));
  });

  test('agents of one name are told apart', () => {
    const names = new Set(eventsOf(session('nest')).map(({ agent }) => agent));
    expect([...names]).toEqual(['claude-code', 'general-purpose', 'general-purpose 2', 'general-purpose 3']);
  });

  const startedBy = ({ agent, agents }: ToolCall): readonly AgentRun[] => (agent === undefined ? agents : [agent, ...agents]);
});

describe('show', () => {
  const at = (story: string): string => `fixtures/claude-code/${story}/projects`;
  /** Long after the stories were recorded: they are over. */
  const now = () => NOW + 30 * DAY_S * 1000;

  test.each([60, 120, undefined])('parallel tools and errors, %s columns', async (width) => {
    expect((await trace(['sessions', 'show', at('tools')], width === undefined ? { now } : { now, width })).stdout).toMatchSnapshot();
  });

  test('agents in the background', async () => {
    expect((await trace(['sessions', 'show', at('bg')], { now, width: 100 })).stdout).toMatchSnapshot();
  });

  test('a compaction, with the tokens before and after', async () => {
    expect((await trace(['sessions', 'show', at('compact')])).stdout).toMatch(/≈ compacted \(manual\) {2}102 → 2,885 tokens/);
  });

  test('--short leaves out what was said', async () => {
    const { stdout } = await trace(['sessions', 'show', at('nest'), '--short']);
    expect(stdout).toContain('→ Bash');
    expect(stdout).not.toMatch(/NSUB|NEST|echo deep/);
  });

  test('--json is one document, and --short of it too has no content', async () => {
    const { events, harness } = JSON.parse((await trace(['sessions', 'show', at('nest'), '--json'])).stdout);
    expect(harness).toBe('claude-code');
    expect(events[0]).toMatchObject({ kind: 'turn_started', turn: 1, trigger: 'sdk', text: 'go [[NEST]]' });
    expect((await trace(['sessions', 'show', at('nest'), '--json', '--short'])).stdout).not.toMatch(/NSUB|echo deep/);
  });

  test.each([
    ['', /^trace-build: .* is empty\./],
    ['garbage\n', /^trace-build: .* is not a transcript: line 1: /],
    ['{"kind":"other"}\n', /^trace-build: .* holds no session of a coding agent\./],
  ])('of %j it is told what is wrong with it', async (text, message) => {
    const home = homeOf('fg');
    const path = join(home, '.claude', 'projects', readdirSync(join(home, '.claude', 'projects'))[0]!, 'other.jsonl');
    writeFileSync(path, text);
    expect(await trace(['sessions', 'show', path], { home })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(message),
      stdout: '',
    });
  });

  test('in JSON nothing is left that a terminal obeys, and nothing is lost', async () => {
    const path = join(homeOf('fg'), 'hostile.jsonl');
    const hostile = 'a\u001b[2Jb\u009b31mc\u007fd\u202ee\u2066f\u061cg\u2028h';
    const line = {
      type: 'user',
      uuid: 'u',
      sessionId: 's',
      timestamp: '2026-11-01T00:00:00.000Z',
      message: { role: 'user', content: hostile },
    };
    writeFileSync(path, `${JSON.stringify(line)}\n`);
    const { stdout } = await trace(['sessions', 'show', path, '--json']);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
    expect(JSON.parse(stdout).events[0].text).toBe(hostile.replace('\u2028', ' '));
    const spans = await trace([path, '--output', 'spans', '--content', 'full']);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(spans.stdout).not.toMatch(/[\u001b\u009b\u202e]/);
    expect(spans.stdout).toContain('\\u009b31m');
  });

  test.each([[[]], [[at('errors')]], [['no-such-session']], [['--last', 'x']]])('%j is refused', async (args) => {
    expect((await trace(['sessions', 'show', ...args])).code).toBe(2);
  });

  test('no line is wider than the terminal, whatever names and texts are', () => {
    const strange = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('日本語のとても長い名前です', '\u001b[31mred', '👩‍👩‍👧‍👦🏳️‍🌈'),
    );
    const events = eventsOf(session('tools'));
    fc.assert(
      fc.property(strange, strange, fc.integer({ min: 1, max: 200 }), fc.boolean(), (name, text, width, ascii) => {
        const told = events.map((event, n) => ({
          ...event,
          agent: n % 2 === 0 ? name : 'other',
          ...('name' in event && { name }),
          ...('model' in event && { model: name }),
          ...('text' in event && { text }),
        }));
        for (const line of eventLines(told, { colors, width, ascii, short: false })) {
          expect(widthOf(line)).toBeLessThanOrEqual(width);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
          expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
        }
      }),
    );
  });
});
