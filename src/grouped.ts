/**
 * `Map.groupBy`, which Node 20 does not have. Imports nothing.
 *
 * in:   items, and what to put them under
 * out:  the groups, in the order of their first items; the items of each in their order
 */
export function grouped<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
