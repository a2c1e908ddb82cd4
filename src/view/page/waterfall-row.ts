/**
 * A span → its row in the waterfall.
 *
 * in:   the span, sums below it, the scale of time
 * out:  an element; colour tells nothing that a shape or a word does not
 */
import type { ViewSession, ViewSpan } from '../model.ts';
import type { Scale } from './axis.ts';
import { h } from './dom.ts';
import { cost, dollars, duration, exactTime, notPriced, number, tokens, withinProject } from './format.ts';
import type { Tree } from './rows.ts';
import { oneLine } from './text.ts';

export interface RowState {
  readonly scale: Scale;
  /** Unix ms: what the axis counts from. */
  readonly originMs: number;
  readonly active: boolean;
  readonly opened: boolean;
  readonly collapsed: boolean;
  readonly matches: boolean;
  /** Place among the rows on show. */
  readonly index: number;
}

/** Beyond this depth names would be pushed out of their column. */
const DEEPEST = 14;

export function spanRow(session: ViewSession, tree: Tree, row: number, state: RowState): HTMLElement {
  const span = session.spans[row]!;
  const isParent = tree.ends[row]! > row + 1;
  const classes = ['wf-row', span.kind, span.error !== undefined && 'error', state.matches && 'match', state.opened && 'opened'];
  return h(
    'div',
    {
      class: classes.filter((name) => name !== false).join(' '),
      role: 'row',
      id: `span-${row}`,
      'aria-level': span.depth + 1,
      'aria-rowindex': state.index + 2,
      'aria-selected': String(state.active),
      'aria-expanded': isParent ? String(!state.collapsed) : undefined,
    },
    nameCell(span, isParent, session.project),
    timeCell(span, state),
    h('div', { role: 'gridcell', class: 'figures duration' }, span.outcome === 'open' ? 'open' : lengthOf(span)),
    tokensCell(span, tree, row),
    costCell(span, tree, row),
  );
}

/** One that is estimated says so. */
export const lengthOf = ({ startMs, endMs, timeEstimated }: ViewSpan): string => `${timeEstimated ? '~' : ''}${duration(endMs - startMs)}`;

export const KIND_NAMES: Readonly<Record<ViewSpan['kind'], string>> = { turn: 'turn', agent: 'agent', chat: 'model', tool: 'tool' };

function nameCell(span: ViewSpan, isParent: boolean, project: string | undefined): HTMLElement {
  const name = oneLine(span.name);
  const label = span.label === undefined ? '' : oneLine(span.label);
  const cell = h(
    'div',
    { role: 'gridcell', class: 'name', title: label === '' ? name : `${name}\n${label}` },
    h('span', { class: isParent ? 'twisty' : 'twisty leaf', 'aria-hidden': 'true' }),
    h('span', { class: 'mark', role: 'img', 'aria-label': KIND_NAMES[span.kind] }),
    h('bdi', { class: 'span-name' }, name),
    span.error !== undefined && errorBadge(span.error),
    span.outcome !== undefined && span.outcome !== 'error' && h('span', { class: 'outcome' }, oneLine(span.outcome)),
    span.session !== undefined && sessionFigures(span.session),
    label !== '' && h('span', { class: 'label', dir: 'auto' }, withinProject(label, project)),
  );
  cell.style.setProperty('--depth', String(Math.min(span.depth, DEEPEST)));
  return cell;
}

const sessionFigures = ({ input, output, costUsd }: NonNullable<ViewSpan['session']>): HTMLElement =>
  h(
    'span',
    { class: 'outcome', title: 'Of the whole session up to here: the harness counts no single call' },
    `session ${tokens(input)} → ${tokens(output)}${costUsd === undefined ? '' : `, ${dollars(costUsd)}`}`,
  );

export const errorBadge = (error: string): HTMLElement =>
  h('span', { class: 'error-badge' }, h('span', { class: 'error-icon', 'aria-hidden': 'true' }, '!'), oneLine(error));

function timeCell(span: ViewSpan, { scale, originMs }: RowState): HTMLElement {
  const { startMs, endMs } = span;
  const [first, last] = [scale.segments[0]!, scale.segments.at(-1)!];
  const told = `${duration(startMs - originMs)} in, for ${lengthOf(span)}`;
  const cell = h('div', { role: 'gridcell', class: 'time', 'aria-label': told, title: `${exactTime(startMs)}\n${told}` });
  // Fitted to one span, the axis leaves others out.
  if (endMs < first.startMs || startMs > last.endMs) return cell;
  const [from, to] = [scale.at(startMs), scale.at(endMs)];
  const bar = h('div', { class: 'bar' });
  bar.style.setProperty('--from', `${from * 100}%`);
  bar.style.setProperty('--width', `${(to - from) * 100}%`);
  cell.append(bar);
  return cell;
}

function tokensCell(span: ViewSpan, { input, output, untold }: Tree, row: number): HTMLElement {
  const [read, written] = [input[row]!, output[row]!];
  if (read + written === 0) return h('div', { role: 'gridcell', class: 'figures tokens' });
  const cached = span.tokens?.cacheRead ?? 0;
  const isMore = untold[row]! > 0;
  return h(
    'div',
    {
      role: 'gridcell',
      class: span.kind === 'chat' ? 'figures tokens' : 'figures tokens sum',
      title: `${number(read)} in${cached > 0 ? ` (${number(cached)} from the cache)` : ''}, ${number(written)} out${span.kind === 'chat' ? '' : ', in all below'}${isMore ? `; ${number(untold[row]!)} of the calls tell none` : ''}`,
    },
    h('span', {}, `${isMore ? '≥ ' : ''}${tokens(read)}`),
    h('span', { class: 'arrow', 'aria-hidden': 'true' }, '→'),
    h('span', { class: 'written' }, tokens(written)),
  );
}

function costCell(span: ViewSpan, tree: Tree, row: number): HTMLElement {
  const [usd, unpriced, used] = [tree.costUsd[row]!, tree.unpriced[row]!, tree.input[row]! + tree.output[row]!];
  return h(
    'div',
    {
      role: 'gridcell',
      class: span.kind === 'chat' ? 'figures cost' : 'figures cost sum',
      title: unpriced > 0 && used > 0 ? notPriced(unpriced) : undefined,
    },
    // A call that tells no tokens has no price to be missed.
    usd > 0 || (unpriced > 0 && used > 0) ? cost(usd, unpriced) : '',
  );
}
