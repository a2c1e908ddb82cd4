/**
 * Events of a session → a line each, for reading along.
 *
 * in:   `SessionEvent[]`; colours and columns of the terminal, whether what was said is shown
 * out:  lines; no wider than the terminal
 */

import { duration } from '../view/page/format.ts';
import type { SessionEvent } from './events.ts';
import { count, tokens } from './summary.ts';
import { harmless, type Terminal } from './terminal.ts';
import { cut, padEnd, padStart, widthOf } from './text-width.ts';

export interface LinesView extends Pick<Terminal, 'colors' | 'width' | 'ascii'> {
  /** Whether prompts, answers, arguments and errors are left out. */
  readonly short: boolean;
}

/** Longer names are cut on a terminal. */
const NAME_CHARS = 24;
/** Of the width a name may take. */
const NAME_SHARE = 0.2;
/** Uncut is not endless. */
const TEXT_CHARS = 200;

export function* eventLines(events: readonly SessionEvent[], view: LinesView): Generator<string> {
  const { colors, width = Number.POSITIVE_INFINITY } = view;
  const startMs = events[0]?.atMs ?? 0;
  const hasHours = (events.at(-1)?.atMs ?? 0) - startMs >= HOUR_MS;
  const clock = (event: SessionEvent): string => offset(event.atMs - startMs, hasHours);
  const clockWidth = events.reduce((most, event) => Math.max(most, clock(event).length), 0);
  const names = new Map([...new Set(events.map(({ agent }) => agent))].map((agent) => [agent, harmless(agent)]));
  const longest = Math.max(0, ...[...names.values()].map(widthOf));
  // One agent alone needs no name.
  const nameWidth = names.size < 2 ? 0 : Math.min(longest, Math.max(1, Math.floor(Math.min(NAME_CHARS, width * NAME_SHARE))));
  for (const event of events) {
    const { what, figures, text, paint } = told(event, view);
    const name = nameWidth === 0 ? '' : `${padEnd(cutName(names.get(event.agent)!, nameWidth, dots(view)), nameWidth)}  `;
    const stem = cut(`${padStart(clock(event), clockWidth)}  ${name}`, width, '');
    const line = new Line(width - widthOf(stem), dots(view));
    line.add(what, paint);
    if (figures !== '') line.add(`  ${figures}`, (plain) => plain);
    if (!view.short && text !== undefined) line.add(`  ${cut(harmless(text).trim(), TEXT_CHARS, dots(view))}`, colors.dim);
    yield `${colors.dim(stem)}${line.text}`;
  }
}

/** The number of an agent tells it from others of its name. */
function cutName(name: string, columns: number, ellipsis: string): string {
  const number = / \d+$/.exec(name)?.[0] ?? '';
  if (widthOf(name) <= columns || number.length + 2 > columns) return cut(name, columns, ellipsis);
  return `${cut(name.slice(0, -number.length || undefined), columns - number.length, ellipsis)}${number}`;
}

/** Pieces after one another, as far as there is room. */
class Line {
  #room: number;
  readonly #dots: string;
  text = '';

  constructor(room: number, dots: string) {
    this.#room = room;
    this.#dots = dots;
  }

  add(piece: string, paint: (text: string) => string): void {
    const fits = Number.isFinite(this.#room) ? cut(piece, this.#room, this.#dots) : piece;
    this.#room -= widthOf(fits);
    if (fits.trim() !== '') this.text += paint(fits);
  }
}

const dots = ({ ascii }: LinesView): string => (ascii ? '...' : '…');

interface Told {
  readonly what: string;
  readonly figures: string;
  readonly text?: string | undefined;
  readonly paint: (text: string) => string;
}

function told(event: SessionEvent, { colors, ascii }: LinesView): Told {
  const [to, from, begin, end] = ascii ? ['->', '<-', '>>', '<<'] : ['→', '←', '▶', '■'];
  switch (event.kind) {
    case 'turn_started':
      return { what: `${begin} turn ${event.turn} ${event.trigger}`, figures: '', text: event.text, paint: strong(colors) };
    case 'turn_ended':
      return ended(`${end} turn ${event.turn}`, event, strong(colors), colors);
    case 'steering':
      return { what: `${begin} prompt while at work`, figures: '', text: event.text, paint: strong(colors) };
    case 'model_called': {
      const { inputTokens, cachedTokens = 0, messages, results } = event;
      const size =
        inputTokens === undefined ? [] : [`${tokens(inputTokens)} in${cachedTokens > 0 ? ` (${tokens(cachedTokens)} cached)` : ''}`];
      const given = results > 0 ? [count(results, 'result')] : [];
      return {
        what: `${to} ${harmless(event.model)}`,
        figures: [count(messages, 'message'), ...given, ...size].join(', '),
        paint: colors.cyan,
      };
    }
    case 'model_answered': {
      const { outputTokens, finishReason, durationMs, text } = event;
      const figures = [
        ...(outputTokens === undefined ? [] : [`${tokens(outputTokens)} out`]),
        ...(finishReason === undefined ? [] : [harmless(finishReason)]),
        duration(durationMs),
      ];
      return { what: `${from} ${harmless(event.model)}`, figures: figures.join(', '), text, paint: colors.cyan };
    }
    case 'tool_called':
      return { what: `${to} ${harmless(event.name)}`, figures: '', text: event.text, paint: colors.yellow };
    case 'tool_ended':
      return ended(`${from} ${harmless(event.name)}`, event, colors.yellow, colors);
    case 'agent_started':
      return { what: `${begin} agent`, figures: '', text: event.text, paint: colors.green };
    case 'agent_ended':
      return ended(`${end} agent`, event, colors.green, colors);
    case 'compacted': {
      const { trigger, tokensBefore, tokensAfter } = event;
      const size = (n: number | undefined): string => (n === undefined ? '?' : tokens(n));
      const known = tokensBefore !== undefined || tokensAfter !== undefined;
      return {
        what: `${ascii ? '~' : '≈'} compacted${trigger === undefined ? '' : ` (${harmless(trigger)})`}`,
        figures: known ? `${size(tokensBefore)} ${to} ${size(tokensAfter)} tokens` : '',
        paint: colors.magenta,
      };
    }
    case 'session_ended':
      return { what: `${end} session`, figures: duration(event.durationMs), paint: strong(colors) };
    default:
      return event satisfies never;
  }
}

const strong =
  (colors: Terminal['colors']) =>
  (text: string): string =>
    colors.bold(text);

type Ended = Extract<SessionEvent, { readonly outcome: string }>;

function ended(what: string, { outcome, errorType, durationMs, text }: Ended, paint: Told['paint'], colors: Terminal['colors']): Told {
  const failed = outcome === 'error';
  const isOdd = outcome === 'denied' || outcome === 'interrupted';
  return {
    what: `${what}  ${failed ? `${harmless(errorType ?? 'error')}` : outcome}`,
    figures: duration(durationMs),
    text,
    paint: failed ? colors.red : isOdd ? colors.magenta : paint,
  };
}

const HOUR_MS = 3_600_000;

/** Since the session began: `+0:08.412`, `+1:02:08.412`. */
function offset(ms: number, hasHours: boolean): string {
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  const seconds = `${two((ms / 1000) % 60)}.${String(ms % 1000).padStart(3, '0')}`;
  const minutes = Math.floor(ms / 60_000);
  return hasHours ? `+${Math.floor(minutes / 60)}:${two(minutes % 60)}:${seconds}` : `+${minutes}:${seconds}`;
}
