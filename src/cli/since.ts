/**
 * `--since` and `--until`, as people say them → a time.
 *
 * in:   `7d`, `12h`, `30m`, `4w`, or a date; now
 * out:  Unix ms, or UserError; a date alone is that day of the user's own time zone
 */
import { UserError } from '../errors.ts';

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;
/** All else that `Date.parse` takes for a date is a slip: to it `7` is a July. */
const DATE = /^\d{4}-\d{2}(?:-\d{2}(?:[T ].+)?)?$/;
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;

/** @throws UserError */
export const sinceMs = (text: string, nowMs: number): number => timeOf(text, '--since', nowMs);

/** Of a day, its end. @throws UserError */
export function untilMs(text: string, nowMs: number): number {
  const atMs = timeOf(text, '--until', nowMs);
  const [, year, month, day] = DAY.exec(text) ?? [];
  return day === undefined ? atMs : new Date(Number(year), Number(month) - 1, Number(day) + 1).getTime() - 1;
}

/** `2026-11-20`, in the user's own time zone. */
export function dayOf(atMs: number): string {
  const date = new Date(atMs);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function timeOf(text: string, option: string, nowMs: number): number {
  const ago = /^(\d+)([mhdw])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS];
  const atMs = DATE.test(text) ? Date.parse(DAY.test(text) ? `${text}T00:00` : text) : Number.NaN;
  if (Number.isNaN(atMs)) throw new UserError(`${option} ${text} is no time.`, 'Give 30m, 12h, 7d, 4w, or a date such as 2026-11-20.');
  return atMs;
}
