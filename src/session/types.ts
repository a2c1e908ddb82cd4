/**
 * What happened: a session of a coding agent in our words, whichever harness wrote it down.
 *
 * in:   nothing. Types only; imports nothing.
 * out:  written by harness/, read by trace/, stats/, replay/ and view/.
 *
 * Times are Unix milliseconds (`…Ms`), the finest clock any transcript has. Text fields (`prompt`,
 * `input`, `message` …) are content: they are there only when the reader was asked to keep it.
 */
export interface Session {
  /** The harness's own id, stable across resumes. Becomes `gen_ai.conversation.id`. */
  readonly id: string;
  /** Name of the harness that wrote it, e.g. `claude-code`. */
  readonly harness: string;
  /** Name of the main agent. Becomes `gen_ai.agent.name`. */
  readonly agentName: string;
  readonly turns: readonly Turn[];
  /** `startId` of the turn before the first of these, when earlier turns were left out. */
  readonly previousTurnId?: string | undefined;
  /** Agents that belong to no turn, because there is none. Each becomes a trace of its own. */
  readonly strays: readonly AgentRun[];
  /** Set when this session is itself a teammate: the call of the lead that started it. */
  readonly startedBy?: CallRef | undefined;
}

/** What a turn of the main agent and the whole life of a sub-agent have in common. */
export interface Run {
  /** Id of the line that started it; stable across forks and resumes. */
  readonly startId: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly modelCalls: readonly ModelCall[];
  readonly toolCalls: readonly ToolCall[];
  /** Agents that ran here without a call, or without one that could be found for them. */
  readonly unclaimedAgents: readonly AgentRun[];
  readonly compactions: readonly Compaction[];
  /** Prompts that arrived while the agent was at work. */
  readonly steering: readonly Steering[];
  readonly outcome: RunOutcome;
  /** False while the run may still go on. */
  readonly finished: boolean;
  /** Version of the harness, its working branch. */
  readonly version?: string | undefined;
  readonly branch?: string | undefined;
  readonly prompt?: readonly Part[] | undefined;
  readonly answer?: readonly Part[] | undefined;
}

export interface Steering {
  readonly atMs: number;
  readonly prompt?: readonly Part[] | undefined;
}

/** One prompt and everything the main agent did until it stopped. */
export interface Turn extends Run {
  /** 1-based, in the order of the transcript, copied turns included. */
  readonly number: number;
  readonly trigger: Trigger;
  /** Name of the slash command that started it, without its arguments. */
  readonly command?: string | undefined;
  /** The background tasks whose end started this turn, or was told in it. */
  readonly notifiedBy: readonly CallRef[];
  /** Turns that a rewind took out of the conversation just before this one. They did run. */
  readonly rewound?: { readonly toTurnId: string | null; readonly droppedTurnIds: readonly string[] };
  /** Set on a turn copied from another session by a fork; the id of that session if it is known. */
  readonly copiedFrom?: { readonly sessionId?: string };
  /** Lines of this turn that could not be used, or only in part. */
  readonly problems: number;
  /**
   * What the harness counted up to here, over all turns, where it keeps no usage per call. On the last turn only: it is
   * no figure of that turn. Of what is sent turn by turn, each tells what was not told before (export/tellings.ts).
   */
  readonly sessionUsage?: SessionUsage | undefined;
  /** How often each redaction rule hid something, in the turn or below it. Absent: nothing was hidden. */
  readonly redactions?: Readonly<Record<string, number>>;
}

export interface SessionUsage {
  readonly usage: TokenUsage;
  readonly modelCalls: number;
  /** As the harness reckons. */
  readonly costUsd?: number | undefined;
}

export type Trigger = 'human' | 'sdk' | 'command' | 'bash' | 'task_notification' | 'peer' | 'unknown';

/** The run of one sub-agent, however many jobs it was given. */
export interface AgentRun extends Run {
  /** The agent's own id in the harness: the id of its transcript. */
  readonly id: string;
  /** The name it goes by: its name in the team, else its type. */
  readonly name: string;
  readonly type?: string | undefined;
  readonly description?: string | undefined;
  /** No call starts one of its kind, and its own lines name the turn that it belongs to. */
  readonly ofTurn?: true;
  /** What the harness counted of all its calls, where it keeps no usage per call and the agent has an account of its own. */
  readonly sessionUsage?: SessionUsage | undefined;
  /** Later transcripts of the same agent, when the harness began a new one for it; how it ended, this run tells for all. */
  readonly respawns: readonly AgentRun[];
}

export type RunOutcome =
  | { readonly kind: 'completed' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'error'; readonly errorType: ErrorType; readonly message?: string };

/** `error.type`, a closed list: low in cardinality, and no content. After `api_` a status, or the API's name for the error. */
export type ErrorType =
  | 'tool_error'
  | 'timeout'
  | 'permission_denied'
  | 'unknown_tool'
  | 'invalid_arguments'
  | 'agent_error'
  | `api_${string}`;

/** One request to a model and its whole response, however many lines tell of it. */
export interface ModelCall {
  /** Response id of the provider where there is one, else what names the call best. */
  readonly id: string;
  /** True when `id` is not the provider's: that is on no disk, or names several calls. */
  readonly idIsOurs?: boolean | undefined;
  /** The provider's, where `id` is not, but it is told. */
  readonly responseId?: string | undefined;
  readonly requestId?: string | undefined;
  readonly provider: string;
  readonly requestModel?: string | undefined;
  readonly model: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly finishReason?: string | undefined;
  /** Absent where the harness keeps no usage per call. */
  readonly usage?: TokenUsage | undefined;
  readonly effort?: string | undefined;
  /** True when the harness does not tell when it began or ended, and the lines around it had to do. */
  readonly timeEstimated?: boolean | undefined;
  /** As the harness reckons, where it does. */
  readonly costUsd?: number | undefined;
  /** Attempts that failed before this one. */
  readonly retries: number;
  /** True for the first call after the history was compacted. */
  readonly afterCompaction: boolean;
  readonly serverToolCalls: number;
  /** What is new since the previous call, and the answer. */
  readonly input?: readonly Message[] | undefined;
  readonly output?: Message | undefined;
}

/** Tokens as billed. `input` includes both cache counts, as the GenAI convention asks. */
export interface TokenUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  /** Of which `cacheWrite1h` live for an hour: they cost more. */
  readonly cacheWrite: number;
  readonly cacheWrite1h: number;
  /** Part of `output`. Absent when not told. */
  readonly reasoning?: number | undefined;
  readonly webSearches: number;
  /** False when the harness is known to have written placeholders. */
  readonly reliable: boolean;
}

export interface ToolCall {
  readonly id: string;
  /** What the transcript calls it, where that is not `id`, for another call of the trace has the same. */
  readonly callId?: string | undefined;
  readonly name: string;
  readonly startedAtMs: number;
  readonly outcome: ToolOutcome;
  readonly mcp?: { readonly server: string; readonly tool: string } | undefined;
  readonly skill?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly permission?: { readonly decision: string; readonly source?: string | undefined } | undefined;
  /** Name of the background task it started. */
  readonly taskId?: string | undefined;
  /** A teammate it started that has a session of its own. */
  readonly teammate?: string | undefined;
  /** The agent it started: the call and the agent are one span. */
  readonly agent?: AgentRun | undefined;
  /** True when the harness does not tell when it began or ended, and the lines around it had to do. */
  readonly timeEstimated?: boolean | undefined;
  /** Calls it made itself, as a program does that a model wrote. */
  readonly toolCalls?: readonly ToolCall[] | undefined;
  /** Agents it ran inside itself, as a workflow does. */
  readonly agents: readonly AgentRun[];
  /** Files it changed, one entry each. Absent: none that the transcript tells of. */
  readonly files?: readonly FileChange[] | undefined;
  /** Commits and pull requests it made, as its output tells. Counted only where content is kept. Absent: none. */
  readonly commits?: number | undefined;
  readonly pullRequests?: number | undefined;
  readonly input?: unknown;
  readonly output?: unknown;
}

/** A file that a tool changed. Its path and texts are content. */
export interface FileChange {
  readonly change: 'add' | 'update' | 'delete' | 'move';
  readonly path?: string | undefined;
  readonly movedTo?: string | undefined;
  /** What was replaced and by what, in the order of the file; a new file has one, with an empty `before`. */
  readonly edits?: readonly { readonly before: string; readonly after: string }[] | undefined;
}

/** How a tool call ended. "open" is normal: the transcript may still be growing. */
export type ToolOutcome =
  | { readonly kind: 'ok'; readonly endedAtMs: number }
  | { readonly kind: 'error'; readonly endedAtMs: number; readonly errorType: ErrorType; readonly message?: string }
  | { readonly kind: 'denied'; readonly endedAtMs: number }
  | { readonly kind: 'interrupted'; readonly endedAtMs?: number }
  | { readonly kind: 'open' };

export interface Compaction {
  readonly atMs: number;
  readonly trigger?: string | undefined;
  readonly tokensBefore?: number | undefined;
  readonly tokensAfter?: number | undefined;
  readonly durationMs?: number | undefined;
}

/** Points at a call of some turn: enough to know its span without having built it. */
export interface CallRef {
  /** `startId` of the turn (or stray agent) the call belongs to. */
  readonly startId: string;
  /** Of a tool call, or of an agent that no call started. */
  readonly id: string;
  readonly kind: 'call' | 'agent';
}

export interface Message {
  readonly role: 'user' | 'assistant' | 'tool' | 'system';
  readonly parts: readonly Part[];
}

export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string }
  | { readonly kind: 'tool_call'; readonly id: string; readonly name: string; readonly arguments: unknown }
  | { readonly kind: 'tool_result'; readonly id: string; readonly result: unknown }
  | { readonly kind: 'server_tool_call'; readonly id?: string; readonly name: string; readonly arguments: unknown }
  | { readonly kind: 'server_tool_result'; readonly id?: string; readonly name: string; readonly result: unknown }
  /** An image, document … left out: its size tells enough. */
  | { readonly kind: 'media'; readonly modality: string; readonly mimeType?: string; readonly bytes: number }
  | { readonly kind: 'other'; readonly type: string };

/** Something in a transcript that could not be used, or only in part. Data, never an exception. */
export interface Problem {
  readonly file: string;
  /** 1-based, as editors count; 0 when it is about the whole file. */
  readonly line: number;
  readonly reason: ProblemReason;
  readonly detail: string;
}

export type ProblemReason =
  | 'not-json'
  | 'not-an-object'
  | 'wrong-shape'
  | 'torn-line'
  | 'missing-timestamp'
  | 'missing-uuid'
  | 'duplicate-uuid'
  | 'duplicate-tool-use'
  | 'orphan-result'
  | 'end-before-start'
  | 'unclaimed-agent'
  | 'agent-cycle'
  | 'bad-meta'
  | 'unreadable-file';
