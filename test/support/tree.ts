/**
 * Spans → the tree a person reads, with all they tell: attributes, status, events, links.
 *
 * in:   the spans of each session of a story
 * out:  text, times as ms since the first span of the story; ids only where nothing else names a span
 */
import type { Attributes, AttributeValue, Span } from '../../src/trace/span.ts';

export interface Shown {
  readonly title: string;
  readonly spans: readonly Span[];
}

/** @param sessions  one after another; a link into any of them is shown by the name of its span */
export function treeText(sessions: readonly Shown[]): string {
  const all = sessions.flatMap(({ spans }) => spans);
  const zeroMs = all.reduce((first, span) => Math.min(first, span.startMs), Number.POSITIVE_INFINITY);
  const byId = new Map(all.map((span) => [span.spanId, span]));
  const range = (span: Span) => `[${span.startMs - zeroMs}..${span.endMs - zeroMs} ms]`;

  const spanText = (span: Span, siblings: readonly Span[], indent: string): string => {
    const inner = `${indent}  `;
    const children = siblings.filter(({ parentSpanId }) => parentSpanId === span.spanId);
    return [
      `${indent}${span.name}  ${range(span)}${span.kind === 'client' ? '  client' : ''}${span.open ? '  open' : ''}`,
      ...(span.status.kind === 'error' ? [`${inner}! ${span.status.message.replaceAll(/\n/g, '\\n')}`] : []),
      ...(span.parentSpanId === undefined ? attributeLines(span.resource.attributes, `${inner}resource `) : []),
      ...attributeLines(span.attributes, inner),
      ...span.events.flatMap((event) => [
        `${inner}* ${event.name}  [${event.timeMs - zeroMs} ms]`,
        ...attributeLines(event.attributes, `${inner}  `),
      ]),
      ...span.links.flatMap((link) => {
        const target = byId.get(link.spanId);
        const named = target === undefined ? `span ${link.spanId} of trace ${link.traceId}` : `${target.name} ${range(target)}`;
        return [`${inner}-> ${named}`, ...attributeLines(link.attributes, `${inner}  `)];
      }),
      ...[...children].sort((a, b) => a.startMs - b.startMs).map((child) => spanText(child, siblings, inner)),
    ].join('\n');
  };

  return sessions
    .map(({ title, spans }) => {
      const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined || !byId.has(parentSpanId));
      return [`session ${title}`, ...roots.map((root) => spanText(root, spans, '  '))].join('\n');
    })
    .join('\n\n')
    .concat('\n');
}

const attributeLines = (attributes: Attributes, indent: string): string[] =>
  Object.entries(attributes).map(([name, value]) => `${indent}${name} = ${valueText(value)}`);

const valueText = (value: AttributeValue): string => JSON.stringify(value);
