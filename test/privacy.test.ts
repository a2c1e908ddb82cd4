/**
 * Without content nothing leaves that a person, a model or a tool wrote. Three ways to see it: whatever stands on the spans
 * of the recorded stories stands there for a reason; a text put in place of any text of them goes nowhere; and a
 * sentence put into any field, one after the other, passes for no name.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { harnesses } from '../src/harness/index.ts';
import { buildTrace, type Span } from '../src/index.ts';
import { ALL_STORIES, folderOf, loadStory, type PlainTranscript, refsOf, transcriptOf } from './support/stories.ts';
import { fieldsOf, stringsIn, withStrings } from './support/strings.ts';

/** Every attribute that may hold a text while content is off, and why it is none of what was said. */
const REASONS: Readonly<Record<string, string>> = {
  'error.type': 'a closed list',
  'gen_ai.agent.id': 'an id',
  'gen_ai.agent.name': 'a name: of the harness, of an agent in its team, of its type',
  'gen_ai.agent.version': 'the version of the harness',
  'gen_ai.conversation.id': 'an id',
  'gen_ai.operation.name': 'a closed list',
  'gen_ai.provider.name': 'a name',
  'gen_ai.request.model': 'a name',
  'gen_ai.response.finish_reasons': 'a word of the API',
  'gen_ai.response.id': 'an id',
  'gen_ai.response.model': 'a name',
  'gen_ai.skill.name': 'a name',
  'gen_ai.tool.call.id': 'an id',
  'gen_ai.tool.name': 'a name',
  'gen_ai.tool.type': 'a closed list',
  'mcp.method.name': 'a closed list',
  'service.name': 'the name of the harness, or what the user set',
  'service.version': 'the version of the harness',
  'session.id': 'an id',
  'trace_build.agent.type': 'a name',
  'trace_build.compaction.trigger': 'a word of the harness',
  'trace_build.cost.prices': 'a version of ours',
  'trace_build.link': 'a closed list',
  'trace_build.mcp.server': 'a name',
  'trace_build.model_call.id': 'an id',
  'trace_build.outcome': 'a closed list',
  'trace_build.permission.decision': 'a word of the harness',
  'trace_build.permission.source': 'a word of the harness',
  'trace_build.request.effort': 'a word of the API',
  'trace_build.task.id': 'an id',
  'trace_build.teammate': 'a name',
  'trace_build.turn.command': 'the name of a slash command, without its arguments',
  'trace_build.turn.rewound_to': 'an id',
  'trace_build.turn.trigger': 'a closed list',
  'trace_build.usage.scope': 'a closed list',
  'vcs.ref.head.name': 'the name of a branch',
};
/** What programs make up to tell things apart: whatever is in one, it says nothing. */
const IDS = new Set(Object.keys(REASONS).filter((key) => REASONS[key] === 'an id' || key === 'session.id'));

const PHRASES =
  /^(?:the (?:tool reported an error|tool ran out of time|model API answered with an error|arguments did not fit the tool|agent ended with an error)|permission was denied by a rule|there is no such tool)$/;

const MARK = 'Zebra crossing 4711';

/** Everything of a span that is sent, but for ids: its strings, by where they stand. */
const textsOf = (spans: readonly Span[]) =>
  spans.flatMap(({ name, attributes, events, links, resource, status }) =>
    stringsIn({ name, status, attributes, links: links.map((link) => link.attributes), events, resource }).filter(
      ({ path }) => !IDS.has(path.split(' ').at(-1)!),
    ),
  );

const marked = (texts: readonly { readonly path: string; readonly text: string }[]): readonly string[] => [
  ...new Set(texts.filter(({ text }) => /zebra/i.test(text)).map(({ path, text }) => `${path}: ${text}`)),
];

/** All that is sent of a transcript, now and at its end. */
const sent = (given: PlainTranscript) => [true, false].flatMap((ended) => textsOf(buildTrace({ ...given, ended }).spans));

/** What is held of it while it is built, and remembered in order to read on from there. */
function kept(given: PlainTranscript) {
  const harness = harnesses.find(({ name }) => name === given.harness)!;
  const parse = (file: PlainTranscript['main']) => harness.parse(file, { content: false });
  const [main, agents, related] = [parse(given.main), given.agents.map(parse), (given.related as PlainTranscript['main'][]).map(parse)];
  const { session, checkpointAt } = harness.normalise({ ...given, main, agents, related });
  return [...stringsIn(session), ...session.turns.flatMap((_, at) => stringsIn(checkpointAt(at + 1)))];
}

function plainTranscripts(story: string): readonly PlainTranscript[] {
  const plain = refsOf(story).map((ref) => transcriptOf(ref));
  if (story !== 'hermes/real-run-0.18.2') return plain;
  // What its hooks told follows its rows.
  const hooks = readFileSync(`${folderOf(story)}/hooks.ndjson`, 'utf8')
    .trim()
    .split('\n');
  return [...plain, ...plain.map((each) => ({ ...each, main: { ...each.main, lines: [...each.main.lines, ...hooks] } }))];
}

describe.each(ALL_STORIES)('%s', (name) => {
  test('each text of its spans is a name, an id, a word of a list', () => {
    for (const span of loadStory(name).spans) {
      expect(span.name).toMatch(/^(?:invoke_agent|chat|execute_tool) \S+$/);
      if (span.status.kind === 'error') expect(span.status.message).toMatch(PHRASES);
      for (const event of span.events) expect(event.name).toMatch(/^trace_build\.(?:compaction|steering)$/);
      const attributes = [span.attributes, span.resource.attributes, ...[...span.events, ...span.links].map((each) => each.attributes)];
      for (const [key, value] of attributes.flatMap((each) => Object.entries(each))) {
        if (typeof value === 'number' || typeof value === 'boolean') continue;
        expect(Object.keys(REASONS)).toContain(key);
        if (!IDS.has(key))
          expect(String(value)).toMatch(key === 'trace_build.cost.prices' ? /^(?:genai-prices \S+|harness)$/ : /^\S{1,64}$/);
      }
    }
  });

  test('whatever its texts were, none is sent, none is in a problem, and none is kept', () => {
    for (const given of plainTranscripts(name)) {
      for (const changed of [(text: string) => `${text} ${MARK}`, (text: string) => `${MARK} ${text}`, () => MARK]) {
        const others = withStrings(given, (text) => (/\s/.test(text) ? changed(text) : text));
        expect(marked(sent(others))).toEqual([]);
        expect(marked(stringsIn(buildTrace(others).problems))).toEqual([]);
        expect(marked(kept(others))).toEqual([]);
      }
    }
  });
});

/** Problems that name a line or a call by its id. */
const QUOTED_IDS = /^(?:no call .* was found for this result$|.* is also the (?:uu)?id of |result of .* is older than the call$)/;

/** What has a name may be of use in one session and not in another: the smallest that have it. */
const MAX_TIMES = 4;

/** Fields whose text is told, where it is one word: what a tool, an agent, a model, a branch is called, and words of APIs. */
const TOLD: Readonly<Record<string, readonly string[]>> = {
  'claude-code': [
    '<assistant>.effort',
    '<assistant>.message<message>.content[]<tool_use>.input.skill',
    '<assistant>.message<message>.content[]<tool_use>.input.subagent_type',
    '<assistant>.message<message>.content[]<tool_use>.name',
    '<assistant>.message<message>.model',
    '<assistant>.message<message>.stop_reason',
    '<assistant>.requestedModel',
    '<system>.compactMetadata.trigger',
    '<user>.agentName',
    '<user>.gitBranch',
    '<user>.permissionDecision.decision',
    '<user>.permissionDecision.source',
    '<user>.toolUseResult.name',
    '<user>.version',
    'meta.agentType',
    'meta.name',
    'meta.spawnedAgentType',
  ],
  codex: [
    '.git.branch',
    '<event_msg>.payload<item_completed>.item<McpToolCall>.server',
    '<event_msg>.payload<item_completed>.item<McpToolCall>.tool',
    '<event_msg>.payload<task_complete>.error.codex_error_info',
    '<event_msg>.payload<task_complete>.error.message!.error<invalid_request_error>.type',
    '<event_msg>.payload<thread_settings_applied>.thread_settings.model_provider_id',
    '<function_call>.name',
    '<response_item>.payload<custom_tool_call>.name',
    '<response_item>.payload<function_call>.name',
    '<response_item>.payload<function_call>.namespace',
    '<session_meta>.payload.agent_nickname',
    '<session_meta>.payload.agent_path',
    '<session_meta>.payload.agent_role',
    '<session_meta>.payload.cli_version',
    '<session_meta>.payload.git.branch',
    '<session_meta>.payload.model_provider',
    '<session_meta>.payload.source.subagent',
    '<turn_context>.payload.effort',
    '<turn_context>.payload.model',
  ],
  hermes: [
    '.extra.finish_reason',
    '.extra.model',
    '.extra.response_model',
    '.finish_reason',
    '.tool_calls![]<function>.function.name',
    'meta.models[].billing_provider',
    'meta.models[].model',
    'meta.sessions[].git_branch',
    'meta.sessions[].model',
  ],
  openclaw: [
    '.data.harness<openclaw>.version',
    '<message>.message.content[]<toolCall>.name',
    '<message>.message.model',
    '<message>.message.provider',
    '<message>.message.stopReason',
    '<message>.message.toolName',
    'meta.label',
  ],
  pi: [
    '<message>.message.content[]<toolCall>.name',
    '<message>.message.model',
    '<message>.message.provider',
    '<message>.message.stopReason',
  ],
};

describe('a word is told of no field but those of names, and a sentence of none', () => {
  const all = ALL_STORIES.flatMap(plainTranscripts);
  const size = ({ main, agents }: PlainTranscript): number => [main, ...agents].reduce((sum, { lines }) => sum + lines.join().length, 0);

  test.each(harnesses.map(({ name }) => name))('%s: in whatever field it stands', (harness) => {
    const given = all.filter((each) => each.harness === harness).toSorted((a, b) => size(a) - size(b));
    const seen = new Map<string, number>();
    const reached: string[] = [];
    for (const each of given) {
      for (const field of fieldsOf(each)) {
        const isTold = TOLD[harness]!.includes(field);
        const times = (seen.get(field) ?? 0) + 1;
        if (times > (isTold ? MAX_TIMES : 1)) continue;
        seen.set(field, times);
        const one = withStrings(each, (text, at) => (at !== field ? text : isTold ? `${MARK} it said` : 'zebra'));
        const problems = stringsIn(buildTrace(one).problems).filter(({ text }) => !QUOTED_IDS.test(text));
        for (const where of marked([...sent(one), ...problems])) reached.push(`${field} → ${where}`);
      }
    }
    expect(reached).toEqual([]);
    expect(TOLD[harness]!.filter((field) => !seen.has(field))).toEqual([]);
    expect(seen.size).toBeGreaterThan(30);
  });
});
