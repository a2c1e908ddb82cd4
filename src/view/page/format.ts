/**
 * Figures for people: durations, tokens, dollars, dates. The only place of the page that writes any, and of the command line's durations.
 *
 * in:   numbers; Unix ms are told in the reader's own time zone
 * out:  short text; pure but for the reader's locale
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `812 ms`, `4.2 s`, `3 m 05 s`, `2 h 10 m`, `3 d 4 h`. */
export function duration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < SECOND) return `${whole} ms`;
  // What would be rounded up to 60 s is a minute.
  if (whole < MINUTE - 50) return `${(whole / SECOND).toFixed(1)} s`;
  const seconds = Math.round(whole / SECOND);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  const minutes = Math.round(whole / MINUTE);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  const hours = Math.round(whole / HOUR);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Where along an axis: as few words as the step between ticks allows. */
export function offset(ms: number, stepMs: number): string {
  if (ms === 0) return '0';
  if (stepMs < SECOND && ms < SECOND) return `${ms} ms`;
  const decimals = stepMs < SECOND ? Math.max(1, Math.ceil(-Math.log10(stepMs / SECOND))) : 0;
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(decimals)} s`;
  const [days, hours, minutes] = [Math.floor(ms / DAY), Math.floor(ms / HOUR) % 24, Math.floor(ms / MINUTE) % 60];
  const seconds = (ms % MINUTE) / SECOND;
  const rest = stepMs < MINUTE ? `:${seconds.toFixed(decimals).padStart(decimals === 0 ? 2 : 3 + decimals, '0')}` : ' m';
  if (ms < HOUR) return `${minutes}${rest}`;
  const clock = stepMs < MINUTE ? `${hours}:${two(minutes)}${rest}` : minutes === 0 ? `${hours} h` : `${hours}:${two(minutes)} h`;
  return days === 0 ? clock : stepMs >= DAY ? `${days} d` : `${days} d ${clock}`;
}

/** `950`, `12.3k`, `4.56M`. */
export function tokens(count: number): string {
  if (count < 1000) return String(count);
  if (count < 99_950) return `${(count / 1000).toFixed(1)}k`;
  if (count < 999_500) return `${Math.round(count / 1000)}k`;
  return count < 999_500_000 ? `${(count / 1e6).toFixed(count < 9_995_000 ? 2 : 1)}M` : `${(count / 1e9).toFixed(2)}G`;
}

/** As exact as it matters: `$0.0042`, `$0.42`, `$12.30`, `$1,204`. */
export function dollars(usd: number): string {
  if (usd === 0) return '$0';
  if (usd < 0.0001) return '<$0.0001';
  if (usd < 0.01) return `$${usd.toFixed(4)}`;
  if (usd < 1) return `$${usd.toFixed(3)}`;
  return usd < 1000 ? `$${usd.toFixed(2)}` : `$${Math.round(usd).toLocaleString('en-US')}`;
}

/** What is known of a cost, where calls without a price are not in it. */
export const cost = (usd: number, unpriced: number): string => (unpriced === 0 ? dollars(usd) : usd === 0 ? '?' : `≥ ${dollars(usd)}`);

/** Why a cost is not all of it. */
export const notPriced = (calls: number): string => `The cost of ${counted(calls, 'call')} is not known`;

export const number = (value: number): string => value.toLocaleString('en-US');

export const percent = (part: number, whole: number): string => {
  if (whole <= 0 || part <= 0) return '0%';
  const value = (part / whole) * 100;
  return value < 1 ? '<1%' : `${Math.round(value)}%`;
};

/** `1 turn`, `3 turns`. */
export const counted = (count: number, noun: string, plural = `${noun}s`): string => `${number(count)} ${count === 1 ? noun : plural}`;

/** `2026-03-14 09:26`. */
export const dateTime = (ms: number): string => `${date(ms)} ${clock(ms)}`;

/** To the millisecond, for tooltips. */
export const exactTime = (ms: number): string => {
  const at = new Date(ms);
  return `${dateTime(ms)}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
};

export const clock = (ms: number, withSeconds = false): string => {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}${withSeconds ? `:${two(at.getSeconds())}` : ''}`;
};

const date = (ms: number): string => {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
};

/** How long ago a day was, while that says more than its date. */
export function day(ms: number, nowMs: number): string {
  const [then, now] = [new Date(ms), new Date(nowMs)];
  const days = Math.round((midnight(now) - midnight(then)) / DAY);
  if (days === 0) return `Today ${clock(ms)}`;
  if (days === 1) return `Yesterday ${clock(ms)}`;
  return dateTime(ms);
}

const midnight = (at: Date): number => Date.UTC(at.getFullYear(), at.getMonth(), at.getDate());
const two = (value: number): string => String(value).padStart(2, '0');

/** The end of a path says most. */
export function shortPath(path: string): string {
  const parts = path.split(/[\\/]/).filter((part) => part !== '');
  return parts.length === 0 ? path : parts.slice(-2).join('/');
}

/** Without the directory that most paths of a session begin with. Where it stands amid a longer path, that one is another's. */
export function withinProject(text: string, project: string | undefined): string {
  const root = project?.replace(/[\\/]+$/, '') ?? '';
  // A name alone would be found in other names, too.
  if (!/^(?:[\\/]|[a-z]:[\\/])./i.test(root)) return text;
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}_.~/\\\\-])${root.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}[\\\\/]`, 'gu'), '');
}

/** Of a UUID its beginning tells enough; an id that begins with a date is told whole. */
export const shortId = (id: string): string => (/^[\da-f]{8}-/.test(id) ? id.slice(0, 8) : id.slice(0, 24));
