/** What OpenClaw writes of its own: messages that no model made, tools behind a tool. After its source and its issues; not recorded. */
import { expect, test } from 'vitest';
import { answer, builtOf, call, differences, event, header, result, START_MS, user } from '../../support/openclaw-entries.ts';

const OWN = { provider: 'openclaw', model: 'delivery-mirror', usage: { input: 0, output: 0 } };

test('what was delivered is no answer of a model, wherever it stands', () => {
  const lines = [
    header(),
    user(100, 'e1', 'r1'),
    answer(200, 'e2', [call('c1', 'message')], {}, 'r1'),
    answer(220, 'e3', [], OWN),
    result(250, 'e4', 'c1', 'sent', { toolName: 'message' }),
    answer(300, 'e5', [], {}, 'r1'),
    answer(900, 'e6', [], { provider: undefined, model: undefined, openclawDeliveryMirror: { kind: 'channel-final' } }),
  ];
  const { spans } = builtOf(lines, { ended: true });
  expect(spans.map(({ name, endMs }) => [name, endMs - START_MS])).toEqual([
    ['invoke_agent openclaw', 300],
    ['chat m', 200],
    ['chat m', 300],
    ['execute_tool message', 250],
  ]);
  expect(differences(lines, { ended: true })).toEqual([]);
});

test('a command that OpenClaw itself answered is a turn without a model', () => {
  const lines = [header(), user(100, 'e1'), answer(150, 'e2', [], { ...OWN, model: 'gateway-injected' }), user(200, 'e3')];
  const [first] = builtOf(lines).spans;
  expect([first!.attributes['trace_build.outcome'], first!.attributes['trace_build.model_calls'], first!.endMs - START_MS]).toEqual([
    'completed',
    0,
    150,
  ]);
});

const wrapped = (id: string, target: string, args: unknown) => call(id, 'tool_call', { id: target, args });
const inside = (details: object) => ({ toolName: 'tool_call', details: { tool: {}, result: { details } } });

test('a tool that is called by a tool has its own name, arguments and result', () => {
  const lines = [
    header(),
    user(100, 'e1', 'r1'),
    answer(
      200,
      'e2',
      [
        wrapped('c1', 'openclaw:core:exec', { command: 'false' }),
        wrapped('c2', 'write', { path: '/a', content: 'b' }),
        call('c3', 'tool_call', {}),
      ],
      {},
      'r1',
    ),
    event(210, 'tool.call', { toolCallId: 'c1' }, 2),
    result(250, 'e3', 'c1', 'failed', inside({ exitCode: 3 })),
    // The call inside is told again, by OpenClaw itself.
    answer(251, 'e4', [call('tool_search_code:c1:exec:1', 'exec')], { ...OWN, model: 'gateway-injected', parentToolCallId: 'c1' }),
    result(252, 'e5', 'tool_search_code:c1:exec:1', 'failed', { ...OWN, model: 'gateway-injected', parentToolCallId: 'c1' }),
    result(260, 'e6', 'c2', 'written', inside({})),
    result(270, 'e7', 'c3', 'what?', { toolName: 'tool_call', isError: true }),
    answer(300, 'e8', [], {}, 'r1'),
  ];
  const tools = builtOf(lines, { content: 'full' }).spans.filter(({ name }) => name.startsWith('execute_tool'));
  expect(
    tools.map(({ name, attributes }) => [
      name,
      attributes['gen_ai.tool.call.arguments'],
      attributes['process.exit.code'],
      attributes['error.type'],
      attributes['trace_build.files.count'],
    ]),
  ).toEqual([
    ['execute_tool exec', '{"command":"false"}', 3, 'tool_error', undefined],
    ['execute_tool write', '{"path":"/a","content":"b"}', undefined, undefined, 1],
    ['execute_tool tool_call', '{}', undefined, 'tool_error', undefined],
  ]);
  expect(differences(lines)).toEqual([]);
});

test('so has one that starts an agent', () => {
  const child = [header({ id: 'kid' }), user(220, 'k1'), answer(230, 'k2')];
  const key = 'agent:main:subagent:1';
  const lines = [
    header(),
    user(100, 'e1', 'r1'),
    answer(200, 'e2', [wrapped('c1', 'openclaw:core:sessions_spawn', { label: 'kid' })], {}, 'r1'),
    result(250, 'e3', 'c1', 'accepted', inside({ childSessionKey: key, runId: 'a1' })),
    answer(300, 'e4', [], {}, 'r1'),
  ];
  const files = { agents: [{ id: 'kid', name: 'kid', lines: child, meta: JSON.stringify({ session_key: key }) }] };
  const { spans, problems } = builtOf(lines, files);
  expect(spans.map(({ name }) => name)).toEqual(['invoke_agent openclaw', 'chat m', 'chat m', 'invoke_agent kid', 'chat m']);
  expect(problems).toEqual([]);
  expect(differences(lines, files)).toEqual([]);
});
