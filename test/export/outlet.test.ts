/** Each span once, and an account of every one; what is known of a destination between runs. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tryLock } from '../../src/disk/lock.ts';
import { UserError } from '../../src/errors.ts';
import type { Destination } from '../../src/export/destination.ts';
import {
  healthOf,
  keyOf,
  knownDestinations,
  mayTry,
  type Outlet,
  type OutletOptions,
  type OutletReport,
  openOutlet,
} from '../../src/export/outlet.ts';
import type { Span } from '../../src/trace/span.ts';
import { type Answer, type Collector, closedPort, startCollector } from '../support/collector.ts';
import { idsTaken } from '../support/machine.ts';
import { scratches } from '../support/scratch.ts';
import { span, spansNumbered } from '../support/spans.ts';

const aState = scratches('outlet');
let state: string;
let collector: Collector;
const collectors: Collector[] = [];

beforeEach(async () => {
  state = aState();
  collector = await answering();
});
afterEach(async () => {
  for (const one of collectors.splice(0)) await one.stop();
});

async function answering(answers: readonly Answer[] = [], otherwise?: Answer): Promise<Collector> {
  const one = await startCollector(answers, otherwise);
  collectors.push(one);
  return one;
}

const to = ({ url }: { url: string }, own: Partial<Destination> = {}): Destination => ({
  url: `${url}/v1/traces`,
  headers: {},
  protocol: 'http/protobuf',
  compression: 'none',
  timeoutMs: 300,
  tls: {},
  ...own,
});

const open = (own: Partial<OutletOptions> = {}, destination: Destination = to(collector)): Outlet =>
  openOutlet(destination, { scope: { name: 'trace-build', version: '1.2.3' }, stateFolder: state, ...own });

async function send(spans: readonly Span[], own: Partial<OutletOptions> = {}, destination?: Destination): Promise<OutletReport> {
  const outlet = open(own, destination);
  try {
    return await outlet.send(spans, 'a session');
  } finally {
    await outlet.close();
  }
}

const figures = ({ built, acknowledged, before, updated, refused, pending, open: held }: OutletReport) => {
  expect(built).toBe(acknowledged + before + refused + pending + held);
  return { acknowledged, before, updated, refused, pending, open: held };
};
const NONE = { acknowledged: 0, before: 0, updated: 0, refused: 0, pending: 0, open: 0 };
const idsOf = (spans: readonly Span[]): readonly string[] => spans.map(({ spanId }) => spanId).toSorted();

describe('each span once', () => {
  test('the second time nothing is sent, not even a request', async () => {
    const spans = spansNumbered(3);
    expect(figures(await send(spans))).toEqual({ ...NONE, acknowledged: 3 });
    expect(figures(await send(spans))).toEqual({ ...NONE, before: 3 });
    expect(collector.requests).toHaveLength(1);
  });

  test('whatever changed of a span but its end', async () => {
    await send(spansNumbered(2));
    const changed = spansNumbered(2, { attributes: { other: true }, name: 'other', resource: { attributes: {} }, startMs: 1 });
    expect(figures(await send(changed))).toEqual({ ...NONE, before: 2 });
  });

  test('an end that moved later is sent and counted, an earlier one not', async () => {
    const { endMs } = span(0);
    await send([span(0)]);
    expect(figures(await send([span(0, { endMs: endMs + 1 })]))).toEqual({ ...NONE, acknowledged: 1, updated: 1 });
    expect(figures(await send([span(0, { endMs: endMs + 1 })]))).toEqual({ ...NONE, before: 1 });
    expect(figures(await send([span(0)]))).toEqual({ ...NONE, before: 1 });
    expect(collector.requests).toHaveLength(2);
  });

  test('a copy of a turn adds what is not there, and moves no end', async () => {
    const copied = { 'trace_build.turn.copied': true };
    const { endMs } = span(0);
    await send([span(0)]);
    const copy = [span(0, { endMs: endMs + 1, attributes: copied }), span(1, { endMs: endMs + 1 })];
    expect(figures(await send(copy))).toEqual({ ...NONE, acknowledged: 1, before: 1 });
    expect(collector.taken.map(({ spanId }) => spanId)).toEqual([span(0).spanId, span(1).spanId]);
  });

  test('an open one waits, unless it is asked for', async () => {
    const spans = [span(0), span(1, { open: true })];
    const report = await send(spans);
    expect(figures(report)).toEqual({ ...NONE, acknowledged: 1, open: 1 });
    expect([...report.unsettled]).toEqual([span(0).traceId]);
    const asked = await send(spans, { final: true });
    expect(figures(asked)).toEqual({ ...NONE, acknowledged: 1, before: 1 });
    expect([...asked.unsettled]).toEqual([]);
  });

  test('all again, when it is asked for', async () => {
    await send(spansNumbered(2));
    expect(figures(await send(spansNumbered(2), { resend: true }))).toEqual({ ...NONE, acknowledged: 2 });
    expect(collector.taken).toHaveLength(4);
  });

  test('two outlets at once', async () => {
    const outlets = [open(), open()];
    const reports = await Promise.all(outlets.map((outlet) => outlet.send(spansNumbered(5), 'a session')));
    expect(reports.map(({ acknowledged, before }) => acknowledged + before)).toEqual([5, 5]);
    expect(idsTaken(collector)).toEqual(idsOf(spansNumbered(5)));
    for (const outlet of outlets) await outlet.close();
  });

  test('what it would send, without sending', async () => {
    await send([span(0)]);
    const outlet = open();
    expect(idsOf(outlet.unsent([span(0), span(1), span(2, { open: true })]))).toEqual(idsOf([span(1)]));
    await outlet.close();
    expect(collector.requests).toHaveLength(1);
  });

  test('refused and half refused ones are done with; pending ones are not', async () => {
    const partial = await answering([{ status: 200, body: '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}' }]);
    expect(figures(await send(spansNumbered(5), {}, to(partial)))).toEqual({ ...NONE, acknowledged: 3, refused: 2 });
    expect(figures(await send(spansNumbered(5), {}, to(partial)))).toEqual({ ...NONE, before: 5 });
    const down = { url: await closedPort() };
    expect(figures(await send(spansNumbered(5), {}, to(down)))).toEqual({ ...NONE, pending: 5 });
    expect(figures(await send(spansNumbered(5), {}, to(down)))).toEqual({ ...NONE, pending: 5 });
  });
});

describe('a destination', () => {
  test.each([
    { what: 'a renewed token', own: { headers: { authorization: 'b' } }, same: true },
    { what: 'another protocol', own: { protocol: 'http/json' as const }, same: true },
    { what: 'another tenant', own: { headers: { authorization: 'a', 'x-scope-orgid': '2' } }, same: false },
  ])('$what is the same one: $same', async ({ own, same }) => {
    await send([span(0)], {}, to(collector, { headers: { authorization: 'a' } }));
    const { before, acknowledged } = await send([span(0)], {}, to(collector, own));
    expect([before, acknowledged]).toEqual(same ? [1, 0] : [0, 1]);
  });

  test('credentials in its URL are not part of it, nor kept', async () => {
    const port = new URL(collector.url).port;
    for (const user of ['ann:secret1@', 'ann:secret2@'])
      await send([span(0)], {}, to({ url: '' }, { url: `http://${user}127.0.0.1:${port}/v1/traces?api_key=${user}` }));
    expect(collector.requests).toHaveLength(1);
    const kept = readFileSync(join(state, 'ledger', open().key, 'destination.json'), 'utf8');
    expect(kept).not.toMatch(/secret|ann/);
  });
});

describe('how a destination did', () => {
  const SECOND_MS = 1_000;
  const HOUR_MS = 3_600_000;

  test('it waits longer after each failure, an hour at most', async () => {
    const down = await answering([], { status: 404 });
    let nowMs = 1_000_000;
    const waits: number[] = [];
    for (let n = 0; n < 9; n++) {
      await send([span(0)], { now: () => nowMs }, to(down));
      const { failing } = healthOf(to(down), state);
      waits.push((failing!.retryAtMs - nowMs) / SECOND_MS);
      expect([failing!.times, failing!.sinceMs, failing!.unusable]).toEqual([n + 1, 1_000_000, true]);
      expect([
        mayTry({ url: '', failing: failing! }, failing!.retryAtMs - 1),
        mayTry({ url: '', failing: failing! }, failing!.retryAtMs),
      ]).toEqual([false, true]);
      nowMs = failing!.retryAtMs;
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
  });

  test('a success ends it', async () => {
    const moody = await answering([{ status: 401 }]);
    await send([span(0)], {}, to(moody));
    expect(healthOf(to(moody), state).failing).toMatchObject({ times: 1, unusable: true, message: expect.stringContaining('401') });
    await send([span(0)], { now: () => 42 }, to(moody));
    expect(healthOf(to(moody), state)).toEqual({ url: to(moody).url, lastAcknowledgedMs: 42 });
  });

  test('many sessions of one run that it does not answer are one failure', async () => {
    const outlet = open({}, to({ url: await closedPort() }));
    for (let n = 0; n < 5; n++) await outlet.send([span(n)], `session ${n}`);
    expect(outlet.health().failing!.times).toBe(1);
    await outlet.close();
  });

  test('with other headers it is tried at once', async () => {
    const expired = await answering([], { status: 401 });
    await send([span(0)], {}, to(expired, { headers: { authorization: 'old' } }));
    expect(mayTry(healthOf(to(expired, { headers: { authorization: 'old' } }), state), Date.now())).toBe(false);
    expect(mayTry(healthOf(to(expired, { headers: { authorization: 'new' } }), state), Date.now())).toBe(true);
  });

  test('a clock that was set back does not make it wait', () => {
    const failing = { sinceMs: 0, times: 1, retryAtMs: 10 * HOUR_MS, message: '', unusable: false };
    expect(mayTry({ url: '', failing }, 0)).toBe(true);
    expect(mayTry({ url: '', failing }, 9.5 * HOUR_MS)).toBe(false);
  });

  test('what is damaged of it is forgotten, and the destination tried', async () => {
    const down = to({ url: await closedPort() });
    await send([span(0)], {}, down);
    const path = join(state, 'ledger', open({}, down).key, 'destination.json');
    const text = readFileSync(path, 'utf8');
    const damaged = [
      ...Array.from({ length: text.trimEnd().length }, (_, end) => text.slice(0, end)),
      'null',
      '7',
      '[]',
      '"x"',
      '\0\0\0',
      text.replace(/"health":\{.*\},"f/s, '"health":7,"f'),
      text.replace(/"health":\{.*\},"f/s, '"health":null,"f'),
      text.replace(/"failing":\{.*?\}/s, '"failing":true'),
      text.replace(/"retryAtMs":\d+/, '"retryAtMs":"soon"'),
      text.replace(/"retryAtMs":\d+,/, ''),
    ];
    for (const beginning of damaged) {
      expect(beginning).not.toBe(text);
      writeFileSync(path, beginning);
      expect(mayTry(healthOf(down, state), Date.now()), beginning).toBe(true);
    }
    writeFileSync(path, 'null');
    await send([span(0)], {}, down);
    expect(healthOf(down, state).failing!.times).toBe(1);
  });
});

describe('patience', () => {
  test('ends, though the clock is set back a day meanwhile', async () => {
    const busy = await answering([{ status: 200 }], { status: 503, headers: { 'retry-after': '1' } });
    let nowMs = Date.now();
    const now = (): number => {
      nowMs -= 24 * 3_600_000;
      return nowMs;
    };
    const limits = { maxSpans: 1, maxBytes: 1_000_000 };
    const report = await send(spansNumbered(2), { now, limits, deadlineMs: 400, backoffMs: 20 }, to(busy));
    expect(figures(report)).toEqual({ ...NONE, acknowledged: 1, pending: 1 });
  }, 5_000);
});

describe('one after another', () => {
  test('what is forgotten waits for whoever is sending', async () => {
    const outlet = open();
    await outlet.send(spansNumbered(2), 'a session');
    const path = join(state, 'ledger', outlet.key, '00.jsonl');
    const held = tryLock(join(state, `delivery-${outlet.key}.lock`))!;
    const before = readFileSync(path, 'utf8');
    const pruned = outlet.prune(() => true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(readFileSync(path, 'utf8')).toBe(before);
    held.release();
    await pruned;
    expect(readFileSync(path, 'utf8')).toBe('');
    await outlet.close();
  });
});

describe('while another process does not stop sending', () => {
  test('nobody waits for ever, nor for each session anew; after it all is sent', async () => {
    const outlet = open({ deadlineMs: 500 });
    const held = tryLock(join(state, `delivery-${outlet.key}.lock`))!;
    const startedMs = performance.now();
    for (let n = 0; n < 20; n++)
      await expect(outlet.send([span(0)], 'a session')).rejects.toThrow(`Process ${process.pid} is sending to the same destination`);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    held.release();
    expect(figures(await outlet.send([span(0)], 'a session'))).toEqual({ ...NONE, acknowledged: 1 });
    await outlet.close();
  });
});

describe('a folder that can not be written', () => {
  const inTheWay = (path: string): void => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, '');
  };

  test('of the ledger: the user is told, and nothing is sent', async () => {
    inTheWay(join(state, 'ledger'));
    await expect(send([span(0)])).rejects.toThrow(UserError);
    await expect(send([span(0)])).rejects.toThrow(/nothing is sent/);
    expect(collector.requests).toEqual([]);
  });

  test('of the lock: likewise', async () => {
    const outlet = open();
    inTheWay(join(state, `delivery-${outlet.key}.lock`));
    await expect(outlet.send([span(0)], 'a session')).rejects.toThrow(UserError);
    await outlet.close();
    expect(collector.requests).toEqual([]);
  });

  test('of one trace: nothing is sent', async () => {
    const outlet = open();
    mkdirSync(join(state, 'ledger', outlet.key, '00.jsonl'));
    await expect(outlet.send([span(0)], 'a session')).rejects.toThrow(UserError);
    await outlet.close();
    expect(collector.requests).toEqual([]);
  });

  test('how it did can not be written down: the spans arrived all the same', async () => {
    const outlet = open();
    mkdirSync(join(state, 'ledger', outlet.key, 'destination.json', 'x'), { recursive: true });
    expect(figures(await outlet.send([span(0)], 'a session'))).toEqual({ ...NONE, acknowledged: 1 });
    await outlet.close();
  });
});

test('all destinations that were ever sent to, without secrets', async () => {
  expect(knownDestinations(state)).toEqual([]);
  const { url } = await answering();
  const other = to({ url }, { url: `${url.replace('//', '//me:s3cr3t@')}/v1/traces?key=s3cr3t` });
  await send(spansNumbered(3), { now: () => 5_000 });
  await send(spansNumbered(2), { now: () => 6_000 }, other);
  writeFileSync(join(state, 'ledger', keyOf(other), 'destination.json'), 'damaged');
  await send(spansNumbered(4), { now: () => 7_000 }, other);
  const known = knownDestinations(state).toSorted((a, b) => a.spans - b.spans);
  expect(known).toEqual([
    { key: keyOf(to(collector)), url: `${collector.url}/v1/traces`, lastAcknowledgedMs: 5_000, spans: 3 },
    { key: keyOf(other), url: `${url}/v1/traces?key=****`, lastAcknowledgedMs: 7_000, spans: 4 },
  ]);
});
