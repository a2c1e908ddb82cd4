/** A full disk, a read-only one, damaged files, what dead processes left: nothing is lost, nothing comes twice, nothing is in the way. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Process, processOf } from '../../../src/disk/lock.ts';
import { disks } from '../../support/disks.ts';
import {
  agentHook,
  command,
  DONE,
  expectOnce,
  IMPATIENT,
  leftBehind,
  programs,
  repeatsIn,
  type Scene,
  SILENT,
  scenes,
  taken,
  work,
  worker,
} from '../../support/faults.ts';
import { spanIdsOf, transcriptsIn } from '../../support/machine.ts';

const aScene = scenes();
const built = programs();
const aDisk = disks();

const DAY_MS = 24 * 60 * 60_000;

const filesBelow = (folder: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .map((path) => join(folder, path))
        .filter((path) => statSync(path).isFile())
    : [];
const stateFiles = ({ machine }: Scene, pattern: RegExp): readonly string[] =>
  filesBelow(machine.paths.state).filter((path) => pattern.test(path));

/** Sessions that were delivered, and their transcripts. */
async function delivered(story: string): Promise<{ scene: Scene; folder: string; transcripts: readonly string[] }> {
  const scene = await aScene();
  const folder = scene.machine.bring(story);
  const transcripts = transcriptsIn(folder);
  scene.end(transcripts);
  await work(scene.machine);
  expectOnce(scene, folder);
  return { scene, folder, transcripts };
}

describe('a full disk', () => {
  // Every file takes a page at least, so each number stops the worker at another one.
  test.each([0, 4, 7, 11])('%i pages are left: what can not be written down is not sent; with room again the rest is', async (pages) => {
    const scene = await aScene();
    const { machine } = scene;
    const disk = aDisk(machine.paths.state);
    const folder = machine.bring('rewind');
    scene.end(transcriptsIn(folder));
    disk.fillBut(pages);
    expect(await worker(machine).ended).toEqual(DONE);
    const unknown = taken(scene).length;
    expect(new Set(taken(scene)).size).toBe(unknown);
    if (pages === 0) expect(unknown).toBe(0);
    disk.makeRoom();
    machine.hook('SessionStart', '/nowhere/another.jsonl');
    machine.hook('SessionEnd', '/nowhere/another.jsonl');
    await work(machine);
    expect(taken(scene), machine.log()).toEqual(spanIdsOf(folder));
    expect(leftBehind(machine)).toEqual([]);
  });

  test('a hook on it is silent and leaves nothing; the next one queues, and its worker delivers', async () => {
    const scene = await aScene();
    const { machine } = scene;
    const disk = aDisk(machine.paths.state);
    const folder = machine.bring('nest');
    const [transcript] = transcriptsIn(folder);
    mkdirSync(join(machine.paths.state, 'queue'));
    disk.fillBut(0);
    expect(await agentHook(machine, 'Stop', transcript!)).toEqual(SILENT);
    await machine.quiet();
    expect(filesBelow(join(machine.paths.state, 'queue'))).toEqual([]);
    disk.makeRoom();
    expect(await agentHook(machine, 'SessionEnd', transcript!)).toEqual(SILENT);
    await machine.quiet();
    expectOnce(scene, folder);
  });

  test('the command line says so, and sends nothing', async () => {
    const scene = await aScene();
    const { machine, collector } = scene;
    const folder = machine.bring('nest');
    aDisk(machine.paths.state).fillBut(0);
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const { code, stderr } = await command(await built.cli(), machine, [folder], env).ended;
    expect(stderr).toMatch(/can't be written, so nothing is sent: ENOSPC/);
    expect(code).toBe(2);
    expect(collector.requests).toEqual([]);
  });
});

describe('a read-only state folder', () => {
  test('hooks and worker leave it at that; writable again, the next hook makes up for it', async () => {
    const scene = await aScene();
    const { machine, collector } = scene;
    const disk = aDisk(machine.paths.state);
    const folder = machine.bring('rewind');
    const [one, ...others] = transcriptsIn(folder);
    scene.end([one!]);
    disk.becomeReadOnly();
    expect(await worker(machine).ended).toEqual(DONE);
    expect(await agentHook(machine, 'SessionEnd', others[0]!)).toEqual(SILENT);
    await machine.quiet();
    expect(collector.requests).toEqual([]);
    expect(machine.queued()).toHaveLength(1);
    const { code, stderr } = await command(await built.cli(), machine, [folder], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }).ended;
    expect(stderr).toMatch(/can't be written, so nothing is sent/);
    expect([code, collector.requests]).toEqual([2, []]);
    disk.becomeWritable();
    for (const other of others) expect(await agentHook(machine, 'SessionEnd', other)).toEqual(SILENT);
    await machine.quiet();
    expect(taken(scene)).toEqual(spanIdsOf(folder));
    expect(leftBehind(machine)).toEqual([]);
  });
});

describe('damage', () => {
  test('garbage in the queue: it goes, and the jobs beside it are done', async () => {
    const scene = await aScene();
    const { machine } = scene;
    const folder = machine.bring('nest');
    const queue = join(machine.paths.state, 'queue');
    const [transcript] = transcriptsIn(folder);
    scene.end([transcript!]);
    const [good] = machine.queued();
    const job = readFileSync(join(queue, good!), 'utf8');
    // Cut anywhere it is no job, or tells of this session, or of a file that is not there.
    for (let end = 0; end < job.length; end += 7) writeFileSync(join(queue, `cut-${end}.job`), job.slice(0, end));
    const payloads = [
      '', '{', 'null', '[]', '7', '"x"', '{"session_id":7}', '{"session_id":""}', '{"session_id":"../../../etc","hook_event_name":"Stop"}',
      '{"session_id":"a\\u0000b","hook_event_name":"Stop","cwd":"/a\\u0000b","transcript_path":"/a\\u0000b"}',
      '{"session_id":"x","hook_event_name":"Stop","cwd":{},"transcript_path":[]}',
      `{"session_id":"${'x'.repeat(5_000)}","hook_event_name":"SessionEnd"}`,
      '\0'.repeat(100), '{"session_id":"x","hook_event_name":"Nonsense"}',
    ]; // biome-ignore format: one after another
    payloads.forEach((payload, n) => {
      writeFileSync(join(queue, `odd-${n}.job`), `trace-build job 1\nevent=\nproject_dir=/a\0b\nnonsense\npid=-1\n\n${payload}`);
    });
    mkdirSync(join(queue, 'folder.job'));
    writeFileSync(join(queue, 'README'), 'not ours');
    await work(machine);
    await work(machine);
    expect(taken(scene), machine.log()).toEqual(spanIdsOf(folder));
    expect(machine.queued()).toEqual(['folder.job']);
    expect(readdirSync(queue).toSorted()).toEqual(['README', 'folder.job']);
    expect(leftBehind(machine).filter((left) => left !== 'queue/folder.job')).toEqual([]);
  });

  test.each([
    { what: 'the ledger cut in half', pattern: /ledger\/.*\/[0-9a-f]{2}\.jsonl$/, twice: true },
    { what: 'what is remembered of sessions', pattern: /sessions\/claude-code\/.*\.json$/, twice: false },
    {
      what: 'what is remembered of the collector, of roots, of scans',
      pattern: /(?:destination|roots|catch-up|notice)\.json$/,
      twice: false,
    },
    { what: 'the log', pattern: /\/log$/, twice: false },
  ])('$what: at worst spans come twice', async ({ pattern, twice }) => {
    const { scene, folder, transcripts } = await delivered('rewind');
    const { machine } = scene;
    machine.hook('SessionStart', '/nowhere/another.jsonl');
    await work(machine);
    const files = stateFiles(scene, pattern);
    expect(files.length).toBeGreaterThan(0);
    for (const spoil of [(text: string) => text.slice(0, text.length / 2), () => 'null', () => '\0'.repeat(99)]) {
      for (const file of stateFiles(scene, pattern)) writeFileSync(file, spoil(readFileSync(file, 'utf8')));
      scene.end(transcripts);
      machine.hook('SessionStart', '/nowhere/another.jsonl');
      machine.hook('SessionEnd', '/nowhere/another.jsonl');
      await work(machine);
      expect(leftBehind(machine)).toEqual([]);
    }
    expect([...new Set(taken(scene))]).toEqual(spanIdsOf(folder));
    if (!twice) expectOnce(scene, folder);
  });

  test('a ledger that a newer version wrote: nothing is sent, and the user is told', async () => {
    const scene = await aScene();
    const { machine, collector } = scene;
    const folder = machine.bring('nest');
    mkdirSync(join(machine.paths.state, 'ledger'), { recursive: true });
    const version = join(machine.paths.state, 'ledger', 'version');
    writeFileSync(version, '2\n');
    scene.end(transcriptsIn(folder));
    await work(machine);
    expect(collector.requests).toEqual([]);
    expect(machine.queued()).toHaveLength(1);
    expect(await agentHook(machine, 'SessionStart', '/nowhere/another.jsonl')).toMatchObject({
      code: 0,
      printed: expect.stringMatching(/^\{"systemMessage":"trace-build: .*newer version of trace-build.*Update trace-build.*"\}\n$/),
    });
    await machine.quiet();
    const { code, stderr } = await command(await built.cli(), machine, [folder], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }).ended;
    expect([code, stderr]).toEqual([2, expect.stringContaining('newer version')]);
    expect([readFileSync(version, 'utf8'), collector.requests]).toEqual(['2\n', []]);
    // The newer version is gone again, with its ledger.
    writeFileSync(version, '1\n');
    machine.hook('SessionEnd', '/nowhere/another.jsonl');
    await work(machine);
    expect(taken(scene)).toEqual(spanIdsOf(folder));
    expect(leftBehind(machine)).toEqual([]);
  });
});

describe('a lock that was left', () => {
  const own = processOf(process.pid)!;
  const elsewhere: Process = { ...own, place: 'another-container pid:[4026532001]' };

  /** Of the worker and of the destination, by the same process. */
  async function leftBy(holder: Process, ageMs: number): Promise<{ scene: Scene; folder: string }> {
    const { scene, folder, transcripts } = await delivered('nest');
    const { state } = scene.machine.paths;
    for (const name of readdirSync(state).filter((entry) => entry.endsWith('.lock'))) {
      const [number] = readdirSync(join(state, name));
      const path = join(state, name, number!);
      writeFileSync(path, JSON.stringify(holder));
      utimesSync(path, (Date.now() - ageMs) / 1000, (Date.now() - ageMs) / 1000);
    }
    rmSync(join(state, 'ledger'), { recursive: true });
    rmSync(join(state, 'sessions'), { recursive: true });
    scene.nextRun();
    scene.end(transcripts);
    return { scene, folder };
  }

  test.each([
    { what: 'a process that is dead', holder: { ...own, pid: 4_194_305 }, ageMs: 0 },
    { what: 'a process whose pid another one has', holder: { ...own, started: '1' }, ageMs: 0 },
    { what: 'a process of another boot', holder: { ...own, boot: 'another' }, ageMs: 0 },
    { what: 'another container, long ago', holder: elsewhere, ageMs: 10 * 60_000 },
    { what: 'another container, and the clock was set back a day since', holder: elsewhere, ageMs: -DAY_MS },
  ])('by $what: it is taken at once', async ({ holder, ageMs }) => {
    const { scene, folder } = await leftBy(holder, ageMs);
    const before = scene.collector.taken.length;
    await work(scene.machine);
    expect(taken({ collector: { ...scene.collector, taken: scene.collector.taken.slice(before) } })).toEqual(spanIdsOf(folder));
    expect(leftBehind(scene.machine)).toEqual([]);
  });

  test('by another container, just now: it may live, so the job waits for the next hook', async () => {
    const { scene } = await leftBy(elsewhere, 0);
    const before = scene.collector.requests.length;
    await work(scene.machine);
    expect(scene.collector.requests).toHaveLength(before);
    expect(scene.machine.queued()).toHaveLength(1);
  });
});

describe('transcripts', () => {
  test('deleted between hook and build: the job goes, the others are done', async () => {
    const scene = await aScene();
    const { machine } = scene;
    const folder = machine.bring('rewind');
    const [gone, ...others] = transcriptsIn(folder);
    scene.end([gone!, ...others]);
    rmSync(gone!);
    await work(machine);
    expectOnce(scene, folder);
  });

  test('deleted while something of it was still to be sent: the log says how much', async () => {
    const scene = await aScene(IMPATIENT);
    const { machine, collector } = scene;
    const folder = machine.bring('nest');
    await collector.goAway();
    scene.end(transcriptsIn(folder));
    await work(machine);
    const spans = spanIdsOf(folder).length;
    rmSync(folder, { recursive: true });
    machine.hook('SessionEnd', '/nowhere/another.jsonl');
    await work(machine);
    expect(machine.log()).toContain(`its transcript is gone, and ${spans} of its spans were not delivered`);
    expect(leftBehind(machine)).toEqual([]);
  });

  test('gone for good, then back from a backup: not sent again; what it never sent is', async () => {
    const { scene, folder, transcripts } = await delivered('resume');
    const { machine, collector } = scene;
    const backup = join(machine.home, 'backup');
    const spans = spanIdsOf(folder);
    cpSync(folder, backup, { recursive: true });
    rmSync(folder, { recursive: true });
    const sizeBefore = ledgerBytes(scene);
    const inAMonth = (): number => Date.now() + 30 * DAY_MS;
    machine.hook('SessionStart', '/nowhere/another.jsonl', { atMs: inAMonth() });
    await machine.work({ now: inAMonth });
    expect(ledgerBytes(scene)).toBeLessThan(sizeBefore / 2);
    expect(stateFiles(scene, /sessions\/claude-code\/[0-9a-f-]{36}\.json$/)).toEqual([]);
    renameSync(backup, folder);
    const requests = collector.requests.length;
    scene.end(transcripts);
    await work(machine);
    expect(collector.requests).toHaveLength(requests);
    expect(taken(scene)).toEqual(spans);
    machine.hook('SessionEnd', '/nowhere/another.jsonl');
    await work(machine);
    expect(leftBehind(machine)).toEqual([]);
  });

  test('truncated and written anew: what it told before is not sent again', async () => {
    const { scene, folder, transcripts } = await delivered('rewind');
    for (const transcript of transcripts) {
      const whole = readFileSync(transcript, 'utf8');
      truncateSync(transcript, Math.floor(whole.length / 2));
      scene.machine.hook('Stop', transcript, { atMs: Date.now() - 60_000 });
      await work(scene.machine);
      writeFileSync(transcript, whole);
    }
    scene.end(transcripts);
    await work(scene.machine);
    expect([...new Set(taken(scene))]).toEqual(spanIdsOf(folder));
    expect(repeatsIn(scene.collector.requests, new Set()).unexplained).toEqual([]);
  });
});

const ledgerBytes = (scene: Scene): number => stateFiles(scene, /ledger\/.*\.jsonl$/).reduce((sum, path) => sum + statSync(path).size, 0);
