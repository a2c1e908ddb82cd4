/**
 * Attribute names. The only file that spells `gen_ai.*`.
 *
 * in:   @opentelemetry/semantic-conventions 1.45.0, whose GenAI names are those of v1.41
 * out:  names; `profiles`, what differs between the two columns we can write
 *
 * - `1.41`: what today's backends read. `latest`: the convention as it stands in its new home,
 *   github.com/open-telemetry/semantic-conventions-genai, for which no package and no schema exist yet.
 * - `trace_build.*` is ours, for what no convention names.
 * Last verified: 2026-11-20.
 */
import { ATTR_GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS } from '@opentelemetry/semantic-conventions/incubating';

export {
  ATTR_ERROR_TYPE,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
} from '@opentelemetry/semantic-conventions';
export {
  ATTR_GEN_AI_AGENT_DESCRIPTION,
  ATTR_GEN_AI_AGENT_ID,
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_AGENT_VERSION,
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_GEN_AI_INPUT_MESSAGES,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_OUTPUT_MESSAGES,
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_REQUEST_MODEL,
  ATTR_GEN_AI_REQUEST_STREAM,
  ATTR_GEN_AI_RESPONSE_FINISH_REASONS,
  ATTR_GEN_AI_RESPONSE_ID,
  ATTR_GEN_AI_RESPONSE_MODEL,
  ATTR_GEN_AI_TOOL_CALL_ARGUMENTS,
  ATTR_GEN_AI_TOOL_CALL_ID,
  ATTR_GEN_AI_TOOL_CALL_RESULT,
  ATTR_GEN_AI_TOOL_NAME,
  ATTR_GEN_AI_TOOL_TYPE,
  ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_OUTPUT_TOKENS,
  ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
  ATTR_MCP_METHOD_NAME,
  ATTR_PROCESS_EXIT_CODE,
  ATTR_SESSION_ID,
  ATTR_VCS_OWNER_NAME,
  ATTR_VCS_PROVIDER_NAME,
  ATTR_VCS_REF_HEAD_NAME,
  ATTR_VCS_REPOSITORY_NAME,
  ATTR_VCS_REPOSITORY_URL_FULL,
  GEN_AI_OPERATION_NAME_VALUE_CHAT,
  GEN_AI_OPERATION_NAME_VALUE_EXECUTE_TOOL,
  GEN_AI_OPERATION_NAME_VALUE_INVOKE_AGENT,
} from '@opentelemetry/semantic-conventions/incubating';

/** In the registry of the new home only (model/gen-ai/registry.yaml, read 2026-11-20). */
export const ATTR_GEN_AI_SKILL_NAME = 'gen_ai.skill.name';
const ATTR_GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS = 'gen_ai.usage.cache_write.input_tokens';
const ATTR_GEN_AI_CONVERSATION_COMPACTED = 'gen_ai.conversation.compacted';
const ATTR_GEN_AI_REQUEST_REASONING_LEVEL = 'gen_ai.request.reasoning.level';

/** Ours: the convention has `mcp.method.name` but no name for the server of a call. */
export const ATTR_MCP_SERVER_NAME = 'trace_build.mcp.server';
export const ATTR_COMMAND = 'trace_build.turn.command';
export const ATTR_TURN_NUMBER = 'trace_build.turn.number';
export const ATTR_TURN_TRIGGER = 'trace_build.turn.trigger';
export const ATTR_TURN_REWOUND_TO = 'trace_build.turn.rewound_to';
export const ATTR_TURN_COPIED = 'trace_build.turn.copied';
export const ATTR_OUTCOME = 'trace_build.outcome';
export const ATTR_MODEL_CALLS = 'trace_build.model_calls';
export const ATTR_TOOL_CALLS = 'trace_build.tool_calls';
export const ATTR_COMPACTIONS = 'trace_build.compactions';
export const ATTR_PROBLEMS = 'trace_build.problems';
/** In all; per rule with its id behind it. */
export const ATTR_REDACTIONS = 'trace_build.redactions';
/** Names a model call where the response id does not: the harness does not keep it, or several have the same. */
export const ATTR_MODEL_CALL_ID = 'trace_build.model_call.id';
export const ATTR_RETRIES = 'trace_build.retries';
export const ATTR_SERVER_TOOL_CALLS = 'trace_build.server_tool_calls';
export const ATTR_EFFORT = 'trace_build.request.effort';
export const ATTR_USAGE_UNRELIABLE = 'trace_build.usage.unreliable';
/** `session` on a turn: its token counts are the whole session's up to here, for the harness counts no calls. */
export const ATTR_USAGE_SCOPE = 'trace_build.usage.scope';
/** The harness does not tell when it began, or ended: the lines around it had to do. */
export const ATTR_TIME_ESTIMATED = 'trace_build.time.estimated';
export const ATTR_COST_USD = 'trace_build.cost.usd';
export const ATTR_COST_PRICES = 'trace_build.cost.prices';
export const ATTR_AGENT_TYPE = 'trace_build.agent.type';
export const ATTR_AGENT_UNCLAIMED = 'trace_build.agent.unclaimed';
export const ATTR_AGENT_RESPAWNS = 'trace_build.agent.respawns';
export const ATTR_TEAMMATE = 'trace_build.teammate';
export const ATTR_TASK_ID = 'trace_build.task.id';
export const ATTR_PERMISSION_DECISION = 'trace_build.permission.decision';
export const ATTR_PERMISSION_SOURCE = 'trace_build.permission.source';
export const ATTR_FILES_COUNT = 'trace_build.files.count';
/** `update src/a.ts`, one a file. */
export const ATTR_FILES = 'trace_build.files';
export const ATTR_COMMITS = 'trace_build.commits';
export const ATTR_PULL_REQUESTS = 'trace_build.pull_requests';
export const ATTR_INPUT_SCOPE = 'trace_build.input.scope';
export const ATTR_LINK_KIND = 'trace_build.link';
export const ATTR_COMPACTION_TRIGGER = 'trace_build.compaction.trigger';
export const ATTR_COMPACTION_TOKENS_BEFORE = 'trace_build.compaction.tokens_before';
export const ATTR_COMPACTION_TOKENS_AFTER = 'trace_build.compaction.tokens_after';
export const ATTR_COMPACTION_DURATION_MS = 'trace_build.compaction.duration_ms';
export const EVENT_COMPACTION = 'trace_build.compaction';
export const EVENT_STEERING = 'trace_build.steering';

/** Names whose spelling, or whose presence, depends on the profile. */
export interface Profile {
  readonly cacheWriteTokens: string;
  /** Both were taken off the in-process agent span in the new home. */
  readonly agentHasProvider: boolean;
  readonly agentHasVersion: boolean;
  readonly agentHasCacheTokens: boolean;
  readonly effort: string;
  readonly compacted: string | undefined;
  /** Required up to 1.41, deprecated since. */
  readonly finishReasonInMessage: boolean;
  readonly schemaUrl: string | undefined;
}

export const profiles = {
  '1.41': {
    cacheWriteTokens: ATTR_GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS,
    agentHasProvider: true,
    agentHasVersion: true,
    agentHasCacheTokens: true,
    effort: ATTR_EFFORT,
    compacted: undefined,
    finishReasonInMessage: true,
    schemaUrl: 'https://opentelemetry.io/schemas/1.41.0',
  },
  latest: {
    cacheWriteTokens: ATTR_GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
    agentHasProvider: false,
    agentHasVersion: false,
    agentHasCacheTokens: false,
    effort: ATTR_GEN_AI_REQUEST_REASONING_LEVEL,
    compacted: ATTR_GEN_AI_CONVERSATION_COMPACTED,
    finishReasonInMessage: false,
    schemaUrl: undefined,
  },
} as const satisfies Record<string, Profile>;

export type SemconvVersion = keyof typeof profiles;
