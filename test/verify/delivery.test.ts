/** What a destination has acknowledged against the build: lacking, too much, out of date, and what is no difference. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openLedger, readLedger } from '../../src/export/ledger.ts';
import type { Span } from '../../src/trace/span.ts';
import { compareDelivery } from '../../src/verify/delivery.ts';
import type { Acknowledged } from '../../src/verify/report.ts';
import { span, spansNumbered } from '../support/spans.ts';

const SPANS = spansNumbered(4);
const [FIRST] = SPANS as [Span];

const acknowledged = (spans: readonly Span[], own: Partial<Acknowledged> = {}): Acknowledged => ({
  key: 'k',
  ends: new Map(spans.map(({ spanId, endMs }) => [spanId, endMs])),
  own: new Map(spans.map(({ spanId, traceId }) => [spanId, traceId])),
  refused: 0,
  ...own,
});

describe('compared', () => {
  test.each<{ what: string; known: Acknowledged; spans?: readonly Span[]; kinds: readonly string[] }>([
    { what: 'all arrived', known: acknowledged(SPANS), kinds: [] },
    { what: 'one lacks', known: acknowledged(SPANS.slice(1)), kinds: ['span-pending'] },
    { what: 'one too much', known: acknowledged(spansNumbered(5)), kinds: ['span-not-built'] },
    {
      what: 'one has an earlier end',
      known: acknowledged([{ ...FIRST, endMs: FIRST.endMs - 1 }, ...SPANS.slice(1)]),
      kinds: ['span-outdated'],
    },
    { what: 'nothing was exported', known: acknowledged([]), kinds: [] },
    {
      what: 'what is open is not waited for',
      known: acknowledged(SPANS.slice(1)),
      spans: [{ ...FIRST, open: true }, ...SPANS.slice(1)],
      kinds: [],
    },
    {
      what: 'another session sent more of a shared turn',
      known: { ...acknowledged(spansNumbered(5)), own: acknowledged(SPANS).own },
      kinds: [],
    },
    {
      what: 'it was forgotten, and done with',
      known: acknowledged([], { doneUntilMs: Math.max(...SPANS.map(({ endMs }) => endMs)) }),
      kinds: [],
    },
    {
      what: 'a turn that another session sends',
      known: acknowledged(SPANS.slice(1, 2)),
      spans: SPANS.map((one, at) => (at === 0 ? { ...one, attributes: { ...one.attributes, 'trace_build.turn.copied': true } } : one)),
      kinds: [],
    },
    {
      what: 'turns from before the export was set up',
      known: acknowledged([span(7, { traceId: 'b'.repeat(32) })], { sinceMs: FIRST.startMs + 1 }),
      spans: [
        ...SPANS.map((one) => ({ ...one, startMs: FIRST.startMs })),
        span(7, { traceId: 'b'.repeat(32), startMs: FIRST.startMs + 2 }),
      ],
      kinds: [],
    },
  ])('$what', ({ known, spans = SPANS, kinds }) => {
    const { report, differences } = compareDelivery(known, spans);
    expect(differences.map(({ kind }) => kind)).toEqual(kinds);
    expect(report.pending + report.notBuilt).toBe(kinds.length);
    expect(report.exported).toBe(known.own.size > 0 || known.doneUntilMs !== undefined);
  });
});

test('what arrived counts as arrived, whenever its turn began and whoever is to send it', () => {
  const copied = SPANS.map((one) => ({ ...one, attributes: { ...one.attributes, 'trace_build.turn.copied': true } }));
  for (const [known, spans] of [
    [acknowledged(SPANS, { sinceMs: Number.MAX_SAFE_INTEGER }), SPANS],
    [acknowledged(SPANS), copied],
  ] as const)
    expect(compareDelivery(known, spans).report).toMatchObject({ final: SPANS.length, acknowledged: SPANS.length, leftOut: 0 });
});

describe('read off the ledger', () => {
  const state = mkdtempSync(join(tmpdir(), 'trace-build-verify-'));
  afterAll(() => rmSync(state, { recursive: true }));
  const ledger = openLedger(state, 'k');
  const deliver = (spans: readonly Span[], session: string): void => {
    ledger.intend(spans, session);
    ledger.settle(spans);
  };
  const quoted = 'of "b"';
  deliver(SPANS.slice(0, 2), 'a');
  deliver(SPANS.slice(2, 3), quoted);
  ledger.intend(SPANS.slice(3), 'a');
  const traceIds = SPANS.map(({ traceId }) => traceId);

  test('a session has what it sent itself, and what others sent of its turns', () => {
    const { ends, own, doneUntilMs } = readLedger(state, 'k').of('a', traceIds);
    expect([...own.keys()]).toEqual(SPANS.slice(0, 2).map(({ spanId }) => spanId));
    expect(Object.fromEntries(ends)).toEqual(Object.fromEntries(SPANS.slice(0, 3).map(({ spanId, endMs }) => [spanId, endMs])));
    expect(doneUntilMs).toBeUndefined();
    expect([...readLedger(state, 'k').of(quoted, []).own.keys()]).toEqual([SPANS[2]!.spanId]);
    expect(readLedger(state, 'k').of('c', []).ends.size).toBe(0);
  });

  test('what it leaves when it is forgotten', () => {
    openLedger(state, 'k').prune(() => true);
    const { own, doneUntilMs } = readLedger(state, 'k').of('a', traceIds);
    expect(own.size).toBe(0);
    expect(doneUntilMs).toBe(Math.max(...SPANS.slice(0, 3).map(({ endMs }) => endMs)));
  });

  test('reading makes nothing', () => {
    const before = readdirSync(state, { recursive: true });
    readLedger(state, 'k').of('a', traceIds);
    expect(readdirSync(state, { recursive: true })).toEqual(before);
  });
});
