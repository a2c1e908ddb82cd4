/**
 * What the page is given → its JSON.
 *
 * in:   plain data, with whatever a transcript's tools were given in it
 * out:  text. A value nested deeper than the program's stack goes is cut; all else is as it was
 */
const MAX_DEPTH = 200;
const DEEPER = '… [nested deeper]';

/** @param each  as for `JSON.stringify` */
export function jsonOf(value: object | undefined, each?: (key: string, value: unknown) => unknown): string {
  try {
    return JSON.stringify(value, each);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return JSON.stringify(upTo(MAX_DEPTH, value), each);
  }
}

function upTo(depth: number, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return DEEPER;
  if (Array.isArray(value)) return value.map((item) => upTo(depth - 1, item));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, upTo(depth - 1, item)]));
}
