/**
 * A dialog over the page, closed by Escape, its button, or a click beside it.
 *
 * in:   its title and content
 * out:  it, opened; nothing while another one is open
 */
import { type Child, h } from './dom.ts';

export function openDialog(title: string, ...content: readonly Child[]): void {
  if (isDialogOpen()) return;
  const close = h('button', { type: 'button', class: 'plain' }, 'Close');
  const dialog = h(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'dialog-title' },
    // It has the focus: the button below the text would scroll to its end.
    h('h2', { id: 'dialog-title', tabindex: -1, autofocus: true }, title),
    ...content,
    close,
  );
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

export const isDialogOpen = (): boolean => document.querySelector('dialog[open]') !== null;
