/**
 * Text of any length, without hanging the page: the beginning first, the rest when asked for, and never more than a browser takes.
 *
 * in:   text, how a piece of it is shown
 * out:  an element
 */
import { fill, h } from '../dom.ts';
import { counted, number } from '../format.ts';
import { copyButton } from './copy.ts';

/** Shown at once. */
export const MAX_FIRST = 20_000;
/** Never more at once than that. */
export const MAX_WHOLE = 2_000_000;
/** The browser lays out only the pieces in view. */
const PIECE = 8000;

export function longText(text: string, show: (piece: string) => Node): HTMLElement {
  if (text.length <= MAX_FIRST) return h('div', { class: 'd-long' }, show(text));
  const button = h(
    'button',
    { type: 'button', class: 'd-more' },
    `Show ${text.length > MAX_WHOLE ? 'more' : 'all'} of ${number(text.length)} characters`,
  );
  const box = h(
    'div',
    { class: 'd-long' },
    show(beginning(text, MAX_FIRST)),
    h(
      'p',
      { class: 'd-rest' },
      '… ',
      button,
      copyButton('Copy all', () => text),
    ),
  );
  button.addEventListener('click', () => {
    const left = text.length - MAX_WHOLE;
    const told =
      left > 0 &&
      h(
        'p',
        { class: 'd-rest' },
        `… ${counted(left, 'character')} more: too many to show. `,
        copyButton('Copy all', () => text),
      );
    fill(box, show(beginning(text, MAX_WHOLE)), told);
  });
  return box;
}

/** Preformatted, in pieces of whole lines where lines are short enough. */
export function pre(text: string, kind = ''): HTMLElement {
  const box = h('pre', { class: `d-pre ${kind}`, dir: 'auto', tabindex: 0 });
  for (let from = 0; from < text.length; ) {
    const to = pieceEnd(text, from);
    const whole = from === 0 && to === text.length;
    const piece = text.slice(from, to);
    // Each piece is a block: the line end between two is the blocks' own.
    box.append(
      whole ? piece0(piece) : h('span', { class: 'd-piece' }, piece.endsWith('\n') && to < text.length ? piece.slice(0, -1) || ' ' : piece),
    );
    from = to;
  }
  return box;
}

const piece0 = (text: string): Node => h('span', {}, text);

function pieceEnd(text: string, from: number): number {
  if (text.length - from <= PIECE) return text.length;
  const line = text.lastIndexOf('\n', from + PIECE);
  return line > from ? line + 1 : boundary(text, from + PIECE);
}

const beginning = (text: string, chars: number): string => {
  if (text.length <= chars) return text;
  const line = text.lastIndexOf('\n', chars);
  return text.slice(0, line > chars * 0.9 ? line : boundary(text, chars));
};

/** Not between the halves of one character. */
const boundary = (text: string, at: number): number => (/[\uD800-\uDBFF]/.test(text[at - 1] ?? '') ? at - 1 : at);
