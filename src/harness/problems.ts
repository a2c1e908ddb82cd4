/**
 * How many problems of each kind, and which are a turn's.
 *
 * in:   problems, counts of earlier ones      out: ProblemCounts; Problem[]
 */
import type { Problem, ProblemReason } from '../session/types.ts';

export type ProblemCounts = Readonly<Partial<Record<ProblemReason, number>>>;

/** The last line of a file that goes on is only being written: it is of the turn to come, and none of the one before it. */
export const problemsOfTurns = (problems: readonly Problem[], ended: boolean): readonly Problem[] =>
  ended ? problems : problems.filter(({ reason }) => reason !== 'torn-line');

/** Of lines, by the run that they stand in; those before the first are the first's. @param starts  the first line of each run */
export function countByStart(problems: readonly Problem[], starts: readonly number[]): readonly number[] {
  const counts = starts.map(() => 0);
  for (const { line } of problems) {
    const at = Math.max(
      0,
      starts.findLastIndex((start) => start <= line),
    );
    if (counts.length > 0) counts[at] = counts[at]! + 1;
  }
  return counts;
}

export function countByReason(problems: readonly Problem[], earlier: ProblemCounts = {}): ProblemCounts {
  const counts: Partial<Record<ProblemReason, number>> = { ...earlier };
  for (const { reason } of problems) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
