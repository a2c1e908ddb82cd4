/**
 * Copying to the clipboard, where the browser lets a page do that.
 *
 * in:   what to copy, made when it is asked for
 * out:  a button, or nothing; a page opened from a file may have no clipboard
 */
import { fill, h } from '../dom.ts';

/** @param text  exactly what the transcript has, hidden characters included */
export function copyButton(label: string, text: () => string): HTMLButtonElement | undefined {
  if (!canCopy()) return undefined;
  const button = h('button', { type: 'button', class: 'd-copy' }, label);
  button.addEventListener('click', () => void copied(button, label, text()));
  return button;
}

/** A value that copies itself. */
export function copyable(value: string, shown: Node | string): HTMLElement {
  if (!canCopy()) return h('span', { class: 'd-value', dir: 'auto' }, shown);
  const said = h('span', { class: 'd-said', role: 'status' });
  const button = h('button', { type: 'button', class: 'd-value', title: 'Copy', dir: 'auto' }, shown);
  button.addEventListener('click', () => void copied(said, '', value));
  return h('span', { class: 'd-copyable' }, button, said);
}

const canCopy = (): boolean => typeof navigator !== 'undefined' && navigator.clipboard?.writeText !== undefined;

const SAID_MS = 1500;

async function copied(where: HTMLElement, label: string, text: string): Promise<void> {
  const done = await navigator.clipboard.writeText(text).then(
    () => true,
    // Not allowed, or not in focus.
    () => false,
  );
  fill(where, done ? 'Copied' : 'Not allowed');
  setTimeout(() => fill(where, label), SAID_MS);
}
