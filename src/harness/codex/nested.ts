/**
 * Code mode: the model writes a program, and the program calls tools. No line says which program made a call.
 *
 * in:   items of no known call, each with the programs that were at work when it was written
 * out:  the id of the program's call, by the id of the item
 *
 * Programs of one response run one after another, but their outputs may be written together. So where several were at
 * work, each has the time that its output says it took, from the end of the one before it.
 */
import type { CallDraft, LooseItem } from './calls.ts';

export function parentsOf(items: readonly LooseItem[]): ReadonlyMap<string, string> {
  const parents = new Map<string, string>();
  for (const { facts, candidates } of items) {
    const first = candidates[0];
    if (first === undefined) continue;
    parents.set(facts.id, (candidates.length === 1 ? first : runningAt(candidates, facts.startedAtMs ?? facts.endedAtMs)).id);
  }
  return parents;
}

function runningAt(programs: readonly CallDraft[], atMs: number): CallDraft {
  let endMs = programs[0]!.atMs;
  for (const program of programs) {
    endMs = Math.max(endMs, program.atMs) + (program.ending?.wallMs ?? 0);
    if (atMs <= endMs) return program;
  }
  return programs.at(-1)!;
}
