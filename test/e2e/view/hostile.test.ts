/** A transcript is a stranger's: whatever it holds, it is text. From the server, and in a file without a network. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Home, launch, newHome, serveView, type Watched, watchedPage, writeView } from './browser.ts';
import { Recorder } from './recorder.ts';

/** Would be seen as a dialog, a request, a violation, or an element. */
const ATTACKS = [
  '<script>alert(1)</script>',
  '</script><script>alert(2)</script>',
  '<!--<script>',
  '<img src="https://evil.example/pixel.png" onerror="alert(3)">',
  '<svg onload="alert(4)"><script>alert(5)</script></svg>',
  '<iframe src="https://evil.example/frame"></iframe>',
  '<style>@import "https://evil.example/a.css"; body { display: none }</style>',
  '<a href="javascript:alert(6)" onclick="alert(7)">click</a>',
  '<meta http-equiv="refresh" content="0;url=https://evil.example/"><base href="https://evil.example/">',
  '<form action="https://evil.example/"><button autofocus onfocus="alert(8)">go</button></form>',
  '"><x onmouseover=alert(9) style="background:url(https://evil.example/b)">',
  '[a link](javascript:alert(10)) [another](data:text/html,<script>alert(11)</script>) [vb](vbscript:msgbox)',
  '[tab](java\tscript:alert(12)) [entity](&#106;avascript:alert(13)) [upper](JaVaScRiPt:alert(14)) <javascript:alert(15)>',
  '![picture](https://evil.example/remote.png) ![data](data:image/svg+xml,<svg onload=alert(16)>)',
  '[ref]: javascript:alert(17)\n[ref]',
  '```html\n<script>alert(18)</script>\n```',
  '\u001b[31mred\u001b[0m \u001b]8;;https://evil.example/\u0007link\u001b]8;;\u0007 \u0000\u0007\u0008',
  'user\u202Egpj.exe\u202C \u2066isolated\u2069 \u200Bzero\u200B \u{E0041}\u{E0042}',
  'مرحبا بالعالم /etc/passwd \u200Fשלום\u200F',
  '__proto__ constructor {{7*7}} %s %n',
  'x'.repeat(3000),
];
const ALL = ATTACKS.join('\n\n');

/** Orders to a terminal, and marks that turn text around. */
const HIDDEN = '[\\u0000-\\u0008\\u000b-\\u001f\\u202a-\\u202e\\u2066-\\u2069]';

let home: Home;
let browser: Browser;
let session: string;

beforeAll(async () => {
  home = newHome();
  session = hostileSession(home.path);
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
  home?.remove();
});

test('from the server', async () => {
  const server = await serveView([], home.path);
  const watched = await watchedPage(browser, server.address);
  await watched.page.goto(server.address);
  await watched.page.waitForSelector('.list-progress', { state: 'hidden' });
  await expectInert(watched);
  await watched.page.locator('.list-grid').focus();
  await watched.page.keyboard.press('Enter');
  await lookAtEverything(watched);
  await watched.close();
  await server.stop();
});

test('in a file, with no network at all', async () => {
  const file = join(home.path, 'page.html');
  await writeView(session, file, home.path);
  // The text ends no script, opens none, and hides in no comment.
  const html = readFileSync(file, 'utf8');
  expect(html.match(/<script/gi)).toHaveLength(2);
  expect(html.match(/<\/script/gi)).toHaveLength(2);
  expect(html).not.toContain('<!--');
  const address = pathToFileURL(file).href;
  const watched = await watchedPage(browser, address, { offline: true });
  await watched.page.goto(address);
  await lookAtEverything(watched);
  await watched.close();
});

test('the watch sees what it must not miss', async () => {
  const server = await serveView([], home.path);
  const watched = await watchedPage(browser, server.address);
  await watched.page.goto(server.address);
  await watched.page.evaluate(() => {
    const image = document.createElement('img');
    image.src = 'https://evil.example/pixel.png';
    document.body.append(image);
    try {
      document.body.insertAdjacentHTML('beforeend', '<b>markup</b>');
    } catch {}
  });
  await watched.page.waitForFunction(() => true);
  await expect
    .poll(() => watched.faults.join('\n'))
    .toMatch(/policy: img-src[\s\S]*policy: require-trusted-types-for|policy: require-trusted-types-for[\s\S]*policy: img-src/);
  await watched.close();
  await server.stop();
});

/** Every span of every turn, its details unfolded, the pointer over it, its buttons pressed. */
async function lookAtEverything(watched: Watched): Promise<void> {
  const { page } = watched;
  await page.waitForSelector('.wf-row');
  await page.keyboard.press('a');
  const rows = Number(await page.locator('.wf').getAttribute('aria-rowcount')) - 1;
  expect(rows).toBeGreaterThan(8);
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  for (let row = 0; row < rows; row++) {
    await page.waitForSelector('.details-content[aria-busy=false] .details');
    await page.evaluate(() => {
      for (const fold of document.querySelectorAll('details')) fold.open = true;
    });
    await expectInert(watched);
    await page.locator('.wf').focus();
    await page.keyboard.press('ArrowDown');
  }
  await page.keyboard.press('/');
  await page.keyboard.type('<img onerror');
  await page.hover('.wf-row .name');
  await expectInert(watched);
}

async function expectInert({ page, faults }: Watched): Promise<void> {
  const found = await page.evaluate((hidden) => {
    const all = [...document.querySelectorAll('*')];
    const ours = (element: Element): boolean => element.closest('.chart, .d-bar') !== null || element.parentElement === document.head;
    const named = ['IFRAME', 'IMG', 'OBJECT', 'EMBED', 'FORM', 'BASE', 'STYLE', 'META', 'X', 'B'];
    return {
      elements: all
        .filter((element) => (named.includes(element.tagName) || element instanceof SVGElement) && !ours(element))
        .map(({ outerHTML }) => outerHTML.slice(0, 200)),
      // The file has its data and its script at the end of its body.
      scripts: document.querySelectorAll('body script').length,
      handlers: all.flatMap((element) =>
        [...element.attributes].filter(({ name }) => name.startsWith('on') || name === 'srcdoc').map(({ name }) => name),
      ),
      links: all
        .flatMap((element) => (element instanceof HTMLAnchorElement ? [element.getAttribute('href') ?? ''] : []))
        .filter((href) => !/^(?:#|https?:)/.test(href)),
      hidden: new RegExp(hidden).test(document.querySelector('main')!.textContent ?? ''),
      wide: document.documentElement.scrollWidth > innerWidth,
    };
  }, HIDDEN);
  expect(found).toEqual({
    elements: [],
    scripts: page.url().startsWith('file:') ? 2 : 0,
    handlers: [],
    links: [],
    hidden: false,
    wide: false,
  });
  expect(faults).toEqual([]);
}

function hostileSession(folder: string): string {
  const recorder = new Recorder({
    home: folder,
    project: '/home/me/<img src=x onerror=alert(20)>/\u202Egpj',
    id: '66666666-6666-4666-8666-666666666666',
    startMs: Date.parse('2026-03-12T09:26:00Z'),
    branch: '<script>alert(21)</script>',
  });
  recorder.prompt(ALL).respond({
    thinking: ALL,
    text: ALL,
    calls: [
      { name: '<img src=x onerror=alert(22)>', input: { [ATTACKS[3]!]: ALL, nested: { deep: [ALL] } }, result: ALL },
      { name: 'Bash', input: { command: ALL, description: ALL }, result: ALL, error: true },
      {
        name: 'Edit',
        input: { file_path: ATTACKS[0], old_string: ALL, new_string: `${ALL}\n<script>` },
        result: 'ok',
        kept: {
          filePath: ATTACKS[0],
          oldString: ALL,
          newString: `${ALL}\n<script>`,
          structuredPatch: [{ oldStart: 1, oldLines: 1, newStart: 1, newLines: 1, lines: [`-${ATTACKS[3]}`, `+${ATTACKS[4]}`] }],
        },
      },
      {
        name: 'Task',
        input: { description: ALL, prompt: ALL, subagent_type: '"><svg onload=alert(23)>' },
        result: ALL,
        agent: (agent) => agent.respond({ text: ALL, model: '<b>model</b>' }),
      },
    ],
  });
  for (const attack of ATTACKS) recorder.wait(1000).prompt(attack).respond({ text: attack });
  return recorder.write();
}
