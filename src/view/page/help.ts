/**
 * What the keys do.
 *
 * in:   nothing
 * out:  a dialog, opened
 */
import { openDialog } from './dialog.ts';
import { h } from './dom.ts';

const KEYS: readonly { readonly title: string; readonly keys: readonly (readonly [keys: string, meaning: string])[] }[] = [
  {
    title: 'Anywhere',
    keys: [
      ['/', 'search'],
      ['t', 'light or dark'],
      ['?', 'this help'],
      ['Esc', 'close what is open; from a session, back to the list'],
    ],
  },
  {
    title: 'In the waterfall',
    keys: [
      ['↑ ↓', 'previous, next span'],
      ['← →', 'collapse, expand; to the parent, to the first child'],
      ['Home End', 'first, last span'],
      ['PgUp PgDn', 'a page up, down'],
      ['Enter', 'details of the span'],
      ['f', 'fit the time axis to the span, and back'],
    ],
  },
  {
    title: 'In a session',
    keys: [
      ['[ ]', 'previous, next turn'],
      ['a', 'all turns'],
      ['n N', 'next, previous match'],
    ],
  },
  {
    title: 'In the list',
    keys: [
      ['↑ ↓', 'previous, next session'],
      ['Enter', 'open it'],
    ],
  },
];

export const showHelp = (): void =>
  openDialog(
    'Keys',
    h(
      'div',
      { class: 'help-groups help' },
      ...KEYS.map(({ title, keys }) =>
        h(
          'section',
          {},
          h('h3', {}, title),
          h(
            'dl',
            {},
            ...keys.map(([names, meaning]) =>
              h('div', {}, h('dt', {}, ...names.split(' ').map((name) => h('kbd', {}, name))), h('dd', {}, meaning)),
            ),
          ),
        ),
      ),
    ),
  );
