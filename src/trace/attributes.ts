/**
 * What each kind of span tells, as attributes.
 *
 * in:   the session's own data, `Settings`
 * out:  Attributes, in a fixed order
 *
 * Every span tells its operation, its conversation, and the agent that did the work. Content only
 * where `settings.content` says so: without it no prompt, no path, no error text is here.
 */
import type { AgentRun, FileChange, ModelCall, Run, RunOutcome, SessionUsage, TokenUsage, ToolCall, Turn } from '../session/types.ts';
import { cappedJson, messagesJson, resultJson } from './content.ts';
import { PRICES_VERSION, priceOf } from './cost.ts';
import type { Names } from './names.ts';
import * as attr from './semconv.ts';
import type { Attributes, AttributeValue } from './span.ts';

export interface Settings {
  readonly profile: attr.Profile;
  readonly content: boolean;
  /** What passes for a name: without content, no sentence does. */
  readonly names: Names;
  /** Whether an agent's span sums the usage of its own calls. Backends that add up all spans want `off`. */
  readonly agentUsage: 'own' | 'off';
}

/** Who did the work, and in which conversation: on every span. */
export interface Attribution {
  readonly conversationId: string;
  readonly agentName: string;
  /** Only of sub-agents. */
  readonly agentId?: string;
  readonly unclaimed: boolean;
}

export function turnAttributes(turn: Turn, who: Attribution, settings: Settings): Attributes {
  const to = common(attr.GEN_AI_OPERATION_NAME_VALUE_INVOKE_AGENT, who);
  addRun(to, turn, [turn], settings);
  put(to, attr.ATTR_TURN_NUMBER, turn.number);
  put(to, attr.ATTR_TURN_TRIGGER, turn.trigger);
  put(to, attr.ATTR_COMMAND, settings.names.word(turn.command));
  if (turn.rewound !== undefined) put(to, attr.ATTR_TURN_REWOUND_TO, turn.rewound.toTurnId ?? '');
  if (turn.copiedFrom !== undefined) put(to, attr.ATTR_TURN_COPIED, true);
  put(to, attr.ATTR_VCS_REF_HEAD_NAME, settings.names.branch(turn.branch));
  if (turn.problems > 0) put(to, attr.ATTR_PROBLEMS, turn.problems);
  if (turn.redactions !== undefined) addRedactions(to, turn.redactions);
  if (turn.sessionUsage !== undefined) addSessionUsage(to, turn.sessionUsage, settings);
  return to;
}

/** @param call  the call that started it; its id makes the span findable for the tool's result */
export function agentAttributes(agent: AgentRun, call: ToolCall | undefined, who: Attribution, settings: Settings): Attributes {
  const to = common(attr.GEN_AI_OPERATION_NAME_VALUE_INVOKE_AGENT, who);
  addRun(to, agent, [agent, ...agent.respawns], settings);
  put(to, attr.ATTR_AGENT_TYPE, settings.names.label(agent.type));
  if (agent.respawns.length > 0) put(to, attr.ATTR_AGENT_RESPAWNS, agent.respawns.length);
  put(to, attr.ATTR_GEN_AI_TOOL_CALL_ID, call?.callId ?? call?.id);
  addPermission(to, call?.permission, settings);
  if (agent.sessionUsage !== undefined) addSessionUsage(to, agent.sessionUsage, settings);
  if (settings.content) put(to, attr.ATTR_GEN_AI_AGENT_DESCRIPTION, agent.description);
  return to;
}

export function chatAttributes(call: ModelCall, who: Attribution, settings: Settings): Attributes {
  const { profile, names } = settings;
  const { usage } = call;
  const to = common(attr.GEN_AI_OPERATION_NAME_VALUE_CHAT, who);
  put(to, attr.ATTR_GEN_AI_PROVIDER_NAME, names.word(call.provider));
  put(to, attr.ATTR_GEN_AI_REQUEST_MODEL, modelName(call, settings));
  put(to, attr.ATTR_GEN_AI_REQUEST_STREAM, true);
  put(to, attr.ATTR_GEN_AI_RESPONSE_MODEL, names.label(call.model));
  put(to, attr.ATTR_GEN_AI_RESPONSE_ID, call.idIsOurs === true ? call.responseId : call.id);
  if (call.idIsOurs === true) put(to, attr.ATTR_MODEL_CALL_ID, call.id);
  addFinishReason(to, call, settings);
  if (usage !== undefined) {
    addUsage(to, usage, profile, true);
    if (!usage.reliable) put(to, attr.ATTR_USAGE_UNRELIABLE, true);
    const price = priceOf(call);
    put(to, attr.ATTR_COST_USD, price?.usd);
    if (price !== undefined) put(to, attr.ATTR_COST_PRICES, price.by === 'list' ? `genai-prices ${PRICES_VERSION}` : HARNESS_PRICES);
  }
  if (call.timeEstimated === true) put(to, attr.ATTR_TIME_ESTIMATED, true);
  put(to, profile.effort, names.word(call.effort));
  if (call.retries > 0) put(to, attr.ATTR_RETRIES, call.retries);
  if (call.serverToolCalls > 0) put(to, attr.ATTR_SERVER_TOOL_CALLS, call.serverToolCalls);
  if (profile.compacted !== undefined && call.afterCompaction) put(to, profile.compacted, true);
  if (settings.content && call.input !== undefined && call.output !== undefined) {
    put(to, attr.ATTR_GEN_AI_INPUT_MESSAGES, messagesJson(call.input));
    put(to, attr.ATTR_INPUT_SCOPE, 'delta');
    put(to, attr.ATTR_GEN_AI_OUTPUT_MESSAGES, messagesJson([call.output], finishReason(call, profile)));
  }
  return to;
}

export function toolAttributes(call: ToolCall, who: Attribution, settings: Settings): Attributes {
  const { names } = settings;
  const to = common(attr.GEN_AI_OPERATION_NAME_VALUE_EXECUTE_TOOL, who);
  put(to, attr.ATTR_GEN_AI_TOOL_NAME, toolName(call, settings));
  put(to, attr.ATTR_GEN_AI_TOOL_CALL_ID, call.callId ?? call.id);
  put(to, attr.ATTR_GEN_AI_TOOL_TYPE, call.mcp === undefined ? 'function' : 'extension');
  if (call.mcp !== undefined) {
    put(to, attr.ATTR_MCP_METHOD_NAME, 'tools/call');
    put(to, attr.ATTR_MCP_SERVER_NAME, names.word(call.mcp.server));
  }
  put(to, attr.ATTR_GEN_AI_SKILL_NAME, names.word(call.skill));
  put(to, attr.ATTR_PROCESS_EXIT_CODE, call.exitCode);
  addPermission(to, call.permission, settings);
  put(to, attr.ATTR_TASK_ID, names.word(call.taskId));
  put(to, attr.ATTR_TEAMMATE, names.label(call.teammate));
  put(to, attr.ATTR_FILES_COUNT, call.files?.length);
  put(to, attr.ATTR_OUTCOME, toolOutcomeName(call));
  if (call.timeEstimated === true) put(to, attr.ATTR_TIME_ESTIMATED, true);
  if (call.outcome.kind === 'error') put(to, attr.ATTR_ERROR_TYPE, call.outcome.errorType);
  if (settings.content) {
    put(to, attr.ATTR_FILES, call.files?.slice(0, MAX_FILES).map(changeLine));
    put(to, attr.ATTR_COMMITS, call.commits);
    put(to, attr.ATTR_PULL_REQUESTS, call.pullRequests);
    if (call.input !== undefined) put(to, attr.ATTR_GEN_AI_TOOL_CALL_ARGUMENTS, cappedJson(call.input));
    if (call.output !== undefined) put(to, attr.ATTR_GEN_AI_TOOL_CALL_RESULT, cappedJson(resultJson(call.output)));
  }
  return to;
}

/** As its span's name ends, too: what a model called by a sentence is a tool nobody knows. */
export const toolName = ({ name }: ToolCall, { names }: Settings): string => names.word(name) ?? 'unknown';

export const modelName = ({ requestModel, model }: ModelCall, { names }: Settings): string =>
  names.label(requestModel ?? model) ?? 'unknown';

/** Their number is told anyway. */
const MAX_FILES = 100;

const changeLine = ({ change, path, movedTo }: FileChange): string =>
  [change, path, ...(movedTo === undefined ? [] : ['->', movedTo])].join(' ').trimEnd();

// ---------------------------------------------------------------------------------------------

/** Attributes in the making. Filled in place: with a copy a step, this took longer than parsing the lines. */
type Draft = Record<string, AttributeValue>;

function put(to: Draft, name: string, value: AttributeValue | undefined): void {
  if (value !== undefined) to[name] = value;
}

function common(operation: string, who: Attribution): Draft {
  const to: Draft = {};
  put(to, attr.ATTR_GEN_AI_OPERATION_NAME, operation);
  put(to, attr.ATTR_GEN_AI_CONVERSATION_ID, who.conversationId);
  put(to, attr.ATTR_SESSION_ID, who.conversationId);
  put(to, attr.ATTR_GEN_AI_AGENT_NAME, who.agentName);
  put(to, attr.ATTR_GEN_AI_AGENT_ID, who.agentId);
  if (who.unclaimed) put(to, attr.ATTR_AGENT_UNCLAIMED, true);
  return to;
}

function addPermission(to: Draft, permission: ToolCall['permission'], { names }: Settings): void {
  put(to, attr.ATTR_PERMISSION_DECISION, names.word(permission?.decision));
  put(to, attr.ATTR_PERMISSION_SOURCE, names.word(permission?.source));
}

function addFinishReason(to: Draft, call: ModelCall | undefined, { names }: Settings): void {
  const reason = names.word(call?.finishReason);
  if (reason !== undefined) put(to, attr.ATTR_GEN_AI_RESPONSE_FINISH_REASONS, [reason]);
}

/** Of the harness's own price list, for models that ours does not know. */
export const HARNESS_PRICES = 'harness';

/** In place of the sum over calls, which can't be made: the harness counts none. Marked, for it is no figure of this turn. */
function addSessionUsage(to: Draft, { usage, costUsd }: SessionUsage, { profile, agentUsage }: Settings): void {
  if (agentUsage === 'off') return;
  addUsage(to, usage, profile, profile.agentHasCacheTokens);
  put(to, attr.ATTR_USAGE_SCOPE, 'session');
  put(to, attr.ATTR_COST_USD, costUsd);
  if (costUsd !== undefined) put(to, attr.ATTR_COST_PRICES, HARNESS_PRICES);
}

/** @param runs  with calls of the agent's own: never those of its sub-agents, so that a sum over agents counts once */
function addRun(to: Draft, run: Run, runs: readonly Run[], settings: Settings): void {
  const calls = runs.flatMap(({ modelCalls }) => modelCalls);
  const { profile } = settings;
  const last = calls.at(-1);
  const usages = calls.flatMap((call) => call.usage ?? []);
  if (profile.agentHasProvider) put(to, attr.ATTR_GEN_AI_PROVIDER_NAME, settings.names.word(last?.provider));
  if (profile.agentHasVersion) put(to, attr.ATTR_GEN_AI_AGENT_VERSION, settings.names.word(run.version));
  if (settings.agentUsage === 'own' && usages.length > 0) {
    addUsage(to, usages.reduce(sum), profile, profile.agentHasCacheTokens);
    if (usages.some((usage) => !usage.reliable)) put(to, attr.ATTR_USAGE_UNRELIABLE, true);
  }
  addFinishReason(to, last, settings);
  if (run.finished) put(to, attr.ATTR_OUTCOME, run.outcome.kind);
  put(to, attr.ATTR_ERROR_TYPE, errorTypeOf(run.outcome));
  put(to, attr.ATTR_MODEL_CALLS, calls.length);
  put(
    to,
    attr.ATTR_TOOL_CALLS,
    runs.reduce((count, { toolCalls }) => count + toolCalls.length, 0),
  );
  const compaction = run.compactions.at(-1);
  if (compaction !== undefined) {
    put(to, attr.ATTR_COMPACTIONS, run.compactions.length);
    put(to, attr.ATTR_COMPACTION_TOKENS_BEFORE, compaction.tokensBefore);
    put(to, attr.ATTR_COMPACTION_TOKENS_AFTER, compaction.tokensAfter);
  }
  if (!settings.content) return;
  if (run.prompt !== undefined) put(to, attr.ATTR_GEN_AI_INPUT_MESSAGES, messagesJson([{ role: 'user', parts: run.prompt }]));
  if (run.answer !== undefined && run.answer.length > 0)
    put(to, attr.ATTR_GEN_AI_OUTPUT_MESSAGES, messagesJson([{ role: 'assistant', parts: run.answer }], finishReason(last, profile)));
}

function addRedactions(to: Draft, redactions: Readonly<Record<string, number>>): void {
  put(
    to,
    attr.ATTR_REDACTIONS,
    Object.values(redactions).reduce((total, count) => total + count, 0),
  );
  for (const [rule, count] of Object.entries(redactions).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    put(to, `${attr.ATTR_REDACTIONS}.${rule}`, count);
}

export const errorTypeOf = (outcome: RunOutcome): string | undefined => (outcome.kind === 'error' ? outcome.errorType : undefined);

/** In the messages themselves up to 1.41. A harness that keeps none is no reason to call it an error; a stream that broke off is. */
const finishReason = (call: ModelCall | undefined, profile: attr.Profile): string | undefined =>
  profile.finishReasonInMessage
    ? (call?.finishReason ?? (call === undefined || call.usage?.reliable === false ? 'error' : undefined))
    : undefined;

function addUsage(to: Draft, usage: TokenUsage, profile: attr.Profile, withParts: boolean): void {
  put(to, attr.ATTR_GEN_AI_USAGE_INPUT_TOKENS, usage.input);
  put(to, attr.ATTR_GEN_AI_USAGE_OUTPUT_TOKENS, usage.output);
  if (!withParts) return;
  put(to, attr.ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, usage.cacheRead);
  put(to, profile.cacheWriteTokens, usage.cacheWrite);
  put(to, attr.ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, usage.reasoning);
}

const sum = (a: TokenUsage, b: TokenUsage): TokenUsage => ({
  input: a.input + b.input,
  output: a.output + b.output,
  cacheRead: a.cacheRead + b.cacheRead,
  cacheWrite: a.cacheWrite + b.cacheWrite,
  cacheWrite1h: a.cacheWrite1h + b.cacheWrite1h,
  webSearches: a.webSearches + b.webSearches,
  reliable: a.reliable && b.reliable,
  ...((a.reasoning !== undefined || b.reasoning !== undefined) && { reasoning: (a.reasoning ?? 0) + (b.reasoning ?? 0) }),
});

/** Success is what most calls have: only the rest is told. */
function toolOutcomeName({ outcome }: ToolCall): string | undefined {
  switch (outcome.kind) {
    case 'ok':
    case 'open':
      return undefined;
    case 'error':
    case 'denied':
    case 'interrupted':
      return outcome.kind;
    default:
      return outcome satisfies never;
  }
}
