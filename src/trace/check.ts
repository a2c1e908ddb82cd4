/**
 * What must hold of the spans of one session, whatever the transcript says. Run in every test and
 * behind `--check`.
 *
 * in:   Span[]
 * out:  what does not hold, one sentence each; empty when all is well
 */
import * as attr from './semconv.ts';
import type { Span } from './span.ts';

const OPERATIONS: ReadonlySet<unknown> = new Set([
  attr.GEN_AI_OPERATION_NAME_VALUE_CHAT,
  attr.GEN_AI_OPERATION_NAME_VALUE_EXECUTE_TOOL,
  attr.GEN_AI_OPERATION_NAME_VALUE_INVOKE_AGENT,
]);

/** @param elsewhere  ids of spans delivered before, e.g. of the session that a fork was copied from */
export function brokenInvariants(spans: readonly Span[], elsewhere: ReadonlyMap<string, Span> = new Map()): string[] {
  const broken: string[] = [];
  const byId = new Map<string, Span>();
  const roots = new Map<string, number>();
  for (const span of spans) {
    const tell = (what: string) => broken.push(`${span.name} ${span.spanId}: ${what}`);
    if (!/^[0-9a-f]{32}$/.test(span.traceId) || !/^[0-9a-f]{16}$/.test(span.spanId))
      tell('its ids are not lowercase hex of 32 and 16 digits');
    if (byId.has(span.spanId)) tell('its id is not unique');
    byId.set(span.spanId, span);
    if (span.parentSpanId === undefined) roots.set(span.traceId, (roots.get(span.traceId) ?? 0) + 1);
    if (!Number.isSafeInteger(span.startMs) || !Number.isSafeInteger(span.endMs)) tell('its times are not whole milliseconds');
    if (span.startMs > span.endMs) tell('it ends before it starts');
    const operation = span.attributes[attr.ATTR_GEN_AI_OPERATION_NAME];
    if (!OPERATIONS.has(operation)) tell(`its operation is ${operation}`);
    if (!span.name.startsWith(`${operation} `)) tell('its name does not begin with its operation');
    if (!span.attributes[attr.ATTR_GEN_AI_CONVERSATION_ID]) tell('it belongs to no conversation');
    if (!span.attributes[attr.ATTR_GEN_AI_AGENT_NAME]) tell('it is attributed to no agent');
    for (const link of span.links) if (link.spanId === span.spanId) tell('it links to itself');
  }
  for (const span of spans) {
    if (span.parentSpanId === undefined) continue;
    const tell = (what: string) => broken.push(`${span.name} ${span.spanId}: ${what}`);
    const parent = byId.get(span.parentSpanId) ?? elsewhere.get(span.parentSpanId);
    if (parent === undefined) tell('its parent does not exist');
    else if (parent.traceId !== span.traceId) tell('its parent is in another trace');
    // A turn is not stretched for what outlives it; a sub-agent holds all it did.
    else if (isSubAgent(parent) && (span.startMs < parent.startMs || span.endMs > parent.endMs)) tell('it is not within its agent');
  }
  for (const [traceId, count] of roots) if (count > 1) broken.push(`trace ${traceId}: it has ${count} roots`);
  for (const span of spans) {
    if (
      !roots.has(span.traceId) &&
      !(span.parentSpanId !== undefined && elsewhere.has(span.parentSpanId)) &&
      !byId.has(span.parentSpanId ?? '')
    )
      broken.push(`trace ${span.traceId}: it has no root`);
  }
  return broken;
}

const isSubAgent = (span: Span): boolean =>
  span.attributes[attr.ATTR_GEN_AI_AGENT_ID] !== undefined && span.name.startsWith('invoke_agent ');
