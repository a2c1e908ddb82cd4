/** What was acknowledged is remembered; what is damaged is forgotten, and never believed. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { isOfNewerVersion, type Ledger, openLedger, settledSpans } from '../../src/export/ledger.ts';
import type { Span } from '../../src/trace/span.ts';
import { scratches } from '../support/scratch.ts';
import { span, spansNumbered } from '../support/spans.ts';

const aState = scratches('ledger');

const KEY = '0123456789abcdef';
const folderOf = (state: string): string => join(state, 'ledger', KEY);
const open = (state: string): Ledger => openLedger(state, KEY);
const of = (session: string, spans: readonly Span[]): readonly Span[] =>
  spans.map((one) => ({ ...one, attributes: { ...one.attributes, 'session.id': session } }));
const trace = (n: number): string => n.toString(16).padStart(32, '0');

function deliver(ledger: Ledger, spans: readonly Span[], session: string): void {
  ledger.intend(spans, session);
  ledger.settle(spans);
}

/** As a later process sees it. */
const known = (state: string, spans: readonly Span[], session?: string): Record<string, number> =>
  Object.fromEntries(open(state).acknowledged(spans, session));
const endsOf = (spans: readonly Span[]): Record<string, number> => Object.fromEntries(spans.map(({ spanId, endMs }) => [spanId, endMs]));

test('what was intended is not acknowledged; what was settled is, with its end', () => {
  const state = aState();
  const spans = spansNumbered(3);
  const ledger = open(state);
  expect(known(state, spans)).toEqual({});
  ledger.intend(spans, 'a');
  expect(known(state, spans)).toEqual({});
  ledger.settle(spans);
  expect(known(state, spans)).toEqual(endsOf(spans));
  expect(known(state, [span(9)])).toEqual(endsOf(spans));
  expect(known(state, [span(0, { traceId: trace(2) })])).toEqual({});
});

test('intended whole, settled in halves', () => {
  const state = aState();
  const spans = spansNumbered(4);
  const ledger = open(state);
  ledger.intend(spans, 'a');
  ledger.intend(spans.slice(0, 2), 'a');
  ledger.settle(spans.slice(0, 2));
  ledger.intend(spans.slice(2), 'a');
  expect(known(state, spans)).toEqual(endsOf(spans.slice(0, 2)));
});

test('of an end that moved the latest counts', () => {
  const state = aState();
  const later = span(0, { endMs: span(0).endMs + 5 });
  deliver(open(state), [later], 'a');
  deliver(open(state), [span(0)], 'a');
  expect(known(state, [later])).toEqual(endsOf([later]));
});

test('destinations know nothing of one another', () => {
  const state = aState();
  deliver(open(state), [span(0)], 'a');
  expect([...openLedger(state, 'fedcba9876543210').acknowledged([span(0)], 'a')]).toEqual([]);
});

test('one who asks for nobody writes nothing', () => {
  const state = aState();
  deliver(open(state), [span(0)], 'a');
  const before = readFileSync(join(folderOf(state), '00.jsonl'), 'utf8');
  known(state, [span(0)]);
  expect(readFileSync(join(folderOf(state), '00.jsonl'), 'utf8')).toBe(before);
});

test('only its owner may read it', () => {
  const state = aState();
  deliver(open(state), [span(0)], 'a');
  const paths = [join(state, 'ledger'), folderOf(state), join(folderOf(state), '00.jsonl'), join(state, 'ledger', 'version')];
  expect(paths.map((path) => (statSync(path).mode & 0o777).toString(8))).toEqual(['700', '700', '600', '600']);
});

describe('versions', () => {
  test('of a newer one nothing is touched and nothing may be sent', () => {
    const state = aState();
    deliver(open(state), [span(0)], 'a');
    writeFileSync(join(state, 'ledger', 'version'), '2\n');
    const before = readdirSync(folderOf(state)).map((name) => readFileSync(join(folderOf(state), name), 'utf8'));
    expect(() => open(state)).toThrow(UserError);
    expect(() => open(state)).toThrow(/newer version of trace-build/);
    expect(readFileSync(join(state, 'ledger', 'version'), 'utf8')).toBe('2\n');
    expect(readdirSync(folderOf(state)).map((name) => readFileSync(join(folderOf(state), name), 'utf8'))).toEqual(before);
  });

  test.each(['', '\n', '0', 'x', '\0\0'])('damaged to %j, it is ours', (text) => {
    const state = aState();
    deliver(open(state), [span(0)], 'a');
    writeFileSync(join(state, 'ledger', 'version'), text);
    expect(known(state, [span(0)])).toEqual(endsOf([span(0)]));
    expect(readFileSync(join(state, 'ledger', 'version'), 'utf8')).toBe('1\n');
  });
});

describe('damage', () => {
  const traces = [1, 2].map((n) => spansNumbered(2, { traceId: trace(n) }));
  const spans = traces.flat();
  const other = span(7, { traceId: trace(1) });

  /** A file with three acknowledged lines and one intended. */
  function written(): { state: string; path: string; bytes: Buffer } {
    const state = aState();
    const ledger = open(state);
    deliver(ledger, traces[0]!, 'a');
    ledger.intend([other], 'a');
    for (const one of traces[1]!) deliver(ledger, [one], 'b');
    const path = join(folderOf(state), '00.jsonl');
    return { state, path, bytes: readFileSync(path) };
  }

  test('cut after any byte: nothing is believed that was not whole, and what comes after is', () => {
    const { state, path, bytes } = written();
    const whole = endsOf(spans);
    let least = spans.length;
    for (let end = bytes.length; end >= 0; end--) {
      writeFileSync(path, bytes.subarray(0, end));
      const kept = known(state, spans);
      expect(whole).toMatchObject(kept);
      // What a longer file did not tell a shorter one does not.
      expect(Object.keys(kept).length).toBeLessThanOrEqual(least);
      least = Object.keys(kept).length;
      deliver(open(state), [other], 'a');
      expect(known(state, [...spans, other], 'c')).toEqual({ ...kept, ...endsOf([other]) });
    }
    expect(least).toBe(0);
  });

  test('zeros from any byte on, as a power cut leaves them', () => {
    const { state, path, bytes } = written();
    for (let end = bytes.length; end >= 0; end -= 3) {
      writeFileSync(path, Buffer.concat([bytes.subarray(0, end), Buffer.alloc(bytes.length - end)]));
      expect(endsOf(spans)).toMatchObject(known(state, spans));
      deliver(open(state), [other], 'a');
      expect(known(state, [other])).toMatchObject(endsOf([other]));
    }
  });

  const id = span(0).spanId;
  test.each([
    ['nothing', ''],
    ['line feeds', '\n\n\n'],
    ['text', 'hello'],
    ['bytes that are no UTF-8', '\xff\xfe\0'],
    ['a mark alone', '+'],
    ['null', '+null'],
    ['a list', '+[]'],
    ['no spans', `+{"t":"${trace(1)}","c":"a"}`],
    ['spans that are null', `+{"t":"${trace(1)}","c":"a","s":null}`],
    ['an end that is text', `+{"t":"${trace(1)}","c":"a","s":{"${id}":"x"}}`],
    ['an end that is null', `+{"t":"${trace(1)}","c":"a","s":{"${id}":null}}`],
    ['an end beyond all numbers', `+{"t":"${trace(1)}","c":"a","s":{"${id}":1e999}}`],
    ['a session that is a number', `+{"t":"${trace(1)}","c":1,"s":{"${id}":9e15}}`],
    ['an intention', `-{"t":"${trace(1)}","c":"a","s":{"${id}":9e15}}`],
    ['another mark', `*{"t":"${trace(1)}","c":"a","s":{"${id}":9e15}}`],
    ['a key of the prototype', `+{"t":"${trace(1)}","c":"a","s":{"__proto__":9e15}}`],
  ])('a line of garbage is no line: %s', (_, line) => {
    const state = aState();
    deliver(open(state), [span(1)], 'a');
    const path = join(folderOf(state), '00.jsonl');
    const text = readFileSync(path, 'latin1');
    for (const file of [`${line}${text}`, `${text}${line}`, `${text}\n${line}\n`, `\n${line}\n${text}`]) {
      writeFileSync(path, file, 'latin1');
      expect(known(state, spansNumbered(2), 'a')[id]).toBeUndefined();
      expect(known(state, spansNumbered(2), 'a')).toMatchObject(endsOf([span(1)]));
      open(state).prune(() => false);
      expect(known(state, spansNumbered(2), 'a')).toMatchObject(endsOf([span(1)]));
    }
  });

  test('watermarks cut after any byte', () => {
    const state = aState();
    const [a, b] = [of('a', traces[0]!), of('b', traces[1]!)];
    deliver(open(state), a, 'a');
    deliver(open(state), b, 'b');
    open(state).prune(() => true);
    const path = join(folderOf(state), 'watermarks.jsonl');
    const bytes = readFileSync(path);
    expect(known(state, [...a, ...b])).toEqual(endsOf([...a, ...b]));
    for (let end = 0; end < bytes.length; end++) {
      writeFileSync(path, bytes.subarray(0, end));
      expect(endsOf([...a, ...b])).toMatchObject(known(state, [...a, ...b]));
    }
  });
});

describe('sessions whose transcripts are gone', () => {
  const early = of('a', spansNumbered(2, { traceId: trace(1) }));
  const late = of('a', [span(50, { traceId: trace(0x0200) })]);

  test('shrink to a time: what ended until then is not sent again, what ended later is', () => {
    const state = aState();
    deliver(open(state), early, 'a');
    const before = statSync(join(folderOf(state), '00.jsonl')).size;
    open(state).prune((session) => session === 'a');
    expect(statSync(join(folderOf(state), '00.jsonl')).size).toBeLessThan(before);
    expect(known(state, [...early, ...late])).toEqual(endsOf(early));
    // Gone already, and once more.
    open(state).prune(() => true);
    expect(known(state, [...early, ...late])).toEqual(endsOf(early));
  });

  test('others stay as they are', () => {
    const state = aState();
    const [b] = [of('b', [span(5, { traceId: trace(3) })])];
    deliver(open(state), early, 'a');
    deliver(open(state), b!, 'b');
    open(state).prune((session) => session === 'a');
    expect(known(state, [...early, ...b!])).toEqual(endsOf([...early, ...b!]));
    expect(readFileSync(join(folderOf(state), 'watermarks.jsonl'), 'utf8')).not.toContain('"b"');
  });

  test('a turn that a living fork shares stays', () => {
    const state = aState();
    deliver(open(state), early, 'a');
    expect(known(state, early, 'fork')).toEqual(endsOf(early));
    const before = readFileSync(join(folderOf(state), '00.jsonl'), 'utf8');
    known(state, early, 'fork');
    expect(readFileSync(join(folderOf(state), '00.jsonl'), 'utf8')).toBe(before);
    open(state).prune((session) => session === 'a');
    expect(known(state, of('fork', early))).toEqual(endsOf(early));
  });

  test('a turn that only a fork which is gone, too, shared is not sent again by either', () => {
    const state = aState();
    const forked = of('fork', early);
    deliver(open(state), early, 'a');
    known(state, forked, 'fork');
    open(state).prune(() => true);
    expect(known(state, early)).toEqual(endsOf(early));
    expect(known(state, forked)).toEqual(endsOf(early));
  });

  test('killed after the watermarks were written: nothing is lost, and the next time it is done', () => {
    const state = aState();
    deliver(open(state), early, 'a');
    const text = readFileSync(join(folderOf(state), '00.jsonl'));
    open(state).prune(() => true);
    writeFileSync(join(folderOf(state), '00.jsonl'), text);
    expect(known(state, early)).toEqual(endsOf(early));
    open(state).prune(() => true);
    expect(readFileSync(join(folderOf(state), '00.jsonl'), 'utf8')).toBe('');
    expect(known(state, early)).toEqual(endsOf(early));
  });

  test('nothing is left of what was only intended, nor of torn lines', () => {
    const state = aState();
    const b = of('b', [span(5, { traceId: trace(3) })]);
    deliver(open(state), early, 'a');
    open(state).intend(early, 'a');
    deliver(open(state), b, 'b');
    writeFileSync(join(folderOf(state), '00.jsonl'), '\n+{"t":"torn', { flag: 'a' });
    open(state).prune((session) => session === 'a');
    const lines = readFileSync(join(folderOf(state), '00.jsonl'), 'utf8').split('\n');
    expect(lines.filter((line) => line !== '')).toEqual([expect.stringContaining('"c":"b"')]);
  });
});

test('what lies beside the ledger is none of its business', () => {
  const state = aState();
  mkdirSync(join(folderOf(state), 'zz.jsonl'), { recursive: true });
  for (const name of ['destination.json', '.00.jsonl.1.2.tmp', 'README']) writeFileSync(join(folderOf(state), name), 'x');
  deliver(open(state), [span(0)], 'a');
  open(state).prune(() => true);
  expect(known(state, of('a', [span(0)]))).toEqual(endsOf([span(0)]));
  expect(readdirSync(folderOf(state)).toSorted()).toEqual([
    '.00.jsonl.1.2.tmp',
    '00.jsonl',
    'README',
    'destination.json',
    'watermarks.jsonl',
    'zz.jsonl',
  ]);
});

describe('for whoever only looks', () => {
  test('how many spans are settled: each once, whatever was only intended, shared, torn or damaged', () => {
    const state = aState();
    const ledger = open(state);
    const spans = [...spansNumbered(3), span(100, { traceId: trace(1) })];
    deliver(ledger, spans, 'a "s":{ session');
    deliver(
      ledger,
      spans.map((one) => ({ ...one, endMs: one.endMs + 1 })),
      'a',
    );
    ledger.acknowledged(spans, 'a fork');
    ledger.intend([span(101, { traceId: trace(1) })], 'a');
    const path = join(folderOf(state), readdirSync(folderOf(state))[0]!);
    writeFileSync(path, `${readFileSync(path, 'utf8')}\nxx{"s":{"ff00000000000003":1}}\n`);
    expect(settledSpans(state, KEY)).toBe(4);
  });

  test('whether a newer version was here', () => {
    const state = aState();
    expect(isOfNewerVersion(state)).toBe(false);
    open(state);
    expect(isOfNewerVersion(state)).toBe(false);
    writeFileSync(join(state, 'ledger', 'version'), '2\n');
    expect(isOfNewerVersion(state)).toBe(true);
  });
});

describe('what was told of a session as a whole', () => {
  const account = (count: number) => ({ owner: '', counts: { 'gen_ai.usage.input_tokens': count } });
  const tell = (ledger: Ledger, one: Span, count: number, session = 'a'): void =>
    ledger.intend([one, span(50, { traceId: one.traceId })], session, new Map([[one.spanId, account(count)]]));

  test('is acknowledged with its span, and known before, of this session only', () => {
    const state = aState();
    const ledger = open(state);
    tell(ledger, span(0), 5);
    expect([...open(state).told('a')]).toEqual([[span(0).spanId, { ...account(5), acknowledged: false }]]);
    ledger.settle([span(0)]);
    expect([...open(state).told('a')]).toEqual([[span(0).spanId, { ...account(5), acknowledged: true }]]);
    expect(known(state, [span(0), span(50)])).toEqual(endsOf([span(0)]));
    tell(ledger, span(0), 7);
    expect(open(state).told('a').get(span(0).spanId)).toMatchObject(account(5));
    ledger.settle([span(0), span(50)]);
    expect(open(state).told('a').get(span(0).spanId)).toMatchObject(account(7));
    expect(known(state, [span(0), span(50)])).toEqual(endsOf([span(0), span(50)]));
    expect(open(state).told('b').size).toBe(0);
    expect(settledSpans(state, KEY)).toBe(2);
  });

  test('outlives its session, and what others wait for an answer to', () => {
    const state = aState();
    const ledger = open(state);
    tell(ledger, span(0), 5);
    ledger.settle([span(0)]);
    const other = span(1, { traceId: trace(2) });
    tell(ledger, other, 6, 'b');
    for (const times of [1, 2]) {
      open(state).prune((session) => session === 'a');
      const back = span(10 + times, { traceId: trace(3) });
      expect(open(state).told('a').get(span(0).spanId)).toEqual({ ...account(5), acknowledged: true });
      expect(open(state).told('b').get(other.spanId)).toEqual({ ...account(6), acknowledged: false });
      tell(ledger, back, 8);
      ledger.settle([back]);
    }
    open(state).prune(() => true);
    expect([...open(state).told('a').values()].map(({ counts }) => counts)).toEqual([5, 8, 8].map((count) => account(count).counts));
  });

  test.each(['"u":null', '"u":{"x":null}', '"u":{"x":{"owner":"","counts":{"y":"z"}}}'])('%s is damage', (part) => {
    const state = aState();
    open(state);
    mkdirSync(folderOf(state), { recursive: true });
    writeFileSync(join(folderOf(state), 'accounts.jsonl'), `\n+{"t":"${trace(1)}","c":"a","s":{"${span(0).spanId}":1},${part}}\n`);
    expect(open(state).told('a').size).toBe(0);
    expect(known(state, [span(0)])).toEqual({});
  });
});
