/**
 * How long ago, in the roughness people speak in.
 *
 * in:   Unix ms, now
 * out:  `just now`, `3 min ago`, `in 2 h`, `5 days ago`
 */
const UNITS = [
  { name: 'day', ms: 24 * 60 * 60_000 },
  { name: 'h', ms: 60 * 60_000 },
  { name: 'min', ms: 60_000 },
  { name: 's', ms: 1000 },
] as const;

/** @param ms  not negative */
export function age(ms: number): string {
  const { name, ms: unitMs } = UNITS.find((unit) => ms >= unit.ms) ?? UNITS[3];
  const count = Math.floor(ms / unitMs);
  return `${count} ${name}${name === 'day' && count !== 1 ? 's' : ''}`;
}

export function when(atMs: number, nowMs: number): string {
  if (Math.abs(nowMs - atMs) < JUST_MS) return 'just now';
  return atMs > nowMs ? `in ${age(atMs - nowMs)}` : `${age(nowMs - atMs)} ago`;
}

const JUST_MS = 2_000;
