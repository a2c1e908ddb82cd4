/** A collector that is away, refuses, is not one, breaks off: what it did not take comes later, what it took never again. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FaultAnswer } from '../../support/fault-collector.ts';
import { expectOnce, IMPATIENT, leftBehind, type Scene, scenes, taken, work } from '../../support/faults.ts';
import { spanIdsOf, transcriptsIn } from '../../support/machine.ts';

const aScene = scenes();

const healthFile = ({ machine }: Scene): string => {
  const ledger = join(machine.paths.state, 'ledger');
  const [key] = readdirSync(ledger).filter((name) => name !== 'version');
  return join(ledger, key!, 'destination.json');
};

/** As if so much time had gone by that it may be tried again. */
function passBackoff(scene: Scene): void {
  const path = healthFile(scene);
  const stored = JSON.parse(readFileSync(path, 'utf8'));
  stored.health.failing.retryAtMs = Date.now() - 1;
  writeFileSync(path, JSON.stringify(stored));
}

/** Another session's hook: it tells nothing of those that wait. */
async function anotherHook(scene: Scene): Promise<void> {
  scene.machine.hook('SessionEnd', '/nowhere/another.jsonl');
  await work(scene.machine);
}

const notice = ({ machine }: Scene): string | undefined => {
  const path = join(machine.paths.state, 'notice.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).systemMessage : undefined;
};

async function threeSessions(config?: Readonly<Record<string, unknown>>): Promise<{ scene: Scene; folder: string }> {
  const scene = await aScene(config);
  const folder = scene.machine.bring('rewind');
  scene.end(transcriptsIn(folder));
  return { scene, folder };
}

/** All is delivered in the end, each span once; the errors on the way were told. */
function expectAllOnce(scene: Scene, folder: string): void {
  expect(taken(scene)).toEqual(spanIdsOf(folder));
  expect(leftBehind(scene.machine)).toEqual([]);
  expect(notice(scene)).toBeUndefined();
}

test('away, then back: the worker does not stay, the next hook does not try, the one after the backoff delivers', async () => {
  const { scene, folder } = await threeSessions(IMPATIENT);
  await scene.collector.goAway();
  const startedMs = performance.now();
  await work(scene.machine);
  // One try for all three sessions.
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect(scene.machine.queued()).toEqual([]);
  expect(notice(scene)).toContain('3 sessions wait to be delivered');

  await scene.collector.comeBack();
  await anotherHook(scene);
  expect(scene.collector.connections()).toBe(0);

  scene.configure({});
  passBackoff(scene);
  await anotherHook(scene);
  expectAllOnce(scene, folder);
});

test('an expired token over a weekend: asked seldom, and with the new one at once', async () => {
  const { scene, folder } = await threeSessions();
  const { collector, machine } = scene;
  let valid = 'monday';
  collector.answers(({ headers }) =>
    headers['authorization'] === valid ? { status: 200 } : { status: 401, body: '{"message":"token expired"}' },
  );
  const renew = (token: string): void => machine.configure({ endpoint: collector.url, headers: { authorization: token } });
  renew('friday');
  await work(machine);
  expect(collector.requests).toHaveLength(1);
  for (let n = 0; n < 3; n++) await anotherHook(scene);
  expect(collector.requests).toHaveLength(1);
  expect(notice(scene)).toMatch(/3 sessions wait to be delivered.*401/);
  expect(notice(scene)).not.toContain('friday');

  renew('monday');
  await anotherHook(scene);
  expectAllOnce(scene, folder);
  // And so it goes again; what was delivered under another token stays delivered.
  valid = 'tuesday';
  scene.end(transcriptsIn(folder));
  await work(machine);
  expectAllOnce(scene, folder);
});

const HTML = '<!doctype html><title>Sign in to the office network</title>';

test.each<{ what: string; answer: FaultAnswer; says: RegExp }>([
  { what: 'a proxy that answers 200 with a web page', answer: { status: 200, body: HTML, takes: false }, says: /Sign in/ },
  {
    what: 'a proxy that sends to its login',
    answer: { status: 302, headers: { location: 'https://login.example' } },
    says: /login\.example/,
  },
  { what: 'a path where nothing is', answer: { status: 404 }, says: /404/ },
  {
    what: 'a collector that is busy for longer than anybody waits',
    answer: { status: 503, headers: { 'retry-after': '600' } },
    says: /503/,
  },
])('$what: nothing counts as delivered, and later all is', async ({ answer, says }) => {
  const { scene, folder } = await threeSessions();
  scene.collector.answers(answer);
  const startedMs = performance.now();
  await work(scene.machine);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  expect(scene.collector.requests).toHaveLength(1);
  expect(notice(scene)).toMatch(says);
  scene.collector.answers({ status: 200 });
  await anotherHook(scene);
  expect(scene.collector.requests).toHaveLength(1);
  passBackoff(scene);
  await anotherHook(scene);
  expectAllOnce(scene, folder);
});

test.each(['dies before it answers', 'never answers'])('takes a batch and %s: that batch comes twice, no other', async (how) => {
  const { scene, folder } = await threeSessions(IMPATIENT);
  const { collector, machine } = scene;
  const held = how === 'never answers' ? collector.hold('unanswered') : undefined;
  collector.answers('takes and dies');
  await work(machine);
  held?.go();
  expect(collector.requests).toHaveLength(1);
  const lost = taken(scene);
  expect(lost.length).toBeGreaterThan(0);
  collector.answers({ status: 200 });
  scene.configure({});
  passBackoff(scene);
  await anotherHook(scene);
  expect([...new Set(taken(scene))]).toEqual(spanIdsOf(folder));
  expect(taken(scene)).toEqual([...spanIdsOf(folder), ...lost].toSorted());
  expect(leftBehind(machine)).toEqual([]);
});

test('503 for half of the requests: in one run, each span once', async () => {
  const { scene, folder } = await threeSessions();
  const { collector, machine } = scene;
  const asked = new Set<string>();
  collector.answers(({ body }) => {
    const again = asked.has(body.toString('base64'));
    asked.add(body.toString('base64'));
    return again ? { status: 200 } : { status: 503, headers: { 'retry-after': '0' } };
  });
  await work(machine);
  expect(collector.requests).toHaveLength(2 * asked.size);
  expectOnce(scene, folder);
});

test('refuses a part: counted, told, and not sent again', async () => {
  const { scene, folder } = await threeSessions();
  const { collector, machine } = scene;
  const partial = { partialSuccess: { rejectedSpans: '2', errorMessage: 'older than 7 days' } };
  collector.answers({ status: 200, body: JSON.stringify(partial) });
  await work(machine);
  expect(machine.log()).toMatch(/ 2 refused.*older than 7 days/);
  collector.answers({ status: 200 });
  scene.end(transcriptsIn(folder));
  await work(machine);
  // It had them in hand: which of them it refused it did not say.
  expect(taken(scene)).toEqual(spanIdsOf(folder));
  expect(leftBehind(machine)).toEqual([]);
});

test('away while a scan finds sessions that no hook told of: the next hook brings them', async () => {
  const scene = await aScene();
  const { collector, machine } = scene;
  const folder = machine.bring('rewind');
  const roots = { trace_roots: [{ path: '/home/dev', added: '2020-01-01T00:00:00Z' }] };
  scene.configure({ ...IMPATIENT, ...roots });
  await collector.goAway();
  machine.hook('SessionStart', '/nowhere/another.jsonl');
  await work(machine);
  expect(notice(scene)).toContain('wait to be delivered');
  await collector.comeBack();
  scene.configure(roots);
  passBackoff(scene);
  await anotherHook(scene);
  expect(taken(scene)).toEqual(spanIdsOf(folder));
  expect(notice(scene)).toBeUndefined();
});

describe('a config', () => {
  test('without an endpoint yet: what hooks told is kept, and sent when there is one', async () => {
    const { scene, folder } = await threeSessions();
    const { collector, machine } = scene;
    machine.configure({});
    await work(machine);
    expect(machine.queued()).toEqual([]);
    expect(notice(scene)).toContain('No endpoint is set');
    machine.configure({ endpoint: collector.url });
    await anotherHook(scene);
    expectAllOnce(scene, folder);
  });

  test('that is broken: the jobs stay, the user is told; mended, all is sent', async () => {
    const { scene, folder } = await threeSessions();
    const { collector, machine } = scene;
    writeFileSync(machine.paths.config, '{"trace_roots": ["*"], ');
    await work(machine);
    expect(machine.queued()).toHaveLength(3);
    expect(notice(scene)).toContain('config.json');
    expect(collector.requests).toEqual([]);
    scene.nextRun();
    await anotherHook(scene);
    expect(taken(scene)).toEqual(spanIdsOf(folder));
    expect(notice(scene)).toBeUndefined();
    expect(leftBehind(machine)).toEqual([]);
  });
});
