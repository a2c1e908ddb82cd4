/** What attributes tell, and above all what they don't: without content no text of anybody is on a span. */
import { describe, expect, test } from 'vitest';
import { buildTrace, type Span } from '../../src/index.ts';
import { agentFile, agentUse, assistant, type Json, result, text, toolUse, transcript, user } from '../support/lines.ts';
import { loadStory, rawFilesOf, STORIES } from '../support/stories.ts';

/** Every string that leaves the machine with a span. */
const stringsOf = (span: Span): string[] => [
  span.name,
  ...(span.status.kind === 'error' ? [span.status.message] : []),
  ...[
    span.attributes,
    span.resource.attributes,
    ...span.events.map((event) => event.attributes),
    ...span.links.map((link) => link.attributes),
  ].flatMap((attributes) => [
    ...Object.keys(attributes),
    ...Object.values(attributes).flatMap((value) => (Array.isArray(value) ? value : [String(value)])),
  ]),
  ...span.events.map(({ name }) => name),
];

describe('without content', () => {
  test.each(STORIES)('%s: nothing that was said, asked, run or answered is on a span', (story) => {
    const told = new Set(loadStory(story).spans.flatMap(stringsOf));
    const secrets = new Set(rawFilesOf(story).flatMap(({ text: lines }) => lines.split('\n').flatMap(contentOf)));
    expect(secrets.size).toBeGreaterThan(story === 'exits' ? 2 : 3);
    const leaks = [...secrets].filter((secret) => [...told].some((value) => value.includes(secret)));
    expect(leaks).toEqual([]);
  });

  test('but with content it is there, so that the test above sees something', () => {
    const told = loadStory('tools', { content: 'full' }).spans.flatMap(stringsOf).join('\n');
    for (const secret of ['do tools [[TOOLS]]', 'sleep 0.3; echo one', 'need two commands', '/home/dev/tools/missing.txt', 'mcp says no'])
      expect(told).toContain(secret);
  });

  /** Names are no content: of tools, agents and their types, skills, servers, models, background tasks. */
  const NAME_KEYS = new Set([
    'subagent_type',
    'name',
    'to',
    'recipient',
    'skill',
    'agentType',
    'type',
    'status',
    'resolvedModel',
    'modelId',
  ]);
  const ID_KEYS = new Set([
    'id',
    'uuid',
    'tool_use_id',
    'agentId',
    'agent_id',
    'task_id',
    'taskId',
    'backgroundTaskId',
    'runId',
    'teammate_id',
  ]);

  function contentOf(line: string): string[] {
    if (line === '') return [];
    const { message, toolUseResult, attachment, cwd, type } = JSON.parse(line) as Json & { message?: { content?: unknown } };
    const texts = [message?.content, toolUseResult, type === 'attachment' ? attachment : undefined, cwd].flatMap(leaves);
    // A word alone is not worth the search: it may be part of any attribute's name. Nor are the names of commands.
    return texts.filter(
      (leaf) => (/[\s/]/.test(leaf) || leaf.length >= 12) && leaf.trim().length >= 5 && !/^\/[\w-]+$|^[\w-]{12,40}$/.test(leaf),
    );
  }

  const leaves = (value: unknown): string[] =>
    typeof value === 'string'
      ? value.split('\n')
      : Array.isArray(value)
        ? value.flatMap(leaves)
        : typeof value === 'object' && value !== null
          ? Object.entries(value).flatMap(([key, item]) => (NAME_KEYS.has(key) || ID_KEYS.has(key) ? [] : leaves(item)))
          : [];

  /** A story with a canary in every place where somebody's text can be. */
  const canary = (place: string): string => `CANARY-${place}`;
  const lines = [
    user(1, 0, canary('prompt'), { cwd: `/${canary('directory')}`, origin: { kind: 'human' } }),
    assistant(2, 100, 'msg_1', [
      { type: 'thinking', thinking: canary('thinking'), signature: canary('signature') },
      { type: 'text', text: canary('answer') },
      toolUse('toolu_1', 'Bash', { command: canary('command'), description: canary('description') }),
      toolUse('toolu_2', 'Skill', { skill: 'commit', args: canary('skill-arguments') }),
      toolUse('toolu_3', 'mcp__server__tool', { argument: canary('mcp-argument') }),
      agentUse('toolu_4', { prompt: canary('agent-prompt'), description: canary('agent-description') }),
      { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: canary('query') } },
      { type: canary('block-type'), secret: canary('block') },
    ]),
    result(
      3,
      200,
      'toolu_1',
      { toolUseResult: `Error: ${canary('error')}`, toolDenialReason: canary('reason') },
      { is_error: true, content: `Exit code 3\n${canary('output')}` },
    ),
    result(
      4,
      210,
      'toolu_2',
      { toolUseResult: { success: true, commandName: canary('command-name') } },
      { content: canary('skill-output') },
    ),
    result(5, 220, 'toolu_3', { mcpMeta: { structuredContent: canary('structured') } }, { is_error: true, content: canary('mcp-error') }),
    result(
      6,
      230,
      'toolu_4',
      { toolUseResult: { status: 'completed', agentId: 'a1', content: canary('agent-answer') } },
      { content: canary('agent-result') },
    ),
    {
      type: 'attachment',
      uuid: 'x1',
      timestamp: '2026-11-20T10:00:00.240Z',
      attachment: { type: 'queued_command', prompt: canary('steering') },
    },
    assistant(31, 245, 'msg_1b'),
    { type: 'system', subtype: 'api_error', uuid: 'x2', timestamp: '2026-11-20T10:00:00.250Z', error: { message: canary('api-error') } },
    {
      type: 'system',
      subtype: 'compact_boundary',
      uuid: 'x3',
      timestamp: '2026-11-20T10:00:00.260Z',
      content: canary('boundary'),
      compactMetadata: { trigger: 'auto' },
    },
    user(7, 270, canary('summary'), { isCompactSummary: true }),
    { type: 'summary', summary: canary('title'), leafUuid: 'x4' },
    { type: 'custom-title', customTitle: canary('custom-title') },
    assistant(8, 300, 'msg_2', [{ type: 'text', text: canary('last') }], {
      isApiErrorMessage: true,
      error: 'server_error',
      message: { id: 'e', model: '<synthetic>', content: [{ type: 'text', text: `API Error: ${canary('final-error')}` }] },
    }),
    user(9, 400, `<command-name>/deploy</command-name>\n<command-args>${canary('command-arguments')}</command-args>`),
    assistant(10, 500, 'msg_3'),
  ];
  const agents = [
    agentFile('a1', [user(21, 110, canary('agent-first')), assistant(22, 120, 'msg_a', [{ type: 'text', text: canary('agent-text') }])], {
      agentType: 'worker',
      description: canary('meta-description'),
    }),
  ];

  test('no canary gets out, of any place a text can be in', () => {
    const { spans, problems } = buildTrace(transcript(lines, { agents }));
    expect(spans.flatMap(stringsOf).filter((value) => value.includes('CANARY'))).toEqual([]);
    expect(spans.length).toBeGreaterThan(8);
    expect(problems.filter(({ detail }) => detail.includes('CANARY'))).toEqual([]);
  });

  test('with content the canaries sing', () => {
    const told = buildTrace(transcript(lines, { agents }), { content: 'full' }).spans.flatMap(stringsOf).join('\n');
    for (const place of [
      'prompt',
      'thinking',
      'answer',
      'command',
      'output',
      'mcp-error',
      'agent-prompt',
      'agent-first',
      'agent-text',
      'steering',
      'final-error',
    ])
      expect(told, place).toContain(canary(place));
  });

  test('a problem tells a place and a kind, not the text of a torn line', () => {
    const torn = text([user(1, 0, canary('torn'))])[0]!.slice(0, -3);
    const { problems } = buildTrace(transcript([torn, '{"type":"mode"}', torn]));
    expect(problems.length).toBe(2);
    for (const { detail } of problems) expect(detail).not.toContain('CANARY');
  });
});

describe('on every span', () => {
  test.each(STORIES)('%s: operation, conversation and agent', (story) => {
    for (const { attributes, name, kind } of loadStory(story).spans) {
      expect(attributes['gen_ai.operation.name']).toBe(name.split(' ')[0]);
      expect(attributes['session.id']).toBe(attributes['gen_ai.conversation.id']);
      expect(kind).toBe(name.startsWith('chat ') ? 'client' : 'internal');
      for (const value of Object.values(attributes)) expect(value).not.toBeUndefined();
    }
  });

  test.each(STORIES)('%s: an error has a type, and a type is an error', (story) => {
    for (const { attributes, status } of loadStory(story).spans) {
      expect(attributes['error.type'] !== undefined).toBe(status.kind === 'error');
      if (status.kind === 'error')
        expect(attributes['error.type']).toMatch(
          /^(?:tool_error|timeout|permission_denied|unknown_tool|invalid_arguments|agent_error|api_\w+)$/,
        );
    }
  });

  test.each(STORIES)('%s: an agent sums its own calls, and the sums of all agents are the sum of all calls', (story) => {
    const { spans } = loadStory(story);
    const sum = (of: readonly Span[], name: string) => of.reduce((total, { attributes }) => total + Number(attributes[name] ?? 0), 0);
    const chats = spans.filter(({ kind }) => kind === 'client');
    const agents = spans.filter(({ name }) => name.startsWith('invoke_agent '));
    for (const name of ['input_tokens', 'output_tokens', 'cache_read.input_tokens', 'cache_creation.input_tokens'])
      expect(sum(agents, `gen_ai.usage.${name}`), name).toBe(sum(chats, `gen_ai.usage.${name}`));
    expect(sum(agents, 'trace_build.model_calls')).toBe(chats.length);
  });

  test('agent usage can be switched off, and nothing else changes', () => {
    const usage = /^gen_ai\.usage\.|^trace_build\.usage\./;
    const [own, off] = [loadStory('nest'), loadStory('nest', { agentUsage: 'off' })];
    for (const [n, span] of off.spans.entries()) {
      const isAgent = span.name.startsWith('invoke_agent ');
      expect(Object.keys(span.attributes).some((name) => usage.test(name))).toBe(!isAgent && span.kind === 'client');
      const rest = Object.entries(own.spans[n]!.attributes).filter(([name]) => !(isAgent && usage.test(name)));
      expect(Object.entries(span.attributes)).toEqual(rest);
    }
  });
});

describe('profiles', () => {
  const namesIn = (semconv: '1.41' | 'latest') =>
    new Set(
      STORIES.flatMap((story) => loadStory(story, { semconv, content: 'full' }).spans.flatMap(({ attributes }) => Object.keys(attributes))),
    );

  test('tokens written to the cache have one name in each, never both', () => {
    const [old, latest] = [namesIn('1.41'), namesIn('latest')];
    expect(old.has('gen_ai.usage.cache_creation.input_tokens')).toBe(true);
    expect(old.has('gen_ai.usage.cache_write.input_tokens')).toBe(false);
    expect(latest.has('gen_ai.usage.cache_creation.input_tokens')).toBe(false);
    expect(latest.has('gen_ai.usage.cache_write.input_tokens')).toBe(true);
  });

  test('the latest takes provider and version off the agent, and finish reasons out of messages', () => {
    const { spans } = loadStory('fg', { semconv: 'latest', content: 'full' });
    for (const { name, attributes } of spans) {
      expect('gen_ai.provider.name' in attributes).toBe(name.startsWith('chat '));
      expect(attributes).not.toHaveProperty('gen_ai.agent.version');
      expect(String(attributes['gen_ai.output.messages'])).not.toContain('finish_reason');
    }
  });

  test('the default is 1.41', () => {
    expect(loadStory('fg').spans).toEqual(loadStory('fg', { semconv: '1.41' }).spans);
  });
});
