/** The page of `trace-build view` in a real browser, through the built program. */
import type { BrowserContextOptions } from 'playwright-core';
import { expect, test } from 'vitest';
import { newHome, serveView, viewer, type Watched } from './browser.ts';
import { shop } from './sessions.ts';

const view = viewer(shop);

/** Runs with a page, which must be without a fault at the end. */
async function onPage(task: (page: Watched['page']) => Promise<void>, options?: BrowserContextOptions): Promise<void> {
  const watched = await view.listed(options);
  try {
    await task(watched.page);
    expect(watched.faults).toEqual([]);
  } finally {
    await watched.close();
  }
}

async function openShop(page: Watched['page']): Promise<void> {
  await page.fill('.list .search input', 'charged twice');
  await page.waitForFunction(() => document.querySelectorAll('.rows > .list-row').length === 1);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.wf-row');
}

const activeName = (page: Watched['page']): Promise<string | null> =>
  page.evaluate(() => {
    const id = document.querySelector('.wf')!.getAttribute('aria-activedescendant');
    return document.getElementById(id!)?.querySelector('.span-name')?.textContent ?? null;
  });

test('the list: sessions with their figures, sorted, searched, opened by click and by key', () =>
  onPage(async (page) => {
    const titles = (): Promise<string[]> => page.locator('.rows > .list-row .title a').allTextContents();
    const sessions = Number(await page.locator('.list-grid').getAttribute('aria-rowcount')) - 1;
    expect(sessions).toBeGreaterThan(10);
    expect((await page.locator('.list-totals').textContent())!.startsWith(`${sessions} sessions`)).toBe(true);
    await expectText(page, '.rows > .list-row:has-text("charged twice") .turns', '3');
    await expectText(page, '.rows > .list-row:has-text("charged twice") .errors', '2');
    await page.getByRole('button', { name: 'Cost' }).click();
    expect((await titles())[0]).toContain('Port the stylesheets');
    expect(await page.locator('[role=columnheader].cost').getAttribute('aria-sort')).toBe('descending');

    await page.keyboard.press('/');
    await page.keyboard.type('nothing like it');
    expect(await page.locator('.notice').textContent()).toContain('Nothing found');
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.keyboard.type('shop charged');
    expect(await titles()).toHaveLength(1);
    await page.click('.rows > .list-row .turns');
    await page.waitForSelector('.wf-row');
    expect(page.url()).toMatch(/#\/s\/[0-9a-f]+$/);
    await page.goBack();
    await page.waitForSelector('.list-grid');
    await page.locator('.list-grid').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.session');
  }));

test('the waterfall by keyboard: up, down, collapse, expand, ends, turns, details, search', () =>
  onPage(async (page) => {
    await openShop(page);
    const rows = (): Promise<string | null> => page.locator('.wf').getAttribute('aria-rowcount');
    expect(await activeName(page)).toBe('Turn 1');
    expect(await rows()).toBe('32');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await activeName(page)).toBe('Explore');
    await page.keyboard.press('ArrowLeft');
    expect(await rows()).toBe('25');
    expect(await page.locator('.wf-row[aria-selected=true]').getAttribute('aria-expanded')).toBe('false');
    await page.keyboard.press('ArrowRight');
    expect(await rows()).toBe('32');
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('.wf-row[aria-selected=true]').getAttribute('aria-level')).toBe('3');
    await page.keyboard.press('ArrowLeft');
    expect(await activeName(page)).toBe('Explore');
    await page.keyboard.press('End');
    expect(await page.locator('.wf-row[aria-selected=true]').getAttribute('aria-rowindex')).toBe('32');
    await page.keyboard.press('PageUp');
    await page.keyboard.press('Home');
    expect(await activeName(page)).toBe('Turn 1');

    await page.keyboard.press(']');
    expect(await activeName(page)).toBe('Turn 2');
    await page.keyboard.press('[');
    expect(await activeName(page)).toBe('Turn 1');
    await page.keyboard.press('a');
    expect(await rows()).toBe('49');
    await page.keyboard.press('[');
    expect(await activeName(page)).toBe('Turn 3');

    // What is searched for may be in another turn.
    await page.keyboard.press('/');
    await page.keyboard.type('pull_request');
    expect(await page.locator('.search-count').textContent()).toBe('1 of 2');
    await page.keyboard.press('Enter');
    expect(await activeName(page)).toBe('mcp__github__create_pull_request');
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.keyboard.type('tool_error');
    await page.keyboard.press('ArrowDown');
    const first = await page.locator('.wf').getAttribute('aria-activedescendant');
    await page.keyboard.press('n');
    expect(await page.locator('.wf').getAttribute('aria-activedescendant')).not.toBe(first);
    await page.keyboard.press('N');
    expect(await page.locator('.wf').getAttribute('aria-activedescendant')).toBe(first);
    expect(await page.locator('.wf-row.match').count()).toBe(2);

    await page.keyboard.press('Enter');
    await page.waitForSelector('.details-content .details');
    expect(page.url()).toMatch(/#\/s\/[0-9a-f]+\/[0-9a-f]{16}$/);
    await page.keyboard.press('Escape');
    expect(await page.locator('.details-pane').isVisible()).toBe(false);
    await page.keyboard.press('Escape');
    await page.waitForSelector('.list-grid');
  }));

test('details on click, resized by key; a link leads to its span; an address with a span opens it', () =>
  onPage(async (page) => {
    await openShop(page);
    await page.click('.wf-row:has-text("charge.ts") >> text=Edit');
    await page.waitForSelector('.details-content .details');
    expect(await page.locator('.details-content').textContent()).toContain('One key an order: a retry is the same charge.');
    const width = async (): Promise<number> => (await page.locator('.details-pane').boundingBox())!.width;
    const before = await width();
    await page.locator('.details-edge').focus();
    await page.keyboard.press('ArrowLeft');
    expect(await width()).toBeGreaterThan(before);

    await page.keyboard.press(']');
    await page.click('.wf-row.turn');
    await page.waitForFunction(() => document.querySelector('.details-path')?.textContent === 'Turn 2');
    const address = page.url();
    await page.locator('.details-content button', { hasText: 'Turn 1' }).first().click();
    await page.waitForFunction(() => document.querySelector('.details-path')?.textContent === 'Turn 1');
    expect(await activeName(page)).toBe('Turn 1');

    await page.goto('about:blank');
    await page.goto(address);
    await page.waitForFunction(() => document.querySelector('.details-path')?.textContent === 'Turn 2');
    expect(await activeName(page)).toBe('Turn 2');
  }));

test('at a glance: a click on a span that stands out leads to it', () =>
  onPage(async (page) => {
    await openShop(page);
    await page.locator('.card.slowest button', { hasText: 'refunds' }).click();
    await page.waitForFunction(() => document.querySelector('.details-path')?.textContent?.startsWith('Turn 2'));
    expect(await page.locator('.card.dearest button').count()).toBe(5);
    expect(await page.locator('.chart svg').getAttribute('aria-label')).toMatch(/10 model calls.*1 compaction/);
  }));

test('agents side by side overlap on the axis of time, and no bar is too small to see', () =>
  onPage(async (page) => {
    await openShop(page);
    const boxes = await page.locator('.wf-row.agent .bar').evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().toJSON()));
    expect(boxes).toHaveLength(3);
    for (const { left, right } of boxes) {
      expect(left).toBeCloseTo(boxes[0].left, 0);
      expect(right).toBeGreaterThan(boxes[0].left + 20);
    }
    const widths = await page.locator('.wf-row .bar').evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width));
    expect(Math.min(...widths)).toBeGreaterThanOrEqual(2);
  }));

test('help, and light or dark as the system has it or the reader wants', () =>
  onPage(
    async (page) => {
      const theme = (): Promise<string | null> => page.locator('html').getAttribute('data-theme');
      expect(await theme()).toBe('dark');
      await page.keyboard.press('t');
      expect(await theme()).toBe('light');
      await page.reload();
      expect(await theme()).toBe('light');
      await page.setViewportSize({ width: 700, height: 400 });
      await page.keyboard.press('?');
      const dialog = page.getByRole('dialog');
      expect(await dialog.textContent()).toContain('previous, next turn');
      // Where it has to be scrolled, it begins with its beginning.
      const [below, top] = await dialog.evaluate(({ scrollHeight, clientHeight, scrollTop }) => [scrollHeight - clientHeight, scrollTop]);
      expect(below).toBeGreaterThan(100);
      expect(top).toBe(0);
      await page.keyboard.press('Escape');
      await page.waitForSelector('dialog', { state: 'detached' });
    },
    { colorScheme: 'dark' },
  ));

test('600 px are enough: nothing is wider than the window', () =>
  onPage(
    async (page) => {
      const isTooWide = (): Promise<boolean> => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      expect(await isTooWide()).toBe(false);
      await openShop(page);
      expect(await isTooWide()).toBe(false);
      await page.click('.wf-row.chat');
      await page.waitForSelector('.details-content .details');
      expect(await isTooWide()).toBe(false);
      const { y, height } = (await page.locator('.wf').boundingBox())!;
      expect(height).toBeGreaterThan(200);
      expect(y + height).toBeLessThanOrEqual(800);
    },
    { viewport: { width: 600, height: 800 } },
  ));

test('without a session there is a word of what to do', async () => {
  const empty = newHome();
  const running = await serveView([], empty.path);
  const watched = await view.watched({}, running.address);
  await watched.page.goto(running.address);
  await watched.page.waitForSelector('.notice >> text=No sessions on this machine yet');
  expect(watched.faults).toEqual([]);
  await watched.close();
  await running.stop();
  empty.remove();
});

test('thousands of sessions are a few rows in the page; those that could not be read say so', async () => {
  const watched = await view.watched();
  const { page } = watched;
  const sessions = Array.from({ length: 5000 }, (_, at) => ({
    key: at.toString(16),
    id: `id-${at}`,
    harness: 'claude-code',
    project: `/code/p${at % 40}`,
    modifiedMs: Date.parse('2026-01-01') - at * 1000,
    bytes: 1,
  }));
  const failed = sessions.slice(0, 3).map(({ key }) => ({ kind: 'failed', key, message: 'no right to read it' }));
  await page.route('**/api/sessions', (route) =>
    route.fulfill({
      contentType: 'application/x-ndjson',
      body: [{ kind: 'sessions', sessions }, ...failed].map((line) => `${JSON.stringify(line)}\n`).join(''),
    }),
  );
  await page.goto(view.address());
  await page.waitForSelector('.list-row.failed');
  expect(await page.locator('.list-grid').getAttribute('aria-rowcount')).toBe('5001');
  expect(await page.locator('.rows > .list-row').count()).toBeLessThan(60);
  await page.locator('.list-grid').focus();
  await page.keyboard.press('End');
  await page.waitForSelector('#session-4999[aria-selected=true]');
  expect(await page.locator('.rows > .list-row').count()).toBeLessThan(60);
  expect(watched.faults).toEqual([]);
  await watched.close();
});

async function expectText(page: Watched['page'], selector: string, text: string): Promise<void> {
  expect(await page.locator(selector).textContent()).toBe(text);
}
