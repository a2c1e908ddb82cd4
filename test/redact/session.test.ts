/** Secrets planted all over a session: none may be in what a receiver gets, and all are counted. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRedactor } from '../../src/redact/redact.ts';
import { builtInRules } from '../../src/redact/rules/index.ts';
import { redactSession } from '../../src/redact/session.ts';
import { trace } from '../cli/world.ts';
import { startCollector } from '../support/collector.ts';
import { agentFile, agentUse, assistant, type Json, result, toolUse, user } from '../support/lines.ts';
import { type MockOtlp, startMockOtlp } from '../support/receivers.ts';
import { scratch } from '../support/scratch.ts';
import { loadStory, STORIES } from '../support/stories.ts';
import { drawFrom, plantedIn } from './draw.ts';

/** One of each kind, and more of the first ones: enough of them for every place below. */
function plants() {
  const rules = builtInRules.filter(({ pack }) => pack === 'credentials');
  const all = Array.from({ length: 4 }, (_, round) =>
    rules.flatMap((rule) => {
      const examples = rule.hides(drawFrom(round * 1000 + 7));
      const example = examples[round % examples.length]!;
      return [{ rule: rule.id, ...plantedIn(example) }];
    }),
  ).flat();
  return all.filter(({ secret }, at) => secret.length >= 12 && all.findIndex((other) => other.secret === secret) === at).slice(0, 120);
}

const folder = scratch('planted');

const planted = plants();
const texts = planted.map(({ before, secret, after }) => `${before}${secret}${after}`);
const [remoteToken] = planted.filter(({ rule }) => /github/.test(rule));

function write(): string {
  const project = join(folder, 'project');
  const repository = join(folder, 'repository');
  mkdirSync(project, { recursive: true });
  mkdirSync(repository, { recursive: true });
  execFileSync('git', ['init', '-q', repository]);
  execFileSync('git', ['-C', repository, 'remote', 'add', 'origin', `https://me:${remoteToken!.secret}@github.com/acme/app.git`]);
  const of = (share: number): string[] => texts.filter((_, at) => at % 8 === share);
  const lines: Json[] = [
    user(1, 0, `do it:\n${of(0).join('\n')}`, { cwd: repository, gitBranch: 'main' }),
    assistant(2, 100, 'msg_1', [{ type: 'thinking', thinking: of(1).join('\n'), signature: '' }]),
    assistant(3, 110, 'msg_1', [toolUse('toolu_1', 'Bash', { command: of(2).join('\n'), file_path: `/srv/${of(2)[0]}` })]),
    result(4, 200, 'toolu_1', {}, { content: of(3).join('\n') }),
    assistant(5, 300, 'msg_2', [toolUse('toolu_2', 'Read', { file_path: '/x' })]),
    result(6, 400, 'toolu_2', {}, { content: `Exit code 1\n${of(4).join('\n')}`, is_error: true }),
    assistant(7, 500, 'msg_3', [agentUse('toolu_3', { description: of(5).join(' '), prompt: of(5).join('\n') })]),
    result(8, 900, 'toolu_3', { toolUseResult: { agentId: 'abc', status: 'completed' } }, { content: of(6).join('\n') }),
    assistant(9, 1000, 'msg_4', [{ type: 'text', text: of(7).join('\n') }]),
  ];
  const agent = [
    user(101, 600, of(5).join('\n'), { isSidechain: true, agentId: 'abc' }),
    assistant(102, 700, 'msg_5', [{ type: 'text', text: of(6).join('\n') }], { isSidechain: true, agentId: 'abc' }),
  ];
  const id = '5e551017-0000-4000-8000-000000000001';
  writeFileSync(join(project, `${id}.jsonl`), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
  const agents = join(project, id, 'subagents');
  mkdirSync(agents, { recursive: true });
  const { lines: agentLines, meta } = agentFile('abc', agent, { agentType: 'worker', description: of(5).join(' '), toolUseId: 'toolu_3' });
  writeFileSync(join(agents, 'agent-abc.jsonl'), `${[...agentLines].join('\n')}\n`);
  writeFileSync(join(agents, 'agent-abc.meta.json'), meta!);
  return project;
}

describe('a session with secrets everywhere', () => {
  let receiver: MockOtlp;
  let project: string;
  beforeAll(async () => {
    receiver = await startMockOtlp();
    project = write();
  });
  afterAll(() => receiver.stop());

  test('there are 60 of 25 kinds, and more', () => {
    expect(planted.length).toBeGreaterThanOrEqual(60);
    expect(new Set(planted.map(({ rule }) => rule)).size).toBeGreaterThanOrEqual(25);
  });

  test.each(['redacted', 'none'])('--content %s: none of them arrives', async (content) => {
    const before = receiver.spans().length;
    const { code, stdout } = await trace([project, '--final', '--content', content, '--endpoint', receiver.url]);
    expect(code).toBe(0);
    expect(stdout.includes(' redacted')).toBe(content === 'redacted');
    const spans = receiver.spans().slice(before);
    expect(spans.length).toBeGreaterThan(7);
    const bytes = JSON.stringify(spans);
    expect(planted.filter(({ secret }) => bytes.includes(JSON.stringify(secret).slice(1, -1)) || bytes.includes(secret))).toEqual([]);
    expect(bytes.includes('[REDACTED:')).toBe(content === 'redacted');
    const [root] = spans.filter(({ parentSpanId }) => !parentSpanId);
    if (content === 'none') expect(root!.attributes).not.toHaveProperty('trace_build.redactions');
    else {
      expect(Number(root!.attributes['trace_build.redactions'])).toBeGreaterThanOrEqual(planted.length);
      const kinds = Object.keys(root!.attributes).filter((name) => name.startsWith('trace_build.redactions.'));
      expect(kinds.length).toBeGreaterThanOrEqual(25);
    }
  });

  test('--content full sends them, and says so', async () => {
    const collector = await startCollector();
    try {
      const { stderr } = await trace([project, '--final', '--content', 'full', '--endpoint', collector.url]);
      expect(stderr).toMatch(/Content is sent as it is, secrets included/);
      expect(JSON.stringify(collector.taken)).toContain(JSON.stringify(planted[0]!.secret).slice(1, -1));
    } finally {
      await collector.stop();
    }
  });

  test("OTel's own switch asks for content, and gets it redacted", async () => {
    const collector = await startCollector();
    try {
      const env = { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true' };
      await trace([project, '--final', '--endpoint', collector.url], { env });
      const bytes = JSON.stringify(collector.taken);
      expect(bytes).toContain('[REDACTED:');
      expect(planted.filter(({ secret }) => bytes.includes(secret))).toEqual([]);
    } finally {
      await collector.stop();
    }
  });
});

describe('what redaction leaves alone', () => {
  test.each(STORIES)('%s: shape, ids, times and tokens', (story) => {
    const shapes = (['none', 'redacted', 'full'] as const).map((content) =>
      loadStory(story, { content }).spans.map(({ traceId, spanId, parentSpanId, name, startMs, endMs, status, attributes }) => ({
        ...{ traceId, spanId, parentSpanId, name, startMs, endMs, status: status.kind },
        usage: Object.entries(attributes).filter(([key]) => key.includes('.usage.') || key.endsWith('.id') || key.includes('cost')),
      })),
    );
    expect(shapes[1]).toEqual(shapes[0]);
    expect(shapes[2]).toEqual(shapes[0]);
  });
});

test('a turn with more in it than a call has arguments', () => {
  const { session } = loadStory('fg', { content: 'full' }).sessions[0]!.traced;
  const [turn] = session.turns;
  const toolCalls = Array.from({ length: 50_000 }, () => turn!.toolCalls[0]!);
  const redactor = createRedactor(builtInRules.slice(0, 1));
  expect(redactSession({ ...session, turns: [{ ...turn!, toolCalls }] }, redactor).turns[0]!.toolCalls).toHaveLength(50_000);
});

test('what a user added amid work is hidden, and counted where the next call was given it', () => {
  const { session } = loadStory('fg', { content: 'full' }).sessions[0]!.traced;
  const [turn] = session.turns;
  const redactor = createRedactor(builtInRules);
  const steering = [{ atMs: turn!.startedAtMs, prompt: [{ kind: 'text', text: `use ${texts[0]!}` } as const] }, { atMs: turn!.endedAtMs }];
  const [clean] = redactSession({ ...session, turns: [{ ...turn!, steering }] }, redactor).turns;
  expect(JSON.stringify(clean!.steering)).toContain('[REDACTED:');
  expect(JSON.stringify(clean!.steering)).not.toContain(planted[0]!.secret);
  expect(clean!.steering[1]).toEqual({ atMs: turn!.endedAtMs });
  expect(clean!.redactions).toEqual(redactSession({ ...session, turns: [turn!] }, redactor).turns[0]!.redactions);
});
