/**
 * JSON of others: nothing in it is as it must be. Imports nothing.
 *
 * in:   text, values out of JSON.parse or a parser like it
 * out:  what is there, when it is of the kind that was asked for
 */
export type JsonObject = Readonly<Record<string, unknown>>;

/** @returns undefined for what is no JSON */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Empty where there is none. */
export const objectIn = (json: JsonObject, key: string): JsonObject => (isObject(json[key]) ? json[key] : NOTHING);

/** Empty where there is none. */
export const listIn = (json: JsonObject, key: string): readonly unknown[] => (Array.isArray(json[key]) ? json[key] : []);

const NOTHING: JsonObject = {};
