/** Tasks over many sessions: the same results in threads and in this process, whatever goes wrong with one of them. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import pc from 'picocolors';
import { afterAll, expect, test, vi } from 'vitest';
import type { World } from '../../src/cli/run.ts';
import { overSessions, type ThreadOptions } from '../../src/cli/threads.ts';
import { findSessions, type SessionRef } from '../../src/read/find.ts';
import { PLACES, refsOf } from '../support/stories.ts';

const scratch = mkdtempSync(join(tmpdir(), 'trace-build-threads-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const world: World = {
  env: {},
  home: scratch,
  cwd: scratch,
  version: '1.2.3',
  platform: 'linux',
  managed: '/nowhere/managed.json',
  dist: pathToFileURL(`${process.cwd()}/dist/`),
  out: { colors: pc.createColors(false), width: undefined, watched: false, write: async () => {}, note: () => {}, complain: () => {} },
};
const SUMMARY = { kind: 'summary', content: 'redacted', nowMs: Date.parse('2026-08-01T00:00:00Z') } as const;
const refs: readonly SessionRef[] = ['nest', 'team', 'rewind', 'old-2.1.150'].flatMap(refsOf);

async function resultsOf(some: readonly SessionRef[], options: ThreadOptions = {}, where: World = world) {
  const results = [];
  for await (const result of overSessions(some, SUMMARY, where, options)) results.push(result);
  return results;
}
const bySession = (results: Awaited<ReturnType<typeof resultsOf>>) => {
  const pathOf = ({ path, folder, sessionId }: SessionRef): string => path ?? join(folder, sessionId);
  return results.map(({ ref, ...result }) => [pathOf(ref), result] as const).toSorted(([a], [b]) => (a < b ? -1 : 1));
};

test('threads make of sessions what this process makes of them', async () => {
  expect(refs.length).toBeGreaterThan(8);
  expect(existsSync('dist/thread.js'), 'npm run build was run').toBe(true);
  const alone = await resultsOf(refs, { threads: 1 });
  const threaded = await resultsOf(refs, { threads: 3 });
  expect(alone.map(({ ref }) => ref)).toEqual(refs);
  expect(alone.map(({ kind }) => kind)).toEqual(refs.map(() => 'summary'));
  expect(bySession(threaded)).toEqual(bySession(alone));
});

test('a result has the very session that was given', async () => {
  for (const { ref } of await resultsOf(refs, { threads: 2 })) expect(refs).toContain(ref);
});

test('a session that vanished fails alone', async () => {
  const path = join(scratch, '00000000-0000-4000-8000-000000000001.jsonl');
  writeFileSync(path, '{}\n');
  const [gone] = findSessions(path, PLACES);
  rmSync(path);
  for (const threads of [1, 2]) {
    const results = await resultsOf([gone!, ...refs], { threads });
    const failed = results.filter((result) => result.kind === 'failed');
    expect(failed).toEqual([{ kind: 'failed', message: expect.stringContaining(path), hint: expect.any(String), ref: gone }]);
    expect(results.length).toBe(refs.length + 1);
  }
});

/** Stands for our thread, and dies of one session. */
function dyingThread(of: string): URL {
  const folder = mkdtempSync(join(scratch, 'dist-'));
  writeFileSync(
    join(folder, 'thread.js'),
    `import { parentPort } from 'node:worker_threads';
     parentPort.on('message', ({ index, ref }) => {
       if (ref.sessionId === '${of}') throw new Error('no more memory');
       parentPort.postMessage({ index, outcome: { kind: 'summary', summary: ref.sessionId } });
     });
     parentPort.postMessage('ready');`,
  );
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  return pathToFileURL(`${folder}/`);
}

test('what a thread dies of costs the session it was at; another thread does the rest', async () => {
  const victim = refs[2]!;
  const results = await resultsOf(refs, { threads: 2 }, { ...world, dist: dyingThread(victim.sessionId) });
  expect(results.length).toBe(refs.length);
  expect(results.filter(({ kind }) => kind === 'failed')).toEqual([{ kind: 'failed', message: 'no more memory', ref: victim }]);
});

test('threads that cannot begin: this process does it all', async () => {
  const folder = mkdtempSync(join(scratch, 'dist-'));
  writeFileSync(join(folder, 'thread.js'), 'throw new Error("not here");');
  const results = await resultsOf(refs, { threads: 2 }, { ...world, dist: pathToFileURL(`${folder}/`) });
  expect(bySession(results)).toEqual(bySession(await resultsOf(refs, { threads: 1 })));
});

test('no built program, no threads, the same results', async () => {
  const { dist: _, ...unbuilt } = world;
  expect(bySession(await resultsOf(refs, {}, unbuilt))).toEqual(bySession(await resultsOf(refs, { threads: 1 })));
});

test('threads end with the consumer, who may stop early', async () => {
  const ended = vi.spyOn(Worker.prototype, 'terminate');
  for await (const { kind } of overSessions(refs, SUMMARY, world, { threads: 2 })) {
    expect(kind).toBe('summary');
    expect(ended).toHaveBeenCalledTimes(0);
    break;
  }
  expect(ended).toHaveBeenCalledTimes(2);
  await resultsOf(refs, { threads: 3 });
  expect(ended).toHaveBeenCalledTimes(5);
});

test('a slow consumer holds the threads up', async () => {
  const [one] = refsOf('nest');
  const many = Array.from({ length: 200 }, () => one!);
  const folder = mkdtempSync(join(scratch, 'dist-'));
  const done = join(folder, 'done');
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(folder, 'thread.js'),
    `import { appendFileSync } from 'node:fs';
     import { parentPort } from 'node:worker_threads';
     parentPort.on('message', ({ index, ref }) => {
       appendFileSync(${JSON.stringify(done)}, '.');
       parentPort.postMessage({ index, outcome: { kind: 'summary', summary: ref.sessionId } });
     });
     parentPort.postMessage('ready');`,
  );
  let taken = 0;
  for await (const _ of overSessions(many, SUMMARY, { ...world, dist: pathToFileURL(`${folder}/`) }, { threads: 2 })) {
    taken++;
    // As much as the threads would need to do it all.
    if (taken <= 20) for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(readFileSync(done, 'utf8').length).toBeLessThanOrEqual(taken + 16);
  }
  expect(taken).toBe(200);
});
