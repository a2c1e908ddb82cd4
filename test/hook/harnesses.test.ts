/** Hooks of Codex, OpenClaw and Hermes: recorded sessions on a machine of their own, from the job to the collector. */
import { cpSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { enqueue } from '../../src/hook/queue.ts';
import { hasSettled } from '../../src/hook/settle.ts';
import { traceSessions } from '../../src/pipeline.ts';
import { findSession, findSessions, type SessionRef } from '../../src/read/find.ts';
import { readState } from '../../src/sync/state.ts';
import { trace } from '../cli/world.ts';
import { type Collector, startCollector } from '../support/collector.ts';
import { aMachine, idsTaken, type Machine, spanIdsOf, transcriptsIn } from '../support/machine.ts';
import { changedDatabase } from '../support/sqlite.ts';
import { PLACES, refsOf } from '../support/stories.ts';

let collector: Collector;
let machine: Machine;
beforeEach(async () => {
  collector = await startCollector();
  machine = aMachine({ endpoint: collector.url, trace_roots: ['/'] });
});
afterEach(async () => {
  await machine.remove();
  await collector.stop();
});

/** Of a home. */
const PLACE_OF: Readonly<Record<string, string>> = { codex: '.codex', openclaw: '.openclaw', hermes: '.hermes' };
const OPENCLAW_DATABASE = join('agents', 'main', 'agent');

/** @returns the folder of the sessions, and what is in it */
function bring(story: string): { readonly folder: string; readonly refs: readonly SessionRef[]; readonly atMs: number } {
  const [harness] = story.split('/') as [string];
  const folder = join(machine.home, PLACE_OF[harness]!);
  cpSync(join('fixtures', story), story.includes('-sqlite') ? join(folder, OPENCLAW_DATABASE) : folder, { recursive: true });
  const refs = refsOf(story).map((ref) => findSession(inHome(ref.path!, story, folder), ref.sessionId, PLACES)!);
  return { folder, refs, atMs: Math.max(...refs.map(({ modifiedMs }) => modifiedMs)) };
}

const inHome = (path: string, story: string, folder: string): string =>
  path.replace(join('fixtures', story), story.includes('-sqlite') ? join(folder, OPENCLAW_DATABASE) : folder);

/** Of the sessions whose directory is known: no directory holds the others. */
const spanIdsIn = (folder: string): readonly string[] =>
  [...traceSessions(findSessions(folder, PLACES), {}, () => ({ ended: true }))]
    .filter(({ ref }) => ref.startDirectory !== undefined)
    .flatMap(({ spans }) => spans.map(({ spanId }) => spanId))
    .toSorted();

interface Told {
  readonly event: string;
  readonly harness: string;
  readonly atMs?: number;
  readonly payload: Readonly<Record<string, unknown>>;
}

function hook({ event, harness, atMs, payload }: Told): void {
  const queue = join(machine.paths.state, 'queue');
  const before = new Set(machine.queued());
  enqueue(machine.paths.state, { event, harness, pid: '1' }, JSON.stringify({ hook_event_name: event, cwd: '/home/dev', ...payload }));
  const name = machine.queued().find((file) => !before.has(file))!;
  if (atMs !== undefined) utimesSync(join(queue, name), atMs / 1000, atMs / 1000);
}

/** As its harness tells of it: databases have no path. */
const payloadOf = ({ sessionId, path, rows, startDirectory }: SessionRef) => ({
  session_id: sessionId,
  cwd: startDirectory,
  ...(rows === undefined && { transcript_path: path }),
});

describe.each([
  'codex/0.169-plain',
  'codex/0.169-tools-direct',
  'codex/0.169-subagents-v1',
  'codex/0.169-subagents-v2',
  'codex/0.169-resume-fork',
  'openclaw/2026.9.6-sqlite',
  'openclaw/2026.6.11-jsonl',
  'hermes/real-run-0.18.2',
  'hermes/schema30',
])('%s', (story) => {
  const [harness] = story.split('/') as [string];

  test('every span arrives once, and a second time nothing', async () => {
    const { folder, refs, atMs } = bring(story);
    const now = (): number => atMs + 5_000;
    for (let times = 0; times < 2; times++) {
      for (const event of ['Stop', 'SessionEnd'])
        for (const ref of refs) hook({ event, harness, atMs: atMs + 1_000, payload: payloadOf(ref) });
      await machine.work({ now });
      expect(machine.queued()).toEqual([]);
      expect(idsTaken(collector), machine.log()).toEqual(spanIdsIn(folder));
    }
    expect(new Set(idsTaken(collector)).size).toBe(idsTaken(collector).length);
  });

  test('every span arrives once when sessions are told of one after another', async () => {
    const { folder, refs, atMs } = bring(story);
    for (const [index, ref] of refs.entries()) {
      hook({ event: 'SessionStart', harness, atMs, payload: payloadOf(ref) });
      hook({ event: 'SessionEnd', harness, atMs: atMs + 1_000, payload: payloadOf(ref) });
      await machine.work({ now: () => atMs + 5_000 + index });
    }
    expect(idsTaken(collector), machine.log()).toEqual(spanIdsIn(folder));
  });
});

describe('a session that tells no directory', () => {
  const MINUTES_MS = 60_000;

  test.each([
    { what: 'its start was told in a root', event: 'SessionStart', cwd: '/home/dev/app', laterMs: 1_000, arrives: true },
    { what: 'its start was told elsewhere', event: 'SessionStart', cwd: '/home/other', laterMs: 1_000, arrives: false },
    { what: 'it went on in a root', event: 'SessionStart', cwd: '/home/dev/app', laterMs: 2 * MINUTES_MS, arrives: false },
    { what: 'a turn of it ended in a root', event: 'Stop', cwd: '/home/dev/app', laterMs: 1_000, arrives: false },
  ])('$what', async ({ event, cwd, laterMs, arrives }) => {
    machine.configure({ endpoint: collector.url, trace_roots: ['/home/dev'] });
    const { refs, atMs } = bring('hermes/schema30');
    const ref = refs.findLast(({ startDirectory }) => startDirectory === undefined)!;
    hook({ event, harness: 'hermes', atMs: ref.begunMs + laterMs, payload: { ...payloadOf(ref), cwd } });
    await machine.work({ now: () => ref.begunMs + laterMs });
    hook({ event: 'SessionEnd', harness: 'hermes', atMs: atMs + 1_000, payload: { ...payloadOf(ref), cwd: '/home/dev/app' } });
    await machine.work({ now: () => atMs + 5_000 });
    expect(machine.queued()).toEqual([]);
    const [only] = traceSessions([ref], {}, () => ({ ended: true }));
    expect(idsTaken(collector), machine.log()).toEqual(arrives ? only!.spans.map(({ spanId }) => spanId).toSorted() : []);
  });
});

describe("an agent's hook leads to its session", () => {
  test.each(['openclaw/2026.9.6-sqlite', 'hermes/real-run-0.18.2'])('%s, whose agents have ids of their own', async (story) => {
    const { refs, atMs } = bring(story);
    const [harness] = story.split('/') as [string];
    const root = refs.find(({ agents }) => agents.length > 0)!;
    for (const event of ['SessionStart', 'Stop', 'SessionEnd'])
      hook({ event, harness, atMs: atMs + 1_000, payload: { session_id: root.agents[0]!.agentId } });
    await machine.work({ now: () => atMs + 5_000 });
    const state = readState(machine.paths.state, { harness, sessionId: root.sessionId });
    // It goes on: that the agent has stopped does not say that of its session.
    expect(state).toMatchObject({ path: root.path, transcriptSeen: true });
    expect([state.startedAtMs, state.stoppedAtMs, state.endedAtMs]).toEqual([undefined, undefined, undefined]);
    expect(idsTaken(collector).length).toBeGreaterThan(0);
    expect(readdirSync(join(machine.paths.state, 'sessions', harness))).toEqual([`${root.sessionId}.json`]);
  });

  test('told before the database has it: its state is not kept', async () => {
    const early = 'hermes/real-run-0.18.2';
    const [agent] = refsOf(early).flatMap(({ agents }) => agents);
    hook({ event: 'SessionStart', harness: 'hermes', payload: { session_id: agent!.agentId } });
    await machine.work();
    const { refs, atMs } = bring(early);
    const [root] = refs;
    hook({ event: 'SessionEnd', harness: 'hermes', atMs: atMs + 1_000, payload: payloadOf(root!) });
    await machine.work({ now: () => atMs + 5_000 });
    expect(readdirSync(join(machine.paths.state, 'sessions', 'hermes'))).toEqual([`${root!.sessionId}.json`]);
  });

  test('codex, whose agents tell the id of the session and a path of their own', async () => {
    const { folder, refs, atMs } = bring('codex/0.169-subagents-v1');
    const root = refs.find(({ agents }) => agents.length > 0)!;
    const [agent] = root.agents;
    const inAgent = { session_id: root.sessionId, transcript_path: agent!.path, agent_id: agent!.agentId, agent_type: 'worker' };
    hook({ event: 'Stop', harness: 'codex', atMs, payload: { ...inAgent, hook_event_name: 'SubagentStop' } });
    await machine.work({ now: () => atMs + 100 });
    expect(readState(machine.paths.state, { harness: 'codex', sessionId: root.sessionId })).toMatchObject({ path: root.path });
    for (const ref of refs) hook({ event: 'SessionEnd', harness: 'codex', atMs: atMs + 1_000, payload: payloadOf(ref) });
    await machine.work({ now: () => atMs + 5_000 });
    expect(idsTaken(collector), machine.log()).toEqual(spanIdsIn(folder));
  });
});

test('what is remembered of a session goes some time after it was deleted from its database, and only of that', async () => {
  const { refs, atMs } = bring('hermes/schema30');
  for (const ref of refs)
    hook({ event: 'SessionEnd', harness: 'hermes', atMs: atMs + 1_000, payload: { ...payloadOf(ref), cwd: '/home/dev' } });
  await machine.work({ now: () => atMs + 5_000 });
  const states = (): string[] => readdirSync(join(machine.paths.state, 'sessions', 'hermes')).toSorted();
  const all = states();
  const [deleted, ...others] = refs.filter(({ sessionId }) => all.includes(`${sessionId}.json`));
  expect(others.length).toBeGreaterThan(0);
  const path = deleted!.path!;
  const rows = deleted!.rows!.ids.map((id) => `delete from messages where session_id = '${id}'; delete from sessions where id = '${id}';`);
  writeFileSync(path, changedDatabase(readFileSync(path), rows.join('')));
  const later = atMs + 30 * 24 * 60 * 60_000;
  hook({ event: 'SessionStart', harness: 'codex', atMs: later, payload: { session_id: 'another' } });
  await machine.work({ now: () => later });
  expect(states()).toEqual(all.filter((name) => name !== `${deleted!.sessionId}.json`));
});

test('a session whose database can not be read is told of once, kept, and delivered when it can', async () => {
  const { folder, refs, atMs } = bring('hermes/real-run-0.18.2');
  const database = join(folder, 'state.db');
  const good = readFileSync(database);
  const bad = Buffer.from(good).fill(0xff, 100, 8192);
  writeFileSync(database, bad);
  for (const ref of refs) hook({ event: 'SessionEnd', harness: 'hermes', atMs: atMs + 1_000, payload: payloadOf(ref) });
  const now = (): number => atMs + 5_000;
  for (let times = 0; times < 3; times++) await machine.work({ now });
  expect(machine.queued()).toEqual([]);
  const entries = machine.log().trim().split('\n');
  expect(entries).toHaveLength(refs.length);
  for (const entry of entries) expect(entry).toContain(`${database} can't be read: `);
  for (const { sessionId } of refs)
    expect(readState(machine.paths.state, { harness: 'hermes', sessionId }).failure?.message).toContain("can't be read");
  const { stdout } = await trace(['doctor', '--offline'], {
    home: machine.home,
    databaseHome: machine.home,
    managed: machine.paths.managed,
  });
  expect(stdout).toMatch(new RegExp(`${refs[0]!.sessionId}.*~?/.hermes/state.db can't be read`));
  expect(idsTaken(collector)).toEqual([]);
  writeFileSync(database, good);
  await machine.work({ now });
  expect(idsTaken(collector), machine.log()).toEqual(spanIdsIn(folder));
  for (const { sessionId } of refs) expect(readState(machine.paths.state, { harness: 'hermes', sessionId }).failure).toBeUndefined();
});

test('codex tells of the end of a turn before it writes it', async () => {
  const { refs } = bring('codex/0.169-plain');
  const ref = refs[0]!;
  const lines = readFileSync(ref.path!, 'utf8').trimEnd().split('\n');
  const at = lines.findIndex((line) => line.includes('"type":"task_complete"'));
  const atMs = Date.parse(/"timestamp":"([^"]+)"/.exec(lines[at]!)![1]!) - 30;
  writeFileSync(ref.path!, `${lines.slice(0, at).join('\n')}\n`);
  let waits = 0;
  const clock = {
    now: () => atMs,
    wait: async () => {
      if (++waits === 3) writeFileSync(ref.path!, `${lines.slice(0, at + 1).join('\n')}\n`);
    },
  };
  expect(await hasSettled(ref, { atMs }, clock)).toBe(true);
  expect(waits).toBe(3);
});

test('nothing is waited for where a database has it all', async () => {
  const { refs, atMs } = bring('hermes/real-run-0.18.2');
  expect(await hasSettled(refs[0]!, { atMs }, { now: () => atMs, wait: () => Promise.reject(new Error('waited')) })).toBe(true);
});

test("a harness that we don't know is none", async () => {
  const projects = machine.bring('tools');
  const [transcript] = transcriptsIn(projects);
  machine.hook('SessionEnd', transcript!, { fields: { harness: 'emacs' } });
  await machine.work();
  expect(idsTaken(collector)).toEqual(spanIdsOf(transcript!));
});

describe("OpenClaw's plugin", () => {
  type Handler = (event: unknown, ctx: unknown) => unknown;

  /** The plugin as it is installed, its script in a home of our own, with a worker or without. */
  async function plugin(worker: 'worker' | 'none'): Promise<Readonly<Record<string, Handler>>> {
    const hooks = join(machine.home, 'plugin', 'hooks');
    cpSync(join('hooks', 'openclaw'), join(hooks, 'openclaw'), { recursive: true });
    const script = worker === 'worker' ? resolve('hooks', 'trace-build.sh') : join(hooks, 'queues.sh');
    cpSync(join('hooks', 'trace-build.sh'), join(hooks, 'queues.sh'));
    writeFileSync(join(hooks, 'start-worker.sh'), 'work() { :; }\n');
    writeFileSync(
      join(hooks, 'trace-build.sh'),
      `exec /bin/sh '${script}' "$@" --home '${machine.home}' --managed '${machine.paths.managed}'\n`,
    );
    const { default: entry } = (await import(/* @vite-ignore */ join(hooks, 'openclaw', 'index.js'))) as {
      default: { id: string; register(api: { on(name: string, handler: Handler): void }): void };
    };
    const handlers: Record<string, Handler> = {};
    entry.register({ on: (name, handler) => Object.assign(handlers, { [name]: handler }) });
    expect(entry.id).toBe(JSON.parse(readFileSync('hooks/openclaw/openclaw.plugin.json', 'utf8')).id);
    return handlers;
  }

  test('a run is a job, with no more than ids and the workspace', async () => {
    const { agent_end: agentEnd, session_end: sessionEnd, session_start: sessionStart } = await plugin('none');
    const ctx = { sessionId: 'one', sessionKey: 'agent:main:main', workspaceDir: '/home/dev', trigger: 'user', runId: 'r' };
    expect(agentEnd!({ messages: ['secret'], success: true, runId: 'r' }, ctx)).toBeUndefined();
    await vi.waitUntil(() => machine.queued().length === 1, { timeout: 20_000 });
    const [head, payload] = readFileSync(join(machine.paths.state, 'queue', machine.queued()[0]!), 'utf8').split('\n\n');
    expect(head).toMatch(/^trace-build job 1\nevent=Stop\nharness=openclaw\npid=\d+$/);
    expect(JSON.parse(payload!)).toEqual({
      session_id: 'one',
      session_key: 'agent:main:main',
      hook_event_name: 'Stop',
      cwd: '/home/dev',
    });
    sessionStart!({ sessionId: 'two' }, undefined);
    sessionEnd!({ sessionId: 'two', reason: 'shutdown' }, { sessionId: 'two', agentId: 'main' });
    await vi.waitUntil(() => machine.queued().length === 3, { timeout: 20_000 });
    await machine.quiet();
  });

  test('nothing it is told, and nothing that is missing, makes it throw', async () => {
    const { agent_end: agentEnd } = await plugin('none');
    const circular: Record<string, unknown> = { sessionId: 'x' };
    circular['workspaceDir'] = circular;
    for (const ctx of [undefined, null, {}, { sessionId: 1 }, circular]) expect(agentEnd!(undefined, ctx)).toBeUndefined();
    writeFileSync(join(machine.home, 'plugin', 'hooks', 'trace-build.sh'), 'exec /nowhere\n');
    expect(agentEnd!({}, { sessionId: 'one' })).toBeUndefined();
    await machine.quiet();
    expect(machine.queued()).toEqual([]);
  });

  test('from the end of a run to the collector', async () => {
    const { folder, refs } = bring('openclaw/2026.9.6-sqlite');
    const { agent_end: agentEnd, session_end: sessionEnd } = await plugin('worker');
    for (const { sessionId } of refs) {
      agentEnd!({ success: true }, { sessionId, workspaceDir: '/home/dev' });
      sessionEnd!({ sessionId, reason: 'shutdown' }, { sessionId });
    }
    await vi.waitUntil(() => collector.taken.length === spanIdsIn(folder).length, { timeout: 20_000, interval: 20 });
    await machine.quiet();
    expect(idsTaken(collector), machine.log()).toEqual(spanIdsIn(folder));
  });
});

describe('trace-build hook', () => {
  const run = async (args: readonly string[], payload?: object): Promise<void> => {
    // With no roots its own worker has nothing to do but to forget the job.
    const stdin = async (): Promise<string> => (payload === undefined ? Promise.reject(new Error('no stdin')) : JSON.stringify(payload));
    const { code, stdout, stderr } = await trace(['hook', ...args], { stdin, databaseHome: machine.home, managed: machine.paths.managed });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  };

  test.each([
    ['codex/0.169-plain', ['--harness', 'codex'], 'SessionEnd'],
    ['hermes/real-run-0.18.2', ['--harness', 'hermes'], 'on_session_finalize'],
    ['openclaw/2026.9.6-sqlite', ['session_end', '--harness', 'openclaw'], undefined],
  ])('%s: waits where it is told to', async (story, args, event) => {
    machine.configure({ endpoint: collector.url, trace_roots: ['/'], wait: true });
    const { folder, refs } = bring(story);
    for (const ref of refs) await run(args, { ...payloadOf(ref), ...(event !== undefined && { hook_event_name: event }) });
    expect(idsTaken(collector), machine.log()).toEqual(spanIdsIn(folder));
  });

  test("Codex's notify, whose JSON is an argument", async () => {
    const { refs } = bring('codex/0.169-plain');
    machine.configure({ endpoint: collector.url });
    const told = { type: 'agent-turn-complete', 'thread-id': refs[0]!.sessionId, 'turn-id': 't', cwd: '/home/dev' };
    await run(['--harness', 'codex', JSON.stringify(told)]);
    await vi.waitUntil(() => collector.taken.length > 0, { timeout: 20_000, interval: 20 });
    await machine.quiet();
    expect(readState(machine.paths.state, { harness: 'codex', sessionId: refs[0]!.sessionId }).seenAtMs).toBeDefined();
  });
});
