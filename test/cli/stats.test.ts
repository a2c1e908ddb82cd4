/** `trace-build stats`: its sums are those of the model server's log, and people can read them. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import type { StatsDocument } from '../../src/cli/commands/stats.ts';
import { dayOf } from '../../src/cli/since.ts';
import { tableText } from '../../src/cli/table.ts';
import { widthOf } from '../../src/cli/text-width.ts';
import { agentsInResults, NO_AGENT_HEADERS, notOnLine, PLACEHOLDERS, servedOf } from '../support/served.ts';
import { expectedOf, FIXTURES, loadStory, rawFilesOf, STORIES } from '../support/stories.ts';
import { trace } from './world.ts';

const scratch = mkdtempSync(join(tmpdir(), 'trace-build-stats-'));
afterAll(() => rmSync(scratch, { recursive: true }));

async function statsOf(args: readonly string[], world: Parameters<typeof trace>[1] = {}): Promise<StatsDocument> {
  const { code, stdout, stderr } = await trace(['stats', '--json', ...args], world);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}
const projectsOf = (story: string): string => join(FIXTURES, story, 'projects');

/** What is on lines of what was served. */
const heldOf = (story: string) => servedOf(expectedOf(story)).filter(({ messageId }) => !notOnLine(story).has(messageId));

const countsOf = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

describe.each(STORIES)('%s', (story) => {
  const document = statsOf([projectsOf(story)]);
  const held = heldOf(story);

  test('model calls and tokens of each model are those of the log', async () => {
    const { total } = await document;
    expect(total.modelCalls).toBe(held.length);
    expect(Object.fromEntries(total.models.map(({ model, calls }) => [model, calls]))).toEqual(countsOf(held.map(({ model }) => model)));
    for (const { model, tokens, unreliableCalls } of total.models) {
      const of = (counter: string): number =>
        held.filter((response) => response.model === model).reduce((sum, { usage }) => sum + usage[counter]!, 0);
      const [uncached, cacheRead, cacheWrite] = [of('input_tokens'), of('cache_read_input_tokens'), of('cache_creation_input_tokens')];
      expect(tokens.uncached, model).toBe(uncached);
      expect(tokens.cacheRead, model).toBe(cacheRead);
      expect(tokens.cacheWrite5m + tokens.cacheWrite1h, model).toBe(cacheWrite);
      expect(tokens.input, model).toBe(uncached + cacheRead + cacheWrite);
      if (unreliableCalls === 0) expect(tokens.output, model).toBe(of('output_tokens'));
      else expect(tokens.output, model).toBeLessThanOrEqual(of('output_tokens'));
    }
    if (!PLACEHOLDERS.includes(story)) expect(total.unreliableCalls).toBeLessThanOrEqual(1);
  });

  test('tool calls, by name, are those of the log', async () => {
    const { total } = await document;
    const calls = held.flatMap(({ tools }) => tools.map(({ name }) => name));
    expect(Object.fromEntries(total.tools.map(({ tool, calls: n }) => [tool, n]))).toEqual(countsOf(calls));
    expect(total.toolCalls).toBe(calls.length);
  });

  test('sub-agents are those of the log', async () => {
    const { total } = await document;
    const files = rawFilesOf(story);
    const started = NO_AGENT_HEADERS.includes(story)
      ? files.flatMap(({ text }) => agentsInResults(text)).length + files.filter(({ text }) => text.includes('"content":"Warmup"')).length
      : Object.values(expectedOf(story)).reduce((sum, { agents }) => sum + Object.keys(agents).length - 1, 0);
    expect(total.agents).toBe(started);
  });

  test('cost, turns and sub-agents are those of the spans', async () => {
    const { total } = await document;
    const { spans } = loadStory(story);
    const cost = spans.reduce((sum, { attributes }) => sum + Number(attributes['trace_build.cost.usd'] ?? 0), 0);
    expect(total.costUsd).toBeCloseTo(cost, 9);
    expect(total.turns).toBe(spans.filter(({ attributes }) => attributes['trace_build.turn.number'] !== undefined).length);
    expect(total.agents).toBe(
      spans.filter(({ name, attributes }) => name.startsWith('invoke_agent ') && attributes['gen_ai.agent.id'] !== undefined).length,
    );
    expect(total.errors).toBe(spans.filter(({ attributes }) => attributes['error.type'] !== undefined).length);
  });
});

test('all stories together are the sum of each, in threads too', async () => {
  const each = await Promise.all(STORIES.map((story) => statsOf([projectsOf(story)])));
  const dist = pathToFileURL(`${process.cwd()}/dist/`);
  for (const args of [
    ['--threads', '1'],
    ['--threads', '3'],
  ]) {
    const { total } = await statsOf([...args, ...STORIES.map(projectsOf)], { dist });
    for (const figure of ['modelCalls', 'toolCalls', 'turns', 'agents', 'sessions', 'errors', 'sessionMs', 'commits'] as const)
      expect(total[figure], figure).toBe(each.reduce((sum, one) => sum + one.total[figure], 0));
    expect(total.costUsd).toBeCloseTo(
      each.reduce((sum, one) => sum + one.total.costUsd, 0),
      9,
    );
  }
});

test('threads tell what one process tells, to the last digit', async () => {
  const dist = pathToFileURL(`${process.cwd()}/dist/`);
  const args = ['--by', 'project', ...STORIES.map(projectsOf)];
  expect(await statsOf(['--threads', '3', ...args], { dist })).toEqual(await statsOf(['--threads', '1', ...args]));
});

test('a turn that a fork copied counts once, named alone or with its original', async () => {
  const [original, ...forks] = readdirSync(projectsOf('rewind'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.jsonl'))
    .map((path) => join(projectsOf('rewind'), path));
  const all = (await statsOf([original!, ...forks])).total;
  expect(all.modelCalls).toBe(heldOf('rewind').length);
  expect((await statsOf([...forks.toReversed(), original!])).total).toEqual(all);
  const apart = await Promise.all([original!, ...forks].map((path) => statsOf([path])));
  expect(apart.reduce((sum, { total }) => sum + total.modelCalls, 0)).toBeGreaterThan(all.modelCalls);
});

describe('groups', () => {
  const stories = ['tools', 'nest', 'plan', 'old-2.0.76'].map(projectsOf);

  test.each(['day', 'project', 'repo', 'harness', 'model'])('by %s, they add up to the total', async (by) => {
    const { groups, total } = await statsOf(['--by', by, ...stories]);
    expect(groups!.length).toBeGreaterThan(0);
    expect(groups!.reduce((sum, group) => sum + ('calls' in group ? group.calls : group.modelCalls), 0)).toBe(total.modelCalls);
    expect(groups!.reduce((sum, { tokens }) => sum + tokens.output, 0)).toBe(total.tokens.output);
    expect(groups!.map(({ key }) => key).length).toBe(new Set(groups!.map(({ key }) => key)).size);
  });

  test('a project is the directory a session began in; a day is one of the user’s time zone', async () => {
    const projects = (await statsOf(['--by', 'project', ...stories])).groups!.map(({ key }) => key);
    expect(projects).toEqual(['/home/dev/nest', '/home/dev/old-2.0.76', '/home/dev/plan', '/home/dev/tools']);
    const { startMs } = loadStory('tools').spans[0]!;
    expect((await statsOf(['--by', 'day', projectsOf('tools')])).groups!.map(({ key }) => key)).toEqual([dayOf(startMs)]);
    expect(dayOf(new Date(2026, 0, 5, 23, 59).getTime())).toBe('2026-01-05');
    expect(dayOf(new Date(2026, 0, 6, 0, 0).getTime())).toBe('2026-01-06');
  });
});

describe('what is counted', () => {
  const { startMs } = loadStory('tools').spans[0]!;
  const home = join(scratch, 'home');
  const project = join(scratch, 'app');
  mkdirSync(join(home, '.claude', 'projects'), { recursive: true });
  mkdirSync(project);
  symlinkSync(project, join(scratch, 'link'));
  cpSync(projectsOf('tools'), join(home, '.claude', 'projects'), { recursive: true });
  const line = (fields: object): string => JSON.stringify({ sessionId: 's', version: '2.1.329', cwd: project, ...fields });
  mkdirSync(join(home, '.claude', 'projects', '-app'));
  const own = join(home, '.claude', 'projects', '-app', '11111111-0000-4000-8000-000000000000.jsonl');
  writeFileSync(
    own,
    [
      line({
        type: 'user',
        uuid: 'u1',
        timestamp: '2026-01-02T12:00:00.000Z',
        message: { role: 'user', content: `a key: AKIA${'QWERTYUIOPASDFGH'}` },
      }),
      line({
        type: 'assistant',
        uuid: 'u2',
        timestamp: '2026-01-02T12:00:01.000Z',
        message: {
          id: 'm1',
          model: 'claude-opus-4-7',
          content: [
            { type: 'tool_use', id: 't1', name: 'Bash', input: { command: 'git commit -m x && gh pr create -f' } },
            { type: 'tool_use', id: 't2', name: 'Edit', input: { file_path: '/a', old_string: 'x', new_string: 'y' } },
            { type: 'tool_use', id: 't3', name: 'Edit', input: { file_path: '/a', old_string: 'y', new_string: 'z' } },
          ],
          stop_reason: 'tool_use',
        },
      }),
      line({
        type: 'user',
        uuid: 'u3',
        timestamp: '2026-01-02T12:00:03.000Z',
        message: {
          content: [
            { type: 'tool_result', tool_use_id: 't1', content: '[main 1a2b3c4] x\nhttps://github.com/o/r/pull/1' },
            { type: 'tool_result', tool_use_id: 't2', content: 'done' },
            { type: 'tool_result', tool_use_id: 't3', content: 'done' },
          ],
        },
      }),
    ].join('\n'),
  );
  const seen = new Date('2026-01-02T12:00:03.000Z');
  utimesSync(own, seen, seen);
  const all = (...args: string[]) => statsOf(args, { home, cwd: scratch, now: () => startMs + 3_600_000 });

  test('without a name, all sessions of this machine', async () => {
    expect((await all()).total.sessions).toBe(2);
  });

  test('files, commits, pull requests and redactions', async () => {
    const { total } = await statsOf([own], { home });
    expect(total).toMatchObject({ files: { touched: 1, changes: 2 }, commits: 1, pullRequests: 1 });
    expect(total.redactions).toBeGreaterThan(0);
    expect(Object.keys(total.redactionsByRule).length).toBe(1);
    expect(total.tools.find(({ tool }) => tool === 'Edit')!.durations).toEqual({
      count: 2,
      sumMs: 4000,
      p50Ms: 2000,
      p95Ms: 2000,
      maxMs: 2000,
    });
    expect(total).toMatchObject({ sessionMs: 3000, workMs: 3000, turnDurations: { sumMs: 3000 }, unreliableCalls: 1, unpricedCalls: 1 });
  });

  test('a cost that is not all of it says so', async () => {
    const costs = async (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<readonly string[]> => {
      const { stdout } = await trace(['stats', ...args], { home, cwd: scratch, env });
      return [...stdout.matchAll(/^ {2}claude-code .*?(\S?\$[\d.]+|\?)/gm)].map(([, cost]) => cost!.replace(/\d.*/, ''));
    };
    expect(await costs(['--by', 'harness'])).toEqual(['≥$']);
    expect(await costs(['--by', 'harness', own])).toEqual(['?']);
    expect(await costs(['--by', 'harness', projectsOf('tools')])).toEqual(['$']);
  });

  test('--since and --until go by when a turn began', async () => {
    expect((await all('--since', '2h')).total.sessions).toBe(1);
    expect((await all('--since', '2026-01-01')).total.sessions).toBe(2);
    expect((await all('--until', '2026-01-02')).total.turns).toBe(1);
    expect((await all('--until', '2026-01-01')).total.turns).toBe(0);
    expect((await all('--since', '2026-01-02', '--until', '2026-01-03')).total.commits).toBe(1);
  });

  test('--project: sessions begun in a directory or below it, called as it may be', async () => {
    for (const given of [project, scratch, 'app', './link', join(scratch, 'link')])
      expect((await all('--project', given)).total.sessions, given).toBe(1);
    expect((await all('--project', join(scratch, 'ap'))).total.sessions).toBe(0);
  });

  test('nothing found is said', async () => {
    expect((await trace(['stats', '--project', '/nowhere'], { home })).stdout).toBe('No turn of an agent in /nowhere.\n');
    expect((await trace(['stats'])).stdout).toMatch(/^No session of an agent was found under .*projects\.\n$/);
    const { total } = await statsOf([]);
    expect(total).toMatchObject({ sessions: 0, modelCalls: 0, costUsd: 0, tools: [], turnDurations: { count: 0, sumMs: 0 } });
  });
});

test.each([
  [['--since', 'yesterday-ish'], '--since yesterday-ish is no time'],
  [['--until', '2026-13-01'], '--until 2026-13-01 is no time'],
  [['--threads', '0'], '--threads 0'],
  [['--by', 'moon'], 'Allowed choices'],
  [['/nowhere/at/all.jsonl'], 'There is no'],
])('%j: what the user must change is said', async (args, message) => {
  const { code, stdout, stderr } = await trace(['stats', ...args]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
});

describe('tables', () => {
  test.each([40, 60, 80, 100, 140, 200])('%i columns are enough', async (width) => {
    const { stdout } = await trace(['stats', '--by', 'project', FIXTURES], { width });
    const lines = stdout.split('\n');
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
    expect(lines.filter((text) => text.includes('claude-opus-5-5') || text.startsWith('  claude-opus…')).length).toBeGreaterThan(0);
  });

  test('of the narrowest, the cost is still a figure', async () => {
    const { stdout } = await trace(['stats', FIXTURES], { width: 40 });
    expect(stdout).toMatch(/^ {2}model +calls +input +cost$/m);
  });

  const look = { colors: { dim: (text: string) => text } as never };
  const columns = [
    { title: 'name', shrinks: true },
    { title: 'n', align: 'right' },
    { title: 'less', align: 'right', drop: 1 },
  ] as const;

  test('numbers to the right, wide letters taking two columns', () => {
    expect(
      tableText(
        columns,
        [
          ['日本', '1', '10'],
          ['abc', '1,000', '2'],
        ],
        { ...look, width: undefined },
      ),
    ).toBe('  name      n  less\n  日本      1    10\n  abc   1,000     2\n');
  });

  test('names are cut, figures are not; columns that matter less go', () => {
    const rows = [[`${'long '.repeat(20)}`, '123456', '7']];
    const lines = tableText(columns, rows, { ...look, width: 30 }).split('\n');
    expect(lines[1]).toMatch(/^ {2}long long lo.*… {2}123456$/);
    expect(lines[0]).not.toContain('less');
  });

  test('what a cell holds is no order to the terminal, and one line', () => {
    const text = tableText(columns, [['a\u001b[2J\nb\u202ec', '1', '']], { ...look, width: 60 });
    expect(text.split('\n').length).toBe(3);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are looked for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });
});
