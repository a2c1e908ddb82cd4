/**
 * Turns of many sessions, as they come → the sum, and sums by day, project, repository, harness. Each turn once.
 *
 * in:   counted turns of one session after another, in any order
 * out:  `Collected`; the same in whatever order the sessions came, pure
 *
 * A fork repeats turns of the session it was copied from. The original counts; a copy waits until all have come, and
 * counts only if no original did.
 */
import { type Stats, Sum } from './stats.ts';
import type { CountedTurn } from './turns.ts';

/** Where a session's turns belong. */
export interface Origin {
  /** Of two copies of a turn the one with the smaller rank counts; unique. */
  readonly rank: number;
  /** Another file of the same session holds more: all turns here are copies. */
  readonly isLeftover: boolean;
}

export interface Collected {
  readonly total: Stats;
  /** Sorted by name. */
  readonly groups: readonly { readonly key: string; readonly stats: Stats }[];
}

interface Waiting {
  readonly key: string;
  readonly rank: number;
  readonly stats: Stats;
}

export class Collector {
  readonly #total = new Sum();
  readonly #groups = new Map<string, Sum>();
  readonly #counted = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();

  /** @param keyOf  which group a turn belongs to; undefined: it is not asked for */
  add(turns: readonly CountedTurn[], { rank, isLeftover }: Origin, keyOf: (turn: CountedTurn) => string | undefined): void {
    for (const turn of turns) {
      const key = keyOf(turn);
      if (key === undefined || this.#counted.has(turn.startId)) continue;
      if (turn.copied || isLeftover) {
        const other = this.#waiting.get(turn.startId);
        if (other === undefined || rank < other.rank) this.#waiting.set(turn.startId, { key, rank, stats: turn.stats });
      } else this.#count(turn.startId, key, turn.stats);
    }
  }

  collected(): Collected {
    for (const [startId, { key, stats }] of this.#waiting) if (!this.#counted.has(startId)) this.#count(startId, key, stats);
    this.#waiting.clear();
    const groups = [...this.#groups].map(([key, sum]) => ({ key, stats: sum.stats() }));
    return { total: this.#total.stats(), groups: groups.toSorted((a, b) => (a.key < b.key ? -1 : 1)) };
  }

  #count(startId: string, key: string, stats: Stats): void {
    this.#counted.add(startId);
    this.#waiting.delete(startId);
    this.#total.add(stats);
    const group = this.#groups.get(key) ?? new Sum();
    this.#groups.set(key, group);
    group.add(stats);
  }
}
