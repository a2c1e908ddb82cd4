/**
 * What was counted of a session or an agent as a whole, where nothing is known of single calls.
 *
 * in:   accounts of the recount, those of the spans
 * out:  rows, and a difference for each account that is not the same; pure
 */
import type { CountedAccount, Tokens } from '../harness/recount.ts';
import { isSame } from '../trace/account.ts';
import type { Difference, Row } from './report.ts';
import { type BuiltAccount, TOKEN_ROWS } from './spans.ts';

export function compareAccounts(
  counted: readonly CountedAccount[],
  built: readonly BuiltAccount[],
): { readonly rows: readonly Row[]; readonly differences: readonly Difference[] } {
  const owners = [...new Set([...counted, ...built].map(({ agentId }) => agentId))];
  const total = (all: readonly { readonly tokens: Tokens }[], counter: keyof Tokens): number =>
    all.reduce((sum, { tokens }) => sum + tokens[counter], 0);
  return {
    rows:
      owners.length === 0
        ? []
        : TOKEN_ROWS.map(([what, counter]): Row => {
            const [raw, inSpans] = [total(counted, counter), total(built, counter)];
            return { what, ofSessions: true, raw, built: inSpans, difference: inSpans - raw };
          }),
    differences: owners.flatMap((owner) =>
      compareAccount(
        owner,
        counted.filter(({ agentId }) => agentId === owner),
        built.filter(({ agentId }) => agentId === owner),
      ),
    ),
  };
}

function compareAccount(owner: string | undefined, counted: readonly CountedAccount[], built: readonly BuiltAccount[]): Difference[] {
  const [raw, inSpans] = [counted[0], built[0]];
  const at = {
    kind: 'session-tokens',
    id: owner ?? 'session',
    places: counted.map(({ place }) => place),
    spans: built.map(({ spanId }) => spanId),
    ...(raw && { raw: raw.tokens }),
    ...(inSpans && { built: inSpans.tokens }),
  } as const;
  const whose = owner === undefined ? 'the session' : 'this agent';
  if (built.length > 1) return [{ ...at, says: `${built.length} spans tell what ${whose} used, which is told once.` }];
  if (raw === undefined) return [{ ...at, says: `A span tells what ${whose} used as a whole, and no row does.` }];
  if (inSpans === undefined) return [{ ...at, says: `Rows tell what ${whose} used as a whole, and no span does.` }];
  const counts = TOKEN_ROWS.filter(([, counter]) => raw.tokens[counter] !== inSpans.tokens[counter]).map(
    ([what, counter]) => `${raw.tokens[counter]} ${what} in its rows and ${inSpans.tokens[counter]} in its span`,
  );
  const isSamePrice = isSame(raw.costUsd ?? 0, inSpans.costUsd ?? 0);
  if (!isSamePrice) counts.push(`${raw.costUsd ?? 0} USD in its rows and ${inSpans.costUsd ?? 0} in its span`);
  return counts.length === 0 ? [] : [{ ...at, says: `As a whole ${whose} has ${counts.join(', ')}.` }];
}
