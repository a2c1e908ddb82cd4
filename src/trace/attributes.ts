/**
 * What each kind of span tells, as attributes.
 *
 * in:   the session's own data, `Settings`
 * out:  Attributes, in a fixed order, without anything undefined
 *
 * Every span tells its operation, its conversation, and the agent that did the work. Content only
 * where `settings.content` says so: without it no prompt, no path, no error text is here.
 */
import type { AgentRun, ModelCall, Run, RunOutcome, TokenUsage, ToolCall, Turn } from '../session/types.ts';
import { cappedJson, messagesJson, resultJson } from './content.ts';
import { costUsd, PRICES_VERSION } from './cost.ts';
import * as attr from './semconv.ts';
import type { Attributes, AttributeValue } from './span.ts';

export interface Settings {
  readonly profile: attr.Profile;
  readonly content: boolean;
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
  return present({
    ...common(attr.GEN_AI_OPERATION_NAME_VALUE_INVOKE_AGENT, who),
    ...runAttributes(turn, turn.modelCalls, settings),
    [attr.ATTR_TURN_NUMBER]: turn.number,
    [attr.ATTR_TURN_TRIGGER]: turn.trigger,
    [attr.ATTR_COMMAND]: turn.command,
    [attr.ATTR_TURN_REWOUND_TO]: turn.rewound === undefined ? undefined : (turn.rewound.toTurnId ?? ''),
    [attr.ATTR_TURN_COPIED]: turn.copiedFrom === undefined ? undefined : true,
    [attr.ATTR_VCS_REF_HEAD_NAME]: turn.branch,
    [attr.ATTR_PROBLEMS]: turn.problems > 0 ? turn.problems : undefined,
  });
}

/** @param call  the call that started it; its id makes the span findable for the tool's result */
export function agentAttributes(agent: AgentRun, call: ToolCall | undefined, who: Attribution, settings: Settings): Attributes {
  const calls = [...agent.modelCalls, ...agent.respawns.flatMap((respawn) => respawn.modelCalls)];
  return present({
    ...common(attr.GEN_AI_OPERATION_NAME_VALUE_INVOKE_AGENT, who),
    ...runAttributes(agent, calls, settings),
    [attr.ATTR_AGENT_TYPE]: agent.type,
    [attr.ATTR_AGENT_RESPAWNS]: agent.respawns.length > 0 ? agent.respawns.length : undefined,
    [attr.ATTR_GEN_AI_TOOL_CALL_ID]: call?.id,
    ...(call !== undefined && permissionAttributes(call)),
    ...(settings.content && { [attr.ATTR_GEN_AI_AGENT_DESCRIPTION]: agent.description }),
  });
}

export function chatAttributes(call: ModelCall, who: Attribution, settings: Settings): Attributes {
  const { profile } = settings;
  const { usage } = call;
  const cost = usage === undefined ? undefined : costUsd(call.provider, call.model, usage, call.startedAtMs);
  return present({
    ...common(attr.GEN_AI_OPERATION_NAME_VALUE_CHAT, who),
    [attr.ATTR_GEN_AI_PROVIDER_NAME]: call.provider,
    [attr.ATTR_GEN_AI_REQUEST_MODEL]: call.requestModel ?? call.model,
    [attr.ATTR_GEN_AI_REQUEST_STREAM]: true,
    [attr.ATTR_GEN_AI_RESPONSE_MODEL]: call.model,
    [attr.ATTR_GEN_AI_RESPONSE_ID]: call.id,
    [attr.ATTR_GEN_AI_RESPONSE_FINISH_REASONS]: call.finishReason === undefined ? undefined : [call.finishReason],
    ...(usage !== undefined && usageAttributes(usage, profile, true)),
    [attr.ATTR_USAGE_UNRELIABLE]: usage?.reliable === false ? true : undefined,
    [attr.ATTR_COST_USD]: cost,
    [attr.ATTR_COST_PRICES]: cost === undefined ? undefined : `genai-prices ${PRICES_VERSION}`,
    [profile.effort]: call.effort,
    [attr.ATTR_RETRIES]: call.retries > 0 ? call.retries : undefined,
    [attr.ATTR_SERVER_TOOL_CALLS]: call.serverToolCalls > 0 ? call.serverToolCalls : undefined,
    ...(profile.compacted !== undefined && { [profile.compacted]: call.afterCompaction ? true : undefined }),
    ...(settings.content && {
      [attr.ATTR_GEN_AI_INPUT_MESSAGES]: call.input === undefined ? undefined : messagesJson(call.input),
      [attr.ATTR_INPUT_SCOPE]: call.input === undefined ? undefined : 'delta',
      [attr.ATTR_GEN_AI_OUTPUT_MESSAGES]:
        call.output === undefined
          ? undefined
          : messagesJson([call.output], profile.finishReasonInMessage ? (call.finishReason ?? 'error') : undefined),
    }),
  });
}

export function toolAttributes(call: ToolCall, who: Attribution, settings: Settings): Attributes {
  return present({
    ...common(attr.GEN_AI_OPERATION_NAME_VALUE_EXECUTE_TOOL, who),
    [attr.ATTR_GEN_AI_TOOL_NAME]: call.name,
    [attr.ATTR_GEN_AI_TOOL_CALL_ID]: call.id,
    [attr.ATTR_GEN_AI_TOOL_TYPE]: call.mcp === undefined ? 'function' : 'extension',
    [attr.ATTR_MCP_METHOD_NAME]: call.mcp === undefined ? undefined : 'tools/call',
    [attr.ATTR_MCP_SERVER_NAME]: call.mcp?.server,
    [attr.ATTR_GEN_AI_SKILL_NAME]: call.skill,
    [attr.ATTR_PROCESS_EXIT_CODE]: call.exitCode,
    ...permissionAttributes(call),
    [attr.ATTR_TASK_ID]: call.taskId,
    [attr.ATTR_TEAMMATE]: call.teammate,
    [attr.ATTR_OUTCOME]: toolOutcomeName(call),
    [attr.ATTR_ERROR_TYPE]: call.outcome.kind === 'error' ? call.outcome.errorType : undefined,
    ...(settings.content && {
      [attr.ATTR_GEN_AI_TOOL_CALL_ARGUMENTS]: call.input === undefined ? undefined : cappedJson(call.input),
      [attr.ATTR_GEN_AI_TOOL_CALL_RESULT]: call.output === undefined ? undefined : cappedJson(resultJson(call.output)),
    }),
  });
}

// ---------------------------------------------------------------------------------------------

const common = (operation: string, who: Attribution): Loose => ({
  [attr.ATTR_GEN_AI_OPERATION_NAME]: operation,
  [attr.ATTR_GEN_AI_CONVERSATION_ID]: who.conversationId,
  [attr.ATTR_SESSION_ID]: who.conversationId,
  [attr.ATTR_GEN_AI_AGENT_NAME]: who.agentName,
  [attr.ATTR_GEN_AI_AGENT_ID]: who.agentId,
  [attr.ATTR_AGENT_UNCLAIMED]: who.unclaimed ? true : undefined,
});

/** @param calls  the agent's own: never those of its sub-agents, so that a sum over agents counts once */
function runAttributes(run: Run, calls: readonly ModelCall[], settings: Settings): Loose {
  const { profile } = settings;
  const last = calls.at(-1);
  const usages = calls.flatMap((call) => call.usage ?? []);
  const { compactions } = run;
  return {
    [attr.ATTR_GEN_AI_PROVIDER_NAME]: profile.agentHasProvider ? last?.provider : undefined,
    [attr.ATTR_GEN_AI_AGENT_VERSION]: profile.agentHasVersion ? run.version : undefined,
    ...(settings.agentUsage === 'own' && usages.length > 0 && usageAttributes(usages.reduce(sum), profile, profile.agentHasCacheTokens)),
    [attr.ATTR_USAGE_UNRELIABLE]: settings.agentUsage === 'own' && usages.some((usage) => !usage.reliable) ? true : undefined,
    [attr.ATTR_GEN_AI_RESPONSE_FINISH_REASONS]: last?.finishReason === undefined ? undefined : [last.finishReason],
    [attr.ATTR_OUTCOME]: run.finished ? run.outcome.kind : undefined,
    [attr.ATTR_ERROR_TYPE]: errorTypeOf(run.outcome),
    [attr.ATTR_MODEL_CALLS]: calls.length,
    [attr.ATTR_TOOL_CALLS]: run.toolCalls.length,
    [attr.ATTR_COMPACTIONS]: compactions.length > 0 ? compactions.length : undefined,
    [attr.ATTR_COMPACTION_TOKENS_BEFORE]: compactions.at(-1)?.tokensBefore,
    [attr.ATTR_COMPACTION_TOKENS_AFTER]: compactions.at(-1)?.tokensAfter,
    ...(settings.content && {
      [attr.ATTR_GEN_AI_INPUT_MESSAGES]: run.prompt === undefined ? undefined : messagesJson([{ role: 'user', parts: run.prompt }]),
      [attr.ATTR_GEN_AI_OUTPUT_MESSAGES]:
        run.answer === undefined || run.answer.length === 0
          ? undefined
          : messagesJson(
              [{ role: 'assistant', parts: run.answer }],
              profile.finishReasonInMessage ? (last?.finishReason ?? 'error') : undefined,
            ),
    }),
  };
}

export const errorTypeOf = (outcome: RunOutcome): string | undefined => (outcome.kind === 'error' ? outcome.errorType : undefined);

function usageAttributes(usage: TokenUsage, profile: attr.Profile, withParts: boolean): Loose {
  return {
    [attr.ATTR_GEN_AI_USAGE_INPUT_TOKENS]: usage.input,
    [attr.ATTR_GEN_AI_USAGE_OUTPUT_TOKENS]: usage.output,
    ...(withParts && {
      [attr.ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS]: usage.cacheRead,
      [profile.cacheWriteTokens]: usage.cacheWrite,
      [attr.ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS]: usage.reasoning,
    }),
  };
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

const permissionAttributes = ({ permission }: ToolCall): Loose => ({
  [attr.ATTR_PERMISSION_DECISION]: permission?.decision,
  [attr.ATTR_PERMISSION_SOURCE]: permission?.source,
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

type Loose = Record<string, AttributeValue | undefined>;

function present(attributes: Loose): Attributes {
  for (const key in attributes) if (attributes[key] === undefined) delete attributes[key];
  return attributes as Attributes;
}
