/**
 * What the page is given, and the server and the self-contained file give: plain JSON. Types only.
 *
 * in:   nothing
 * out:  written by view/session.ts and the server, read by view/page/
 *
 * All texts are a stranger's: the page makes text nodes of them, never markup.
 * A session is told in two halves: rows light enough for 20,000 of them, and details, fetched a span at a time.
 */
import type { FileChange, Message, Part, Problem } from '../session/types.ts';
import type { SessionSummary } from '../stats/summary.ts';
import type { Attributes } from '../trace/span.ts';

/** A session on this machine, as the list shows it. */
export interface ListedSession {
  /** Names it in addresses: `#/s/<key>`. */
  readonly key: string;
  readonly id: string;
  readonly harness: string;
  /** Directory it began in. */
  readonly project?: string;
  /** When its file last changed, Unix ms; the list is sorted by it, newest first. */
  readonly modifiedMs: number;
  readonly bytes: number;
}

/**
 * `GET api/sessions` answers with lines of JSON: first all sessions, then summaries as they are made, newest session first.
 */
export type ListLine =
  | { readonly kind: 'sessions'; readonly sessions: readonly ListedSession[] }
  | { readonly kind: 'summary'; readonly key: string; readonly summary: SessionSummary }
  /** This one could not be read. */
  | { readonly kind: 'failed'; readonly key: string; readonly message: string };

/** `GET api/sessions/<key>`. */
export interface ViewSession {
  readonly key: string;
  readonly project?: string;
  /** Browser address of its repository. */
  readonly repositoryUrl?: string;
  readonly summary: SessionSummary;
  readonly turns: readonly ViewTurn[];
  /** As of a turn; over all of them, each moment once: an agent in the background goes on while the next turn does. */
  readonly shares: Shares;
  /** Parents before children, siblings in order of time, turn after turn. */
  readonly spans: readonly ViewSpan[];
  /** How large the context of the main agent was, call by call. */
  readonly context: readonly ContextPoint[];
  readonly compactions: readonly { readonly atMs: number; readonly tokensBefore?: number; readonly tokensAfter?: number }[];
  readonly problems: readonly Problem[];
  /** What of the content was kept: `none`, `redacted` or `full`. */
  readonly content: string;
}

/** A trace: a turn of the main agent, or an agent that belongs to no turn. */
export interface ViewTurn {
  /** Absent for an agent without a turn. */
  readonly number?: number;
  readonly trigger?: string;
  /** Beginning of the prompt, on one line. */
  readonly label?: string;
  /** Its rows: `spans[first]` is the root, `spans[first + count - 1]` the last one. */
  readonly first: number;
  readonly count: number;
  /** The root's, stretched for agents that outlive the turn. Unix ms. */
  readonly startMs: number;
  readonly endMs: number;
  readonly outcome: string;
  readonly errors: number;
  readonly tokens: { readonly input: number; readonly output: number };
  readonly costUsd: number;
  /** Model calls whose cost is not in it. */
  readonly unpriced: number;
  /** Wall-clock ms from `startMs` to `endMs` in which a model was at work, else a tool, else neither. They add up to all of it. */
  readonly shares: Shares;
}

export interface Shares {
  readonly modelMs: number;
  readonly toolMs: number;
  readonly waitMs: number;
}

export type SpanKind = 'turn' | 'agent' | 'chat' | 'tool';

/** A row of the waterfall. */
export interface ViewSpan {
  readonly id: string;
  /** Index into `ViewSession.spans`; -1 for a root. */
  readonly parent: number;
  readonly depth: number;
  readonly kind: SpanKind;
  /** Without the operation: `Bash`, `claude-opus-5-5`, `Explore`, `Turn 3`. */
  readonly name: string;
  /** What it was about, on one line: a command, an answer, a prompt. */
  readonly label?: string;
  readonly startMs: number;
  readonly endMs: number;
  /** `error.type`. */
  readonly error?: string;
  /** When it is not `completed`: interrupted, denied, open. */
  readonly outcome?: string;
  /** True when the harness does not tell when it began or ended. */
  readonly timeEstimated?: boolean;
  /** Of a turn: what the whole session used up to its end, where that is all that is known. It is no figure of the turn. */
  readonly session?: { readonly input: number; readonly output: number; readonly costUsd?: number };
  /** Of a chat; of an agent where only its calls together have some. `input` includes the cached ones. */
  readonly tokens?: { readonly input: number; readonly output: number; readonly cacheRead: number };
  readonly costUsd?: number;
  /** Of a chat, whose cost nobody knows: neither its own, nor as a part of what its agent tells of all its calls. */
  readonly unpriced?: true;
}

export interface ContextPoint {
  readonly atMs: number;
  /** Input tokens of the call. */
  readonly tokens: number;
  /** Index of the chat's row. */
  readonly span: number;
}

/** `GET api/sessions/<key>/spans/<id>`. */
export interface SpanDetails {
  readonly id: string;
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly endMs: number;
  /** Of the agent that did the work. */
  readonly agent: string;
  readonly error?: { readonly type: string; readonly message: string };
  /** But for those that hold content: that is in the fields below, whole. */
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly events: readonly { readonly name: string; readonly timeMs: number; readonly attributes: Attributes }[];
  readonly links: readonly ViewLink[];
  /** Of a chat: what is new since the call before, and the answer. Of a turn or agent: its prompt and final answer. */
  readonly input?: readonly Message[];
  readonly output?: readonly Message[];
  /** Of a tool call. */
  readonly arguments?: unknown;
  /** Text, a list of our parts, or what the harness kept. */
  readonly result?: string | readonly Part[] | unknown;
  readonly files?: readonly FileChange[];
}

export interface ViewLink {
  readonly traceId: string;
  readonly spanId: string;
  /** `previous_turn`, `task`, `rewound`, `started_by`. */
  readonly kind: string;
  /** Index of the row it leads to, when that is in this session. */
  readonly row?: number;
}

/** What the self-contained file holds, in place of a server. */
export interface PageData {
  readonly session: ViewSession;
  readonly details: Readonly<Record<string, SpanDetails>>;
}
