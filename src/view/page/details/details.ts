/**
 * One span, all there is to know of it, what is asked for most first.
 *
 * in:   `SpanDetails`, and what the page around it can do
 * out:  an element
 */
import type { SpanDetails } from '../../model.ts';
import { h } from '../dom.ts';
import type { Took } from '../rows.ts';
import { attributeTable, eventList, linkList } from './facts.ts';
import { renderFiles } from './files.ts';
import { renderHead } from './head.ts';
import { renderMessages } from './messages.ts';
import { section } from './section.ts';
import { renderArguments, renderResult } from './values.ts';

export interface DetailsContext {
  openSpan(row: number): void;
  /** Name of a row of this session; undefined when there is no such row. */
  linkedRowName(row: number): string | undefined;
  /** What of the content was kept: `none`, `redacted` or `full`. */
  readonly content: string;
  /** Of a turn or an agent. */
  readonly took?: Took | undefined;
}

export function renderDetails(details: SpanDetails, context: DetailsContext): HTMLElement {
  const { files, input, output, links, events } = details;
  const changed = files !== undefined && files.length > 0;
  const failed = details.error !== undefined;
  return h(
    'article',
    { class: `details kind-${details.kind}` },
    renderHead(details, context.took),
    changed && section('Files', renderFiles(files)),
    input !== undefined && input.length > 0 && section(details.kind === 'chat' ? 'New in the context' : 'Prompt', renderMessages(input)),
    output !== undefined && output.length > 0 && section('Answer', renderMessages(output)),
    details.arguments !== undefined && section('Arguments', renderArguments(details.arguments), { folded: changed }),
    details.result !== undefined && section(failed ? 'Result: an error' : 'Result', renderResult(details.result)),
    !hasContent(details) && h('p', { class: 'd-none' }, absence(context.content)),
    links.length > 0 && section('Links', linkList(links, context)),
    events.length > 0 && section('Events', eventList(events, details.startMs)),
    section('Attributes', attributeTable(details.attributes)),
    section('Resource', attributeTable(details.resource), { folded: true }),
    section('Ids', attributeTable(ids(details)), { folded: true }),
  );
}

const hasContent = (details: SpanDetails): boolean =>
  [details.input, details.output, details.arguments, details.result, details.files].some((field) => field !== undefined);

const absence = (content: string): string =>
  content === 'none'
    ? 'Prompts, answers, arguments and results were left out of this page.'
    : 'The transcript has no content for this span.';

const ids = ({ id, traceId, parentSpanId }: SpanDetails) => ({
  'trace id': traceId,
  'span id': id,
  ...(parentSpanId !== undefined && { 'parent span id': parentSpanId }),
});
