/**
 * Search in the spans of a session.
 *
 * in:   what is typed, where one is
 * out:  an element; tells what matches, and where to go
 */
import type { ViewSession } from '../model.ts';
import { h } from './dom.ts';
import { number } from './format.ts';
import { haystacks, matchesIn, nextMatch, placeOf } from './rows.ts';
import { searchBox } from './search-box.ts';

export interface SpanSearch {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  /** To the next match, or the one before. */
  step(step: 1 | -1): void;
}

export interface SearchEvents {
  readonly active: () => number;
  matched(rows: Int32Array): void;
  go(row: number): void;
  left(): void;
  announce(text: string): void;
}

export function spanSearch({ spans }: ViewSession, events: SearchEvents): SpanSearch {
  const { element, input } = searchBox('Search spans by name, label or error', 'Search spans');
  const count = h('span', { class: 'search-count' });
  element.append(count);
  let texts: readonly string[] | undefined;
  let matches = new Int32Array(0);

  const tell = (): void => {
    const at = placeOf(matches, events.active());
    const onOne = at >= 0 && matches[at] === events.active();
    const text = matches.length === 0 ? 'none' : onOne ? `${number(at + 1)} of ${number(matches.length)}` : number(matches.length);
    count.textContent = input.value.trim() === '' ? '' : text;
    if (input.value.trim() !== '') events.announce(matches.length === 0 ? 'No span matches' : `${text} matches`);
  };
  const step = (by: 1 | -1): void => {
    const row = nextMatch(matches, events.active(), by);
    if (row !== undefined) events.go(row);
    tell();
  };
  input.addEventListener('input', () => {
    texts ??= haystacks(spans);
    matches = new Int32Array(matchesIn(texts, input.value));
    events.matched(matches);
    const here = placeOf(matches, events.active());
    if (matches.length > 0 && matches[here] !== events.active()) step(1);
    else tell();
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
    else if (event.key === 'ArrowDown') events.left();
    else if (event.key === 'Escape') {
      if (input.value !== '') {
        input.value = '';
        input.dispatchEvent(new Event('input'));
      }
      events.left();
      event.stopPropagation();
    } else return;
    event.preventDefault();
  });
  return { element, input, step };
}
