/**
 * The page: what its address names, shown.
 *
 * in:   `#/` the list, `#/s/<key>` a session, `#/s/<key>/<spanId>` a span of it; keys
 * out:  the document
 */
import { messageOf } from './details-pane.ts';
import { isDialogOpen } from './dialog.ts';
import { fill, h } from './dom.ts';
import { showHelp } from './help.ts';
import { addressOf, type ListView, listView } from './list.ts';
import { type SessionView, sessionView } from './session.ts';
import { sourceOf } from './source.ts';
import { followTheme, switchTheme } from './theme.ts';
import type { View } from './view.ts';

const LOCATION = /^#\/s\/([^/]+)(?:\/([^/]+))?$/;

function start(): void {
  followTheme();
  const source = sourceOf(document);
  const main = h('main', { class: 'main' });
  const status = h('div', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
  const back = h('a', { href: '#/', class: 'back' }, 'Sessions');
  let view: View | undefined;
  let list: ListView | undefined;
  let session: { readonly key: string; readonly view: SessionView } | undefined;
  let loading: AbortController | undefined;

  const announce = (text: string): void => {
    status.textContent = text;
  };
  const show = (next: View): void => {
    view = next;
    fill(main, next.element);
    document.title = `${next.title} · trace-build`;
    next.focus();
  };

  const route = async (): Promise<void> => {
    const [, key, spanId] = LOCATION.exec(location.hash)?.map((part) => (part === undefined ? part : decoded(part))) ?? [];
    if (key === undefined && source.only !== undefined) {
      history.replaceState(null, '', addressOf(source.only));
      return route();
    }
    back.hidden = key === undefined || source.only !== undefined;
    if (key !== undefined && key === session?.key) {
      if (spanId !== undefined) session.view.openSpan(spanId);
      return;
    }
    view?.close();
    loading?.abort();
    session = undefined;
    if (key === undefined) {
      list ??= listView(source, announce);
      show(list);
      return list.open();
    }
    loading = new AbortController();
    const { signal } = loading;
    show(waiting());
    try {
      const opened = { key, view: sessionView(await source.session(key, signal), source, announce) };
      if (signal.aborted) return;
      session = opened;
      show(opened.view);
      if (spanId !== undefined) queueMicrotask(() => opened.view.openSpan(spanId));
    } catch (error) {
      if (signal.aborted) return;
      show(failed(messageOf(error)));
      announce(messageOf(error));
    }
  };

  document.body.append(
    h('a', { class: 'skip', href: '#main' }, 'To the content'),
    h(
      'header',
      { class: 'top' },
      h('span', { class: 'brand' }, h('span', { class: 'logo', 'aria-hidden': 'true' }), 'trace-build'),
      h('nav', { 'aria-label': 'Where you are' }, back),
      h('span', { class: 'space' }),
      iconButton('◐', 'Light or dark (t)', () => announce(`${switchTheme()} theme`)),
      iconButton('?', 'Keys (?)', showHelp),
    ),
    main,
    status,
  );
  main.tabIndex = -1;
  document.querySelector('.skip')!.addEventListener('click', (event) => {
    event.preventDefault();
    view?.focus();
  });

  const keys: Readonly<Record<string, () => void>> = {
    '/': () => view?.search(),
    '?': showHelp,
    t: () => announce(`${switchTheme()} theme`),
  };
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (isDialogOpen()) return;
    const typing = event.target instanceof HTMLInputElement;
    if (typing && event.key !== 'Escape') return;
    if (view?.key(event.key)) event.preventDefault();
    else if (keys[event.key] !== undefined) {
      keys[event.key]!();
      event.preventDefault();
    } else if (event.key === 'Escape' && session !== undefined && source.only === undefined) location.hash = '#/';
  });
  window.addEventListener('hashchange', () => void route());
  void route();
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

const waiting = (): View => plain('Reading…', h('div', { class: 'notice' }, h('p', { class: 'notice-title' }, 'Reading the session…')));

const failed = (message: string): View =>
  plain('Not found', h('div', { class: 'notice' }, h('p', { class: 'notice-title' }, "This session can't be shown"), h('p', {}, message)));

const plain = (title: string, element: HTMLElement): View => ({
  element,
  title,
  focus: () => {},
  search: () => {},
  key: () => false,
  close: () => {},
});

function iconButton(text: string, label: string, press: () => void): HTMLButtonElement {
  const button = h('button', { type: 'button', class: 'icon', 'aria-label': label, title: label }, text);
  button.addEventListener('click', press);
  return button;
}

if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
else start();
