/**
 * Hermes has totals of a session, and no tokens of a call. They grow, and spans are sent once: what a destination was told in
 * parts is to add up to them, whatever becomes of the session and of deliveries.
 */
import { copyFileSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { enqueue } from '../../src/hook/queue.ts';
import { trace } from '../cli/world.ts';
import { type Collector, startCollector } from '../support/collector.ts';
import { command, programs } from '../support/faults.ts';
import { aMachine, type Machine } from '../support/machine.ts';
import { flatSpans, type ReceivedSpan } from '../support/otlp.ts';
import { databaseOf } from '../support/sqlite.ts';

const SESSION = '20261121_090000_aaaaaa';
const AGENT = '20261121_090100_bbbbbb';
const BEGUN_S = 1_795_000_000;
const COLUMNS = ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'reasoning_tokens', 'estimated_cost_usd'];

/** In the order of the columns, of one turn. */
type Counts = readonly number[];
const TURN: Counts = [1000, 10, 300, 20, 5, 0.01];
const times = (n: number, counts: Counts = TURN): Counts => counts.map((count) => count * n);
/** As the convention has them: its input holds both kinds of cache. */
const told = ([input, output, read, write, reasoning, cost]: Counts): Counts => [
  input! + read! + write!,
  output!,
  read!,
  write!,
  reasoning!,
  cost!,
];

interface Told {
  /** Prompts, each answered, but for the last where `isOpen`. */
  readonly prompts: readonly string[];
  readonly totals?: Counts;
  readonly isOpen?: boolean;
  readonly hasEnded?: boolean;
  /** Calls of the agent that the first turn starts, and its totals. */
  readonly agent?: { readonly calls: number; readonly totals: Counts };
}

const literal = (value: string | number | null): string => (typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value));
const insert = (table: string, row: Readonly<Record<string, string | number | null>>): string =>
  `insert into ${table} (${Object.keys(row).join(', ')}) values (${Object.values(row).map(literal).join(', ')});`;
const session = (id: string, totals: Counts, calls: number, row: Readonly<Record<string, string | number | null>>): string =>
  insert('sessions', {
    ...{ id, model: 'a-model', cwd: '/home/dev', started_at: BEGUN_S, api_call_count: calls },
    ...Object.fromEntries(COLUMNS.map((name, at) => [name, totals[at]!])),
    ...row,
  });
const message = (id: string, role: string, content: string, atS: number, row: Readonly<Record<string, string | null>> = {}): string =>
  insert('messages', {
    ...{ session_id: id, role, content, timestamp: BEGUN_S + atS, active: 1, compacted: 0 },
    ...(role === 'assistant' && { finish_reason: 'stop' }),
    ...row,
  });

function databaseWith({ prompts, totals = times(prompts.length), isOpen = false, hasEnded = false, agent }: Told): Buffer {
  const call = [{ id: 'c1', type: 'function', function: { name: 'delegate_task', arguments: JSON.stringify({ goal: 'a goal' }) } }];
  const delegated = { tool_calls: JSON.stringify(call), finish_reason: 'tool_calls' };
  const [database] = databaseOf(
    [
      'create table schema_version (version integer);',
      `create table sessions (id text primary key, source text default 'cli', model text, model_config text, parent_session_id text,
        started_at real, ended_at real, end_reason text, rewind_count integer, cwd text, git_branch text, billing_provider text,
        actual_cost_usd real, api_call_count integer, ${COLUMNS.map((name) => `${name} real`).join(', ')});`,
      `create table messages (id integer primary key autoincrement, session_id text, role text, content text, tool_call_id text,
        tool_calls text, tool_name text, timestamp real, finish_reason text, reasoning text, active integer, compacted integer);`,
      session(SESSION, totals, prompts.length + (agent === undefined ? 0 : 1), {
        ended_at: hasEnded ? BEGUN_S + prompts.length * 100 - 10 : null,
      }),
      ...prompts.flatMap((prompt, at) => [
        message(SESSION, 'user', prompt, at * 100),
        ...(at === 0 && agent !== undefined
          ? [
              message(SESSION, 'assistant', '', 1, delegated),
              message(SESSION, 'tool', '{}', 60, { tool_call_id: 'c1', tool_name: 'delegate_task' }),
            ]
          : []),
        ...(isOpen && at === prompts.length - 1 ? [] : [message(SESSION, 'assistant', `answer to ${prompt}`, at * 100 + 70)]),
      ]),
      ...(agent === undefined
        ? []
        : [
            session(AGENT, agent.totals, agent.calls, {
              ...{ started_at: BEGUN_S + 2, parent_session_id: SESSION, source: 'subagent' },
              model_config: JSON.stringify({ _delegate_from: SESSION }),
            }),
            message(AGENT, 'user', 'a goal', 2),
            ...Array.from({ length: agent.calls }, (_, at) =>
              at === agent.calls - 1
                ? message(AGENT, 'assistant', 'done', 3 + at)
                : message(AGENT, 'assistant', 'on it', 3 + at, { finish_reason: 'length' }),
            ),
          ]),
    ].join('\n'),
  );
  return database!;
}

const built = programs();
let collector: Collector;
let machine: Machine;
let nowMs: number;
beforeEach(async () => {
  collector = await startCollector();
  machine = aMachine({ endpoint: collector.url, timeout_ms: 2000 });
  nowMs = BEGUN_S * 1000;
});
afterEach(async () => {
  await machine.remove();
  await collector.stop();
});

function write(state: Told): void {
  mkdirSync(join(machine.home, '.hermes'), { recursive: true });
  writeFileSync(join(machine.home, '.hermes', 'state.db'), databaseWith(state));
  nowMs = (BEGUN_S + state.prompts.length * 100 - (state.hasEnded === true ? 10 : 20)) * 1000;
}

const run = (...args: readonly string[]) => trace(args, { home: machine.home, now: () => nowMs });
const sync = (...args: readonly string[]) => run('sync', '--session', SESSION, ...args);
async function hook(event: 'Stop' | 'SessionEnd'): Promise<void> {
  const payload = { hook_event_name: event, session_id: SESSION, cwd: '/home/dev' };
  enqueue(machine.paths.state, { event, harness: 'hermes', pid: '1' }, JSON.stringify(payload));
  for (const name of machine.queued()) utimesSync(join(machine.paths.state, 'queue', name), nowMs / 1000, nowMs / 1000);
  await machine.work({ now: () => nowMs });
}
const differences = async (): Promise<readonly unknown[]> =>
  JSON.parse((await run('verify', SESSION, '--json')).stdout).sessions[0].differences;
const deliveries = { 'a Stop hook': () => hook('Stop'), sync: () => sync() };

const NAMES = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.cache_creation.input_tokens',
  'gen_ai.usage.reasoning.output_tokens',
  'trace_build.cost.usd',
];
const sumOf = (spans: readonly ReceivedSpan[]): Counts =>
  NAMES.map((name) => Number(spans.reduce((sum, { attributes }) => sum + Number(attributes[name] ?? 0), 0).toFixed(9)));
const tellers = (spans: readonly ReceivedSpan[]) => spans.filter(({ attributes }) => attributes['trace_build.usage.scope'] === 'session');
const inputs = (spans: readonly ReceivedSpan[]) => spans.map(({ attributes }) => attributes[NAMES[0]!] ?? 0);
const roots = (spans: readonly ReceivedSpan[]) => spans.filter(({ name }) => name === 'invoke_agent hermes');

/** Of a backend that keeps the first it got of a span, and of one that keeps the last; of all it got, whatever it answered. */
function sums({ requests }: Collector): { readonly first: Counts; readonly last: Counts } {
  const got = requests.flatMap(({ spans }) => spans);
  const kept = (spans: readonly ReceivedSpan[]) => [...new Map(spans.map((one) => [one.spanId, one])).values()];
  return { first: sumOf(kept(got.toReversed())), last: sumOf(kept(got)) };
}
const both = (counts: Counts) => ({ first: told(counts), last: told(counts) });

describe.each(Object.entries(deliveries))('delivered by %s', (_, deliver) => {
  test('a session that grows, ends, is resumed and ends again: after each step what was told are its totals', async () => {
    const prompts: string[] = [];
    for (const prompt of ['one', 'two', 'three']) {
      prompts.push(prompt);
      write({ prompts });
      await deliver();
      expect(sumOf(collector.taken), machine.log()).toEqual(told(times(prompts.length)));
    }
    write({ prompts, hasEnded: true });
    await hook('SessionEnd');
    expect(sumOf(collector.taken)).toEqual(told(times(3)));
    write({ prompts: [...prompts, 'four'], isOpen: true, totals: times(3) });
    await deliver();
    expect(sumOf(collector.taken)).toEqual(told(times(3)));
    write({ prompts: [...prompts, 'four'] });
    await deliver();
    write({ prompts: [...prompts, 'four'], hasEnded: true });
    await hook('SessionEnd');
    expect(sumOf(collector.taken)).toEqual(told(times(4)));
    expect(inputs(roots(collector.taken))).toEqual(times(4, [0, 0, 0, 0]).map(() => told(TURN)[0]));
    expect(new Set(collector.taken.map(({ spanId }) => spanId)).size).toBe(collector.taken.length);
    expect(await differences()).toEqual([]);
  });

  test('an agent with totals of its own: theirs once, and the parent tells its own', async () => {
    const agent = { calls: 2, totals: times(3) };
    write({ prompts: ['one'], agent });
    await deliver();
    expect(sumOf(collector.taken)).toEqual(told(times(4)));
    write({ prompts: ['one', 'two'], agent });
    await deliver();
    expect(sumOf(collector.taken)).toEqual(told(times(5)));
    expect(inputs(tellers(collector.taken)).toSorted()).toEqual([1, 1, 3].map((n) => told(times(n))[0]));
  });
});

test('two destinations: each is told all of it, whenever it comes to know of the session', async () => {
  const other = await startCollector();
  try {
    write({ prompts: ['one'] });
    await hook('Stop');
    write({ prompts: ['one', 'two'] });
    await hook('Stop');
    await sync('--endpoint', other.url);
    expect(inputs(roots(other.taken))).toEqual([0, told(times(2))[0]]);
    write({ prompts: ['one', 'two', 'three'] });
    await hook('Stop');
    await sync('--endpoint', other.url);
    expect([sumOf(collector.taken), sumOf(other.taken)]).toEqual([told(times(3)), told(times(3))]);
    expect(await differences()).toEqual([]);
  } finally {
    await other.stop();
  }
});

describe('a request that was not acknowledged', () => {
  const failing = async (status: number): Promise<void> => {
    await collector.stop();
    collector = await startCollector([{ status }]);
    machine.configure({ endpoint: collector.url, timeout_ms: 2000 });
  };

  test.each([400, 500])('%i: whether it was kept or not, the sum is right, also when the session has gone on', async (status) => {
    await failing(status);
    write({ prompts: ['one'] });
    await sync();
    for (const prompts of [
      ['one', 'two'],
      ['one', 'two', 'three'],
    ]) {
      write({ prompts });
      await sync();
      expect(sums(collector)).toEqual(both(times(prompts.length)));
      expect(sumOf(collector.taken)).toEqual(told(times(prompts.length)));
    }
  });

  test('for the process was killed after its request: the sum is right, whether that was kept or not', async () => {
    await collector.stop();
    collector = await startCollector(['hang']);
    machine.configure({ endpoint: collector.url });
    write({ prompts: ['one'] });
    const cli = await built.cli();
    // As they lie beside it in the package.
    for (const name of ['sql-wasm.js', 'sql-wasm.wasm'])
      copyFileSync(createRequire(import.meta.url).resolve(`sql.js/dist/${name}`), join(dirname(cli), name));
    const { child, ended } = command(cli, machine, ['sync', '--session', SESSION]);
    await vi.waitUntil(() => collector.requests.length > 0, { timeout: 20_000, interval: 2 });
    child.kill('SIGKILL');
    await ended;
    for (const prompts of [
      ['one', 'two'],
      ['one', 'two', 'three'],
    ]) {
      write({ prompts });
      await sync();
      expect(sums(collector)).toEqual(both(times(prompts.length)));
      expect(sumOf(collector.taken)).toEqual(told(times(prompts.length)));
    }
  });

  test('of a turn that was taken back since: it is not held to be told', async () => {
    await failing(500);
    write({ prompts: ['one', 'two'] });
    await sync();
    write({ prompts: ['one', 'another'], totals: times(3) });
    await sync();
    expect(sumOf(collector.taken)).toEqual(told(times(3)));
  });
});

describe('asked for', () => {
  test('--resend: the same again, of each span', async () => {
    for (const prompts of [['one'], ['one', 'two'], ['one', 'two', 'three']]) {
      write({ prompts });
      await hook('Stop');
    }
    const before = [...collector.taken];
    await sync('--resend');
    const again = collector.taken.slice(before.length);
    const byId = (spans: readonly ReceivedSpan[]) => spans.map(({ spanId, attributes }) => [spanId, attributes]).toSorted();
    expect(byId(again)).toEqual(byId(before));
    write({ prompts: ['one', 'two', 'three', 'four'] });
    await hook('Stop');
    expect(sums(collector)).toEqual(both(times(4)));
  });

  test('--final, and the turn goes on: it is told anew with the same span', async () => {
    write({ prompts: ['one', 'two'], isOpen: true, totals: times(2) });
    await sync('--final');
    expect(sumOf(collector.taken)).toEqual(told(times(2)));
    write({ prompts: ['one', 'two'], totals: times(3) });
    await sync();
    expect(sums(collector).last).toEqual(told(times(3)));
    write({ prompts: ['one', 'two', 'three'], totals: times(4) });
    await sync();
    expect(sums(collector).last).toEqual(told(times(4)));
  });

  test('--dry-run tells nothing; what is not sent has the totals of the session on its last turn', async () => {
    write({ prompts: ['one'] });
    await sync();
    write({ prompts: ['one', 'two'] });
    await sync('--dry-run');
    const { stdout } = await run(SESSION, '--output', 'otlp-json');
    expect(
      sumOf(
        stdout
          .trim()
          .split('\n')
          .flatMap((line) => flatSpans(JSON.parse(line))),
      ),
    ).toEqual(told(times(2)));
    await sync();
    expect(sumOf(collector.taken)).toEqual(told(times(2)));
    expect(inputs(roots(collector.taken))).toEqual([told(TURN)[0], told(TURN)[0]]);
  });
});

describe('totals that are not what they were', () => {
  test('after a retry, which takes a turn back that was told: what was used is in the sum', async () => {
    write({ prompts: ['one', 'two'] });
    await hook('Stop');
    write({ prompts: ['one', 'another'], totals: times(3) });
    await hook('Stop');
    expect(sumOf(collector.taken)).toEqual(told(times(3)));
  });

  test('lower ones: the turn tells nothing, somebody is told why, and later ones tell what is more', async () => {
    write({ prompts: ['one', 'two'] });
    await hook('Stop');
    write({ prompts: ['one', 'two', 'three'], totals: TURN });
    const { stderr } = await sync();
    expect(stderr).toContain(`Session ${SESSION} has used less than was told of it before`);
    expect(sumOf(collector.taken)).toEqual(told(times(2)));
    expect(tellers(collector.taken)).toHaveLength(1);
    expect(await differences()).toMatchObject([
      { kind: 'span-totals', says: expect.stringContaining('2640 gen_ai.usage.input_tokens in place of 1320') },
    ]);
    write({ prompts: ['one', 'two', 'three', 'four'], totals: times(3) });
    await hook('Stop');
    expect(sumOf(collector.taken)).toEqual(told(times(3)));
  });

  test('a cost that was corrected downwards costs no tokens', async () => {
    write({ prompts: ['one'] });
    await hook('Stop');
    write({ prompts: ['one', 'two'], totals: [...times(2).slice(0, -1), 0.001] });
    await hook('Stop');
    expect(sumOf(collector.taken)).toEqual([...told(times(2)).slice(0, -1), 0.01]);
  });

  test('that grew without a turn: verify tells, and the next turn or --resend makes it good', async () => {
    write({ prompts: ['one'] });
    await hook('Stop');
    write({ prompts: ['one'], totals: times(2) });
    await hook('Stop');
    expect(sumOf(collector.taken)).toEqual(told(TURN));
    expect(await differences()).toMatchObject([{ kind: 'span-totals', says: expect.stringContaining('The next turn tells the rest') }]);
    await sync('--resend');
    expect(sums(collector).last).toEqual(told(times(2)));
    expect(await differences()).toEqual([]);
  });
});
