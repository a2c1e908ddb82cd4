/**
 * Bad input: each kind costs what is bad and nothing else. No throw, a Problem that tells the place, and the good
 * lines still give their spans; where only the user can help, a UserError that says how.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { UserError } from '../src/errors.ts';
import type { Line } from '../src/harness/harness.ts';
import { brokenInvariants, buildTrace, type ProblemReason, type Trace, type Transcript } from '../src/index.ts';
import { type BuildOptions, traceSession } from '../src/pipeline.ts';
import { findSessions } from '../src/read/find.ts';
import {
  agentFile,
  agentUse,
  assistant,
  at,
  BEGUN,
  type Json,
  result,
  SESSION,
  SMALL,
  text,
  toolUse,
  transcript,
  USAGE,
  user,
  uuid,
} from './support/lines.ts';
import { PLACES } from './support/stories.ts';

const NAMES = ['invoke_agent claude-code', 'chat claude-opus-4-1', 'chat claude-opus-4-1', 'execute_tool Bash'];
const namesOf = ({ spans }: Trace): string[] => spans.map(({ name }) => name);
const toldBy = ({ problems }: Trace) => problems.map(({ line, reason }) => [line, reason]);

/** Builds with and without content; what must hold of any trace is checked here. */
function build(given: Transcript, options: BuildOptions = {}): Trace {
  for (const content of ['full', 'none'] as const) {
    for (const ended of [true, false]) {
      const { spans } = buildTrace({ ...given, ended }, { ...options, content });
      expect(brokenInvariants(spans)).toEqual([]);
      expect(() => JSON.stringify(spans)).not.toThrow();
    }
  }
  return buildTrace(given, options);
}

/** The small story with one line put in another one's place. */
const withLine = (line: number, own: Json | string): (Json | string)[] => SMALL.map((each, n) => (n === line - 1 ? own : each));
const [PROMPT, CALL, RESULT, ANSWER] = SMALL as readonly [Json, Json, Json, Json];
const without = (line: Json, ...keys: string[]): Json => Object.fromEntries(Object.entries(line).filter(([key]) => !keys.includes(key)));
const message = (line: Json, own: Json): Json => ({ ...line, message: { ...(line['message'] as Json), ...own } });

test('the small story is sound before it is damaged', () => {
  const trace = build(transcript(SMALL));
  expect(namesOf(trace)).toEqual(NAMES);
  expect(trace.problems).toEqual([]);
});

describe('files that are no transcripts', () => {
  const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

  test.each<{ what: string; lines: readonly Line[]; told: readonly (readonly [number, ProblemReason])[] }>([
    { what: 'an empty file', lines: [], told: [] },
    { what: 'a file of one empty line', lines: [''], told: [] },
    {
      what: 'prose',
      lines: ['Dear diary,', 'today'],
      told: [
        [1, 'not-json'],
        [2, 'torn-line'],
      ],
    },
    {
      what: 'another kind of JSON',
      lines: ['[', '  {"a": 1}', ']'],
      told: [
        [1, 'not-json'],
        [2, 'wrong-shape'],
        [3, 'torn-line'],
      ],
    },
    {
      what: 'objects of another program',
      lines: ['{"level":"info","msg":"hi"}', '{"type":"of a version to come"}'],
      told: [[1, 'wrong-shape']],
    },
    {
      what: 'a binary',
      lines: [Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 255, 254, 128]), Buffer.from([200, 1, 2])],
      told: [
        [1, 'not-json'],
        [2, 'torn-line'],
      ],
    },
    {
      what: 'JSON nested 100,000 levels deep',
      lines: [deep(100_000), 'null'],
      told: [
        [1, 'not-an-object'],
        [2, 'not-an-object'],
      ],
    },
    { what: 'a line of 5 MB that is no JSON', lines: ['x'.repeat(5_000_000), '{"type":"mode"}'], told: [[1, 'not-json']] },
  ])('$what', ({ lines, told }) => {
    const trace = build(transcript([], { main: { name: 'main.jsonl', lines } }));
    expect(trace.spans).toEqual([]);
    expect(toldBy(trace)).toEqual(told);
    for (const { detail } of trace.problems) expect(detail.length).toBeLessThanOrEqual(200);
  });

  test('a file of a million bad lines has a thousand problems, and one for the rest', () => {
    const { problems } = buildTrace(transcript([], { main: { name: 'main.jsonl', lines: Array.from({ length: 20_000 }, () => '?') } }));
    expect(problems.length).toBe(1001);
    expect(problems.at(-1)!.detail).toContain('19000 more');
  });

  test('a file that may not be read says so, and its agents are told all the same', () => {
    const agents = [agentFile('a1', [user(1, 0, 'p'), assistant(2, 10, 'msg_a1')])];
    const trace = build(transcript([], { main: { name: 'main.jsonl', lines: [], unreadable: 'EACCES: permission denied' }, agents }));
    expect(toldBy(trace)).toContainEqual([0, 'unreadable-file']);
    expect(namesOf(trace)).toEqual(['invoke_agent subagent', 'chat claude-opus-4-1']);
  });

  test('an agent file that may not be read says so, and its call is a tool like any other', () => {
    const lines = [
      user(1, 0),
      assistant(2, 100, 'msg_1', [agentUse('toolu_1')]),
      result(3, 200, 'toolu_1', { toolUseResult: { agentId: 'a1' } }),
    ];
    const agents = [{ ...agentFile('a1', []), unreadable: 'EACCES: permission denied' }];
    const trace = build(transcript(lines, { agents }));
    expect(trace.problems).toEqual([{ file: 'agent-a1.jsonl', line: 0, reason: 'unreadable-file', detail: 'EACCES: permission denied' }]);
    expect(trace.spans.filter(({ attributes }) => attributes['gen_ai.tool.call.id'] === 'toolu_1').length).toBe(1);
  });
});

describe('lines in odd clothes', () => {
  test.each<{ what: string; lines: readonly Line[] }>([
    { what: 'a byte order mark', lines: [`\uFEFF${text(SMALL)[0]}`, ...text(SMALL).slice(1)] },
    { what: 'a byte order mark, as bytes', lines: [Buffer.from(`\uFEFF${text(SMALL)[0]}`), ...text(SMALL).slice(1)] },
    { what: 'carriage returns', lines: text(SMALL).map((line) => `${line}\r`) },
    { what: 'NUL bytes at line starts', lines: text(SMALL).map((line) => `\0\0\0${line}`) },
    { what: 'NUL bytes at line starts, as bytes', lines: text(SMALL).map((line) => Buffer.from(`\0${line}`)) },
    { what: 'blanks around', lines: text(SMALL).map((line) => ` \t${line}  `) },
    { what: 'empty lines between', lines: text(SMALL).flatMap((line) => ['', line, '\r']) },
    {
      what: 'bytes that are no UTF-8, in a prompt',
      lines: [Buffer.from(text(SMALL)[0]!.replace('do it', '\u00ff\u00fe'), 'latin1'), ...text(SMALL).slice(1)],
    },
    { what: 'half a surrogate pair', lines: text([message(PROMPT, { content: 'half a \ud83d pair' }), CALL, RESULT, ANSWER]) },
    { what: 'a prompt of 5 MB', lines: text([message(PROMPT, { content: 'x'.repeat(5_000_000) }), CALL, RESULT, ANSWER]) },
    {
      what: 'a result of 5 MB',
      lines: text([
        PROMPT,
        CALL,
        result(3, 200, 'toolu_1', { toolUseResult: { stdout: 'y'.repeat(5_000_000) } }, { content: 'y'.repeat(5_000_000) }),
        ANSWER,
      ]),
    },
  ])('$what', ({ lines }) => {
    const trace = build(transcript([], { main: { name: 'main.jsonl', lines } }));
    expect(namesOf(trace)).toEqual(NAMES);
    expect(trace.problems).toEqual([]);
  });

  test('content is cut to size however long the lines are', () => {
    const { spans } = buildTrace(transcript(withLine(1, message(PROMPT, { content: 'x'.repeat(5_000_000) }))), { content: 'full' });
    for (const value of spans.flatMap(({ attributes }) => Object.values(attributes)))
      expect(Buffer.byteLength(String(value))).toBeLessThanOrEqual(16 * 1024);
  });

  test.each([
    { what: 'a last line without its end', lines: [...text(SMALL), text(SMALL)[3]!.slice(0, -20)], told: [[5, 'torn-line']] },
    {
      what: 'a torn line that others follow',
      lines: [text(SMALL)[0]!, text(SMALL)[1]!.slice(0, 50), ...text(SMALL).slice(1)],
      told: [[2, 'not-json']],
    },
    {
      what: 'two torn lines',
      lines: ['{"type"', ...text(SMALL), '{"type":"user"'],
      told: [
        [1, 'not-json'],
        [6, 'torn-line'],
      ],
    },
  ])('$what', ({ lines, told }) => {
    const trace = build(transcript(lines));
    expect(namesOf(trace)).toEqual(NAMES);
    expect(toldBy(trace)).toEqual(told);
    expect(trace.spans[0]!.attributes['trace_build.problems']).toBe(told.length);
  });
});

describe('what a line lacks', () => {
  test.each([
    { what: 'its time', lines: withLine(3, without(RESULT, 'timestamp')), told: [[3, 'missing-timestamp']] },
    { what: 'its time, in the first line', lines: withLine(1, without(PROMPT, 'timestamp')), told: [[1, 'missing-timestamp']] },
    { what: 'its session', lines: SMALL.map((line) => without(line, 'sessionId')), told: [] },
    { what: 'its version, directory and branch', lines: SMALL.map((line) => without(line, 'version', 'cwd', 'gitBranch')), told: [] },
    { what: 'its parent', lines: SMALL.map((line) => without(line, 'parentUuid')), told: [] },
    { what: 'its request id', lines: SMALL.map((line) => without(line, 'requestId')), told: [] },
  ])('$what', ({ lines, told }) => {
    const trace = build(transcript(lines));
    expect(namesOf(trace)).toEqual(NAMES);
    expect(toldBy(trace)).toEqual(told);
  });

  test('a line without a time takes that of the line above, a first line that of the next', () => {
    const { spans } = build(transcript(withLine(3, without(RESULT, 'timestamp'))));
    expect(spans.find(({ name }) => name.startsWith('execute_tool'))).toMatchObject({ startMs: BEGUN + 100, endMs: BEGUN + 100 });
    expect(build(transcript(withLine(1, without(PROMPT, 'timestamp')))).spans[0]).toMatchObject({
      startMs: BEGUN + 100,
      endMs: BEGUN + 300,
    });
  });

  test('without any time at all there are still spans, at the beginning of time', () => {
    const trace = build(transcript(SMALL.map((line) => without(line, 'timestamp'))));
    expect(namesOf(trace)).toEqual(NAMES);
    expect(toldBy(trace)).toEqual([1, 2, 3, 4].map((line) => [line, 'missing-timestamp']));
  });

  test('without a uuid the turn has an id all the same, and says why it may change', () => {
    const trace = build(transcript(SMALL.map((line) => without(line, 'uuid'))));
    expect(namesOf(trace)).toEqual(NAMES);
    expect(trace.problems.map(({ reason }) => reason)).toContain('missing-uuid');
  });

  test('without a message id the request id stands in, then the uuid', () => {
    const nameless = message(ANSWER, { id: undefined });
    const idOf = (line: Json) => build(transcript(withLine(4, line))).spans[2]!.attributes['gen_ai.response.id'];
    expect(idOf(nameless)).toBe('req_msg_2');
    expect(idOf(without(nameless, 'requestId'))).toBe(uuid(4));
    expect(namesOf(build(transcript(withLine(4, without(nameless, 'requestId', 'uuid')))))).toEqual(NAMES);
  });

  test('without a message the line is lost, and told', () => {
    for (const bad of [undefined, null, 7, 'text', []]) {
      const trace = build(transcript(withLine(4, { ...ANSWER, message: bad })));
      expect(namesOf(trace), String(bad)).toEqual(NAMES.toSpliced(2, 1));
      expect(
        trace.problems.every(({ line, reason }) => line === 4 && reason === 'wrong-shape'),
        String(bad),
      ).toBe(true);
      expect(trace.problems.length, String(bad)).toBeGreaterThan(0);
    }
  });
});

describe('times', () => {
  test.each([
    ['9999-12-31T23:59:59.999Z'],
    ['1969-12-31T23:59:59.000Z'],
    ['0000-01-01T00:00:00.000Z'],
    ['yesterday'],
    [''],
    ['2026-13-45T99:99:99Z'],
  ])('%j is no time', (timestamp) => {
    const trace = build(transcript(withLine(3, { ...RESULT, timestamp })));
    expect(namesOf(trace)).toEqual(NAMES);
    expect(toldBy(trace)).toEqual([[3, 'missing-timestamp']]);
    expect(trace.spans.every(({ startMs, endMs }) => startMs >= BEGUN && endMs <= BEGUN + 300)).toBe(true);
  });

  test.each([[7], [true], [{}], [[]], [1_763_632_800_000]])('%j is no text of a time', (timestamp) => {
    const trace = build(transcript(withLine(3, { ...RESULT, timestamp })));
    expect(namesOf(trace)).toEqual(NAMES);
    expect(trace.problems.map(({ line }) => line)).toContain(3);
  });

  test('next year is a time like any other', () => {
    const trace = build(transcript(withLine(4, { ...ANSWER, timestamp: '2027-11-20T10:00:00.000Z' })));
    expect(trace.problems).toEqual([]);
    expect(trace.spans[0]!.endMs).toBe(Date.parse('2027-11-20T10:00:00.000Z'));
  });

  test('a result older than its call ends it at once, and is told', () => {
    const trace = build(transcript(withLine(3, { ...RESULT, timestamp: at(50) })));
    expect(toldBy(trace)).toEqual([[3, 'end-before-start']]);
    expect(trace.spans.find(({ name }) => name.startsWith('execute_tool'))).toMatchObject({ startMs: BEGUN + 100, endMs: BEGUN + 100 });
  });

  test('a turn whose lines are all older than its prompt ends at once, and is told', () => {
    const trace = build(transcript(withLine(1, { ...PROMPT, timestamp: at(5000) })));
    expect(namesOf(trace)).toEqual(NAMES);
    expect(toldBy(trace)).toEqual([[1, 'end-before-start']]);
    expect(trace.spans[0]).toMatchObject({ startMs: BEGUN + 5000, endMs: BEGUN + 5000 });
  });

  test('times that jump back and forth never make a span that ends before it starts', () => {
    const jumps = [300, 50, 400, 0];
    expect(namesOf(build(transcript(SMALL.map((line, n) => ({ ...line, timestamp: at(jumps[n]!) })))))).toEqual(NAMES);
  });
});

describe('ids that come twice', () => {
  test('one uuid on two different lines: both count, and it is told', () => {
    const trace = build(transcript(withLine(4, { ...ANSWER, uuid: uuid(2) })));
    expect(namesOf(trace)).toEqual(NAMES);
    expect(toldBy(trace)).toEqual([[4, 'duplicate-uuid']]);
  });

  test('one uuid on two prompts: it is told, and no answer is lost', () => {
    const trace = build(transcript([...SMALL, user(1, 1000, 'something else'), assistant(6, 1100, 'msg_3')]));
    expect(trace.spans.flatMap(({ attributes }) => attributes['gen_ai.response.id'] ?? [])).toEqual(['msg_1', 'msg_2', 'msg_3']);
    expect(toldBy(trace)).toEqual([[5, 'duplicate-uuid']]);
  });

  test('one uuid on a call and on its result: the result is not lost', () => {
    const trace = build(transcript(withLine(3, { ...RESULT, uuid: uuid(2) })));
    expect(toldBy(trace)).toEqual([[3, 'duplicate-uuid']]);
    expect(trace.spans.find(({ name }) => name.startsWith('execute_tool'))!.endMs).toBe(BEGUN + 200);
  });

  test('one tool id on two calls: the first has it, and it is told', () => {
    const trace = build(transcript(withLine(4, assistant(4, 300, 'msg_2', [toolUse('toolu_1', 'Write')]))));
    expect(namesOf(trace)).toEqual(NAMES);
    expect(toldBy(trace)).toEqual([[4, 'duplicate-tool-use']]);
  });

  test('one tool id in two turns is one span in each, or it is told', () => {
    const again = [user(5, 1000), assistant(6, 1100, 'msg_3', [toolUse('toolu_1', 'Bash')]), result(7, 1200, 'toolu_1')];
    const trace = build(transcript([...SMALL, ...again]));
    expect(
      trace.spans.filter(({ attributes }) => attributes['gen_ai.tool.call.id'] === 'toolu_1').length === 2 || trace.problems.length > 0,
    ).toBe(true);
  });

  test('one response in two turns is counted once', () => {
    const trace = build(transcript([...SMALL, user(5, 1000), { ...ANSWER, uuid: uuid(6), timestamp: at(1100) }]));
    expect(trace.spans.filter(({ attributes }) => attributes['gen_ai.response.id'] === 'msg_2').length).toBe(1);
  });

  test('a result that comes twice: the first counts', () => {
    const trace = build(transcript([...SMALL, result(5, 900, 'toolu_1', {}, { is_error: true, content: 'Exit code 1' })]));
    expect(trace.spans.find(({ name }) => name.startsWith('execute_tool'))).toMatchObject({
      endMs: BEGUN + 200,
      status: { kind: 'unset' },
    });
  });

  test('a result written when the session was resumed does not end the call', () => {
    const late = { is_error: true, content: '[Tool call interrupted: the session ended before this result was recorded' };
    for (const own of [{}, { toolDenialKind: 'interrupted' }]) {
      const trace = build(transcript([...SMALL.slice(0, 2), result(3, 90_000, 'toolu_1', own, late)]));
      expect(trace.spans.find(({ name }) => name.startsWith('execute_tool'))).toMatchObject({
        endMs: BEGUN + 100,
        attributes: { 'trace_build.outcome': 'interrupted' },
      });
      expect(trace.spans[0]!.endMs).toBe(BEGUN + 100);
    }
  });

  describe('a call the user said no to', () => {
    const no = { is_error: true, content: "The user doesn't want to proceed with this tool use." };
    const told = (version: string, own: object) => {
      const trace = build(
        transcript([...SMALL.slice(0, 2), result(3, 900, 'toolu_1', { version, toolDenialKind: 'user-rejected', ...own }, no)]),
      );
      const { attributes } = trace.spans.find(({ name }) => name.startsWith('execute_tool'))!;
      return [attributes['trace_build.outcome'], attributes['trace_build.permission.decision']];
    };

    test.each([
      { version: '2.1.329', own: { toolDenialBeforeRun: true }, is: ['denied', 'reject'] },
      { version: '2.1.329', own: {}, is: ['interrupted', undefined] },
      { version: '2.2.0', own: {}, is: ['interrupted', undefined] },
      { version: '2.1.328', own: {}, is: ['denied', 'reject'] },
      { version: '2.1.9', own: {}, is: ['denied', 'reject'] },
      { version: 'dev', own: {}, is: ['denied', 'reject'] },
    ])('$version, $own: $is', ({ version, own, is }) => {
      expect(told(version, own)).toEqual(is);
    });
  });

  test('a result without a call is told', () => {
    const trace = build(transcript([...SMALL, result(5, 400, 'toolu_nowhere')]));
    expect(namesOf(trace)).toEqual(NAMES);
    expect(toldBy(trace)).toEqual([[5, 'orphan-result']]);
  });

  test('two files of one agent id: the lines of neither are lost', () => {
    const lines = [
      user(1, 0),
      assistant(2, 100, 'msg_1', [agentUse('toolu_1')]),
      result(3, 200, 'toolu_1', { toolUseResult: { agentId: 'a1' } }),
    ];
    const agents = [
      agentFile('a1', [user(11, 110, 'p'), assistant(12, 120, 'msg_a')]),
      { ...agentFile('a1', [user(21, 130, 'q'), assistant(22, 140, 'msg_b')]), name: 'workflows/run/agent-a1.jsonl', group: 'run' },
    ];
    const trace = build(transcript(lines, { agents }));
    expect(trace.spans.flatMap(({ attributes }) => attributes['gen_ai.response.id'] ?? []).toSorted()).toEqual(['msg_1', 'msg_a', 'msg_b']);
  });
});

describe('fields of the wrong type cost only themselves', () => {
  const usage = (own: Json): Json => message(ANSWER, { usage: { ...USAGE, ...own } });
  const block = (own: unknown): Json => message(ANSWER, { content: [own, { type: 'text', text: 'done' }] });
  const strange: readonly unknown[] = ['text', 7, -1, true, [], [1], {}, { a: { b: 1 } }];

  test.each<{ what: string; line: number; make: (value: unknown) => Json; fits: (value: unknown) => boolean }>([
    { what: 'usage.output_tokens', line: 4, make: (value) => usage({ output_tokens: value }), fits: (value) => value === 7 },
    { what: 'usage.input_tokens', line: 4, make: (value) => usage({ input_tokens: value }), fits: (value) => value === 7 },
    { what: 'usage.cache_creation', line: 4, make: (value) => usage({ cache_creation: value }), fits: isRecord },
    {
      what: 'usage.iterations',
      line: 4,
      make: (value) => usage({ iterations: value }),
      fits: (value) => Array.isArray(value) && value.length === 0,
    },
    { what: 'usage.server_tool_use', line: 4, make: (value) => usage({ server_tool_use: value }), fits: isRecord },
    { what: 'usage', line: 4, make: (value) => message(ANSWER, { usage: value }), fits: isRecord },
    { what: 'stop_reason', line: 4, make: (value) => message(ANSWER, { stop_reason: value }), fits: isText },
    { what: 'message.model', line: 2, make: (value) => message(CALL, { model: value }), fits: isText },
    { what: 'message.id', line: 4, make: (value) => message(ANSWER, { id: value }), fits: isText },
    { what: 'uuid', line: 4, make: (value) => ({ ...ANSWER, uuid: value }), fits: isText },
    { what: 'parentUuid', line: 4, make: (value) => ({ ...ANSWER, parentUuid: value }), fits: isText },
    { what: 'sessionId', line: 4, make: (value) => ({ ...ANSWER, sessionId: value }), fits: isText },
    { what: 'version', line: 4, make: (value) => ({ ...ANSWER, version: value }), fits: isText },
    { what: 'cwd', line: 4, make: (value) => ({ ...ANSWER, cwd: value }), fits: isText },
    { what: 'gitBranch', line: 4, make: (value) => ({ ...ANSWER, gitBranch: value }), fits: isText },
    { what: 'requestId', line: 4, make: (value) => ({ ...ANSWER, requestId: value }), fits: isText },
    { what: 'requestRef', line: 4, make: (value) => ({ ...ANSWER, requestRef: value }), fits: isText },
    { what: 'effort', line: 4, make: (value) => ({ ...ANSWER, effort: value }), fits: isText },
    { what: 'isMeta', line: 1, make: (value) => ({ ...PROMPT, isMeta: value === true ? false : value }), fits: (value) => value === true },
    { what: 'forkedFrom', line: 4, make: (value) => ({ ...ANSWER, forkedFrom: value }), fits: isRecord },
    { what: 'origin', line: 1, make: (value) => ({ ...PROMPT, origin: value }), fits: isRecord },
    { what: 'permissionDecision', line: 3, make: (value) => ({ ...RESULT, permissionDecision: value }), fits: isRecord },
    { what: 'toolUseResult.agentId', line: 3, make: (value) => ({ ...RESULT, toolUseResult: { agentId: value } }), fits: () => true },
    { what: 'toolUseResult', line: 3, make: (value) => ({ ...RESULT, toolUseResult: value }), fits: () => true },
    { what: 'a block without type', line: 4, make: (value) => block({ type: value }), fits: isText },
    { what: 'a block that is none', line: 4, make: (value) => block(value), fits: () => false },
    {
      what: 'a tool result is_error',
      line: 3,
      make: (value) => result(3, 200, 'toolu_1', {}, { is_error: value === true ? false : value }),
      fits: (value) => value === true,
    },
    { what: 'a tool result content', line: 3, make: (value) => result(3, 200, 'toolu_1', {}, { content: value }), fits: () => true },
    { what: 'a tool input', line: 2, make: (value) => assistant(2, 100, 'msg_1', [toolUse('toolu_1', 'Bash', value)]), fits: () => true },
  ])('$what', ({ what, line, make, fits }) => {
    for (const value of strange) {
      const trace = build(transcript(withLine(line, make(value))));
      const label = `${what} = ${JSON.stringify(value)}`;
      expect(
        namesOf(trace).map((name) => name.replace(/^chat .*/, 'chat')),
        label,
      ).toEqual(NAMES.map((name) => name.replace(/^chat .*/, 'chat')));
      for (const problem of trace.problems) expect([problem.line, problem.reason], label).toEqual([line, 'wrong-shape']);
      if (!fits(value)) expect(trace.problems.length, `${label} is told`).toBeGreaterThan(0);
      // The line's other facts are there: only the field is gone.
      const tool = trace.spans.find(({ name }) => name.startsWith('execute_tool'))!;
      expect([tool.startMs, tool.endMs], label).toEqual([BEGUN + 100, BEGUN + 200]);
      if (!what.startsWith('usage')) expect(trace.spans[2]!.attributes['gen_ai.usage.output_tokens'], label).toBe(20);
      else if (what !== 'usage') expect(trace.spans[2]!.attributes['gen_ai.usage.cache_read.input_tokens'], label).toBe(30);
    }
  });

  function isText(value: unknown): boolean {
    return typeof value === 'string';
  }
  function isRecord(value: unknown): boolean {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  }

  test.each([[7], [true], [{}], [null]])('a content of %j is no content', (content) => {
    for (const line of [1, 2, 3, 4]) {
      const trace = build(transcript(withLine(line, message(SMALL[line - 1]!, { content }))));
      expect(trace.spans.length).toBeGreaterThan(1);
    }
  });

  test('many wrong fields of one line at once', () => {
    const bad = {
      ...message(ANSWER, { usage: 'x', stop_reason: 7, content: [7, { type: 8 }, { type: 'text', text: 9 }] }),
      cwd: 1,
      version: 2,
      uuid: 3,
      effort: 4,
      gitBranch: [],
    };
    const trace = build(transcript(withLine(4, bad)));
    expect(namesOf(trace)).toEqual(NAMES);
    expect(trace.problems.every(({ line, reason }) => line === 4 && reason === 'wrong-shape')).toBe(true);
    expect(trace.problems.length).toBeGreaterThanOrEqual(8);
  });

  test('token counts beyond all measure are still numbers', () => {
    const { spans } = build(transcript(withLine(4, usage({ input_tokens: 1e308, cache_read_input_tokens: 1e308, output_tokens: 1.5 }))));
    for (const value of spans.flatMap(({ attributes }) => Object.values(attributes)))
      if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true);
  });
});

describe('hostile shapes', () => {
  const nested = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
  // Written by hand: JSON.stringify gives up where JSON.parse does not.
  const deepText = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
  const put = (line: Json, marker: string, value: string): string => JSON.stringify(line).replace(JSON.stringify(marker), () => value);

  test.each([
    {
      what: 'a tool input',
      line: 2,
      own: put(assistant(2, 100, 'msg_1', [toolUse('toolu_1', 'Bash', 'HERE')]), 'HERE', deepText(100_000)),
    },
    { what: 'a tool result', line: 3, own: put(result(3, 200, 'toolu_1', { toolUseResult: 'HERE' }), 'HERE', deepText(100_000)) },
    { what: 'a result content', line: 3, own: put(result(3, 200, 'toolu_1', {}, { content: 'HERE' }), 'HERE', deepText(100_000)) },
    { what: 'an unknown field', line: 4, own: put({ ...ANSWER, extra: 'HERE' }, 'HERE', deepText(100_000)) },
    { what: 'a usage', line: 4, own: put(message(ANSWER, { usage: 'HERE' }), 'HERE', deepText(100_000)) },
    {
      what: 'an agent prompt',
      line: 2,
      own: put(assistant(2, 100, 'msg_1', [agentUse('toolu_1', { prompt: 'HERE' })]), 'HERE', deepText(100_000)),
    },
  ])('$what nested 100,000 levels deep', ({ line, own }) => {
    for (const content of ['none', 'full'] as const) {
      const { spans } = buildTrace(transcript(withLine(line, own)), { content });
      expect(brokenInvariants(spans)).toEqual([]);
      expect(spans.map(({ name }) => name.replace('Agent', 'Bash'))).toEqual(NAMES);
    }
  });

  test('nesting that fits is told in full', () => {
    const { spans } = buildTrace(transcript(withLine(2, assistant(2, 100, 'msg_1', [toolUse('toolu_1', 'Bash', nested(50))]))), {
      content: 'full',
    });
    expect(spans.find(({ name }) => name.startsWith('execute_tool'))!.attributes['gen_ai.tool.call.arguments']).toBe(
      JSON.stringify(nested(50)),
    );
  });

  test('a meta nested 100,000 levels deep', () => {
    const agents = [{ ...agentFile('a1', [user(11, 10, 'p'), assistant(12, 20, 'msg_a')]), meta: deepText(100_000) }];
    expect(namesOf(build(transcript(SMALL, { agents }))).length).toBe(NAMES.length + 2);
  });

  test('names that mean something to JavaScript are names like any other', () => {
    const evil = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":1,"hasOwnProperty":2}';
    const lines = [
      put({ ...PROMPT, extra: 'HERE' }, 'HERE', evil).replace('{', '{"__proto__":{"type":"assistant","isMeta":true},'),
      put(assistant(2, 100, 'msg_1', [toolUse('toolu_1', 'Bash', 'HERE')]), 'HERE', evil),
      put(result(3, 200, 'toolu_1', { toolUseResult: 'HERE' }), 'HERE', evil),
      put(message(ANSWER, { usage: 'HERE' }), 'HERE', evil),
    ];
    expect(namesOf(build(transcript(lines)))).toEqual(NAMES);
    expect(({} as Json)['polluted']).toBeUndefined();
  });

  test.each([['__proto__'], ['constructor'], ['toString'], ['hasOwnProperty'], [''], ['a b\n"'], ['x'.repeat(10_000)]])(
    '%j as an id',
    (id) => {
      const lines = [
        { ...PROMPT, uuid: id },
        assistant(2, 100, id, [agentUse(id)]),
        result(3, 200, id, { toolUseResult: { agentId: id } }),
        assistant(4, 300, `${id}2`),
      ];
      const agents = [
        agentFile(id, [user(11, 110, 'p'), assistant(12, 120, `${id}3`)], { toolUseId: id, parentAgentId: id, agentType: id }),
      ];
      const { spans } = build(transcript(lines, { agents }));
      expect(spans.filter(({ name }) => name.startsWith('chat ')).length).toBe(3);
    },
  );
});

describe('agents that make no sense', () => {
  const lead = [user(1, 0), assistant(2, 100, 'msg_1', [agentUse('toolu_1')]), result(3, 900, 'toolu_1')];
  const inner = (n: number, name: string, own: readonly Json[] = []) => [
    user(n, 110, 'p'),
    assistant(n + 1, 120, `msg_${name}`, [agentUse(`toolu_${name}`)]),
    ...own,
  ];
  const responses = ({ spans }: Trace) => spans.flatMap(({ attributes }) => attributes['gen_ai.response.id'] ?? []).toSorted();

  test('an agent that is its own ancestor is told once, with the reason', () => {
    const agents = [
      agentFile('a1', inner(11, 'a1', [result(13, 130, 'toolu_a1', { toolUseResult: { agentId: 'a1' } })]), { toolUseId: 'toolu_a1' }),
    ];
    const trace = build(transcript(lead, { agents }));
    expect(responses(trace)).toEqual(['msg_1', 'msg_a1']);
    expect(trace.problems.map(({ reason }) => reason)).toContain('agent-cycle');
  });

  test('two agents that started each other are told once each, with the reason', () => {
    const agents = [
      agentFile('a1', inner(11, 'a1'), { toolUseId: 'toolu_a2' }),
      agentFile('a2', inner(21, 'a2'), { toolUseId: 'toolu_a1' }),
    ];
    const trace = build(transcript(lead, { agents }));
    expect(responses(trace)).toEqual(['msg_1', 'msg_a1', 'msg_a2']);
    expect(trace.problems.map(({ reason }) => reason)).toContain('agent-cycle');
  });

  test('the main file as the file of its own agent is told once', () => {
    const agents = [agentFile('a1', text(lead))];
    const trace = build(transcript(lead, { agents }));
    expect(responses(trace)).toEqual(['msg_1']);
  });

  test('a call whose agent has no file is a tool like any other', () => {
    const lines = [
      user(1, 0),
      assistant(2, 100, 'msg_1', [agentUse('toolu_1')]),
      result(3, 200, 'toolu_1', { toolUseResult: { agentId: 'gone' } }),
    ];
    expect(namesOf(build(transcript(lines)))).toEqual(['invoke_agent claude-code', 'chat claude-opus-4-1', 'execute_tool Agent']);
  });

  test.each([
    { what: 'an empty file', lines: [] },
    { what: 'a file of garbage', lines: ['?', '??'] },
    { what: 'a file of prompts only', lines: text([user(11, 10, 'p')]) },
  ])('an agent with $what is no reason to stop', ({ lines }) => {
    const trace = build(transcript(SMALL, { agents: [agentFile('a1', lines)] }));
    expect(namesOf(trace).filter((name) => !name.includes('subagent'))).toEqual(NAMES);
  });

  test.each([
    { meta: 'not JSON', told: 1 },
    { meta: '', told: 1 },
    { meta: '[]', told: 1 },
    { meta: 'null', told: 1 },
    { meta: '{"agentType":7,"toolUseId":[],"isFork":"x"}', told: 3 },
    { meta: '{}', told: 0 },
  ])('a meta of $meta costs only what is wrong of it', ({ meta, told }) => {
    const agents = [{ ...agentFile('a1', [user(11, 110, 'p'), assistant(12, 120, 'msg_a')]), meta }];
    const trace = build(transcript(lead, { agents }));
    expect(responses(trace)).toEqual(['msg_1', 'msg_a']);
    expect(trace.problems.filter(({ reason }) => reason === 'bad-meta').length).toBe(told);
  });

  test('problems of a partial copy that is dropped are told all the same', () => {
    const whole = [user(11, 110, 'p'), assistant(12, 120, 'msg_a'), assistant(13, 130, 'msg_b')];
    const agents = [agentFile('a1', whole), agentFile('a2', [...text(whole.slice(0, 2)), 'garbage', '{}'])];
    const trace = build(transcript(lead, { agents }));
    expect(responses(trace)).toEqual(['msg_1', 'msg_a', 'msg_b']);
    expect(trace.problems.filter(({ file, reason }) => file === 'agent-a2.jsonl' && reason === 'not-json').length).toBe(1);
  });
});

describe('on disk', () => {
  const top = mkdtempSync(join(tmpdir(), 'trace-build-damage-'));
  afterAll(() => rmSync(top, { recursive: true, force: true }));
  let made = 0;
  /** A project's folder with these files in it. */
  function folder(files: Record<string, readonly (Json | string)[]>): string {
    const path = join(top, `case-${made++}`);
    for (const [name, lines] of Object.entries(files)) {
      mkdirSync(join(path, name, '..'), { recursive: true });
      writeFileSync(join(path, name), lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
    }
    mkdirSync(path, { recursive: true });
    return path;
  }
  const traces = (path: string) => findSessions(path, PLACES).map((ref) => traceSession(ref, {}, { ended: true }));
  const OTHER = '07e70000-0000-4000-8000-000000000002';

  test.each([
    { what: 'a folder without anything', files: {} },
    { what: 'a folder without sessions', files: { 'notes.txt': ['hello'], 'memory/x.md': ['y'] } },
  ])('$what: the user is told what to name instead', ({ files }) => {
    expect(() => findSessions(folder(files), PLACES)).toThrow(
      expect.objectContaining({ name: 'UserError', hint: expect.stringContaining('.jsonl') }),
    );
  });

  test.each(['gone.jsonl', 'no/such/path', 'deadbeef', ''])('%j is not there: the user is told what can be named', (given) => {
    expect(() => findSessions(given === '' ? 'nothing-of-this-name' : given, PLACES)).toThrow(UserError);
  });

  test('the file of an agent is no session: the user is told to name the session', () => {
    const path = folder({ [`${SESSION}.jsonl`]: SMALL, [`${SESSION}/subagents/agent-a1.jsonl`]: SMALL });
    for (const given of [join(path, SESSION, 'subagents', 'agent-a1.jsonl'), join(path, SESSION, 'subagents'), join(path, SESSION)])
      expect(() => findSessions(given, PLACES), given).toThrow(
        expect.objectContaining({ name: 'UserError', hint: expect.stringMatching(/Name the session/) }),
      );
  });

  test('folders that link in circles are read once', () => {
    const path = folder({ [`project/${SESSION}.jsonl`]: SMALL });
    symlinkSync(path, join(path, 'project', 'up'));
    symlinkSync('.', join(path, 'here'));
    symlinkSync(join(path, 'b'), join(path, 'a'));
    symlinkSync(join(path, 'a'), join(path, 'b'));
    symlinkSync(join(path, 'project'), join(path, 'project', SESSION));
    expect(traces(path).map(namesOf)).toEqual([NAMES]);
  });

  test('a link to nowhere is told as a file that can not be read', () => {
    const path = folder({ [`${SESSION}.jsonl`]: SMALL });
    symlinkSync(join(path, 'nowhere'), join(path, `${OTHER}.jsonl`));
    const [broken, sound] = traces(path);
    expect([broken!.spans, toldBy(broken!)]).toEqual([[], [[0, 'unreadable-file']]]);
    expect(namesOf(sound!)).toEqual(NAMES);
  });

  test('a folder in place of a file is told as a file that can not be read', () => {
    const path = folder({ [`${SESSION}.jsonl`]: SMALL });
    mkdirSync(join(path, 'folder.jsonl'));
    const [ref] = findSessions(join(path, `${SESSION}.jsonl`), PLACES);
    const trace = traceSession({ ...ref!, path: join(path, 'folder.jsonl') }, {}, { ended: true });
    expect([trace.spans, toldBy(trace)]).toEqual([[], [[0, 'unreadable-file']]]);
  });

  test('a file that vanishes after it was found is told as one that can not be read', () => {
    const path = folder({
      [`${SESSION}.jsonl`]: SMALL,
      [`${SESSION}/subagents/agent-a1.jsonl`]: [user(11, 10), assistant(12, 20, 'msg_a')],
    });
    const [ref] = findSessions(path, PLACES);
    rmSync(join(path, SESSION), { recursive: true });
    expect(toldBy(traceSession(ref!, {}, { ended: true }))).toContainEqual([0, 'unreadable-file']);
    rmSync(join(path, `${SESSION}.jsonl`));
    expect(traceSession(ref!, {}, { ended: true }).spans.filter(({ name }) => name.startsWith('chat'))).toEqual([]);
  });

  test('agents whose session is gone are a trace of their own', () => {
    const path = folder({ [`${SESSION}/subagents/agent-a1.jsonl`]: [user(11, 10), assistant(12, 20, 'msg_a')] });
    const [trace] = traces(path);
    expect(namesOf(trace!)).toEqual(['invoke_agent subagent', 'chat claude-opus-4-1']);
    expect(trace!.spans[0]!.attributes).toMatchObject({ 'trace_build.agent.unclaimed': true, 'gen_ai.conversation.id': SESSION });
    expect(toldBy(trace!)).toEqual([[0, 'unclaimed-agent']]);
  });

  test('a session whose file was renamed keeps its id, its agents and its spans', () => {
    const agents = { [`${SESSION}/subagents/agent-a1.jsonl`]: [user(11, 10), assistant(12, 20, 'msg_a')] };
    const [before] = traces(folder({ [`${SESSION}.jsonl`]: SMALL }));
    const [after] = traces(folder({ 'backup of monday.jsonl': SMALL }));
    expect(after!.spans).toEqual(before!.spans);
    const [, withAgents] = traces(folder({ 'copy.jsonl': SMALL, ...agents }));
    expect(withAgents!.session.id).toBe(SESSION);
  });

  test('a session beside garbage is told as if it were alone', () => {
    const path = folder({
      [`${SESSION}.jsonl`]: SMALL,
      'a.jsonl': ['?'],
      'b.jsonl': [],
      'agent-.jsonl': [],
      'agent-x.jsonl': ['?'],
      '.jsonl': ['?'],
    });
    expect(traces(path).flatMap(namesOf)).toEqual(NAMES);
  });

  test('a session without a last line feed, or of nothing but line feeds', () => {
    const path = folder({});
    writeFileSync(join(path, `${SESSION}.jsonl`), text(SMALL).join('\n'));
    writeFileSync(join(path, `${OTHER}.jsonl`), '\n\n\n');
    expect(traces(path).flatMap(namesOf)).toEqual(NAMES);
  });
});
