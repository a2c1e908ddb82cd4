/**
 * How much work something does with arrays, counted: what grows with the square of its input shows itself whatever the machine's speed.
 *
 * in:   what is to be done
 * out:  what it returned, and how many items of arrays it looked at: by a callback, a loop, a copy
 */
const METHODS = ['every', 'filter', 'find', 'findIndex', 'findLast', 'flatMap', 'forEach', 'map', 'reduce', 'some'] as const;

type Callback = (...args: readonly unknown[]) => unknown;

export function arrayWork<T>(work: () => T): { readonly result: T; readonly steps: number } {
  const prototype = Array.prototype as unknown as Record<string | symbol, (this: unknown[], ...args: unknown[]) => unknown>;
  const before = new Map<string | symbol, (typeof prototype)[string]>();
  let steps = 0;
  const replace = (name: string | symbol, by: (typeof prototype)[string]): void => {
    before.set(name, prototype[name]!);
    prototype[name] = by;
  };
  for (const name of METHODS) {
    const own = prototype[name]!;
    replace(name, function (callback, ...rest) {
      const counted: Callback = (...args) => {
        steps++;
        return (callback as Callback)(...args);
      };
      return own.call(this, counted, ...rest);
    });
  }
  replace(Symbol.iterator, function* () {
    for (let at = 0; at < this.length; at++) {
      steps++;
      yield this[at];
    }
  });
  try {
    const result = work();
    return { result, steps };
  } finally {
    for (const [name, own] of before) prototype[name] = own;
  }
}
