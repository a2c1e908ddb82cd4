/** What a session is called, whoever or whatever began it. */
import { expect, test } from 'vitest';
import type { Trigger } from '../../src/session/types.ts';
import { summaryOf } from '../../src/stats/summary.ts';
import { TITLE_CHARS, turnTitle } from '../../src/stats/title.ts';
import { shownIn } from '../view/shown.ts';

const said = (trigger: Trigger, text: string, command?: string) =>
  turnTitle({ trigger, prompt: [{ kind: 'text', text }], ...(command !== undefined && { command }) });

test.each([
  [
    'a command in tags',
    '<command-message>mycmd</command-message>\n<command-name>/mycmd</command-name>\n<command-args>arg1 arg2</command-args>',
    '/mycmd',
    '/mycmd arg1 arg2',
  ],
  [
    'its name first',
    '<command-name>/init</command-name>\n<command-message>init</command-message>\n<command-args></command-args>',
    '/init',
    '/init',
  ],
  ['a command as it was typed', '/review the <b> tags', '/review', '/review the <b> tags'],
  ['what a command expanded to', 'Look at everything.', '/mycmd', '/mycmd'],
])('a slash command is its name and arguments: %s', (_, text, command, title) => {
  expect(said('command', text, command)).toBe(title);
});

test('what other agents and the harness itself say has no tags; what a person typed has', () => {
  expect(said('peer', '<teammate-message teammate_id="lead">\ndo the work\n</teammate-message>')).toBe('do the work');
  expect(said('human', 'make <b>this</b>\n bold')).toBe('make <b>this</b> bold');
});

const notice = (...tags: readonly string[]): string => `<task-notification>\n${tags.join('\n')}\n</task-notification>`;
const PLACES = ['<task-id>bomd</task-id>', '<tool-use-id>toolu_1</tool-use-id>', '<output-file>/tmp/x/bomd.output</output-file>'];
const STATUS = '<status>failed</status>';

test.each([
  ['its summary', notice(...PLACES, STATUS, '<summary>Command "run" failed</summary>', '<result>no</result>'), 'Command "run" failed'],
  ['how it ended, and with what', notice(...PLACES, STATUS, '<result>no\nfile</result>'), 'failed no file'],
  ['how it ended', notice(...PLACES, STATUS), 'failed'],
  ['what else there is', notice(...PLACES, '<note>be <b>quick</b></note>'), 'be quick'],
  ['nothing but ids', notice(...PLACES), undefined],
  ['a text that was cut', `<task-notification>${PLACES.slice(0, 2).join('')}<output-file>/tmp/x…`, undefined],
  ['two at once', `${notice('<summary>One ended</summary>')}\n${notice('<summary>Two ended</summary>')}`, 'One ended; Two ended'],
  ['of a shell', '<bash-notification><shell-id>b1</shell-id><summary>Shell ended</summary></bash-notification>', 'Shell ended'],
  ['words of another harness', 'A task has ended: <done>', 'A task has ended: <done>'],
])("a turn begun by a task's end is called by what is told of that: %s", (_, text, title) => {
  expect(said('task_notification', text)).toBe(title);
});

test('nothing said is no title; without content a command still has its name', () => {
  expect(said('human', ' \n ')).toBeUndefined();
  expect(turnTitle({ trigger: 'human' })).toBeUndefined();
  expect(turnTitle({ trigger: 'command', command: 'mycmd' })).toBe('/mycmd');
});

test('a long one is cut between characters', () => {
  const title = said('human', `${'x'.repeat(TITLE_CHARS - 2)}😀😀 and more`)!;
  expect(title).toBe(`${'x'.repeat(TITLE_CHARS - 2)}…`);
});

test.each(['slash', 'team', 'teamtmux', 'bg'])('no session of %s is called by markup', (story) => {
  const titles = shownIn(story).map(({ session }) => summaryOf(session, () => undefined).title ?? '');
  expect(titles.length).toBeGreaterThan(0);
  for (const title of titles) expect(title).not.toMatch(/[<>]/);
});
