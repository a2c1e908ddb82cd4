/**
 * One session on disk, counted twice: its raw lines, its spans, and what was delivered of it.
 *
 * in:   SessionRef; the state folder, read only
 * out:  VerifyReport; UserError for what is no session, or can't be read
 */
import { isOfNewerVersion, type LedgerReading, readLedger } from '../export/ledger.ts';
import { knownDestinations } from '../export/outlet.ts';
import type { Recount } from '../harness/recount.ts';
import { nothingKnown, type TracedSession, traceSession } from '../pipeline.ts';
import { findAgent, type SessionRef } from '../read/find.ts';
import { agentFile, mainFile } from '../read/transcript.ts';
import { nameOf } from '../sync/deliver-session.ts';
import { filesOf, standingOf } from '../sync/standing.ts';
import { readState } from '../sync/state.ts';
import { compare } from '../verify/compare.ts';
import type { Acknowledged, VerifyReport } from '../verify/report.ts';
import { demandReadable, demandSession } from './no-session.ts';

/** A session that is being written is read again, so that both counts are of the same lines; but not for ever. */
const MAX_READINGS = 3;

const NEWER_LEDGER = 'A newer version of trace-build wrote what was delivered: this one can not compare it. Update trace-build.';
const WRITTEN_TO = 'It was written to meanwhile: the counts may be of other lines.';

/** For one session after another: what they ask the disk alike is remembered. */
export function verifier(stateFolder: string, nowMs: number): (ref: SessionRef) => VerifyReport {
  const known = nothingKnown();
  const isNewer = isOfNewerVersion(stateFolder);
  const ledgers = isNewer ? [] : knownDestinations(stateFolder).map(({ key, url }) => ({ key, url, ledger: readLedger(stateFolder, key) }));
  return (ref) => {
    for (let reading = 1; ; reading++) {
      const before = filesOf(ref);
      const state = readState(stateFolder, nameOf(ref));
      const standing = standingOf(ref, state, nowMs);
      const traced = traceSession(ref, {}, standing, known);
      const recount = recountOf(ref, standing.ended, (agentId) => findAgent(ref, agentId, known.agents));
      const isStill = before === filesOf(ref);
      if (!isStill && reading < MAX_READINGS) continue;
      demandReadable({ ...traced, ref });
      // What one of the counts finds is a session, and what the other makes of it is a difference.
      if (ref.path !== undefined && recount.responses.length === 0) demandSession({ ...traced, ref });
      const delivered = ledgers.map(({ key, url, ledger }): Acknowledged => {
        const { sinceMs, refused = 0 } = state.delivered?.[key] ?? {};
        return { key, url, ...answer(ledger, traced), sinceMs, refused };
      });
      const report = compare(recount, traced.spans, delivered);
      const notes = [...(isNewer ? [NEWER_LEDGER] : []), ...(isStill ? [] : [WRITTEN_TO])].map((says) => ({ places: [], says }));
      return { ...report, notes: [...report.notes, ...notes] };
    }
  };
}

const answer = (ledger: LedgerReading, { session, spans }: TracedSession) =>
  ledger.of(
    session.id,
    spans.map(({ traceId }) => traceId),
  );

/** An agent that is named and not there may lie with the session this one was forked from; and so may the agents it names. */
function recountOf(ref: SessionRef, ended: boolean, findElsewhere: (agentId: string) => SessionRef['agents'][number] | undefined): Recount {
  const agents = [...ref.agents];
  for (;;) {
    const recount = ref.harness.recount({ main: mainFile(ref), agents: agents.map((agent) => agentFile(agent, ref.layout)), ended });
    const found = recount.missing.flatMap(({ id }) => findElsewhere(id) ?? []);
    if (found.length === 0) return recount;
    agents.push(...found);
  }
}
