// @vitest-environment happy-dom
/** The whole page over a server that answers from recorded sessions: no layout here, that is the browser's test. */
import { beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { ListLine } from '../../../src/view/model.ts';
import { sourceOf } from '../../../src/view/page/source.ts';
import { openSession } from '../../../src/view/sessions.ts';
import { shownIn } from '../shown.ts';

const opened = ['plan', 'nest', 'compact'].flatMap((story) => shownIn(story)).map(openSession);
const [plan, nest] = opened;
const asked: string[] = [];

const LINES: readonly ListLine[] = [
  {
    kind: 'sessions',
    sessions: [
      ...opened.map(({ view: { key, summary } }, at) => ({
        key,
        id: summary.id,
        harness: summary.harness,
        project: `/code/p${at}`,
        modifiedMs: 9 - at,
        bytes: 1,
      })),
      { key: 'bad', id: 'bad', harness: 'claude-code', modifiedMs: 1, bytes: 1 },
    ],
  },
  ...opened.map(
    ({ view: { key, summary } }): ListLine => ({ kind: 'summary', key, summary: { ...summary, unpriced: key === nest!.view.key ? 1 : 0 } }),
  ),
  { kind: 'failed', key: 'bad', message: 'no right to read it' },
];

function answer(address: string): Response {
  asked.push(address);
  if (address === 'api/sessions') return new Response(LINES.map((line) => JSON.stringify(line)).join('\n'));
  const [, , key, , spanId] = address.split('/');
  const session = opened.find(({ view }) => view.key === key);
  if (session === undefined) return new Response('There is no such session here.\n', { status: 404 });
  return Response.json(spanId === undefined ? session.view : session.details(spanId));
}

const all = (selector: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(selector)];
const one = (selector: string): HTMLElement => document.querySelector<HTMLElement>(selector)!;
const press = (key: string, target: Element = document.body): void =>
  void target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
/** However slow the machine is. */
const soon = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000 });
const go = async (hash: string, selector: string): Promise<void> => {
  location.hash = hash;
  window.dispatchEvent(new Event('hashchange'));
  await soon(() => expect(document.querySelector(selector)).not.toBeNull());
};
const activeRow = (): HTMLElement => document.getElementById(one('.wf').getAttribute('aria-activedescendant')!)!;

beforeAll(async () => {
  // Of this file's own window, to its end: the page goes on asking between tests.
  globalThis.fetch = (async (address: string) => answer(address)) as unknown as typeof fetch;
  await import('../../../src/view/page/main.ts');
});

beforeEach(() => go('#/', '.list'));

test('the list tells of every session, and of the one that could not be read', async () => {
  await soon(() => expect(one('.list-totals').textContent).toMatch(/^4 sessions/));
  await soon(() =>
    expect(all('.list-row.failed').map(({ textContent }) => textContent)).toEqual([
      expect.stringContaining("Can't be read: no right to read it"),
    ]),
  );
  await soon(() => expect(one('.list-grid').getAttribute('aria-busy')).toBe('false'));
  // The sum is as little of it all as its parts.
  expect(one('.list-totals').textContent).toContain('· ≥ $');
  const search = one('.list .search input') as HTMLInputElement;
  press('/');
  expect(document.activeElement).toBe(search);
  search.value = 'p1';
  search.dispatchEvent(new Event('input'));
  expect(all('.rows > .list-row')).toHaveLength(1);
  press('Escape', search);
  expect(all('.rows > .list-row')).toHaveLength(4);
  all('.list-head button')[0]!.click();
  expect(one('[role=columnheader].title').getAttribute('aria-sort')).toBe('ascending');
  press('End', one('.list-grid'));
  expect(one('.list-grid').getAttribute('aria-activedescendant')).toBe('session-3');
  press('Home', one('.list-grid'));
  press('Enter', one('.list-grid'));
  expect(location.hash).toMatch(/^#\/s\//);
});

test('back from a session the list is as it was: searched, sorted, at the same session', async () => {
  const search = one('.list .search input') as HTMLInputElement;
  search.value = 'claude';
  search.dispatchEvent(new Event('input'));
  one('[role=columnheader].project button').click();
  press('End', one('.list-grid'));
  press('ArrowUp', one('.list-grid'));
  const chosen = one('.list-row[aria-selected=true] .about').title;
  const grid = one('.list-grid');
  grid.scrollTop = 120;
  press('Enter', grid);
  await soon(() => expect(one('.list')).toBeNull());
  // As a browser does it.
  grid.scrollTop = 0;
  asked.length = 0;
  await go('#/', '.list');
  expect(grid.scrollTop).toBe(120);
  // What has happened meanwhile is asked for.
  expect(asked).toEqual(['api/sessions']);
  await soon(() => expect(one('.list-grid').getAttribute('aria-busy')).toBe('false'));
  expect((one('.list .search input') as HTMLInputElement).value).toBe('claude');
  expect(one('[role=columnheader].project').getAttribute('aria-sort')).toBe('ascending');
  expect(one('.list-row[aria-selected=true] .about').title).toBe(chosen);
  // The one that was gone to stays the one, wherever it moves.
  one('[role=columnheader].project button').click();
  expect(one('.list-row[aria-selected=true] .about').title).toBe(chosen);
  expect(one('.list-grid').getAttribute('aria-activedescendant')).toBe('session-0');
  press('Escape', search);
});

test('the head of a column is reached by Tab, and keeps the focus when it is pressed', () => {
  const button = one('[role=columnheader].cost button');
  expect(button.tabIndex).toBe(0);
  button.focus();
  button.click();
  expect(document.activeElement).toBe(button);
  expect(one('[role=columnheader].cost').getAttribute('aria-sort')).toBe('descending');
});

test('a session: its figures, its turns, its spans, in roles that say what they are', async () => {
  await go(`#/s/${plan!.view.key}`, '.wf-row');
  expect(one('h1').textContent).toBe(plan!.view.summary.title);
  expect(all('.turn-option')).toHaveLength(plan!.view.turns.length + 1);
  const first = activeRow();
  expect(first.getAttribute('aria-level')).toBe('1');
  press('ArrowDown', one('.wf'));
  expect(activeRow().getAttribute('aria-level')).toBe('2');
  expect(activeRow().getAttribute('aria-selected')).toBe('true');
  press('ArrowLeft', one('.wf'));
  press('ArrowLeft', one('.wf'));
  expect(activeRow().getAttribute('aria-expanded')).toBe('false');
  expect(all('.wf-row')).toHaveLength(1);
  press('ArrowRight', one('.wf'));
  press(']');
  expect(one('.wf-about strong').textContent).toBe('Turn 2');
  press('a');
  expect(one('.wf').getAttribute('aria-rowcount')).toBe(String(plan!.view.spans.length + 1));
  press('f');
  press('f');
  const box = one('.turn-box');
  press('ArrowDown', box);
  expect(one('.wf-about strong').textContent).toBe('Turn 1');
  all('.turn-option')[2]!.click();
  expect(one('.wf-about strong').textContent).toBe('Turn 2');
});

test('search goes from match to match, through turns, and opens what hides one', async () => {
  await go(`#/s/${nest!.view.key}`, '.wf-row');
  one('[aria-label="Collapse all"]').click();
  const input = one('.wf-bar input') as HTMLInputElement;
  input.value = 'bash';
  input.dispatchEvent(new Event('input'));
  const matches = nest!.view.spans.filter(({ name, label }) => /bash/i.test(`${name} ${label}`)).length;
  expect(matches).toBeGreaterThan(0);
  expect(one('.search-count').textContent).toBe(`1 of ${matches}`);
  expect(activeRow().classList.contains('match')).toBe(true);
  press('Enter', input);
  press('n');
  press('N');
  press('Escape', input);
  expect(all('.wf-row.match')).toHaveLength(0);
});

test('details open, follow the arrow keys, and close', async () => {
  await go(`#/s/${nest!.view.key}`, '.wf-row');
  press('Enter', one('.wf'));
  await soon(() => expect(document.querySelector('.details')).not.toBeNull());
  expect(location.hash).toBe(`#/s/${nest!.view.key}/${nest!.view.spans[0]!.id}`);
  press('ArrowDown', one('.wf'));
  await soon(() => expect(asked.at(-1)).toBe(`api/sessions/${nest!.view.key}/spans/${nest!.view.spans[1]!.id}`));
  press('ArrowLeft', one('.details-edge'));
  expect(one('.details-edge').getAttribute('aria-valuenow')).not.toBeNull();
  one('.details-path button').click();
  expect(activeRow().id).toBe('span-0');
  press('Escape');
  expect(one('.details-pane').hidden).toBe(true);
  one('.card.slowest button').click();
  expect(one('.details-pane').hidden).toBe(false);
  one('.details-pane .close').click();
  press('Escape');
  await soon(() => expect(document.querySelector('.list')).not.toBeNull());
});

test('what is not there is told', async () => {
  await go('#/s/nowhere', '.notice');
  await soon(() => expect(one('.notice').textContent).toContain('There is no such session here.'));
  expect(one('body > [role=status]').textContent).toBe('There is no such session here.');
});

test('help and theme, and no key while one types or a dialog is open', () => {
  press('?');
  expect(one('dialog').textContent).toContain('previous, next turn');
  const theme = document.documentElement.dataset['theme'];
  press('t');
  expect(document.documentElement.dataset['theme']).toBe(theme);
  one('dialog .plain').click();
  press('t', one('.list .search input'));
  expect(document.documentElement.dataset['theme']).toBe(theme);
  press('t');
  expect(document.documentElement.dataset['theme']).not.toBe(theme);
  expect(localStorage.getItem('trace-build-theme')).toBe(document.documentElement.dataset['theme']);
});

test('a file is its own source', async () => {
  const [{ view, details }] = [nest!];
  const script = document.createElement('script');
  script.type = 'application/json';
  script.id = 'trace-build-data';
  const id = view.spans[0]!.id;
  script.textContent = JSON.stringify({ session: view, details: { [id]: details(id) } });
  document.body.append(script);
  const source = sourceOf(document);
  script.remove();
  expect(source.only).toBe(view.key);
  expect((await source.session('', new AbortController().signal)).spans).toEqual(JSON.parse(JSON.stringify(view.spans)));
  expect((await source.details('', id)).id).toBe(id);
  await expect(source.details('', '__proto__')).rejects.toThrow('does not hold');
});
