/**
 * The turn that something belongs to of which only the time is known.
 *
 * in:   turns in order, a time in Unix ms
 * out:  index of the turn during which it was, else of the next, else of the last; -1: there is none
 */
export function turnAt(turns: readonly { readonly startedAtMs: number; readonly endedAtMs: number }[], atMs: number): number {
  const during = turns.findIndex((turn) => turn.startedAtMs <= atMs && atMs <= turn.endedAtMs);
  if (during >= 0) return during;
  const next = turns.findIndex((turn) => turn.startedAtMs > atMs);
  return next >= 0 ? next : turns.length - 1;
}
