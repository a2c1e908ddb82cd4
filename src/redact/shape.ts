/**
 * Rules for secrets with a shape of their own: a beginning that nothing else has, then so many characters of some class.
 *
 * in:   the shape, in the order it is written
 * out:  `Rule`: pattern, anchors and examples are all made of it
 */
import type { Draw, Rule } from './rule.ts';
import { isPlaceholder } from './secrecy.ts';

/** A literal; one of several literals; a run of characters; the same, or nothing. */
export type Piece = string | readonly string[] | Run;

export interface Run {
  readonly characters: string;
  readonly min: number;
  /** Undefined: as many as there are. */
  readonly max: number | undefined;
}

export const run = (characters: string, min: number, max: number | undefined = min): Run => ({ characters, min, max });
export const orMore = (characters: string, min: number): Run => ({ characters, min, max: undefined });

export interface Shaped {
  readonly id: string;
  readonly description: string;
  readonly shape: readonly [string | readonly string[], ...Piece[]];
  /** Characters that it must not follow: for beginnings that could be the end of something else. */
  readonly notAfter?: string;
  /** Other shapes of the same kind. */
  readonly or?: readonly (readonly [string | readonly string[], ...Piece[]])[];
}

export function shaped({ id, description, shape, or = [], notAfter }: Shaped): Rule {
  const shapes = [shape, ...or];
  const before = notAfter === undefined ? '' : `(?<![${notAfter}])`;
  return {
    id,
    pack: 'credentials',
    description,
    anchors: shapes.flatMap(([start]) => start),
    pattern: new RegExp(`${before}(?:${shapes.map((pieces) => pieces.map(sourceOf).join('')).join('|')})`),
    accepts: ({ secret }) => !isPlaceholder(secret),
    hides: (draw) => shapes.flatMap((pieces) => startsOf(pieces).map((first) => [first, ...pieces.slice(1)].map(drawn(draw)).join(''))),
    keeps: () => shapes.flatMap(([start]) => [start].flat().flatMap((first) => [first, `${first}…`, `${first}$TOKEN`, `${first}xxxxxxxx`])),
  };
}

/** One text for each beginning there can be. */
const startsOf = ([start]: readonly Piece[]): readonly Piece[] => (Array.isArray(start) ? start : [start!]);

function sourceOf(piece: Piece): string {
  if (typeof piece === 'string') return escaped(piece);
  if (!('characters' in piece)) return `(?:${piece.map(escaped).join('|')})`;
  return `[${piece.characters}]{${piece.min}${piece.max === piece.min ? '' : `,${piece.max ?? ''}`}}`;
}

const drawn =
  (draw: Draw) =>
  (piece: Piece): string => {
    if (typeof piece === 'string') return piece;
    return 'characters' in piece ? draw(piece.characters, piece.min) : piece[0]!;
  };

export const escaped = (literal: string): string => literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
