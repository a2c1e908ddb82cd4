/**
 * How many messages an agent has before it: prompts, its answers, results of its tools.
 *
 * in:   a session's runs and calls, in order of time
 * out:  the count before each call, as far as the session tells: what a harness itself adds to a history is on no line
 */
import type { ModelCall, Run, Turn } from '../session/types.ts';

export class History {
  #messages: number;
  /** Before each turn, for a rewind leads back to there. */
  readonly #before = new Map<string, number>();
  /** Of the run that is told. */
  #reachedMs = Number.NEGATIVE_INFINITY;

  constructor(messages = 0) {
    this.#messages = messages;
  }

  begin({ startId, rewound }: Turn): void {
    const [first] = rewound?.droppedTurnIds ?? [];
    this.#messages = (first === undefined ? undefined : this.#before.get(first)) ?? this.#messages;
    this.#before.set(startId, this.#messages);
    this.#reachedMs = Number.NEGATIVE_INFINITY;
    this.add(1);
  }

  /** @param results  of tools, given with this call */
  before({ startedAtMs }: ModelCall, run: Run, results: number): number {
    this.reach(run, startedAtMs);
    this.add(results);
    return this.#messages;
  }

  /** What came from elsewhere up to then: what the user added; a compaction, that leaves its summary. */
  reach({ startedAtMs, steering, compactions }: Run, atMs: number): void {
    const isNew = (event: { readonly atMs: number }): boolean => event.atMs > this.#reachedMs && event.atMs <= atMs;
    const compacted = compactions
      .filter(isNew)
      .reduce<number | undefined>((last, each) => Math.max(last ?? each.atMs, each.atMs), undefined);
    if (compacted !== undefined) this.#messages = compacted < startedAtMs ? 2 : 1;
    this.add(steering.filter((each) => isNew(each) && each.atMs > (compacted ?? Number.NEGATIVE_INFINITY)).length);
    this.#reachedMs = Math.max(this.#reachedMs, atMs);
  }

  add(messages: number): void {
    this.#messages += messages;
  }
}
