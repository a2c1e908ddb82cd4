/**
 * What happened in a run, added up and said at the end.
 *
 * in:   session after session, problems, delivery reports, bugs
 * out:  messages; an exit code
 */
import type { OutletReport } from '../export/outlet.ts';
import type { TracedRef } from '../pipeline.ts';
import { placeOf, type SessionRef } from '../read/find.ts';

import { addTotals, count, NO_TOTALS, problemLine, sessionLine, type Totals, totalLine, totalsOf } from './summary.ts';
import { harmless, type Terminal } from './terminal.ts';

/** 1: some spans were not delivered; 2: something for the user to change; 70: a bug of ours, as in sysexits.h. */
export const EXIT = { ok: 0, undelivered: 1, user: 2, bug: 70 } as const;

export interface AccountOptions {
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly check: boolean;
}

export class Account {
  readonly #options: AccountOptions;
  readonly #out: Terminal;
  readonly #version: string;
  #totals: Totals = NO_TOTALS;
  #sessions = 0;
  #problems = 0;
  #notOurs = 0;
  #bugs = 0;
  #notSampled = 0;
  #broken: string[] = [];
  #undelivered = 0;
  readonly #messages = new Set<string>();

  constructor(options: AccountOptions, out: Terminal, version: string) {
    this.#options = options;
    this.#out = out;
    this.#version = version;
  }

  problems({ problems }: TracedRef): void {
    this.#problems += problems.length;
    if (this.#options.verbose) for (const problem of problems) this.#out.note(problemLine(problem));
  }

  /** A file without a session in it, among others that have one. */
  notOurs(): void {
    this.#notOurs++;
  }

  /** A session whose parent trace nobody records. */
  notSampled(): void {
    this.#notSampled++;
  }

  /** One session that we fail on must not cost the others. */
  bug(ref: SessionRef, error: unknown): void {
    this.#bugs++;
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    const where = harmless(placeOf(ref));
    this.#out.complain(
      `${where} was left out: ${harmless(message)}\nThis is a bug in trace-build ${this.#version}; please report it.` +
        (this.#options.verbose ? `\n${stack}` : ' --verbose shows where it is.'),
    );
  }

  broken(sentences: readonly string[]): void {
    for (const sentence of sentences) this.#broken.push(sentence);
  }

  session(session: TracedRef, report: OutletReport | undefined): string {
    const totals = totalsOf(session.spans, report);
    this.#sessions++;
    this.#totals = addTotals(this.#totals, totals);
    if (report !== undefined) {
      this.#undelivered += report.refused + report.pending;
      for (const message of report.messages) this.#messages.add(message);
    }
    return sessionLine(session, totals);
  }

  /** @param sum  whether to say the sum of all sessions */
  async close(sum: boolean, sent: boolean, report: (text: string) => Promise<void>): Promise<number> {
    const { quiet, check, verbose } = this.#options;
    for (const message of this.#messages) this.#out.complain(harmless(message));
    if (!quiet && sum) await report(totalLine(this.#sessions, this.#totals, sent));
    if (!quiet && this.#notOurs > 0) this.#out.note(`${count(this.#notOurs, 'file')} without a session of a coding agent left out.`);
    if (!quiet && this.#notSampled > 0) this.#out.note(`${count(this.#notSampled, 'session')} not sent: the parent trace is not sampled.`);
    if (!quiet && this.#totals.open > 0)
      this.#out.note(
        `${count(this.#totals.open, 'span')} may still change and will be sent when the session has ended; --final sends what there is.`,
      );
    if (!quiet && this.#problems > 0)
      this.#out.note(`${count(this.#problems, 'problem')} in the transcripts${verbose ? '' : '; --verbose lists them'}.`);
    if (this.#broken.length > 0)
      throw new Error(`--check: ${this.#broken.length} invariants do not hold:\n${this.#broken.slice(0, 20).join('\n')}`);
    if (check && !quiet) this.#out.note('--check: all invariants hold.');
    if (this.#bugs > 0) return EXIT.bug;
    return this.#undelivered > 0 ? EXIT.undelivered : EXIT.ok;
  }
}
