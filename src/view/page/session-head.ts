/**
 * The head of a session: what it was, and what it came to.
 *
 * in:   the session
 * out:  an element
 */
import type { ViewSession } from '../model.ts';
import { openDialog } from './dialog.ts';
import { h } from './dom.ts';
import { cost, counted, dateTime, duration, exactTime, notPriced, number, shortId, shortPath, tokens } from './format.ts';
import { wholeMs } from './standouts.ts';
import { oneLine } from './text.ts';

const MOST_PROBLEMS = 500;

export function sessionHead(session: ViewSession): HTMLElement {
  const { summary, project } = session;
  const { harness, version, branch, models, startedAtMs, endedAtMs } = summary;
  const about = [
    project === undefined ? undefined : { text: shortPath(project), title: project },
    { text: version === undefined ? harness : `${harness} ${version}`, title: 'Harness' },
    branch === undefined ? undefined : { text: `⎇ ${branch}`, title: `Branch ${branch}` },
    ...models.map((model) => ({ text: model, title: 'Model' })),
    startedAtMs === 0 ? undefined : { text: dateTime(startedAtMs), title: `${exactTime(startedAtMs)} – ${exactTime(endedAtMs)}` },
  ];
  return h(
    'header',
    { class: 'session-head' },
    h(
      'div',
      { class: 'session-title' },
      h('h1', { dir: 'auto', title: titleOf(session) }, titleOf(session)),
      h(
        'p',
        { class: 'about' },
        ...about.flatMap((part) => (part === undefined ? [] : [h('bdi', { title: oneLine(part.title) }, oneLine(part.text))])),
        problems(session),
      ),
    ),
    totals(session),
  );
}

export const titleOf = ({ summary }: ViewSession): string =>
  summary.title === undefined || summary.title === '' ? `Session ${shortId(summary.id)}` : oneLine(summary.title);

function totals({ summary, shares }: ViewSession): HTMLElement {
  const { tokens: used, costUsd, unpriced, errors, agents, toolCalls, modelCalls } = summary;
  const figures = [
    {
      name: 'Turns',
      value: number(summary.turns),
      title: `${counted(agents, 'agent')}, ${counted(modelCalls, 'model call')}, ${counted(toolCalls, 'tool call')}`,
    },
    {
      name: 'Work',
      value: duration(wholeMs(shares)),
      title: 'Time in turns and in what they left in the background, pauses between them left out',
    },
    {
      name: 'Tokens',
      value: tokens(used.input + used.output),
      title: `${number(used.input)} in (${number(used.cacheRead)} from the cache, ${number(used.cacheWrite)} written to it), ${number(used.output)} out`,
    },
    {
      name: 'Cost',
      value: cost(costUsd, unpriced),
      title: unpriced > 0 ? notPriced(unpriced) : 'At list prices',
    },
    { name: 'Errors', value: number(errors), title: 'Tool calls that failed, and runs that ended in an error' },
  ];
  return h(
    'dl',
    { class: 'totals' },
    ...figures.map(({ name, value, title }) =>
      h('div', { title, class: name === 'Errors' && errors > 0 ? 'bad' : '' }, h('dt', {}, name), h('dd', {}, value)),
    ),
  );
}

/** Nothing of a transcript is dropped in silence. */
function problems({ problems: found }: ViewSession): HTMLElement | false {
  if (found.length === 0) return false;
  const button = h('button', { type: 'button', class: 'problems' }, counted(found.length, 'problem'));
  button.addEventListener('click', () =>
    openDialog(
      'Lines that could not be used, or only in part',
      h(
        'ul',
        { class: 'problem-list' },
        ...found
          .slice(0, MOST_PROBLEMS)
          .map(({ file, line, reason, detail }) =>
            h('li', {}, h('code', {}, `${oneLine(file)}:${line}`), ` ${reason}: `, h('bdi', {}, oneLine(detail))),
          ),
        found.length > MOST_PROBLEMS && h('li', {}, `and ${number(found.length - MOST_PROBLEMS)} more`),
      ),
    ),
  );
  return button;
}
