/**
 * The head of the details: what it was, who did it, when, how long, how it ended, and what it took.
 *
 * in:   `SpanDetails`; of a turn or an agent what it took
 * out:  an element
 */
import * as attr from '../../../trace/semconv.ts';
import type { Attributes } from '../../../trace/span.ts';
import type { SpanDetails } from '../../model.ts';
import { h } from '../dom.ts';
import { cost, dollars, duration, exactTime, number as grouped } from '../format.ts';
import type { Took } from '../rows.ts';
import { longText, pre } from './long-text.ts';
import { renderTokens } from './tokens.ts';

const KINDS = { turn: 'Turn', agent: 'Agent', chat: 'Model call', tool: 'Tool call' } as const;

export function renderHead(details: SpanDetails, took: Took | undefined): HTMLElement {
  const { attributes, error } = details;
  const outcome = text(attributes, attr.ATTR_OUTCOME);
  const isEstimated = attributes[attr.ATTR_TIME_ESTIMATED] === true;
  const isOfSession = attributes[attr.ATTR_USAGE_SCOPE] === 'session' && details.kind === 'turn';
  return h(
    'header',
    { class: 'd-head' },
    h(
      'p',
      { class: 'd-kind' },
      h('span', { class: 'mark', 'aria-hidden': 'true' }),
      KINDS[details.kind],
      status(outcome, error !== undefined),
    ),
    h('h2', { dir: 'auto' }, details.name),
    error !== undefined && errorBox(error),
    h(
      'dl',
      { class: 'd-facts' },
      h('div', { class: 'wide' }, h('dt', {}, 'Started'), h('dd', {}, exactTime(details.startMs))),
      ...fact('Agent', details.agent === '' ? undefined : details.agent),
      ...fact('Took', `${isEstimated ? '~' : ''}${duration(details.endMs - details.startMs)}${isEstimated ? ', estimated' : ''}`),
      ...fact('Exit code', text(attributes, attr.ATTR_PROCESS_EXIT_CODE)),
      ...fact('Model', text(attributes, attr.ATTR_GEN_AI_RESPONSE_MODEL)),
      ...fact('Stopped', text(attributes, attr.ATTR_GEN_AI_RESPONSE_FINISH_REASONS)),
      ...fact('Retries', text(attributes, attr.ATTR_RETRIES)),
      ...fact('Permission', text(attributes, attr.ATTR_PERMISSION_DECISION)),
      ...fact(isOfSession ? 'Cost of the session' : 'Cost', costIn(attributes, isOfSession ? undefined : took)),
    ),
    renderTokens(attributes, details.kind, took?.withAgents !== undefined && !isOfSession),
    took?.withAgents !== undefined && withAgents(took.withAgents, isOfSession),
  );
}

/** Of its own calls. A span of several tells no cost: what its calls tell is added up. */
function costIn(attributes: Attributes, took: Took | undefined): string | undefined {
  const told = number(attributes, attr.ATTR_COST_USD);
  if (told !== undefined) return dollars(told);
  return took === undefined || took.own.costUsd + took.own.unpriced === 0 ? undefined : cost(took.own.costUsd, took.own.unpriced);
}

/** As its row has it: what its agents took is in no attribute of it. */
function withAgents({ input, output, untold, costUsd, unpriced }: NonNullable<Took['withAgents']>, only: boolean): HTMLElement | undefined {
  if (input + output === 0) return undefined;
  const told = [`${untold > 0 ? '≥ ' : ''}${grouped(input)} in`, `${grouped(output)} out`, cost(costUsd, unpriced)];
  return h('p', { class: 'd-below' }, `${only ? 'Its agents' : 'With its agents'}: ${told.join(', ')}`);
}

function status(outcome: string | undefined, failed: boolean): HTMLElement | undefined {
  if (failed) return h('span', { class: 'd-status bad' }, '✕ error');
  if (outcome === undefined) return undefined;
  const good = outcome === 'completed' || outcome === 'ok';
  return h('span', { class: `d-status ${good ? 'good' : 'other'}` }, good ? `✓ ${outcome}` : `! ${outcome}`);
}

const errorBox = ({ type, message }: NonNullable<SpanDetails['error']>): HTMLElement =>
  h(
    'div',
    { class: 'd-error', role: 'note', 'aria-label': 'Error' },
    h('strong', { dir: 'auto' }, type === '' ? 'error' : type),
    message !== '' && message !== type && longText(message, (piece) => pre(piece)),
  );

const fact = (name: string, value: string | undefined): HTMLElement[] =>
  value === undefined ? [] : [h('div', {}, h('dt', {}, name), h('dd', { dir: 'auto' }, value))];

export function text(attributes: Attributes, name: string): string | undefined {
  const value = attributes[name];
  return value === undefined ? undefined : Array.isArray(value) ? value.join(', ') : String(value);
}

export function number(attributes: Attributes, name: string): number | undefined {
  const value = attributes[name];
  return typeof value === 'number' ? value : undefined;
}
