/** A session at work is shown as one, wherever it is shown; what is written for others does not depend on the clock. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keyOf, shelfOf } from '../../src/cli/shelf.ts';
import { harnesses } from '../../src/harness/index.ts';
import { findSessions } from '../../src/read/find.ts';
import { assistant, BEGUN, SESSION, text, toolUse, user } from '../support/lines.ts';
import { scratch } from '../support/scratch.ts';
import { trace } from './world.ts';

const home = scratch('standing');
const path = join(home, '.claude', 'projects', '-nowhere-project', `${SESSION}.jsonl`);
mkdirSync(join(path, '..'), { recursive: true });
/** A turn that is over; one that waits for its tool, another tool of which has answered. */
const lines = [
  user(1, 0, 'first'),
  assistant(2, 1000, 'msg_1'),
  user(3, 2000, 'second'),
  assistant(4, 3000, 'msg_2', [toolUse('toolu_1', 'Bash', { command: 'sleep 1000' }), toolUse('toolu_2', 'Read')]),
  user(5, 3500, [{ type: 'tool_result', tool_use_id: 'toolu_2', content: 'ok' }]),
];
writeFileSync(path, `${text(lines).join('\n')}\n`);
utimesSync(path, BEGUN / 1000 + 4, BEGUN / 1000 + 4);

const MINUTE_MS = 60_000;
const atWork = { home, now: () => BEGUN + MINUTE_MS };
const dayLater = { home, now: () => BEGUN + 25 * 60 * MINUTE_MS };

const statusOf = async (world: typeof atWork) =>
  JSON.parse((await trace(['sessions', 'list', '--json'], world)).stdout).sessions[0].status as string;
const shown = async (world: typeof atWork) => (await trace(['sessions', 'show', path], world)).stdout;
const tree = async (world: typeof atWork) => (await trace([path, '--no-pager'], { ...world, width: 120 })).stdout;
const rowOf = (of: string, name: string) => of.split('\n').find((line) => line.includes(name))!;

const options = { content: 'full', redactorFor: () => ({}) as never } as const;
function pageAt(world: { readonly now: () => number }) {
  const places = { env: {}, home, harnesses };
  const all = { ...world, env: {}, home, cwd: home, version: '1', managed: '/nowhere/managed.json', out: {} as never };
  const refs = findSessions(path, places);
  const shelf = shelfOf({ script: '', style: '' }, () => refs, options, places, all);
  return () => Object.fromEntries(shelf.session(keyOf(refs[0]!), true)!.view.spans.map(({ name, outcome }) => [name, outcome]));
}

test('open, where its list says so', async () => {
  expect(await statusOf(atWork)).toBe('open');
  const events = await shown(atWork);
  expect(events.split('\n')[0]).toMatch(/ · open$/);
  expect(events).toContain('■ turn 1  completed');
  expect(events).not.toMatch(/■ session|■ turn 2|interrupted/);
  const rows = await tree(atWork);
  expect(rowOf(rows, 'Turn 2')).toContain(' open ');
  expect(rowOf(rows, 'Bash')).toMatch(/ Bash {2}open /);
  expect(rowOf(rows, 'Bash')).not.toContain('0 ms');
  expect(rows).not.toContain('interrupted');
  // What is over in it is over.
  for (const name of ['Turn 1', 'Read']) expect(rowOf(rows, name)).not.toContain('open');
  expect(pageAt(atWork)()).toMatchObject({ 'Turn 1': undefined, 'Turn 2': 'open', Bash: 'open', Read: undefined });
  const { total } = JSON.parse((await trace(['stats', '--json'], atWork)).stdout);
  expect(total.interrupted).toEqual({ turns: 0, agents: 0, tools: 0 });
});

test('interrupted, when it was silent for a day', async () => {
  expect(await statusOf(dayLater)).toBe('ended');
  const events = await shown(dayLater);
  expect(events).toMatch(/← Bash {2}interrupted[\s\S]*■ turn 2 {2}interrupted[\s\S]*■ session/);
  expect(events.split('\n')[0]).not.toContain('open');
  const rows = await tree(dayLater);
  for (const name of ['Turn 2', 'Bash']) expect(rowOf(rows, name)).toContain('interrupted');
  expect(pageAt(dayLater)()).toMatchObject({ 'Turn 2': 'interrupted', Bash: 'interrupted' });
  const { total } = JSON.parse((await trace(['stats', '--json'], dayLater)).stdout);
  expect(total.interrupted).toEqual({ turns: 1, agents: 0, tools: 1 });
});

test('the page sees it end, though nothing is written', () => {
  let now = atWork.now();
  const page = pageAt({ now: () => now });
  expect(page()['Bash']).toBe('open');
  now = dayLater.now();
  expect(page()['Bash']).toBe('interrupted');
});

test.each(['spans', 'otlp-json'])('--output %s is the same at any time', async (format) => {
  const at = async (world: typeof atWork) => (await trace([path, '--output', format], world)).stdout;
  expect(await at(atWork)).toBe(await at(dayLater));
  expect(await at(atWork)).toContain('interrupted');
});
