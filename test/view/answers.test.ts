/** What the server answers, request by request, apart from sockets. */
import { describe, expect, test, vi } from 'vitest';
import { type Answer, type Asked, answersFor, type Shelf } from '../../src/view/answers.ts';
import { openSession } from '../../src/view/sessions.ts';
import { shownIn } from './shown.ts';

const TOKEN = 'f'.repeat(48);
const HOST = '127.0.0.1:4000';
const opened = openSession({ ...shownIn('nest')[0]!, key: 'ab12' });
const session = vi.fn((key: string, _fresh: boolean) => (key === 'ab12' ? opened : undefined));
const shelf: Shelf = {
  page: { script: 'script()', style: 'style{}' },
  session,
  async *list() {
    yield { kind: 'sessions', sessions: [] };
    yield { kind: 'failed', key: 'ab12', message: 'two\nlines' };
  },
};
const answers = answersFor(shelf, 4000, TOKEN);
const ask = (target: string, more: Partial<Asked> = {}): Answer => answers({ method: 'GET', target, hosts: [HOST], ...more });

async function textOf({ body }: Answer): Promise<string> {
  if (typeof body === 'string') return body;
  let text = '';
  for await (const piece of body) text += piece;
  return text;
}

test('the page and its two files', async () => {
  expect(ask(`/${TOKEN}/`)).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
  expect(await textOf(ask(`/${TOKEN}/`))).toContain('<script src="page.js" defer></script>');
  expect(await textOf(ask(`/${TOKEN}/page.js`))).toBe('script()');
  expect(await textOf(ask(`/${TOKEN}/page.css`))).toBe('style{}');
});

test('the list is a line of JSON each', async () => {
  const answer = ask(`/${TOKEN}/api/sessions`);
  expect(answer.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
  const lines = (await textOf(answer)).split('\n');
  expect(lines.pop()).toBe('');
  expect(lines.map((line) => JSON.parse(line).kind)).toEqual(['sessions', 'failed']);
});

test('a session, looked at afresh; a span, as the session was then', async () => {
  expect(JSON.parse(await textOf(ask(`/${TOKEN}/api/sessions/ab12`)))).toEqual(JSON.parse(JSON.stringify(opened.view)));
  expect(session).toHaveBeenLastCalledWith('ab12', true);
  const { id } = opened.view.spans[3]!;
  expect(JSON.parse(await textOf(ask(`/${TOKEN}/api/sessions/ab12/spans/${id}`)))).toEqual(JSON.parse(JSON.stringify(opened.details(id))));
  expect(session).toHaveBeenLastCalledWith('ab12', false);
});

test('what is looked for in an address is nothing to the server', () => {
  expect(ask(`/${TOKEN}/?a=/../b`).status).toBe(200);
  expect(ask(`/${TOKEN}/page.js?v=1`).status).toBe(200);
});

test.each([
  ['no token', '/'],
  ['another token', `/${'e'.repeat(48)}/`],
  ['a part of it', `/${TOKEN.slice(1)}/`],
  ['more than it', `/${TOKEN}f/`],
  ['encoded', `/%66${TOKEN.slice(1)}/`],
  ['without the slash', `/${TOKEN}`],
  ['not first', `//${TOKEN}/`],
  ['below an empty part', `/${TOKEN}//`],
  ['what is not there', `/${TOKEN}/page.html`],
  ['another file of the program', `/${TOKEN}/cli.js`],
  ['up', `/${TOKEN}/../cli.js`],
  ['up, encoded', `/${TOKEN}/%2e%2e/cli.js`],
  ['up, encoded whole', `/${TOKEN}/..%2f..%2f..%2fetc%2fpasswd`],
  ['up, with backslashes', `/${TOKEN}/..\\..\\etc\\passwd`],
  ['up, below a session', `/${TOKEN}/api/sessions/../../page.js`],
  ['a zero byte', `/${TOKEN}/page.js%00`],
  ['a key that is none', `/${TOKEN}/api/sessions/..`],
  ['a key of an object', `/${TOKEN}/api/sessions/__proto__`],
  ['a session that is not there', `/${TOKEN}/api/sessions/cd34`],
  ['a span that is not there', `/${TOKEN}/api/sessions/ab12/spans/0000`],
  ['a span that is no id', `/${TOKEN}/api/sessions/ab12/spans/constructor`],
  ['of a session something else', `/${TOKEN}/api/sessions/ab12/lines/0000`],
  ['more than a span', `/${TOKEN}/api/sessions/ab12/spans/0000/x`],
  ['half an address', `/${TOKEN}/api/sessions/ab12/spans`],
])('there is nothing there: %s', (_, target) => {
  expect(ask(target)).toMatchObject({ status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' } });
});

test('a wrong token is told the same as a wrong path, whatever the method', () => {
  expect(ask('/wrong/')).toEqual(ask(`/${TOKEN}/wrong`));
  expect(ask('/wrong/', { method: 'POST' })).toEqual(ask('/wrong/'));
});

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'get', ''])(
  '%s changes nothing here, for there is nothing to change',
  (method) => {
    expect(ask(`/${TOKEN}/`, { method })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  },
);

test('HEAD is as GET', () => {
  expect(ask(`/${TOKEN}/`, { method: 'HEAD' })).toEqual(ask(`/${TOKEN}/`));
});

describe('only who names this address is answered', () => {
  test.each([['localhost:4000'], ['LOCALHOST:4000'], [HOST]])('%s', (host) => {
    expect(ask(`/${TOKEN}/`, { hosts: [host] }).status).toBe(200);
  });
  test.each([
    ['a name that leads here (DNS rebinding)', ['attacker.example:4000']],
    ['another port', ['127.0.0.1:4001']],
    ['no port', ['127.0.0.1']],
    ['the other loopback', ['[::1]:4000']],
    ['any address', ['0.0.0.0:4000']],
    ['a name that begins alike', ['localhost:4000.attacker.example']],
    ['a name that ends alike', ['attacker.localhost:4000']],
    ['a user before it', ['attacker@127.0.0.1:4000']],
    ['a space after it', ['127.0.0.1:4000 ']],
    ['an empty one', ['']],
    ['none', []],
    ['two', [HOST, 'attacker.example:4000']],
    ['twice the same', [HOST, HOST]],
  ])('not %s', (_, hosts) => {
    expect(ask(`/${TOKEN}/`, { hosts }).status).toBe(421);
  });
});

test.each([[`http://${HOST}/${TOKEN}/`], ['http://attacker.example/'], ['attacker.example:443'], ['*'], ['']])(
  'a target for proxies is refused: %s',
  (target) => {
    expect(ask(target).status).toBe(400);
  },
);

test('every answer keeps the browser in bounds', () => {
  const all = [
    ask(`/${TOKEN}/`),
    ask('/'),
    ask(`/${TOKEN}/`, { method: 'POST' }),
    ask(`/${TOKEN}/`, { hosts: [] }),
    ask(`/${TOKEN}/api/sessions`),
  ];
  for (const { headers } of all) {
    expect(headers).toMatchObject({
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers['content-security-policy']!.split('; ').toSorted()).toEqual([
      "base-uri 'none'",
      "connect-src 'self'",
      "default-src 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      'img-src data:',
      "require-trusted-types-for 'script'",
      "script-src 'self'",
      "style-src 'self'",
      "trusted-types 'none'",
    ]);
    for (const value of Object.values(headers)) expect(value).not.toContain(TOKEN);
  }
});
