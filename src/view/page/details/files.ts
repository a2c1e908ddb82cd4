/**
 * Files that a tool changed: one block a file, its edits as a diff by lines.
 *
 * in:   `FileChange`s
 * out:  an element
 *
 * A sign before each line says what the colour says. Edits tell no numbers of lines, so none are shown.
 */
import type { FileChange } from '../../../session/types.ts';
import { type Child, h } from '../dom.ts';
import { counted } from '../format.ts';
import { type DiffLine, diffLines } from './diff.ts';

const MAX_FILES = 100;
const MAX_LINES = 400;
const MAX_MORE = 5000;
/** Of one line; the arguments have it whole. */
const MAX_COLUMNS = 3000;
const CHANGES = { add: 'added', update: 'updated', delete: 'deleted', move: 'moved' } as const;

export function renderFiles(files: readonly FileChange[]): HTMLElement {
  const left = files.length - MAX_FILES;
  return h(
    'div',
    { class: 'd-files' },
    ...files.slice(0, MAX_FILES).map(renderFile),
    left > 0 && h('p', { class: 'd-none' }, `… ${counted(left, 'more file')}`),
  );
}

function renderFile(file: FileChange): HTMLElement {
  const change = CHANGES[file.change] ?? file.change;
  const lines = (file.edits ?? []).flatMap(({ before, after }, index): DiffLine[] => [
    ...(index === 0 ? [] : [{ kind: 'gap', lines: 0 } as const]),
    ...diffLines(before, after),
  ]);
  const count = (kind: DiffLine['kind']): number => lines.filter((line) => line.kind === kind).length;
  const [added, removed] = [count('added'), count('removed')];
  return h(
    'figure',
    { class: 'd-file' },
    h(
      'figcaption',
      {},
      h('span', { class: `d-change ${change}` }, change),
      h('span', { class: 'd-path', dir: 'auto' }, file.path ?? 'a file'),
      file.movedTo !== undefined && h('span', { class: 'd-path', dir: 'auto' }, `→ ${file.movedTo}`),
      lines.length > 0 &&
        h(
          'span',
          { class: 'd-counts', role: 'img', 'aria-label': `${counted(added, 'line')} added, ${counted(removed, 'line')} removed` },
          h('span', { class: 'added' }, `+${added}`),
          ' ',
          h('span', { class: 'removed' }, `−${removed}`),
        ),
    ),
    lines.length > 0 && diffBox(lines),
  );
}

function diffBox(lines: readonly DiffLine[]): HTMLElement {
  const table = h('div', { class: 'd-diff', tabindex: 0, role: 'group', 'aria-label': 'Changed lines' });
  let from = 0;
  const more = (count: number): void => {
    table.append(h('div', { class: 'd-diff-piece' }, ...lines.slice(from, from + count).map(diffLine)));
    from += count;
    const left = lines.length - from;
    if (left <= 0) return;
    const button = h('button', { type: 'button', class: 'd-more' }, `Show ${counted(Math.min(left, MAX_MORE), 'more line')} of ${left}`);
    button.addEventListener('click', () => {
      button.remove();
      more(MAX_MORE);
    });
    table.append(button);
  };
  more(MAX_LINES);
  return table;
}

function diffLine(line: DiffLine): HTMLElement {
  switch (line.kind) {
    case 'gap':
      return h('div', { class: 'gap' }, line.lines === 0 ? '⋯' : `⋯ ${counted(line.lines, 'line')} as before`);
    case 'note':
      return h('div', { class: 'gap' }, line.text);
    case 'same':
      return h('div', { class: 'same' }, h('span', { class: 'sign' }, ' '), h('span', { class: 'text', dir: 'auto' }, cut(line.text)));
    case 'added':
      return h('ins', {}, h('span', { class: 'sign' }, '+'), h('span', { class: 'text', dir: 'auto' }, ...marked(line)));
    case 'removed':
      return h('del', {}, h('span', { class: 'sign' }, '−'), h('span', { class: 'text', dir: 'auto' }, ...marked(line)));
    default:
      return line satisfies never;
  }
}

const marked = (line: {
  readonly text: string;
  readonly pieces?: readonly { readonly text: string; readonly changed: boolean }[];
}): Child[] => line.pieces?.map(({ text, changed }) => (changed ? h('mark', {}, text) : text)) ?? [cut(line.text)];

const cut = (text: string): string =>
  text.length <= MAX_COLUMNS ? text : `${text.slice(0, MAX_COLUMNS)} … ${counted(text.length - MAX_COLUMNS, 'more character')}`;
