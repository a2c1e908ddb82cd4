/**
 * What `trace-build doctor` found: what `--json` prints. Keys keep their meaning; there may come more.
 *
 * in:   nothing
 * out:  `Report`, and ways to make a `Check`. All times are Unix ms; what is undefined is absent there
 */
import type { Origin } from '../../config/load.ts';
import type { ProblemCounts } from '../../harness/problems.ts';
import type { LogEntry } from '../../hook/log.ts';
import type { Live } from '../live.ts';

/** `failure`: it stands in the way of every trace of the directory. */
export type Status = 'ok' | 'warning' | 'failure';

/** In the order in which one thing needs the other; the first failure is the reason why there is no trace. */
export type CheckName =
  | 'places'
  | 'config'
  | 'scope'
  | 'disabled'
  | 'plugin'
  | 'codex'
  | 'openclaw'
  | 'hermes'
  | 'node'
  | 'endpoint'
  | 'ledger'
  | 'deliveries'
  | 'queue'
  | 'worker'
  | 'newest session'
  | 'sessions'
  | 'transcripts'
  | 'problems'
  | 'log'
  | 'own tracing'
  | 'clock'
  | 'versions';

export interface Check {
  readonly name: CheckName;
  readonly status: Status;
  /** Whole sentences, for people. */
  readonly sentence: string;
  /** What to do about it. */
  readonly todo?: string;
  /** Lines below it. */
  readonly details?: readonly string[];
}

export interface Report {
  /** The one that was asked about. */
  readonly directory: string;
  /** Why there is no trace, or that there is one. */
  readonly verdict: { readonly status: Status; readonly sentence: string; readonly todo?: string };
  readonly checks: readonly Check[];
  readonly versions: Versions;
  /** The keys that are not at their default, secrets masked. Absent when the config can't be read. */
  readonly settings?: Readonly<Record<string, { readonly value: unknown; readonly origin: Origin }>>;
  readonly live: Live;
  /** All that were ever sent to. */
  readonly destinations: readonly {
    readonly url: string | undefined;
    /** Acknowledged, or refused for good. */
    readonly spans: number;
    readonly lastAcknowledgedMs: number | undefined;
    /** Whether it is the one that is sent to now. */
    readonly current: boolean;
  }[];
  readonly sessions: SessionFigures;
  /** Lines of transcripts that could not be used, by reason. */
  readonly problems: ProblemCounts;
  /** The last errors of the worker, the newest first. */
  readonly errors: readonly LogEntry[];
}

export interface Versions {
  readonly traceBuild: string;
  /** Of the node that runs this. */
  readonly node: string;
  /** The one that hooks use, if they know one. */
  readonly hooksNode: { readonly path: string; readonly version: string | undefined } | undefined;
  /** What `claude --version` says; undefined where there is none on the PATH. */
  readonly claude: string | undefined;
  /** Of the plugin that Claude Code loads. */
  readonly plugin: string | undefined;
}

/** Numbers of sessions; of spans at the destination that is sent to now. */
export interface SessionFigures {
  readonly known: number;
  /** Nothing left to send, and nothing to come. */
  readonly settled: number;
  /** They go on, or something of them is left to send. */
  readonly unsettled: number;
  readonly withPending: number;
  readonly pendingSpans: number;
  readonly withOpen: number;
  /** They may still change. */
  readonly openSpans: number;
  readonly refusedSpans: number;
  /** Their transcript is gone, and not all of it was delivered. */
  readonly lost: number;
  /** Of the last time, each session's, the newest first. */
  readonly failures: readonly { readonly session: string; readonly atMs: number; readonly message: string }[];
}

export const ok = (name: CheckName, sentence: string, details: readonly string[] = []): Check =>
  made(name, 'ok', sentence, undefined, details);

export const warning = (name: CheckName, sentence: string, todo?: string, details: readonly string[] = []): Check =>
  made(name, 'warning', sentence, todo, details);

export const failure = (name: CheckName, sentence: string, todo: string): Check => made(name, 'failure', sentence, todo, []);

const made = (name: CheckName, status: Status, sentence: string, todo: string | undefined, details: readonly string[]): Check => ({
  name,
  status,
  sentence,
  ...(todo !== undefined && { todo }),
  ...(details.length > 0 && { details }),
});
