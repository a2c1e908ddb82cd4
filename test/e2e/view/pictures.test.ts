/**
 * The pictures of docs/view.md: made anew with TRACE_BUILD_PICTURES=1, and only then, for they are tracked.
 * Without it the same views are drawn, and must be without a fault.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { viewer } from './browser.ts';
import { shop } from './sessions.ts';

const MOST_BYTES = 250_000;
const isAsked = process.env['TRACE_BUILD_PICTURES'] === '1';

const view = viewer(shop);
const folder = isAsked ? 'docs' : mkdtempSync(join(tmpdir(), 'trace-build-pictures-'));
afterAll(() => {
  if (!isAsked) rmSync(folder, { recursive: true, force: true });
});

interface Picture {
  readonly name: string;
  readonly dark?: true;
  draw(page: Page): Promise<void>;
}

const PICTURES: readonly Picture[] = [
  { name: 'view-list', draw: async () => {} },
  {
    name: 'view-turn',
    draw: async (page) => {
      await openShop(page);
      // All three agents in one picture.
      for (const agent of ['Trace the checkout', 'Read the payment client']) await page.click(`.wf-row.agent:has-text("${agent}") .twisty`);
    },
  },
  {
    name: 'view-details',
    draw: async (page) => {
      await openShop(page);
      await page.click('.wf-row.tool:has-text("Edit")');
      await page.waitForSelector('.details-content .details');
    },
  },
  {
    name: 'view-dark',
    dark: true,
    draw: async (page) => {
      await openShop(page);
      await page.keyboard.press(']');
      await page.click('.wf-row.agent');
      await page.waitForSelector('.details-content .details');
    },
  },
];

for (const { name, dark, draw } of PICTURES) {
  test(name, async () => {
    const { page, faults, close } = await view.listed({ colorScheme: dark ? 'dark' : 'light' });
    await draw(page);
    await page.mouse.move(640, 20);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const path = join(folder, `${name}.png`);
    await page.screenshot({ path });
    expect(statSync(path).size).toBeLessThan(MOST_BYTES);
    // Nothing of this machine is in it.
    expect(await page.locator('body').textContent()).not.toContain(view.home());
    expect(faults).toEqual([]);
    await close();
  });
}

async function openShop(page: Page): Promise<void> {
  await page.click('.rows > .list-row:has-text("charged twice") .turns');
  await page.waitForSelector('.wf-row');
}
