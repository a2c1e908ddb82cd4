/**
 * A titled part of the details, which can be folded.
 *
 * in:   title, content
 * out:  an element
 */
import { h } from '../dom.ts';

export function section(title: string, content: Node, { folded = false }: { readonly folded?: boolean } = {}): HTMLElement {
  return h(
    'details',
    { class: 'd-section', open: !folded },
    h('summary', {}, h('h3', {}, title)),
    h('div', { class: 'd-section-body' }, content),
  );
}

/** Made only when it is opened: it may be large. */
export function lazyFold(title: string | Node, kind: string, content: () => Node): HTMLElement {
  const fold = h('details', { class: kind }, h('summary', {}, title));
  const make = (): void => {
    if (!fold.open) return;
    fold.removeEventListener('toggle', make);
    fold.append(content());
  };
  fold.addEventListener('toggle', make);
  return fold;
}
