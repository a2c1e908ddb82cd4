// @vitest-environment happy-dom
/** A session in the page, part by part: what a key or a click changes elsewhere. No layout here. */
import { beforeEach, expect, test, vi } from 'vitest';
import type { ViewSession } from '../../../src/view/model.ts';
import { dollars, number } from '../../../src/view/page/format.ts';
import { addressOf } from '../../../src/view/page/list.ts';
import { type SessionView, sessionView } from '../../../src/view/page/session.ts';
import type { Source } from '../../../src/view/page/source.ts';
import { openSession } from '../../../src/view/sessions.ts';
import { shownIn } from '../shown.ts';

const opened = (story: string) => shownIn(story).map(openSession);
const nest = opened('nest')[0]!;
const plan = opened('plan').find(({ view }) => view.turns.length > 1)!;
const failing = opened('tools').find(({ view }) => view.spans.some(({ kind, error }) => kind === 'tool' && error !== undefined))!;
const slash = opened('slash').find(({ view }) => view.turns.some(({ trigger }) => trigger === 'command'))!;

const all = (selector: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(selector)];
const one = (selector: string): HTMLElement => document.querySelector<HTMLElement>(selector)!;
const press = (key: string, target: Element = one('.wf'), more: KeyboardEventInit = {}): void =>
  void target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));
const activeId = (): string => one('.wf').getAttribute('aria-activedescendant')!;
const bar = (row: number): string => one(`#span-${row} .bar`).style.getPropertyValue('--width');

const announced: string[] = [];
/** As main.ts shows it. */
async function show({ view, details }: ReturnType<typeof openSession>, change: Partial<ViewSession> = {}): Promise<SessionView> {
  const source: Source = { list: async () => {}, session: async () => view, details: async (_key, id) => details(id)! };
  const made = sessionView({ ...view, ...change }, source, (text) => announced.push(text));
  document.body.replaceChildren(made.element);
  await vi.waitFor(() => expect(one('.wf-about').textContent).not.toBe(''), { timeout: 20_000 });
  return made;
}

beforeEach(() => {
  announced.length = 0;
});

test('left goes to the parent, wherever that is; collapsed, only what is below the turn is hidden', async () => {
  await show(nest);
  const { spans } = nest.view;
  const deepest = spans.reduce((best, { depth }, row) => (depth > spans[best]!.depth ? row : best), 0);
  expect(spans[deepest]!.parent).toBeGreaterThan(0);
  for (let row = 0; row < deepest; row++) press('ArrowDown');
  expect(activeId()).toBe(`span-${deepest}`);
  press('ArrowLeft');
  expect(activeId()).toBe(`span-${spans[deepest]!.parent}`);

  one('[aria-label="Collapse all"]').click();
  const { first } = nest.view.turns[0]!;
  const below = spans.filter(({ parent }) => parent === first).length;
  expect(one('.wf').getAttribute('aria-rowcount')).toBe(String(1 + 1 + below));
});

test('f fits the axis to a span, and back to the turn', async () => {
  await show(nest);
  const row = nest.view.spans.findIndex(({ kind, startMs, endMs }) => kind === 'chat' && endMs > startMs);
  for (let at = 0; at < row; at++) press('ArrowDown');
  const before = bar(row);
  expect(before).not.toBe('100%');
  const { key } = await show(nest);
  for (let at = 0; at < row; at++) press('ArrowDown');
  key('f');
  expect(bar(row)).toBe('100%');
  key('f');
  expect(bar(row)).toBe(before);
});

test('a span of another turn brings its turn with it, and the address follows what is open', async () => {
  const view = await show(plan);
  const { turns, spans, key } = plan.view;
  const last = turns.at(-1)!;
  view.openSpan(spans[last.first]!.id);
  expect(one('.wf-about strong').textContent).toBe(`Turn ${last.number}`);
  expect(one('.turn-option[aria-selected=true]').id).toBe(`turn-${turns.length}`);
  expect(location.hash).toBe(addressOf(key, spans[last.first]!.id));
  expect(view.key('Escape')).toBe(true);
  expect(location.hash).toBe(addressOf(key));
  expect(announced).toContain(`Turn ${last.number}`);
});

test('a turn says what began it, and is called as its row is: by its command and what was said with it', async () => {
  await show(slash);
  const { turns } = slash.view;
  const at = turns.findIndex(({ trigger }) => trigger === 'command');
  expect(one(`#turn-${at + 1} .turn-label`).textContent).toBe('/mycmd arg1 arg2');
  one(`#turn-${at + 1}`).click();
  expect(one(`#span-${turns[at]!.first} .label`).textContent).toBe('/mycmd arg1 arg2');
  expect(one(`#turn-${at + 1} .turn-rest`).textContent).toContain('command');
});

test('what failed, what is open and what has no price can be told without colours', async () => {
  const { view } = failing;
  const row = view.spans.findIndex(({ kind, error }) => kind === 'tool' && error !== undefined);
  const spans = view.spans.map((span, at) => (at === 0 ? { ...span, outcome: 'open' } : span));
  const { key } = await show(failing, { spans, summary: { ...view.summary, unpriced: 2 } });
  key('a');
  expect(one(`#span-${row} .error-badge`).textContent).toContain(view.spans[row]!.error);
  expect(one('#span-0 .duration').textContent).toBe('open');
  expect(one('.totals').textContent).toContain('≥ $');
});

test('a cost that is not all of it says so wherever it stands: of the session, a turn, a row', async () => {
  const { view } = nest;
  const chats = view.spans.flatMap(({ kind }, row) => (kind === 'chat' ? [row] : []));
  const [cheap, ...unknown] = [chats.at(-1)!, ...chats.slice(0, 2)];
  const [tokens, { costUsd: _, ...unpriced }] = [{ input: 5, output: 1, cacheRead: 0 }, view.spans[unknown[0]!]!];
  const withCost = (costUsd: number): Partial<ViewSession> => ({
    spans: view.spans.map(({ costUsd: _, ...span }, row) =>
      unknown.includes(row) ? { ...unpriced, ...span, tokens, unpriced: true } : row === cheap ? { ...span, tokens, costUsd } : span,
    ),
    turns: view.turns.map((turn) => ({ ...turn, costUsd, unpriced: 2 })),
    summary: { ...view.summary, costUsd, unpriced: 2 },
  });
  const costs = (): (string | null)[] =>
    ['.totals div:nth-child(4) dd', '#turn-0 .turn-cost', '#turn-1 .turn-cost', '#span-0 .cost', `#span-${unknown[0]} .cost`].map(
      (place) => one(place).textContent,
    );
  await show(nest, withCost(2));
  expect(costs()).toEqual(['≥ $2.00', '≥ $2.00', '≥ $2.00', '≥ $2.00', '?']);
  expect(one('#span-0 .cost').title).toBe('The cost of 2 calls is not known');
  await show(nest, withCost(0));
  expect(costs()).toEqual(['?', '?', '?', '?', '?']);
});

test('shares of time add up to a bar; what took none has no part in it', async () => {
  await show(nest, { shares: { modelMs: 300, toolMs: 0, waitMs: 100 } });
  expect(one('.totals').textContent).toContain('Work400 ms');
  expect(one('#turn-0 .turn-time').textContent).toBe('400 ms');
  expect(all('.share').map(({ className, style }) => [className, style.getPropertyValue('flex-grow')])).toEqual([
    ['share chat', '0.75'],
    ['share wait', '0.25'],
  ]);
});

test('what a turn took in its details is what its row tells, with its agents and without', async () => {
  await show(nest);
  press('Enter');
  await vi.waitFor(() => expect(document.querySelector('.details')).not.toBeNull(), { timeout: 20_000 });
  const { spans, summary } = nest.view;
  const own = spans.filter(({ kind, parent }) => kind === 'chat' && parent === 0);
  const sum = (of: (span: (typeof spans)[number]) => number | undefined): number => own.reduce((total, span) => total + (of(span) ?? 0), 0);
  expect(own.length).toBeLessThan(summary.modelCalls);
  expect(one('.d-tokens h3').textContent).toBe('Its own calls');
  expect(one('.d-tokens td').textContent).toBe(number(sum(({ tokens }) => tokens?.input)));
  expect(one('.d-facts').textContent).toContain(`Cost${dollars(sum(({ costUsd }) => costUsd))}`);
  const { input, output } = summary.tokens;
  expect(one('.d-below').textContent).toBe(`With its agents: ${number(input)} in, ${number(output)} out, ${dollars(summary.costUsd)}`);
  expect(one('#span-0 .cost').textContent).toBe(dollars(summary.costUsd));
});

test('agents without a turn are no turns', async () => {
  const [first] = nest.view.turns;
  const { number: _, ...stray } = first!;
  await show(nest, { turns: [stray, stray], summary: { ...nest.view.summary, turns: 0 } });
  expect(one('#turn-0 .turn-rest').textContent).toBe('2 agents');
  await show(nest, { turns: [first!, stray] });
  expect(one('#turn-0 .turn-rest').textContent).toBe('1 turn, 1 agent');
});

test('where nothing was called, no call is told of; where tokens are told of others, not of the main agent', async () => {
  const texts = (): (string | null)[] => ['.card.dearest .none', '.chart-card .none'].map((place) => one(place).textContent);
  const spans = nest.view.spans.map(({ costUsd: _, ...span }) => span);
  await show(nest, { spans, context: [] });
  expect(texts()).toEqual(['No call has a known price.', 'No call of the main agent tells its tokens.']);
  await show(nest, { spans: spans.map((span, row) => (row === 0 ? { ...span, kind: 'agent' as const } : span)), context: [] });
  expect(texts()[1]).toBe('The main agent called no model.');
  await show(nest, { spans, context: [], summary: { ...nest.view.summary, modelCalls: 0 } });
  expect(texts()).toEqual(['No model was called.', 'No model was called.']);
});

test('Shift and Enter go back among the matches', async () => {
  await show(nest);
  const input = one('.wf-bar input') as HTMLInputElement;
  input.value = nest.view.spans.find(({ kind }) => kind === 'chat')!.name;
  input.dispatchEvent(new Event('input'));
  const first = activeId();
  press('Enter', input);
  expect(activeId()).not.toBe(first);
  press('Enter', input, { shiftKey: true });
  expect(activeId()).toBe(first);
});

test('the context is told at its largest', async () => {
  const context = [10, 4000, 70].map((tokens, at) => ({ atMs: at, tokens, span: 0 }));
  await show(nest, { context });
  expect(one('.chart-note').textContent).toBe('up to 4.0k');
  expect(one('.chart-card [role=img]').getAttribute('aria-label')).toContain('up to 4,000 tokens');
});
