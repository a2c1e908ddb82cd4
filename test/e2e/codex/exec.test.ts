/**
 * The real Codex CLI (`codex exec`), with the plugin that `trace-build install` has installed: however a session goes, and
 * however it ends, every final span of it arrives exactly once.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectEachOnce, spansOf } from '../claude/arrived.ts';
import { until } from '../claude/processes.ts';
import type { Script, Tool } from './responses.ts';
import { inWorld, type Running, type World } from './world.ts';

const run = (cmd: string): Tool => ({ name: 'exec_command', input: { cmd, yield_time_ms: 30_000 } });
/** It ends by itself when the test says so, also where nobody is left to end it. */
const waits = (name: string): Tool => run(`touch ../${name}.started; while [ ! -e ../${name}.go ]; do sleep 0.05; done; echo done`);
const agents = (name: string, input: Readonly<Record<string, unknown>>): Tool => ({ name, namespace: 'multi_agent_v1', input });
const agentIds = (body: string): string[] => [...new Set([...body.matchAll(/agent_id\\*":\s*\\*"([0-9a-f-]{36})/g)].map(([, id]) => id!))];

const SCRIPTS: Readonly<Record<string, Script>> = {
  plain: [{ text: 'A plain answer.' }],
  second: [{ text: 'A second answer.' }],
  tools: [
    { text: 'Two at once.', tools: [run('echo one'), run('echo two')] },
    { tools: [run('echo wrong >&2; exit 3')] },
    { text: 'Used all tools.' },
  ],
  agent: [
    { tools: [agents('spawn_agent', { message: 'Do it. script:child', agent_type: 'worker' })] },
    { tools: (body) => [agents('wait_agent', { targets: agentIds(body), timeout_ms: 30_000 })] },
    { text: 'It has answered.' },
  ],
  child: [{ tools: [run('echo inside')] }, { text: 'The child is done.' }],
  interrupted: [{ text: 'This takes long.', tools: [waits('interrupted')] }, { text: 'Never said.' }],
  killed: [{ text: 'This takes long.', tools: [waits('killed')] }, { text: 'Never said.' }],
};

const story = (tell: (world: World) => Promise<void>) => (): Promise<void> =>
  inWorld(SCRIPTS, async (world) => {
    installed(world);
    await tell(world);
  });

test(
  'tools, and a second turn in the same session',
  story(async (world) => {
    const first = await done(world.exec('script:tools'));
    await expectArrived(world);
    const names = spansOf(world, first).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('execute_tool'))).toHaveLength(3);
    expect(await done(world.exec('resume', first, 'script:second'))).toBe(first);
    await expectArrived(world);
    expect(spansOf(world, first).filter(({ name }) => name.startsWith('invoke_agent'))).toHaveLength(2);
    expectAllTokens(world);
  }),
);

test(
  'a sub-agent comes with its session',
  story(async (world) => {
    const session = await done(world.exec('script:agent'));
    await expectArrived(world);
    expect(world.model.served.filter(({ script }) => script === 'child')).toHaveLength(2);
    expect(spansOf(world, session).filter(({ name }) => name.startsWith('invoke_agent'))).toHaveLength(2);
    expect(new Set(world.collector.taken.map(({ traceId }) => traceId)).size).toBe(1);
    expectAllTokens(world);
  }),
);

test(
  'wait: all of it is there when codex is gone',
  story(async (world) => {
    const file = join(world.home, '.config', 'trace-build', 'config.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), wait: true }));
    await done(world.exec('script:tools'));
    const atOnce = world.collector.taken.length;
    await expectArrived(world);
    expect(world.collector.taken.length).toBe(atOnce);
  }),
);

test(
  'SIGINT in the middle of a tool',
  story(async (world) => {
    const running = world.exec('script:interrupted');
    await world.toolStarted('interrupted');
    process.kill(running.pid, 'SIGINT');
    await running.ended;
    world.letToolEnd('interrupted');
    await expectArrived(world);
    expect(world.collector.taken.map(({ name }) => name)).toContain('execute_tool exec_command');
  }),
);

test(
  'kill -9 in the middle of a tool: the next session delivers what it left',
  story(async (world) => {
    const running = world.exec('script:killed');
    await world.toolStarted('killed');
    await until('the process is known', () => statesOf(world).some((state) => state.includes('"process"')));
    killAll(running.pid);
    await running.ended;
    world.letToolEnd('killed');
    await done(world.exec('script:plain'));
    await expectArrived(world);
    expect(new Set(world.collector.taken.map(({ attributes }) => attributes['gen_ai.conversation.id'])).size).toBe(2);
  }),
);

test(
  'install is an update, uninstall leaves nothing',
  story(async (world) => {
    const config = join(world.home, '.codex', 'config.toml');
    installed(world);
    expect(readFileSync(config, 'utf8')).toContain('[plugins."trace-build@trace-build"]\nenabled = true');
    const report = JSON.parse(world.traceBuild('doctor', '--json', '--offline').stdout) as { checks: { name: string; sentence: string }[] };
    expect(report.checks.find(({ name }) => name === 'codex')?.sentence).toContain(
      'Codex skips hooks that were not trusted: session_start, stop, subagent_stop, session_end.',
    );
    expect(world.traceBuild('uninstall', '--harness', 'codex')).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(config, 'utf8')).not.toContain('trace-build');
    expect(existsSync(join(world.home, '.codex', 'plugins', 'cache', 'trace-build', 'trace-build'))).toBe(false);
    await done(world.exec('script:plain'));
    expect(world.collector.requests).toEqual([]);
  }),
);

function installed(world: World): void {
  const { code, stderr } = world.traceBuild('install', '--harness', 'codex');
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(/^Codex skips these hooks, in silence, until you trust them/),
  });
}

/** @returns the id of the session */
async function done({ ended }: Running): Promise<string> {
  const { code, stdout, stderr } = await ended;
  expect(code, stderr).toBe(0);
  return /"thread_id":"([^"]+)"/.exec(stdout)![1]!;
}

const expectArrived = (world: World): Promise<void> => expectEachOnce(world, join(world.home, '.codex', 'sessions'));

/** Every answer the model gave is a chat span with its tokens. */
function expectAllTokens({ model, collector }: World): void {
  const chats = collector.taken.filter(({ name }) => name.startsWith('chat'));
  const told = chats.map(({ attributes }) => [attributes['gen_ai.usage.input_tokens'], attributes['gen_ai.usage.output_tokens']]);
  const inOrder = (a: readonly unknown[], b: readonly unknown[]): number => Number(a[0]) - Number(b[0]);
  expect(told.toSorted(inOrder)).toEqual(
    model.served.map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens]).toSorted(inOrder),
  );
}

function statesOf({ home }: World): readonly string[] {
  const folder = join(home, '.local', 'state', 'trace-build', 'sessions', 'codex');
  return existsSync(folder) ? readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')) : [];
}

/** The program is a script that starts another one. */
function killAll(pid: number): void {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  for (const each of [...children, pid]) process.kill(each, 'SIGKILL');
}
