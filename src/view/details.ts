/**
 * All there is to know of one span.
 *
 * in:   a span, and the session's own object that it tells of
 * out:  `SpanDetails`; pure
 *
 * A span's attributes are cut to what backends take. The content here is the session's own, whole.
 */
import type { Message, Part } from '../session/types.ts';
import * as attr from '../trace/semconv.ts';
import type { Attributes, Span, SpanLink } from '../trace/span.ts';
import type { SpanDetails, ViewLink } from './model.ts';
import type { SpanObject } from './objects.ts';
import { kindOf } from './session.ts';

/** Attributes that hold content; `SpanDetails` has fields of its own for it. */
const CONTENT: ReadonlySet<string> = new Set([
  attr.ATTR_GEN_AI_INPUT_MESSAGES,
  attr.ATTR_GEN_AI_OUTPUT_MESSAGES,
  attr.ATTR_GEN_AI_TOOL_CALL_ARGUMENTS,
  attr.ATTR_GEN_AI_TOOL_CALL_RESULT,
  attr.ATTR_INPUT_SCOPE,
]);

/** @param rowOf  where spans of this session are shown, by id */
export function detailsOf(span: Span, object: SpanObject | undefined, rowOf: ReadonlyMap<string, number>): SpanDetails {
  const error = errorOf(span, object);
  return {
    id: span.spanId,
    traceId: span.traceId,
    ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: kindOf(span),
    startMs: span.startMs,
    endMs: span.endMs,
    agent: String(span.attributes[attr.ATTR_GEN_AI_AGENT_NAME] ?? ''),
    ...(error !== undefined && { error }),
    attributes: withoutContent(span.attributes),
    resource: span.resource.attributes,
    events: span.events,
    links: span.links.map((link) => viewLink(link, rowOf)),
    ...(object !== undefined && contentOf(object)),
  };
}

const withoutContent = (attributes: Attributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !CONTENT.has(name)));

function viewLink({ traceId, spanId, attributes }: SpanLink, rowOf: ReadonlyMap<string, number>): ViewLink {
  const row = rowOf.get(spanId);
  return { traceId, spanId, kind: String(attributes[attr.ATTR_LINK_KIND] ?? ''), ...(row !== undefined && { row }) };
}

function errorOf({ status, attributes }: Span, object: SpanObject | undefined): SpanDetails['error'] {
  // An agent may have done its work and its call have failed all the same.
  const outcomes = object === undefined ? [] : outcomesOf(object);
  const outcome = outcomes.find((outcome) => outcome.kind === 'error');
  if (status.kind !== 'error' && outcome === undefined) return undefined;
  const phrase = status.kind === 'error' ? status.message : '';
  return { type: String(attributes[attr.ATTR_ERROR_TYPE] ?? outcome?.errorType ?? ''), message: outcome?.message ?? phrase };
}

function outcomesOf(object: SpanObject) {
  switch (object.kind) {
    case 'turn':
      return [object.turn.outcome];
    case 'agent':
      return [object.agent.outcome, ...(object.call === undefined ? [] : [object.call.outcome])];
    case 'tool':
      return [object.call.outcome];
    case 'chat':
      return [];
    default:
      return object satisfies never;
  }
}

type ContentFields = Pick<SpanDetails, 'input' | 'output' | 'arguments' | 'result' | 'files'>;

function contentOf(object: SpanObject): ContentFields {
  switch (object.kind) {
    case 'turn':
      return { ...messages('input', 'user', [object.turn.prompt]), ...messages('output', 'assistant', [object.turn.answer]) };
    case 'agent': {
      const runs = [object.agent, ...object.agent.respawns];
      return {
        ...messages(
          'input',
          'user',
          runs.map(({ prompt }) => prompt),
        ),
        ...messages(
          'output',
          'assistant',
          runs.map(({ answer }) => answer),
        ),
        ...(object.call !== undefined && callContent(object.call)),
      };
    }
    case 'chat': {
      const { input, output } = object.call;
      return { ...(input !== undefined && { input }), ...(output !== undefined && { output: [output] }) };
    }
    case 'tool':
      return callContent(object.call);
    default:
      return object satisfies never;
  }
}

/** One message for each time it ran. */
function messages(
  field: 'input' | 'output',
  role: Message['role'],
  texts: readonly (readonly Part[] | undefined)[],
): Pick<ContentFields, typeof field> {
  const said = texts.flatMap((parts) => (parts === undefined || parts.length === 0 ? [] : [{ role, parts }]));
  return said.length === 0 ? {} : { [field]: said };
}

const callContent = ({ input, output, files }: Extract<SpanObject, { kind: 'tool' }>['call']): ContentFields => ({
  ...(input !== undefined && { arguments: input }),
  ...(output !== undefined && { result: output }),
  ...(files !== undefined && { files }),
});
