/**
 * The traces against the truth: what the model server's own log says it served (`expected.json`), and what
 * the CLI itself counted (`cost-state`). Not our reading of the transcript: the log was written by the other end.
 */
import { expect, test } from 'vitest';
import { costUsd } from '../src/trace/cost.ts';
import type { Span } from '../src/trace/span.ts';
import {
  agentsInResults,
  CUT_STREAMS,
  messageId,
  NO_AGENT_HEADERS,
  notOnLine,
  ON_NO_LINE,
  PLACEHOLDERS,
  servedOf,
} from './support/served.ts';
import { expectedOf, loadStory, rawFilesOf, STORIES, type Story } from './support/stories.ts';

const chatsOf = (spans: readonly Span[]): Span[] => spans.filter(({ name }) => name.startsWith('chat '));
const responseIdOf = (span: Span): unknown => span.attributes['gen_ai.response.id'];
const conversationOf = (span: Span): unknown => span.attributes['gen_ai.conversation.id'];
/** The log calls a sub-agent by its id, a teammate by `name@team`, the main agent `main`. */
const isAgent = (span: Span, agent: string): boolean =>
  agent === 'main'
    ? span.attributes['gen_ai.agent.id'] === undefined
    : agent.includes('@')
      ? span.attributes['gen_ai.agent.name'] === agent.split('@')[0]
      : span.attributes['gen_ai.agent.id'] === agent;

test('every story is compared with the log of a server', () => {
  for (const story of STORIES) expect(servedOf(expectedOf(story)).length, story).toBeGreaterThan(0);
  expect(Object.keys(ON_NO_LINE).filter((story) => !STORIES.includes(story))).toEqual([]);
});

test.each(STORIES)('%s: every response that a line holds is one chat span, and nothing else is', (name) => {
  const chats = chatsOf(loadStory(name).spans);
  const text = rawFilesOf(name)
    .map((file) => file.text)
    .join('\n');
  const absent = notOnLine(name);
  const served = servedOf(expectedOf(name));
  for (const { messageId: id } of served) {
    expect(text.includes(`"id":"${id}"`), `${id} stands on a line`).toBe(!absent.has(id));
    expect(chats.filter((chat) => responseIdOf(chat) === id).length, `chat spans of ${id}`).toBe(absent.has(id) ? 0 : 1);
  }
  const ids = new Set<unknown>(served.map((response) => response.messageId));
  expect(chats.map(responseIdOf).filter((id) => !ids.has(id))).toEqual([]);
  expect([...absent].filter((id) => !ids.has(id))).toEqual([]);
});

test.each(STORIES)('%s: every chat span tells what was served, in its conversation', (name) => {
  const chats = chatsOf(loadStory(name).spans);
  const absent = notOnLine(name);
  for (const response of servedOf(expectedOf(name))) {
    if (absent.has(response.messageId)) continue;
    const chat = chats.find((span) => responseIdOf(span) === response.messageId)!;
    const { attributes } = chat;
    const unreliable = attributes['trace_build.usage.unreliable'] === true;
    const { usage } = response;
    expect(
      {
        conversation: conversationOf(chat),
        model: attributes['gen_ai.response.model'],
        input: attributes['gen_ai.usage.input_tokens'],
        cacheRead: attributes['gen_ai.usage.cache_read.input_tokens'],
        cacheWrite: attributes['gen_ai.usage.cache_creation.input_tokens'],
        kind: chat.kind,
      },
      response.messageId,
    ).toEqual({
      conversation: response.sessionId,
      model: response.model,
      input: usage['input_tokens']! + usage['cache_read_input_tokens']! + usage['cache_creation_input_tokens']!,
      cacheRead: usage['cache_read_input_tokens'],
      cacheWrite: usage['cache_creation_input_tokens'],
      kind: 'client',
    });
    const mayBePlaceholder = PLACEHOLDERS.includes(name) || (CUT_STREAMS[name] ?? []).map(messageId).includes(response.messageId);
    expect(mayBePlaceholder || !unreliable, `${response.messageId} has reliable usage`).toBe(true);
    if (unreliable) expect(attributes['gen_ai.usage.output_tokens'], response.messageId).toBeLessThanOrEqual(usage['output_tokens']!);
    else expect(attributes['gen_ai.usage.output_tokens'], response.messageId).toBe(usage['output_tokens']);
    const finish = attributes['gen_ai.response.finish_reasons'];
    if (finish !== undefined || !unreliable) expect(finish, response.messageId).toEqual([response.stop]);
  }
});

test.each(STORIES)('%s: every tool call is one span beside its response, called by its name', (name) => {
  const { spans } = loadStory(name);
  const text = rawFilesOf(name)
    .map((file) => file.text)
    .join('\n');
  const absent = notOnLine(name);
  const known = new Set<string>();
  for (const response of servedOf(expectedOf(name))) {
    for (const tool of response.tools) {
      const ofCall = spans.filter((span) => span.attributes['gen_ai.tool.call.id'] === tool.id);
      if (absent.has(response.messageId)) {
        expect(ofCall, tool.id).toEqual([]);
        continue;
      }
      known.add(tool.id);
      expect(text.includes(`"id":"${tool.id}"`), `${tool.id} stands on a line`).toBe(true);
      expect(ofCall.length, `spans of ${tool.id}`).toBe(1);
      const [span] = ofCall as [Span];
      const chat = spans.find((other) => responseIdOf(other) === response.messageId)!;
      expect([span.traceId, span.parentSpanId], tool.id).toEqual([chat.traceId, chat.parentSpanId]);
      const isAgentSpan = span.name === `invoke_agent ${span.attributes['gen_ai.agent.name']}`;
      if (isAgentSpan) expect(['Agent', 'Task']).toContain(tool.name);
      else expect(span.name).toBe(`execute_tool ${tool.name}`);
    }
  }
  const calls = spans.flatMap((span) => span.attributes['gen_ai.tool.call.id'] ?? []);
  expect(calls.filter((id) => !known.has(String(id)))).toEqual([]);
});

test.each(STORIES.filter((name) => !NO_AGENT_HEADERS.includes(name)))(
  '%s: every agent has the responses served to it, and hangs under its caller',
  (name) => {
    const { spans } = loadStory(name);
    const absent = notOnLine(name);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const callerOf = (span: Span): Span => {
      const parent = byId.get(span.parentSpanId!)!;
      return parent.name.startsWith('invoke_agent ') ? parent : callerOf(parent);
    };
    for (const [sessionId, session] of Object.entries(expectedOf(name))) {
      const own = spans.filter((span) => conversationOf(span) === sessionId);
      for (const [agent, { parent, responses }] of Object.entries(session.agents)) {
        const chats = chatsOf(own).filter((span) => isAgent(span, agent));
        const served = responses.flatMap(({ messageId: id }) => (id === undefined || absent.has(id) ? [] : [id]));
        expect(chats.map(responseIdOf).toSorted(), `${sessionId} ${agent}`).toEqual(served.toSorted());
        if (agent === 'main') continue;
        const runs = own.filter((span) => span.name.startsWith('invoke_agent ') && isAgent(span, agent));
        expect(runs.length, `spans of agent ${agent}`).toBe(1);
        expect(isAgent(callerOf(runs[0]!), parent!), `${agent} hangs under ${parent}`).toBe(true);
        for (const chat of chats) expect(chat.parentSpanId, agent).toBe(runs[0]!.spanId);
      }
      const agents = own.filter((span) => span.name.startsWith('invoke_agent ') && span.attributes['gen_ai.agent.id'] !== undefined);
      expect(agents.length, `sub-agents of ${sessionId}`).toBe(Object.keys(session.agents).length - 1);
    }
  },
);

/** Where the log does not tell, the results in the transcripts do: each names the agent that its call started. */
test.each(NO_AGENT_HEADERS)('%s: without agent headers, the agents are those the results name', (name) => {
  const { spans } = loadStory(name);
  const named = rawFilesOf(name).flatMap(({ text }) => agentsInResults(text));
  expect(named.length).toBeGreaterThan(1);
  for (const { callId, agent } of named) {
    const span = spans.find(({ attributes }) => attributes['gen_ai.tool.call.id'] === callId)!;
    expect(isAgent(span, agent), `${callId} started ${agent}`).toBe(true);
    expect(span.name).toBe(`invoke_agent ${span.attributes['gen_ai.agent.name']}`);
  }
  const agents = spans.filter((span) => span.name.startsWith('invoke_agent ') && span.attributes['gen_ai.agent.id'] !== undefined);
  const claimed = agents.filter((span) => span.attributes['trace_build.agent.unclaimed'] === undefined);
  expect(claimed.map((span) => span.attributes['gen_ai.tool.call.id']).toSorted()).toEqual(named.map(({ callId }) => callId).toSorted());
  expect(agents.length - claimed.length, 'agents that the CLI of 2.0.76 starts for itself').toBe(
    rawFilesOf(name).filter(({ text }) => text.includes('"content":"Warmup"')).length,
  );
});

test.each(STORIES)('%s: an agent is of the type its call asked for', (name) => {
  const asked = new Map(
    rawFilesOf(name).flatMap(({ text }) =>
      [...text.matchAll(/"id":"(toolu_\w+)","name":"(?:Agent|Task)","input":\{[^}]*?"subagent_type":"([^"]+)"/g)].map(
        ([, id, type]) => [id, type] as const,
      ),
    ),
  );
  const started = loadStory(name).spans.filter(
    (span) => span.name.startsWith('invoke_agent ') && span.attributes['gen_ai.tool.call.id'] !== undefined,
  );
  for (const { attributes } of started)
    expect(attributes['trace_build.agent.type'], String(attributes['gen_ai.agent.name'])).toBe(
      asked.get(String(attributes['gen_ai.tool.call.id'])),
    );
});

test.each(STORIES)('%s: the tokens of each session are those of the log, less what no line holds', (name) => {
  const chats = chatsOf(loadStory(name).spans);
  const absent = notOnLine(name);
  for (const [sessionId, session] of Object.entries(expectedOf(name))) {
    const own = chats.filter((span) => conversationOf(span) === sessionId);
    const sum = (attribute: string) => own.reduce((total, span) => total + Number(span.attributes[attribute]), 0);
    const lost = servedOf({ [sessionId]: session }).filter((response) => absent.has(response.messageId));
    const left = (counter: string) => session.totals[counter]! - lost.reduce((total, response) => total + response.usage[counter]!, 0);
    expect(own.length, sessionId).toBe(session.totals['responses']! - lost.length);
    expect(sum('gen_ai.usage.cache_read.input_tokens'), sessionId).toBe(left('cache_read_input_tokens'));
    expect(sum('gen_ai.usage.cache_creation.input_tokens'), sessionId).toBe(left('cache_creation_input_tokens'));
    expect(sum('gen_ai.usage.input_tokens'), sessionId).toBe(
      left('input_tokens') + left('cache_read_input_tokens') + left('cache_creation_input_tokens'),
    );
    if (!own.some((span) => span.attributes['trace_build.usage.unreliable']))
      expect(sum('gen_ai.usage.output_tokens'), sessionId).toBe(left('output_tokens'));
  }
});

test.each(STORIES)('%s: a turn that stands in a session and in its fork is told as the session tells it', (name) => {
  const story = loadStory(name);
  const isCopy = (span: Span): boolean => span.attributes['trace_build.turn.copied'] === true;
  const originals = new Set(
    story.sessions
      .flatMap(({ traced }) => traced.spans.filter((span) => span.parentSpanId === undefined && !isCopy(span)))
      .map(({ spanId }) => spanId),
  );
  expect(
    story.spans.filter((span) => isCopy(span) && originals.has(span.spanId)).map((span) => span.attributes['trace_build.turn.number']),
  ).toEqual([]);
});

/** Sessions whose own count can't be ours, and why. */
const COST_EXCEPTIONS: Readonly<Record<string, string>> = {
  'midexits fc6ea30e-3293-4fd5-897b-d4be4597801b':
    'a stream that broke off: the CLI estimates its output, the transcript has the placeholder',
  'resumekill 32d5c03e-2b0f-47d1-9c36-c1e708c89a80': 'the first process was killed before it wrote its count; the second began at 0',
};

/** Only recent versions count at all; `plan` and a few more were killed before they wrote it. */
const COUNTING = STORIES.filter((name) => rawFilesOf(name).some(({ text }) => text.includes('"type":"cost-state"')));

test('the CLI counted the cost in most stories', () => {
  expect(COUNTING.length).toBeGreaterThan(15);
});

test.each(COUNTING)('%s: the cost of each session is what the CLI counted', (name) => {
  const story = loadStory(name);
  for (const [sessionId, theirs] of cliCosts(story)) {
    const exception = COST_EXCEPTIONS[`${name} ${sessionId}`];
    const ours = ourCosts(story, sessionId);
    for (const [model, usd] of Object.entries(theirs)) {
      const own = ours.get(model);
      if (exception !== undefined) expect(own, exception).not.toBeCloseTo(usd, 9);
      // The price list does not know every model: then there is no cost at all, rather than a wrong one.
      else if (model === 'claude-haiku-5-5') expect(own, model).toBeNaN();
      else expect(own ?? 0, `${sessionId} ${model}`).toBeCloseTo(usd, 9);
    }
    expect([...ours.keys()].filter((model) => !(model in theirs))).toEqual([]);
  }
});

/** The last `cost-state` of each main file. It is cumulative over --resume; that of a --fork-session has its parent's in it. */
function cliCosts(story: Story): (readonly [string, Record<string, number>])[] {
  return story.sessions.flatMap(({ id, ref }) => {
    const text = rawFilesOf(story.name).find(({ path }) => path === ref.path)?.text ?? '';
    const last = text.split('\n').findLast((line) => line.startsWith('{"type":"cost-state"'));
    if (last === undefined) return [];
    const { modelUsage } = JSON.parse(last) as { modelUsage: Record<string, { costUSD: number }> };
    // `[1m]` is how the CLI calls a model with the long context; the price is the same below 200,000 tokens.
    return [[id, Object.fromEntries(Object.entries(modelUsage).map(([model, { costUSD }]) => [model.replace(/\[1m\]$/, ''), costUSD]))]];
  });
}

/** Our chat spans of a session, and what it paid for responses that stand on no line. */
function ourCosts(story: Story, sessionId: string): Map<string, number> {
  const costs = new Map<string, number>();
  const add = (model: string, usd: number) => costs.set(model, (costs.get(model) ?? 0) + usd);
  const { spans } = story.sessions.find(({ id }) => id === sessionId)!.traced;
  const copiedByBranch = new Set(
    spans.flatMap((span) => (story.name === 'rewind' && span.attributes['trace_build.turn.copied'] === true ? [span.traceId] : [])),
  );
  for (const chat of chatsOf(spans)) {
    if (copiedByBranch.has(chat.traceId)) continue;
    add(String(chat.attributes['gen_ai.response.model']), Number(chat.attributes['trace_build.cost.usd'] ?? Number.NaN));
  }
  const absent = notOnLine(story.name);
  for (const response of servedOf(expectedOf(story.name))) {
    // A stream that was never whole was never counted.
    if (response.sessionId !== sessionId || !absent.has(response.messageId) || ['errors', 'midexits', 'bgexit'].includes(story.name))
      continue;
    const { usage } = response;
    const [cacheRead, cacheWrite] = [usage['cache_read_input_tokens']!, usage['cache_creation_input_tokens']!];
    const counts = { cacheRead, cacheWrite, cacheWrite1h: 0, output: usage['output_tokens']!, webSearches: 0, reliable: true };
    const usd = costUsd(
      'anthropic',
      response.model,
      { ...counts, input: usage['input_tokens']! + cacheRead + cacheWrite },
      Date.parse('2026-11-20'),
    );
    add(response.model, usd ?? Number.NaN);
  }
  return costs;
}
