/**
 * The list of sessions as data: what is known so far, what is searched for, in which order.
 *
 * in:   lines of the list as they come, a query, a column to sort by
 * out:  entries in order; pure
 */
import type { SessionSummary } from '../../stats/summary.ts';
import type { ListedSession, ListLine } from '../model.ts';
import { wordsOf } from './rows.ts';

export interface Entry {
  readonly listed: ListedSession;
  readonly summary?: SessionSummary;
  /** Why it could not be read. */
  readonly failed?: string;
}

export type Column = 'title' | 'project' | 'last' | 'turns' | 'tokens' | 'cost' | 'errors';

export interface Order {
  readonly column: Column;
  readonly descending: boolean;
}

/** Adds what a line tells. The list may be asked for again: what is no longer in it goes, figures stay until newer ones come. */
export function told(entries: Map<string, Entry>, line: ListLine): void {
  if (line.kind === 'sessions') {
    const keys = new Set(line.sessions.map(({ key }) => key));
    for (const key of entries.keys()) if (!keys.has(key)) entries.delete(key);
    for (const listed of line.sessions) entries.set(listed.key, { ...entries.get(listed.key), listed });
    return;
  }
  const listed = entries.get(line.key)?.listed;
  if (listed === undefined) return;
  entries.set(line.key, line.kind === 'summary' ? { listed, summary: line.summary } : { listed, failed: line.message });
}

/** Those that hold every word of the query, in order. What is not known yet comes last, either way. */
export function inOrder(entries: Iterable<Entry>, query: string, { column, descending }: Order): readonly Entry[] {
  const words = wordsOf(query);
  const sign = descending ? -1 : 1;
  return [...entries]
    .filter((entry) => words.every((word) => haystack(entry).includes(word)))
    .map((entry) => ({ entry, value: sortValue(entry, column) }))
    .toSorted((a, b) => {
      if (a.value === undefined || b.value === undefined)
        return Number(a.value === undefined) - Number(b.value === undefined) || newest(a.entry, b.entry);
      return (a.value < b.value ? -sign : a.value > b.value ? sign : 0) || newest(a.entry, b.entry);
    })
    .map(({ entry }) => entry);
}

const newest = (a: Entry, b: Entry): number => b.listed.modifiedMs - a.listed.modifiedMs;

function haystack({ listed, summary }: Entry): string {
  const { title = '', branch = '', models = [] } = summary ?? {};
  return [listed.id, listed.harness, listed.project ?? '', title, branch, ...models].join('\n').toLowerCase();
}

function sortValue(entry: Entry, column: Column): number | string | undefined {
  const { listed, summary } = entry;
  switch (column) {
    case 'title':
      return summary?.title?.toLowerCase();
    case 'project':
      return listed.project?.toLowerCase();
    case 'last':
      return listed.modifiedMs;
    case 'turns':
      return summary?.turns;
    case 'tokens':
      return summary && summary.tokens.input + summary.tokens.output;
    case 'cost':
      return summary?.costUsd;
    case 'errors':
      return summary?.errors;
    default:
      return column satisfies never;
  }
}

/** Of the entries on show, as far as is known. */
export function totalsOf(entries: readonly Entry[]): Pick<SessionSummary, 'costUsd' | 'unpriced' | 'errors'> & { readonly tokens: number } {
  let [tokens, costUsd, unpriced, errors] = [0, 0, 0, 0];
  for (const { summary } of entries) {
    if (summary === undefined) continue;
    tokens += summary.tokens.input + summary.tokens.output;
    costUsd += summary.costUsd;
    unpriced += summary.unpriced;
    errors += summary.errors;
  }
  return { tokens, costUsd, unpriced, errors };
}
