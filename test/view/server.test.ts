/** The server over real sockets, with requests no browser would send. */
import { connect } from 'node:net';
import { setImmediate as tick } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { UserError } from '../../src/errors.ts';
import type { Shelf } from '../../src/view/answers.ts';
import type { ListLine } from '../../src/view/model.ts';
import { serve, type ViewServer } from '../../src/view/server.ts';

const servers: ViewServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const failed = vi.fn();

async function served(more: Partial<Shelf> = {}): Promise<{ address: string; port: number; path: string; server: ViewServer }> {
  const shelf: Shelf = { page: { script: 'script()', style: '' }, session: () => undefined, list: noLines, ...more };
  const server = await serve(shelf, 0, failed);
  servers.push(server);
  const { port, pathname } = new URL(server.address);
  return { address: server.address, port: Number(port), path: pathname, server };
}

async function* noLines(): AsyncGenerator<ListLine> {}

/** All that comes back until the server closes, or the text is there. */
function raw(port: number, text: string, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => socket.write(text));
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(answer));
  });
}

const request = (target: string, port: number, more = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n${more}\r\n`;

test('an address no one can guess, on this machine only', async () => {
  const { address } = await served();
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{48}\/$/);
  expect((await served()).address.slice(-50)).not.toBe(address.slice(-50));
  const page = await fetch(address);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
  expect(await (await fetch(`${address}page.js`)).text()).toBe('script()');
});

test('it does not listen on the other loopback', async () => {
  const { port, path } = await served();
  await expect(raw(port, request(path, port), '::1')).rejects.toThrow(/ECONNREFUSED|EADDRNOTAVAIL|EAFNOSUPPORT/);
});

test.each([
  [
    'a name that leads here',
    (path: string, _: number) => `GET ${path} HTTP/1.1\r\nHost: attacker.example\r\nConnection: close\r\n\r\n`,
    421,
  ],
  ['two hosts', (path: string, port: number) => request(path, port, 'Host: attacker.example\r\n'), 421],
  [
    'two hosts, the right one last',
    (path: string, port: number) => `GET ${path} HTTP/1.1\r\nHost: a.example\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
    421,
  ],
  ['no host', (path: string, _: number) => `GET ${path} HTTP/1.1\r\nConnection: close\r\n\r\n`, 400],
  ['no host, in HTTP/1.0', (path: string, _: number) => `GET ${path} HTTP/1.0\r\n\r\n`, 421],
  ['no token', (_: string, port: number) => request('/', port), 404],
  ['an absolute target', (path: string, port: number) => request(`http://127.0.0.1:${port}${path}`, port), 400],
  ['an absolute target elsewhere', (_: string, port: number) => request('http://attacker.example/', port), 400],
  ['traversal', (path: string, port: number) => request(`${path}../../../../etc/passwd`, port), 404],
  ['traversal, encoded', (path: string, port: number) => request(`${path}%2e%2e/%2e%2e/etc/passwd`, port), 404],
  ['a line feed in the target', (path: string, port: number) => request(`${path}x\r\nX-Injected: 1`, port), '40[04]'],
  ['an encoded line feed in the target', (path: string, port: number) => request(`${path}%0d%0aX-Injected:%201`, port), 404],
  [
    'a body that waits for more',
    (path: string, port: number) =>
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello`,
    405,
  ],
  ['two lengths', (path: string, port: number) => request(path, port, 'Content-Length: 0\r\nContent-Length: 5\r\n'), 400],
  ['no HTTP at all', () => '\x16\x03\x01 hello\r\n\r\n', 400],
])('refused: %s', async (_, text, status) => {
  const { port, path } = await served();
  const answer = await raw(port, text(path, port));
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).not.toMatch(/X-Injected|root:/);
});

test('CONNECT is not answered', async () => {
  const { port } = await served();
  expect(await raw(port, `CONNECT attacker.example:443 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)).toBe('');
});

test('an upgrade is no reason to do otherwise', async () => {
  const { port, path } = await served();
  const answer = await raw(port, request(path, port, 'Upgrade: websocket\r\n').replace('Connection: close', 'Connection: upgrade, close'));
  expect(answer).not.toContain('101 ');
});

test('HEAD has no body', async () => {
  const { port, path } = await served();
  const answer = await raw(port, request(path, port).replace('GET', 'HEAD'));
  expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\n$/);
  expect(await raw(port, request(`${path}api/sessions`, port).replace('GET', 'HEAD'))).toMatch(/\r\n\r\n$/);
});

test('what can not be read is told in its own answer, and a bug to the terminal too', async () => {
  const unreadable = await served({
    session: () => {
      throw new UserError("/x can't be read: gone.", 'Look elsewhere.');
    },
  });
  const answer = await fetch(`${unreadable.address}api/sessions/ab`);
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
    500,
    'text/plain; charset=utf-8',
    "/x can't be read: gone.\n",
  ]);
  expect(failed).not.toHaveBeenCalled();
  const broken = await served({
    session: () => {
      throw new TypeError('x is not a function at /some/path');
    },
  });
  const bug = await fetch(`${broken.address}api/sessions/ab`);
  expect([bug.status, (await bug.text()).includes('/some/path')]).toEqual([500, false]);
  expect(failed).toHaveBeenCalledOnce();
  failed.mockClear();
  expect((await fetch(broken.address)).status).toBe(200);
});

test('lines of the list come as they are made', async () => {
  let go = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const { address } = await served({
    async *list() {
      yield { kind: 'sessions', sessions: [] };
      await gate;
      yield { kind: 'failed', key: 'ab', message: '' };
    },
  });
  const reader = (await fetch(`${address}api/sessions`)).body!.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader.read()).value).toBe('{"kind":"sessions","sessions":[]}\n');
  go();
  expect((await reader.read()).value).toBe('{"kind":"failed","key":"ab","message":""}\n');
  expect((await reader.read()).done).toBe(true);
});

/** Endless, but for who takes it. */
function endless(): { list: Shelf['list']; made: () => number; ended: Promise<void> } {
  let made = 0;
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const list = async function* (): AsyncGenerator<ListLine> {
    try {
      for (;;) {
        await tick();
        made++;
        yield { kind: 'failed', key: 'ab', message: 'x'.repeat(64 * 1024) };
      }
    } finally {
      end();
    }
  };
  return { list, made: () => made, ended };
}

test('who does not read on holds the list up, and who goes away ends it', async () => {
  const { list, made, ended } = endless();
  const { port, path } = await served({ list });
  const socket = connect(port, '127.0.0.1', () => socket.write(request(`${path}api/sessions`, port)));
  socket.pause();
  // As long as something goes into the sockets' buffers it is made; then nothing more is, however long one waits.
  let before = -1;
  while (before !== made() || made() === 0) {
    before = made();
    expect(before).toBeLessThan(10_000);
    for (let turn = 0; turn < 2000; turn++) await tick();
  }
  socket.destroy();
  await ended;
  expect(failed).not.toHaveBeenCalled();
});

test('closing breaks off what is being answered', async () => {
  const { list, ended } = endless();
  const { address, server } = await served({ list });
  const reader = (await fetch(`${address}api/sessions`)).body!.getReader();
  await reader.read();
  await server.close();
  await ended;
  await expect(drained(reader)).rejects.toThrow();
  await expect(fetch(address)).rejects.toThrow();
});

async function drained(reader: ReadableStreamDefaultReader): Promise<void> {
  while (!(await reader.read()).done);
}

test('a port that is taken is for the user to change', async () => {
  const { port } = await served();
  await expect(serve({ page: { script: '', style: '' }, session: () => undefined, list: noLines }, port, failed)).rejects.toMatchObject({
    name: 'UserError',
    message: `Port ${port} can't be used: listen EADDRINUSE: address already in use 127.0.0.1:${port}.`,
  });
});
