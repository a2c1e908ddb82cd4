/**
 * A place in a sorted list, without a look at every element.
 *
 * in:   a list of which the first elements don't fit and all others do
 * out:  how many don't
 */
export function lowerBound<T>(sorted: readonly T[], fits: (element: T) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fits(sorted[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
