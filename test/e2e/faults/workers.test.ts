/** Workers that are killed, that come at once, that come late: real processes, every span once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  agentHook,
  command,
  DONE,
  expectOnce,
  gateAt,
  leftBehind,
  programs,
  type Run,
  repeatsIn,
  SILENT,
  scenes,
  taken,
  work,
  worker,
} from '../../support/faults.ts';
import { spanIdsOf, transcriptsIn } from '../../support/machine.ts';

const aScene = scenes();
const built = programs();

/** Several sessions, one of which has ended. */
async function oneOfSeveral() {
  const scene = await aScene();
  const folder = scene.machine.bring('rewind');
  const [one, ...others] = transcriptsIn(folder);
  scene.end([one!]);
  return { scene, ...scene, folder, others };
}

describe('killed in the middle of a delivery', () => {
  const SIGNALS = ['SIGKILL', 'SIGTERM'] as const;
  const cases = (['unread', 'unanswered', 'half answered'] as const).flatMap((point) => SIGNALS.map((signal) => ({ point, signal })));

  test.each(cases)('$signal, its request $point: only that batch may come twice', async ({ point, signal }) => {
    const scene = await aScene();
    const { collector, machine } = scene;
    const folder = machine.bring('rewind');
    scene.end(transcriptsIn(folder));
    const held = collector.hold(point, 2);
    const first = worker(machine);
    await held.reached;
    first.child.kill(signal);
    expect(await first.ended).toMatchObject({ signal });
    held.go();
    scene.nextRun();
    await work(machine);
    expect([...new Set(taken(scene))]).toEqual(spanIdsOf(folder));
    expect(repeatsIn(collector.requests, new Set([1])).unexplained).toEqual([]);
    expect(taken(scene).length - spanIdsOf(folder).length).toBeLessThanOrEqual(collector.requests[1]!.spans.length);
    expect(leftBehind(machine)).toEqual([]);
  });

  test('before it took up a job: the job is still there', async () => {
    const scene = await aScene();
    const { machine } = scene;
    const folder = machine.bring('nest');
    scene.end(transcriptsIn(folder));
    const gate = gateAt(machine, 'reading', { call: 'readdirSync', path: '/queue', nth: 1, when: 'before' });
    const first = worker(machine, { steps: gate.steps });
    await gate.reached();
    first.child.kill('SIGKILL');
    await first.ended;
    expect(machine.queued()).toHaveLength(1);
    await work(machine);
    expectOnce(scene, folder);
  });
});

describe('at once', () => {
  test('two workers and two command lines on eight sessions', async () => {
    const scene = await aScene();
    const { machine, collector } = scene;
    const cli = await built.cli();
    const folder = ['misc', 'nest'].map((story) => machine.bring(story)).at(-1)!;
    const transcripts = transcriptsIn(folder);
    expect(transcripts).toHaveLength(8);
    scene.end(transcripts);
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const runs: readonly Run[] = [
      worker(machine),
      command(cli, machine, [folder, '--quiet'], env),
      worker(machine),
      command(cli, machine, ['sync', '--since', '2020-01-01', '--quiet'], env),
    ];
    const ends = await Promise.all(runs.map(({ ended }) => ended));
    expect(ends.map(({ code, stderr }) => ({ code, stderr }))).toEqual(runs.map(() => ({ code: 0, stderr: '' })));
    expectOnce(scene, folder);
  });

  test('a job that comes while a worker is at it: its worker leaves, the first one does it', async () => {
    const { scene, machine, collector, folder, others } = await oneOfSeveral();
    const held = collector.hold('unanswered');
    const first = worker(machine);
    await held.reached;
    scene.end(others);
    expect(await worker(machine).ended).toEqual(DONE);
    expect(machine.queued()).toHaveLength(others.length);
    held.go();
    expect(await first.ended).toEqual(DONE);
    expectOnce(scene, folder);
  });

  test.each(['before', 'after'] as const)('a job that comes just as a worker leaves: %s it unlocks', async (when) => {
    const { scene, machine, folder, others } = await oneOfSeveral();
    const gate = gateAt(machine, 'leaving', { call: 'truncateSync', path: '/worker.lock/', nth: 1, when });
    const first = worker(machine, { steps: gate.steps });
    await gate.reached();
    expect(machine.queued()).toEqual([]);
    scene.end(others);
    const second = worker(machine);
    if (when === 'before') expect(await second.ended).toEqual(DONE);
    gate.open();
    expect([await first.ended, await second.ended]).toEqual([DONE, DONE]);
    expectOnce(scene, folder);
  });

  test('a job that comes while sync takes up the queue: its worker leaves, sync does it', async () => {
    const { scene, machine, collector, folder, others } = await oneOfSeveral();
    const gate = gateAt(machine, 'sync', { call: 'truncateSync', path: '/worker.lock/', nth: 1, when: 'before' });
    const sync = command(await built.cli(), machine, ['sync', '--quiet'], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, gate.steps);
    await gate.reached();
    scene.end(others);
    expect(await worker(machine).ended).toEqual(DONE);
    gate.open();
    expect(await sync.ended).toMatchObject({ code: 0, stderr: '' });
    expectOnce(scene, folder);
  });

  test('a worker that a hook waits for waits for the one that is at it', async () => {
    const { scene, machine, collector, folder, others } = await oneOfSeveral();
    const held = collector.hold('unanswered');
    const first = worker(machine);
    await held.reached;
    scene.end(others);
    const awaited = worker(machine, { args: ['--wait'] });
    const leaver = worker(machine);
    expect(await leaver.ended).toEqual(DONE);
    expect(awaited.child.exitCode).toBeNull();
    held.go();
    expect([await first.ended, await awaited.ended]).toEqual([DONE, DONE]);
    expectOnce(scene, folder);
  });

  test('what hooks tell while a command line sends is not forgotten', async () => {
    const scene = await aScene();
    const { machine, collector } = scene;
    const [transcript] = transcriptsIn(machine.bring('nest'));
    const held = collector.hold('unanswered');
    const cli = command(await built.cli(), machine, [transcript!, '--quiet'], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await held.reached;
    // A worker that has nowhere to send to only writes down what it is told.
    machine.configure({});
    scene.end([transcript!]);
    await work(machine);
    held.go();
    expect(await cli.ended).toMatchObject({ code: 0, stderr: '' });
    const [file] = readdirSync(join(machine.paths.state, 'sessions', 'claude-code'));
    const state = JSON.parse(readFileSync(join(machine.paths.state, 'sessions', 'claude-code', file!), 'utf8'));
    expect(state).toMatchObject({ endedAtMs: expect.any(Number), conversationId: expect.any(String), delivered: expect.any(Object) });
  });

  test('an old and a new version', async () => {
    const scene = await aScene();
    const { machine } = scene;
    const versions = await Promise.all(['0.0.9', '9.0.0'].map((version) => built.worker(version)));
    const folder = machine.bring('rewind');
    const transcripts = transcriptsIn(folder);
    for (const transcript of transcripts) {
      machine.hook('Stop', transcript, { atMs: Date.now() - 60_000 });
      await Promise.all(versions.map((program) => work(machine, { program })));
    }
    for (const program of versions) {
      scene.end(transcripts);
      await work(machine, { program });
    }
    expectOnce(scene, folder);
  });
});

describe('hooks, as the agent calls them', () => {
  test('Stop and, within 10 ms, SessionEnd', async () => {
    const scene = await aScene();
    const folder = scene.machine.bring('tools');
    const [transcript] = transcriptsIn(folder);
    const stop = agentHook(scene.machine, 'Stop', transcript!);
    await new Promise((done) => setTimeout(done, 5));
    expect(await Promise.all([stop, agentHook(scene.machine, 'SessionEnd', transcript!)])).toEqual([SILENT, SILENT]);
    await scene.machine.quiet();
    expectOnce(scene, folder);
  });

  test('the same session ended five times at once, and five times more', async () => {
    const scene = await aScene();
    const folder = scene.machine.bring('nest');
    const [transcript] = transcriptsIn(folder);
    expect(await Promise.all(Array.from({ length: 5 }, () => agentHook(scene.machine, 'SessionEnd', transcript!)))).toEqual(
      Array(5).fill(SILENT),
    );
    await scene.machine.quiet();
    for (let n = 0; n < 5; n++) {
      expect(await agentHook(scene.machine, 'SessionEnd', transcript!)).toEqual(SILENT);
      await scene.machine.quiet();
    }
    expectOnce(scene, folder);
    expect(scene.collector.requests).toHaveLength(1);
  });

  test('the agent is killed; the next session brings what it left; then it is resumed', async () => {
    const scene = await aScene();
    const { machine, collector } = scene;
    const folder = machine.bring('resumekill');
    const [transcript] = transcriptsIn(folder);
    const whole = readFileSync(transcript!, 'utf8');
    // What was on disk when the recorded agent was killed: a tool was running.
    const untilKilled = whole
      .split(/(?<=\n)/)
      .slice(0, 22)
      .join('');
    writeFileSync(transcript!, untilKilled);
    const us = { CLAUDE_PID: String(process.pid) };
    const agent = spawn('sleep', ['60'], { stdio: 'ignore' });
    expect(await agentHook(scene.machine, 'SessionStart', transcript!, { CLAUDE_PID: String(agent.pid) })).toEqual(SILENT);
    await scene.machine.quiet();
    expect(collector.requests).toEqual([]);
    agent.kill('SIGKILL');
    await once(agent, 'exit');

    const other = join(folder, '-home-dev-other', '00000000-0000-4000-8000-000000000000.jsonl');
    expect(await agentHook(scene.machine, 'SessionStart', other, us)).toEqual(SILENT);
    await scene.machine.quiet();
    const first = collector.taken.length;
    expect(first).toBeGreaterThan(0);
    expect(taken(scene)).toEqual(spanIdsOf(folder));

    writeFileSync(transcript!, whole);
    expect(await agentHook(scene.machine, 'SessionStart', transcript!, us)).toEqual(SILENT);
    expect(await agentHook(scene.machine, 'SessionEnd', transcript!, us)).toEqual(SILENT);
    await scene.machine.quiet();
    machine.hook('SessionEnd', other);
    await work(machine);
    expect(collector.taken.length).toBeGreaterThan(first);
    expectOnce(scene, folder);
  });
});
