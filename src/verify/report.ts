/**
 * What a comparison of a transcript's raw lines with its spans tells. Plain JSON, and stable: `verify --json` prints it.
 *
 * in:   nothing. Types only
 * out:  `VerifyReport`, made by compare.ts, shown by cli/
 */
import type { Place, Tokens } from '../harness/recount.ts';
import type { Account } from '../trace/account.ts';

export interface VerifyReport {
  /** The raw lines against the spans. */
  readonly rows: readonly Row[];
  /** The harness's own account against the spans, where it wrote one. */
  readonly declared?: DeclaredReport;
  /** What destinations have acknowledged, against the spans. */
  readonly destinations: readonly DestinationReport[];
  /** None: all is well. */
  readonly differences: readonly Difference[];
  /** What could not be counted, and is no difference. */
  readonly notes: readonly Note[];
}

export interface Row {
  readonly what: 'responses' | 'tool calls' | 'sub-agents' | TokenRow;
  /** Of token counts. */
  readonly model?: string;
  /** Set on tokens that are known of sessions and agents as a whole, not of calls. */
  readonly ofSessions?: true;
  /** In the raw lines. */
  readonly raw: number;
  /** In the spans. */
  readonly built: number;
  /** built - raw. */
  readonly difference: number;
}

export type TokenRow = 'input tokens' | 'output tokens' | 'cache read tokens' | 'cache write tokens';

export interface DeclaredReport {
  /** What the harness calls its account. */
  readonly name: string;
  readonly place: Place;
  readonly rows: readonly DeclaredRow[];
  /** Why the rows are shown, and are no differences. */
  readonly incomparable?: string;
}

export interface DeclaredRow {
  readonly what: TokenRow | 'cost in USD';
  readonly model: string;
  readonly declared: number;
  /** Null: unknown, for the model has no known price, or no line is of it. */
  readonly built: number | null;
  readonly difference: number | null;
}

export interface DestinationReport {
  /** As in the ledger. */
  readonly key: string;
  readonly url?: string;
  /** False: it knows nothing of this session. */
  readonly exported: boolean;
  /** Spans that are final. */
  readonly final: number;
  /** Spans that may still change: nothing is wrong with those that were not sent. */
  readonly open: number;
  /** Spans not sent of turns from before the export was set up, and of turns that the session they were copied from sends. */
  readonly leftOut: number;
  /** Of the final ones. Refused ones are among them: they are done with. */
  readonly acknowledged: number;
  /** How many of them the last delivery told to be refused. */
  readonly refused: number;
  readonly pending: number;
  /** Acknowledged, and not in the build. */
  readonly notBuilt: number;
}

export interface Note {
  readonly places: readonly Place[];
  readonly says: string;
}

export type DifferenceKind =
  | `${'response' | 'tool-call' | 'agent'}-${'missing' | 'twice' | 'unknown' | 'elsewhere'}`
  | 'response-tokens'
  | 'response-model'
  | 'session-tokens'
  | 'declared-tokens'
  | 'declared-cost'
  | 'span-pending'
  | 'span-outdated'
  | 'span-totals'
  | 'span-not-built';

export interface Difference {
  readonly kind: DifferenceKind;
  /** Of the response, the call, the agent, the model or the span. */
  readonly id: string;
  /** The lines it stands on. None: it stands on no line. */
  readonly places: readonly Place[];
  /** The spans that tell of it. */
  readonly spans: readonly string[];
  /** What it means, in a sentence. */
  readonly says: string;
  /** Where the counts differ. */
  readonly raw?: Tokens;
  readonly built?: Tokens;
}

/** What a destination has acknowledged of a session. Plain data out of the ledger. */
export interface Acknowledged {
  readonly key: string;
  readonly url?: string | undefined;
  /** End in Unix ms, by span id: whoever sent it. */
  readonly ends: ReadonlyMap<string, number>;
  /** Ids of the spans that this session sent itself, and their traces. */
  readonly own: ReadonlyMap<string, string>;
  /** What its spans told of the session or an agent as a whole, by span id: the parts of what grew meanwhile. */
  readonly told?: ReadonlyMap<string, Account>;
  /** Its entries are gone: everything up to this time was done with. Unix ms. */
  readonly doneUntilMs?: number | undefined;
  /** Turns begun earlier were left out on purpose. Unix ms. */
  readonly sinceMs?: number | undefined;
  readonly refused: number;
}
