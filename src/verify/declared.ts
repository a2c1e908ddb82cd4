/**
 * The spans against the harness's own account.
 *
 * in:   what it declared, the responses of the spans
 * out:  a row per model and counter; differences, unless the account is known to hold more or less than the lines do
 *
 * A model that stands on no line did something for the harness itself (a title, a page made shorter): it is shown, and not compared.
 */
import type { Declared, DeclaredModel } from '../harness/recount.ts';
import type { DeclaredReport, DeclaredRow, Difference } from './report.ts';
import { type BuiltResponse, TOKEN_ROWS } from './spans.ts';

/** The harness adds its cents up in another order. */
const SAME_USD = 1e-6;

export function compareDeclared(
  { name, place, byModel, incomparable }: Declared,
  responses: readonly BuiltResponse[],
): { readonly report: DeclaredReport; readonly differences: readonly Difference[] } {
  const rows = byModel.flatMap((declared) =>
    rowsOf(
      declared,
      responses.filter(({ model }) => model === declared.model),
    ),
  );
  return {
    report: { name, place, rows, ...(incomparable !== undefined && { incomparable }) },
    differences: incomparable === undefined ? byModel.flatMap((declared) => differencesIn(declared, rows, { name, place })) : [],
  };
}

function rowsOf({ model, tokens, costUsd }: DeclaredModel, responses: readonly BuiltResponse[]): DeclaredRow[] {
  const isUnknown = responses.length === 0;
  const tokenRows = TOKEN_ROWS.map(([what, counter]): DeclaredRow => {
    const built = isUnknown ? null : responses.reduce((sum, response) => sum + (response.tokens?.[counter] ?? 0), 0);
    return { what, model, declared: tokens[counter], built, difference: built === null ? null : built - tokens[counter] };
  });
  if (costUsd === undefined) return tokenRows;
  const costs = responses.map((response) => response.costUsd);
  const built = isUnknown || costs.includes(undefined) ? null : costs.reduce<number>((sum, cost) => sum + cost!, 0);
  return [
    ...tokenRows,
    { what: 'cost in USD', model, declared: costUsd, built, difference: built === null ? null : differenceUsd(built, costUsd) },
  ];
}

function differenceUsd(built: number, declared: number): number {
  return Math.abs(built - declared) <= SAME_USD * Math.max(1, declared) ? 0 : built - declared;
}

function differencesIn(
  { model }: DeclaredModel,
  rows: readonly DeclaredRow[],
  { name, place }: Pick<Declared, 'name' | 'place'>,
): Difference[] {
  const wrong = rows.filter((row) => row.model === model && row.difference !== null && row.difference !== 0);
  const tokens = wrong.filter(({ what }) => what !== 'cost in USD');
  const at = { id: model, places: [place], spans: [] };
  const counts = tokens.map(({ what, declared, built }) => `${declared} ${what} where the spans have ${built}`);
  if (tokens.length > 0) return [{ ...at, kind: 'declared-tokens', says: `${name} counts ${counts.join(', ')}.` }];
  return wrong.map(({ declared, built }) => ({
    ...at,
    kind: 'declared-cost',
    says: `${name} counts ${declared} USD where the spans have ${built}, of the same tokens: the prices differ.`,
  }));
}
