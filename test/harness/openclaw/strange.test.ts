/** Sessions of OpenClaw that nobody recorded: ids and agents told again, wrong types, what content leaves out. */
import { describe, expect, test } from 'vitest';
import { openclaw } from '../../../src/harness/openclaw/index.ts';
import { brokenInvariants, buildTrace, type Trace } from '../../../src/index.ts';
import { compare } from '../../../src/verify/compare.ts';

type Fields = Record<string, unknown>;
const START_MS = Date.parse('2026-11-20T12:00:00.000Z');
const KEY = 'agent:main:subagent:1';
/** As the database describes a session that is nobody's agent. */
const META = JSON.stringify({ session_key: 'agent:main:main' });

/** Entries a hundred milliseconds apart. */
function lines(id: string, ...messages: readonly Fields[]): string[] {
  const at = (ms: number): string => new Date(START_MS + ms).toISOString();
  return [
    { type: 'session', version: 4, id, timestamp: at(0) },
    ...messages.map((message, n) => ({ type: 'message', id: `${id}-${n}`.padEnd(36, '0'), timestamp: at(100 * n + 100), message })),
  ].map((line) => JSON.stringify(line));
}
const user = (runId = 'r1'): Fields => ({ role: 'user', content: 'hi', idempotencyKey: `${runId}:user` });
const says = (responseId: string, stopReason: string, ...content: readonly Fields[]): Fields => ({
  ...{ role: 'assistant', provider: 'p', model: 'm', responseId, stopReason, content, __openclaw: { runId: 'r1' } },
});
const spawn = (id: string, label = 'one'): Fields => ({ type: 'toolCall', id, name: 'sessions_spawn', arguments: { label } });
const spawned = (id: string, key: string = KEY, runId: unknown = 'a1'): Fields => ({
  ...{ role: 'toolResult', toolCallId: id, toolName: 'sessions_spawn', content: [], details: { childSessionKey: key, runId } },
});
const child = (label: string | undefined, ...messages: readonly Fields[]) => childOf('child', label, messages);
const childOf = (id: string, label: string | undefined, messages: readonly Fields[]) => ({
  ...{ id, name: id, lines: lines(id, ...messages), meta: JSON.stringify({ session_key: KEY, label }) },
});

function built(main: readonly string[], agents: readonly ReturnType<typeof child>[] = [], content: 'none' | 'full' = 'none'): Trace {
  const file = { name: 'main', lines: main, meta: META };
  const trace = buildTrace({ harness: 'openclaw', sessionId: 's', main: file, agents, ended: false }, { content });
  expect(brokenInvariants(trace.spans)).toEqual([]);
  return trace;
}
const recounted = (main: readonly string[], agents: readonly ReturnType<typeof child>[]) =>
  openclaw.recount({ main: { name: 'main', lines: main, meta: META }, agents, ended: false });
const names = ({ spans }: Trace): string[] => spans.map(({ name }) => name);

test('an agent that two calls name is one agent, and the other call is over', () => {
  const main = lines('s', user(), says('x1', 'toolUse', spawn('c1'), spawn('c2')), spawned('c1'), spawned('c2'), says('x2', 'stop'));
  const trace = built(main, [child(undefined, user('a1'), says('y1', 'stop', { type: 'text', text: 'done' }))]);
  expect(names(trace)).toEqual(['invoke_agent openclaw', 'chat m', 'chat m', 'invoke_agent one', 'chat m', 'execute_tool sessions_spawn']);
  expect(trace.spans.filter(({ open }) => open)).toEqual([]);
});

test('an agent whose session was followed by another one is one agent, and all it did is told', () => {
  const main = lines('s', user(), says('x1', 'toolUse', spawn('c1')), spawned('c1'), says('x2', 'stop'));
  const agents = ['child', 'later'].map((id) => childOf(id, undefined, [user(`${id}-run`), says(`of ${id}`, 'stop')]));
  for (const given of [agents, agents.toReversed()]) {
    const { spans, problems } = built(main, given);
    expect(names({ spans, problems })).toEqual([
      'invoke_agent openclaw',
      ...Array(2).fill('chat m'),
      'invoke_agent one',
      'chat m',
      'chat m',
    ]);
    expect(problems).toEqual([]);
    expect(spans[3]!.attributes['gen_ai.agent.id']).toBe('child');
    expect(compare(recounted(main, given), spans).differences).toEqual([]);
  }
});

test('a topic of a channel is the session that its file is called by, not the one that its first line names', () => {
  const main = { name: 'main', lines: lines('s', user(), says('x1', 'stop')) };
  const { spans } = buildTrace({ harness: 'openclaw', sessionId: 's-topic-7', main, agents: [], ended: true });
  expect(new Set(spans.map(({ attributes }) => attributes['session.id']))).toEqual(new Set(['s-topic-7']));
});

describe('an agent that is not there', () => {
  const begun = lines('s', user(), says('x1', 'toolUse', spawn('c1')), spawned('c1'), says('x2', 'stop'));
  const answer = (id: string): string =>
    JSON.stringify({
      traceSchema: 'x',
      type: 'session.started',
      runId: `announce:v1:${id}:a1`,
      ts: new Date(START_MS + 9000).toISOString(),
    });
  const open = ({ spans }: Trace): string[] => spans.filter((span) => span.open).map(({ name }) => name);
  const isAsCounted = (main: readonly string[], meta: string | undefined = META, ended = false): void => {
    const files = { main: { name: 'main', lines: main, ...(meta !== '' && { meta }) }, agents: [], ended };
    const { spans } = buildTrace({ harness: 'openclaw', sessionId: 's', ...files });
    expect(compare(openclaw.recount(files), spans).differences).toEqual([]);
  };

  test('is awaited, and counted so', () => {
    expect(open(built(begun))).toEqual(['invoke_agent one']);
    isAsCounted(begun);
    isAsCounted(begun, undefined, true);
  });

  test('is no more once it has answered: its call is a call, whatever run answered', () => {
    for (const main of [
      [...begun, answer(KEY)],
      [...begun, ...lines('t', { ...says('x3', 'stop'), __openclaw: { runId: `announce:v1:${KEY}:a1` } }).slice(1)],
    ]) {
      expect(names(built(main))).toContain('execute_tool sessions_spawn');
      expect(open(built(main))).not.toContain('invoke_agent one');
      isAsCounted(main);
    }
    const others = [...begun, answer(`${KEY}2`)];
    expect(open(built(others))).toEqual(['invoke_agent one']);
    isAsCounted(others);
  });

  test('never comes when it is one of another of the user’s agents, or when sessions are files, which name nobody’s agents', () => {
    for (const [meta, expected] of [
      [JSON.stringify({ session_key: 'agent:work:main' }), 'execute_tool sessions_spawn'],
      ['', 'execute_tool sessions_spawn'],
      [META, 'invoke_agent one'],
      [JSON.stringify({ session_key: 'cron:nightly' }), 'invoke_agent one'],
    ] as const) {
      const main = { name: 'main', lines: begun, ...(meta !== '' && { meta }) };
      const trace = buildTrace({ harness: 'openclaw', sessionId: 's', main, agents: [], ended: false });
      expect(names(trace)).toContain(expected);
      isAsCounted(begun, meta);
      expect(openclaw.recount({ main, agents: [] }).missing).toEqual([]);
    }
  });
});

test('an entry that an agent has too is told once, and complained of', () => {
  const main = lines('s', user(), says('x1', 'toolUse', spawn('c1')), spawned('c1'), says('x2', 'stop'));
  const trace = built(main, [{ ...child(undefined), lines: [...lines('child', user('a1')), main.at(-1)!] }]);
  expect(names(trace).filter((name) => name.startsWith('chat'))).toHaveLength(2);
  expect(trace.problems.map(({ reason }) => reason)).toEqual(['duplicate-tool-use']);
});

test('a label of one word is a name, a sentence is content; both whether content is kept or not', () => {
  const main = lines('s', user(), says('x1', 'toolUse', spawn('c1', 'look up what Ann earns')), spawned('c1'), says('x2', 'stop'));
  for (const content of ['none', 'full'] as const) {
    const trace = built(main, [child('look up what Ann earns', user('a1'), says('y1', 'stop'))], content);
    expect(names(trace)).toContain('invoke_agent subagent');
    expect(JSON.stringify(trace.spans).includes('Ann')).toBe(content === 'full');
  }
});

test('an aborted call that said something is a call, with content or without', () => {
  const main = lines('s', user(), says('x1', 'aborted', { type: 'text', text: 'I was' }));
  expect(names(built(main))).toEqual(['invoke_agent openclaw', 'chat m']);
  expect(names(built(main, [], 'full'))).toEqual(names(built(main)));
});

test('objects that have no text stand nowhere in the way', () => {
  const odd = { toString: 1, valueOf: 1 };
  const main = lines('s', user(), says('x1', 'toolUse', spawn('c1')), spawned('c1', KEY, odd), says('x2', 'stop'));
  const event = { traceSchema: 'x', type: 'session.started', runId: 'r1', ts: new Date(START_MS).toISOString(), seq: odd, data: {} };
  expect(built([...main, JSON.stringify(event)]).problems.map(({ reason }) => reason)).toEqual(['wrong-shape']);
});
