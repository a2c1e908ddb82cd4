/**
 * The spans of a session → a tree for people.
 *
 * in:   a traced session, colours and width of the terminal (without them: plain, uncut)
 * out:  text; a line a span with duration, tokens, cost and errors, and one line of what was said
 */
import pc from 'picocolors';
import type { TracedRef } from '../pipeline.ts';
import * as attr from '../trace/semconv.ts';
import type { Span } from '../trace/span.ts';
import { dollars, duration, isChat, numberOf, sessionLine, tokens, totalsOf } from './summary.ts';
import { harmless, type Terminal } from './terminal.ts';

type Colors = Terminal['colors'];

/** What is shown of a prompt, an answer or a command where there is no width to go by. */
const CONTENT_CHARS = 160;
/** Names longer than this push the figures of their line to the right, and no others. */
const NAME_CHARS = 56;

export function treeText(session: TracedRef, colors: Colors = pc.createColors(false), width: number | undefined = undefined): string {
  const rows = rowsOf(session.spans);
  const nameWidth = rows.reduce((width, { prefix, span }) => Math.min(NAME_CHARS, Math.max(width, prefix.length + title(span).length)), 0);
  const lines = rows.flatMap((row) => [spanLine(row, nameWidth, colors), ...contentLines(row, colors, width)]);
  const head = colors.bold(sessionLine(session, totalsOf(session.spans, undefined)));
  return `${[head, ...lines].join('\n')}\n\n`;
}

interface Row {
  readonly span: Span;
  /** Branches of the tree up to its name. */
  readonly prefix: string;
  /** The same for lines below it that are about it. */
  readonly below: string;
}

/** Depth first, children in order of time. */
function rowsOf(spans: readonly Span[]): Row[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const children = new Map<string, Span[]>();
  const roots: Span[] = [];
  for (const span of spans) {
    if (span.parentSpanId === undefined || !known.has(span.parentSpanId)) roots.push(span);
    else if (children.has(span.parentSpanId)) children.get(span.parentSpanId)!.push(span);
    else children.set(span.parentSpanId, [span]);
  }
  const rows: Row[] = [];
  const visit = (span: Span, stem: string, isRoot: boolean, isLast: boolean): void => {
    const below = isRoot ? '' : `${stem}${isLast ? '   ' : '│  '}`;
    const own = (children.get(span.spanId) ?? []).toSorted((a, b) => a.startMs - b.startMs);
    rows.push({ span, prefix: isRoot ? '' : `${stem}${isLast ? '└─ ' : '├─ '}`, below: `${below}${own.length > 0 ? '│  ' : '   '}` });
    for (const [at, child] of own.entries()) visit(child, below, false, at === own.length - 1);
  };
  for (const root of roots) visit(root, '', true, true);
  return rows;
}

function title(span: Span): string {
  const number = span.attributes[attr.ATTR_TURN_NUMBER];
  return harmless(number === undefined ? span.name : `${span.name} #${number} ${span.attributes[attr.ATTR_TURN_TRIGGER]}`);
}

function spanLine({ span, prefix }: Row, nameWidth: number, colors: Colors): string {
  const name = title(span).padEnd(nameWidth - prefix.length);
  const figures = [duration(span.endMs - span.startMs).padStart(8), ...(isChat(span) ? [usage(span)] : []), ...remarks(span)];
  return `${colors.dim(prefix)}${paint(span, colors)(name)}  ${figures.join('  ')}${failure(span, colors)}`.trimEnd();
}

function usage(span: Span): string {
  const [input, output] = [numberOf(span, attr.ATTR_GEN_AI_USAGE_INPUT_TOKENS), numberOf(span, attr.ATTR_GEN_AI_USAGE_OUTPUT_TOKENS)];
  const cached = numberOf(span, attr.ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS);
  const about = span.attributes[attr.ATTR_USAGE_UNRELIABLE] === true ? '≥' : '';
  const cost = span.attributes[attr.ATTR_COST_USD];
  return [
    `${tokens(input)} in${cached > 0 ? ` (${tokens(cached)} cached)` : ''}, ${about}${tokens(output)} out`,
    ...(typeof cost === 'number' ? [dollars(cost)] : []),
  ].join('  ');
}

/** What is out of the ordinary. */
function remarks(span: Span): string[] {
  const outcome = span.attributes[attr.ATTR_OUTCOME];
  const retries = numberOf(span, attr.ATTR_RETRIES);
  return [
    ...(outcome === 'denied' || outcome === 'interrupted' ? [outcome] : []),
    ...(retries > 0 ? [`${retries} ${retries === 1 ? 'retry' : 'retries'}`] : []),
    ...(span.attributes[attr.ATTR_AGENT_UNCLAIMED] === true && span.name.startsWith('invoke_agent') ? ['no call found'] : []),
    ...(span.attributes[attr.ATTR_TURN_REWOUND_TO] !== undefined ? ['after a rewind'] : []),
    ...(numberOf(span, attr.ATTR_COMPACTIONS) > 0 ? ['compacted'] : []),
    ...(span.open ? ['open'] : []),
  ];
}

const failure = (span: Span, colors: Colors): string =>
  span.status.kind === 'error' ? `  ${colors.red(`! ${harmless(String(span.attributes[attr.ATTR_ERROR_TYPE]))}`)}` : '';

function paint(span: Span, colors: Colors): (text: string) => string {
  if (span.status.kind === 'error') return colors.red;
  if (isChat(span)) return colors.cyan;
  return span.name.startsWith('invoke_agent') ? colors.green : colors.yellow;
}

// ---------------------------------------------------------------------------------------------

function contentLines({ span, below }: Row, colors: Colors, width: number | undefined): string[] {
  const text = span.status.kind === 'error' && !isChat(span) ? span.status.message : contentOf(span);
  if (text === undefined || text.trim() === '') return [];
  const room = Math.max(20, (width ?? below.length + 2 + CONTENT_CHARS) - below.length - 2);
  const line = harmless(text);
  return [`${colors.dim(`${below}  ${line.length <= room ? line : `${line.slice(0, room - 1)}…`}`)}`];
}

/** A turn shows its prompt, a call its answer, a tool what it was given. */
function contentOf(span: Span): string | undefined {
  const read = (name: string): unknown => parsed(span.attributes[name]);
  if (isChat(span)) return saidIn(read(attr.ATTR_GEN_AI_OUTPUT_MESSAGES));
  const prompt = saidIn(read(attr.ATTR_GEN_AI_INPUT_MESSAGES));
  if (prompt !== undefined) return prompt;
  const given = read(attr.ATTR_GEN_AI_TOOL_CALL_ARGUMENTS);
  if (given === undefined) return undefined;
  // Most tools have one argument that matters, and it comes first.
  const [first, ...others] = Object.values(given as Record<string, unknown>);
  return typeof first === 'string' && others.every((value) => typeof value !== 'string' || value.length < 200)
    ? first
    : JSON.stringify(given);
}

function saidIn(messages: unknown): string | undefined {
  if (!Array.isArray(messages)) return undefined;
  const texts = messages.flatMap((message) =>
    (message?.parts ?? []).flatMap((part: { type?: unknown; content?: unknown }) =>
      part.type === 'text' && typeof part.content === 'string' ? [part.content] : [],
    ),
  );
  return texts.length === 0 ? undefined : texts.join(' ');
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return undefined;
  try {
    return JSON.parse(value);
  } catch {
    return undefined; // never: content.ts makes it; but a tree is no place to fail
  }
}
