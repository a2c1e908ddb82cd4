/** The self-contained page: hostile texts stay data, and its policy fits what is in it. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { htmlFile } from '../../src/view/file.ts';
import type { PageData } from '../../src/view/model.ts';
import { openSession } from '../../src/view/sessions.ts';
import { STORIES } from '../support/stories.ts';
import { shownIn } from './shown.ts';

const PAGE = { script: 'const a = "</script><!--<script>", b = /<!--|<\\/SCRIPT/u;\nrun(a, b);', style: 'body > p { color: red }' };
const HOSTILE = '</script><script>alert(1)</script><!--<script>\u2028\u2029]]>&lt;';

const fileOf = (shown: ReturnType<typeof shownIn>[number], page = PAGE): string => [...htmlFile(openSession(shown), page)].join('');

/** As a browser's parser takes it apart: an element of these ends where its end tag begins. */
function elements(html: string): { readonly data: string; readonly style: string; readonly script: string; readonly policy: string } {
  const found = [...html.matchAll(/<(script|style)([^>]*)>([\s\S]*?)<\/\1/gi)];
  expect(found.map(([, tag, attributes]) => [tag, attributes])).toEqual([
    ['style', ''],
    ['script', ' type="application/json" id="trace-build-data"'],
    ['script', ''],
  ]);
  const [style, data, script] = found.map(([, , , text]) => text!) as [string, string, string];
  return { data, style, script, policy: /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)![1]! };
}

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

test.each(STORIES)('%s: holds the session and the details of every span', (story) => {
  for (const shown of shownIn(story)) {
    const opened = openSession(shown);
    const { data } = elements(fileOf(shown));
    const page: PageData = JSON.parse(data);
    expect(page.session).toEqual(JSON.parse(JSON.stringify(opened.view)));
    expect(Object.keys(page.details)).toEqual(opened.view.spans.map(({ id }) => id));
    for (const { id } of opened.view.spans) expect(page.details[id]).toEqual(JSON.parse(JSON.stringify(opened.details(id))));
  }
});

test('the policy allows this script and this style, and no other, and no request', () => {
  const { policy, script, style } = elements(fileOf(shownIn('nest')[0]!));
  expect(policy.split('; ').toSorted()).toEqual([
    "base-uri 'none'",
    "default-src 'none'",
    "form-action 'none'",
    'img-src data:',
    "require-trusted-types-for 'script'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "trusted-types 'none'",
  ]);
  expect(fileOf(shownIn('nest')[0]!)).not.toMatch(/(?:src|href)=(?!"data:,")/);
});

test('a script that speaks of scripts does the same in the file', () => {
  const { script } = elements(fileOf(shownIn('nest')[0]!));
  const seen: unknown[] = [];
  new Function('run', script)((...given: unknown[]) => seen.push(...given));
  expect(seen).toEqual(['</script><!--<script>', expect.any(RegExp)]);
  for (const text of ['<!--', '</SCRIPT']) expect((seen[1] as RegExp).test(text)).toBe(true);
  expect((seen[1] as RegExp).test('<script')).toBe(false);
});

test('a hostile transcript is data', () => {
  const [shown] = shownIn('nest');
  const turns = shown!.session.turns.map((turn) => ({ ...turn, prompt: [{ kind: 'text' as const, text: HOSTILE }] }));
  const html = fileOf({ ...shown!, project: HOSTILE, session: { ...shown!.session, turns } });
  const { data } = elements(html);
  expect(data).not.toMatch(/[<\u2028\u2029]/);
  const { session, details }: PageData = JSON.parse(data);
  expect(session.project).toBe(HOSTILE);
  expect(details[session.spans[0]!.id]!.input).toEqual([{ role: 'user', parts: [{ kind: 'text', text: HOSTILE }] }]);
});

test('texts over 64 KiB are cut, and say so', () => {
  const [shown] = shownIn('nest');
  const long = `${'x'.repeat(64 * 1024 - 1)}😀${'y'.repeat(1000)}`;
  const turns = shown!.session.turns.map((turn) => ({ ...turn, prompt: [{ kind: 'text' as const, text: long }] }));
  const { session, details }: PageData = JSON.parse(elements(fileOf({ ...shown!, session: { ...shown!.session, turns } })).data);
  const [part] = details[session.spans[0]!.id]!.input![0]!.parts;
  const { text } = part as { text: string };
  expect(text).toBe(`${'x'.repeat(64 * 1024 - 1)}\n… [cut: ${long.length} characters in all; trace-build view shows them]`);
});

test('arguments nested deeper than any stack goes cost themselves only', () => {
  const [shown] = shownIn('tools');
  const deep = JSON.parse(`${'['.repeat(100_000)}"at the bottom"${']'.repeat(100_000)}`);
  const [first, ...others] = shown!.session.turns;
  const [call, ...more] = first!.toolCalls;
  const turns = [{ ...first!, toolCalls: [{ ...call!, input: { deep, beside: 'whole' } }, ...more] }, ...others];
  const whole: PageData = JSON.parse(elements(fileOf(shown!)).data);
  const { session, details }: PageData = JSON.parse(elements(fileOf({ ...shown!, session: { ...shown!.session, turns } })).data);
  const at = Object.values(details).find(({ arguments: given }) => JSON.stringify(given)?.includes('[nested deeper]'))!;
  expect(at.arguments).toMatchObject({ beside: 'whole' });
  expect(session.turns).toEqual(whole.session.turns);
  expect(Object.values(details).filter(({ id }) => id !== at.id)).toEqual(Object.values(whole.details).filter(({ id }) => id !== at.id));
});

test('a style that would end itself is a bug of ours', () => {
  expect(() => fileOf(shownIn('nest')[0]!, { script: '', style: '</STYLE>' })).toThrow('style');
});
