/**
 * What a run sends: the same path, ledger and states as the hooks', with the flags and variables of the command line.
 *
 * in:   a destination, sessions as they are built
 * out:  `Sending`: whether each has ended, its delivery, what is remembered of it
 */
import type { Destination } from '../export/destination.ts';
import { type Outlet, type OutletReport, openOutlet } from '../export/outlet.ts';
import type { Scope } from '../export/readable.ts';
import type { Standing, TracedRef } from '../pipeline.ts';
import type { SessionRef } from '../read/find.ts';
import { type Before, parentOf, remembered, sendTraced, stateOf } from '../sync/deliver-session.ts';
import { stampsOf, standingOf } from '../sync/standing.ts';
import { writeState } from '../sync/state.ts';

export interface Sending {
  readonly standingOf: (ref: SessionRef) => Standing;
  /** Undefined when its parent trace is not recorded: then nothing is sent. */
  readonly send: (session: TracedRef) => Promise<OutletReport | undefined>;
  readonly close: Outlet['close'];
}

export interface SendingOptions {
  readonly stateFolder: string;
  readonly scope: Scope;
  readonly version: string;
  readonly resend: boolean;
  readonly final: boolean;
  readonly traceparent: string | undefined;
  readonly now: () => number;
}

/** @throws UserError when the ledger can't be used */
export function openSending(destination: Destination, options: SendingOptions): Sending {
  const { stateFolder, final, now } = options;
  const outlet = openOutlet(destination, options);
  const before = new Map<SessionRef, Before>();
  return {
    standingOf: (ref) => {
      const state = stateOf(ref, options);
      const standing = final ? { ended: true } : standingOf(ref, state, now());
      before.set(ref, { state, standing, seen: stampsOf(ref) });
      return standing;
    },
    send: async (session) => {
      const known = before.get(session.ref)!;
      before.delete(session.ref);
      if (parentOf(known.state)?.sampled === false) return undefined;
      const report = await sendTraced(session, known.state, outlet);
      // Told by another session of this run, a turn may not have arrived: whoever comes next asks the ledger.
      const next =
        session.repeated > 0
          ? remembered(session.ref, { ...session, resumeAt: () => undefined }, report, { ...known, seen: '' }, { ...options, outlet })
          : remembered(session.ref, session, report, known, { ...options, outlet });
      // Who names a session opts in this run, and not the hooks.
      writeState(stateFolder, next, 'unmarked');
      return report;
    },
    close: outlet.close,
  };
}
