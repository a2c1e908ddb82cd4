/**
 * The built program and a real browser that looks at what it shows.
 *
 * in:   arguments for `trace-build view`, a folder that stands for a home
 * out:  its address; a page on which every fault is written down; `viewer`, both over a home for all tests of a file
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';

const CLI = join('dist', 'cli.js');

export const launch = (): Promise<Browser> => {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
  // Root has no sandbox to run it in.
  return chromium.launch({ ...(executablePath !== undefined && { executablePath }), args: ['--no-sandbox', '--disable-dev-shm-usage'] });
};

export interface Home {
  readonly path: string;
  remove(): void;
}

export function newHome(): Home {
  const path = mkdtempSync(join(tmpdir(), 'trace-build-view-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Running {
  readonly address: string;
  stop(): Promise<void>;
}

/** The server, as a user starts it. */
export function serveView(args: readonly string[], home: string): Promise<Running> {
  const child = spawn(process.execPath, [CLI, 'view', '--no-open', '--port', '0', ...args], { env: environment(home) });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return new Promise((resolve, reject) => {
    let [out, complaint] = ['', ''];
    child.stderr.on('data', (chunk) => {
      complaint += chunk;
    });
    child.stdout.on('data', (chunk) => {
      out += chunk;
      const address = /http:\/\/\S+/.exec(out)?.[0];
      if (address === undefined) return;
      resolve({
        address,
        stop: () => {
          child.kill();
          return ended;
        },
      });
    });
    ended.then(() => reject(new Error(`trace-build view ended: ${complaint}`)));
  });
}

/** One session as a file. */
export function writeView(session: string, out: string, home: string): Promise<void> {
  const child = spawn(process.execPath, [CLI, 'view', session, '--out', out, '--content', 'full'], {
    env: environment(home),
    stdio: 'ignore',
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${code}`))));
  });
}

const environment = (home: string): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: home,
  XDG_CONFIG_HOME: join(home, '.config'),
});

export interface Watched {
  readonly page: Page;
  /** Errors, warnings, dialogs, violations of the policy, requests to anywhere else. Must stay empty. */
  readonly faults: string[];
  close(): Promise<void>;
}

/** @param origin  the only place it may ask anything of */
export async function watchedPage(browser: Browser, origin: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, timezoneId: 'UTC', ...options });
  const faults: string[] = [];
  await context.exposeFunction('policyViolated', (what: string) => faults.push(`policy: ${what}`));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) =>
      (globalThis as unknown as { policyViolated(what: string): void }).policyViolated(`${violatedDirective} ${blockedURI} ${sample}`),
    );
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('popup', () => faults.push('a window was opened'));
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) faults.push(`request: ${request.url()}`);
  });
  return { page, faults, close: () => context.close() };
}

export interface Viewer {
  readonly home: () => string;
  readonly address: () => string;
  /** @param address  default: the server's */
  readonly watched: (options?: BrowserContextOptions, address?: string) => Promise<Watched>;
  /** A page with the list in it. */
  readonly listed: (options?: BrowserContextOptions) => Promise<Watched>;
}

/** @param fill  puts sessions into the home */
export function viewer(fill: (home: string) => void): Viewer {
  let home: Home | undefined;
  let server: Running | undefined;
  let browser: Browser | undefined;
  beforeAll(async () => {
    home = newHome();
    fill(home.path);
    [server, browser] = await Promise.all([serveView([], home.path), launch()]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    home?.remove();
  });
  const address = (): string => server!.address;
  const watched: Viewer['watched'] = (options, at = address()) => watchedPage(browser!, at, options);
  const listed: Viewer['listed'] = async (options) => {
    const one = await watched(options);
    await one.page.goto(address());
    await one.page.waitForSelector('.list-progress', { state: 'hidden' });
    return one;
  };
  return { home: () => home!.path, address, watched, listed };
}
