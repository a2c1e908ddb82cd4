/**
 * `--since`, as people say it → a time.
 *
 * in:   `7d`, `12h`, `30m`, `4w`, or a date; now
 * out:  Unix ms, or UserError
 */
import { UserError } from '../errors.ts';

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;

/** @throws UserError */
export function sinceMs(text: string, nowMs: number): number {
  const ago = /^(\d+)([mhdw])$/.exec(text);
  const atMs = ago === null ? Date.parse(text) : nowMs - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS];
  if (Number.isNaN(atMs)) throw new UserError(`--since ${text} is no time.`, 'Give 30m, 12h, 7d, 4w, or a date such as 2026-11-20.');
  return atMs;
}
