/**
 * A field to search in, with the key that leads to it.
 *
 * in:   what it is for
 * out:  its element and input
 */
import { h } from './dom.ts';

export interface SearchBox {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
}

export function searchBox(label: string, placeholder: string): SearchBox {
  const input = h('input', {
    type: 'search',
    'aria-label': label,
    placeholder,
    autocomplete: 'off',
    spellcheck: 'false',
    dir: 'auto',
    'aria-keyshortcuts': '/',
  });
  return { element: h('div', { class: 'search', role: 'search' }, input, h('kbd', { 'aria-hidden': 'true' }, '/')), input };
}

/** What was searched for is there to be typed over. */
export function focusOn({ input }: Pick<SearchBox, 'input'>): void {
  input.focus();
  input.select();
}
