/**
 * How many problems of each kind.
 *
 * in:   problems, counts of earlier ones      out: ProblemCounts
 */
import type { Problem, ProblemReason } from '../session/types.ts';

export type ProblemCounts = Readonly<Partial<Record<ProblemReason, number>>>;

export function countByReason(problems: readonly Problem[], earlier: ProblemCounts = {}): ProblemCounts {
  const counts: Partial<Record<ProblemReason, number>> = { ...earlier };
  for (const { reason } of problems) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
