/**
 * Session → spans. Pure: same session in, same spans out, ids included.
 *
 * in:   Session, `TraceOptions`
 * out:  Span[], parents before children, one trace a turn
 *
 *   invoke_agent claude-code      a turn: prompt to end of answer
 *   ├─ chat <model>               one per response
 *   ├─ execute_tool <tool>        one per tool call …
 *   └─ invoke_agent <agent>       … unless the call started an agent: then the agent stands in its place
 *      └─ …                       to any depth
 *
 * Turns are joined by the conversation id, and each links to the one before it.
 */
import type { AgentRun, CallRef, Compaction, ModelCall, Run, RunOutcome, Session, ToolCall, Turn } from '../session/types.ts';
import {
  type Attribution,
  agentAttributes,
  chatAttributes,
  errorTypeOf,
  modelName,
  type Settings,
  toolAttributes,
  toolName,
  turnAttributes,
} from './attributes.ts';
import { statusText } from './content.ts';
import { spanIdOf, traceIdOf } from './ids.ts';
import { namesFor } from './names.ts';
import * as attr from './semconv.ts';
import type { Attributes, Resource, Span, SpanEvent, SpanLink, SpanStatus } from './span.ts';

export interface TraceOptions {
  /** Default `1.41`. */
  readonly semconv?: attr.SemconvVersion;
  /** Whether content goes onto spans. Default false. */
  readonly content?: boolean;
  /** Default `own`. */
  readonly agentUsage?: 'own' | 'off';
  /** Merged over what the transcript tells of the resource, e.g. `service.name`. */
  readonly resource?: Attributes;
  /** Browser address of the repository, without credentials. */
  readonly repositoryUrl?: string;
}

export function spansOf(session: Session, options: TraceOptions = {}): Span[] {
  const builder = new SpanBuilder(session, options);
  return [
    ...session.turns.flatMap((turn, at) => builder.turn(turn, session.turns[at - 1]?.startId ?? session.previousTurnId)),
    ...session.strays.flatMap((agent) => builder.stray(agent)),
  ];
}

/** Where a span hangs, and what its whole subtree shares. */
interface Place {
  readonly traceId: string;
  readonly parentSpanId: string | undefined;
  readonly resource: Resource;
  readonly who: Attribution;
  readonly open: boolean;
}

class SpanBuilder {
  readonly #session: Session;
  readonly #options: TraceOptions;
  readonly #settings: Settings;
  readonly #resources = new Map<string, Resource>();

  constructor(session: Session, options: TraceOptions) {
    this.#session = session;
    this.#options = options;
    const { content = false } = options;
    this.#settings = {
      profile: attr.profiles[options.semconv ?? '1.41'],
      content,
      names: namesFor(content),
      agentUsage: options.agentUsage ?? 'own',
    };
  }

  turn(turn: Turn, previousTurnId: string | undefined): Span[] {
    const traceId = traceIdOf(turn.startId);
    const who: Attribution = {
      conversationId: turn.copiedFrom?.sessionId ?? this.#session.id,
      agentName: this.#settings.names.label(this.#session.agentName) ?? this.#session.harness,
      unclaimed: false,
    };
    const place: Place = { traceId, parentSpanId: undefined, resource: this.#resource(turn.version), who, open: !turn.finished };
    const spanId = spanIdOf(traceId, 'turn', turn.startId);
    const root = spanAt(place, spanId, {
      name: `invoke_agent ${who.agentName}`,
      kind: 'internal',
      startMs: turn.startedAtMs,
      endMs: turn.endedAtMs,
      status: this.#runStatus(turn.outcome),
      attributes: turnAttributes(turn, who, this.#settings),
      events: marks(turn, this.#settings),
      links: this.#turnLinks(turn, previousTurnId),
    });
    return [root, ...this.#children(turn, { ...place, parentSpanId: spanId })];
  }

  /** An agent of a session without turns: the root of a trace of its own. */
  stray(agent: AgentRun): Span[] {
    const traceId = traceIdOf(agent.startId);
    const who = { conversationId: this.#session.id, agentName: this.#agentName(agent), unclaimed: true };
    return this.#agent(agent, undefined, { traceId, parentSpanId: undefined, resource: this.#resource(agent.version), who, open: false });
  }

  #children(run: Run, place: Place): Span[] {
    const unclaimed = { ...place, who: { ...place.who, unclaimed: true } };
    return [
      ...run.modelCalls.map((call) => this.#chat(call, place)),
      ...run.toolCalls.flatMap((call) => this.#call(call, place)),
      ...run.unclaimedAgents.flatMap((agent) => this.#agent(agent, undefined, agent.ofTurn === true ? place : unclaimed)),
    ];
  }

  #chat(call: ModelCall, place: Place): Span {
    return spanAt(place, spanIdOf(place.traceId, 'chat', call.id), {
      name: `chat ${modelName(call, this.#settings)}`,
      kind: 'client',
      startMs: call.startedAtMs,
      endMs: call.endedAtMs,
      status: UNSET,
      attributes: chatAttributes(call, place.who, this.#settings),
      events: NONE,
      links: NONE,
    });
  }

  #call(call: ToolCall, place: Place): Span[] {
    return call.agent === undefined ? this.#tool(call, place) : this.#agent(call.agent, call, place);
  }

  #tool(call: ToolCall, place: Place): Span[] {
    const spanId = spanIdOf(place.traceId, 'call', call.id);
    const span = spanAt(place, spanId, {
      name: `execute_tool ${toolName(call, this.#settings)}`,
      kind: 'internal',
      startMs: call.startedAtMs,
      endMs: endOf(call),
      status: this.#toolStatus(call),
      attributes: toolAttributes(call, place.who, this.#settings),
      events: NONE,
      links: NONE,
    });
    const inner = { ...place, parentSpanId: spanId };
    return [
      span,
      ...(call.toolCalls ?? []).flatMap((inside) => this.#call(inside, inner)),
      ...call.agents.flatMap((agent) => this.#agent(agent, undefined, inner)),
    ];
  }

  /** From its call, or its first line if that is earlier, to its last line or that of its descendants. */
  #agent(agent: AgentRun, call: ToolCall | undefined, outer: Place): Span[] {
    const spanId = call === undefined ? spanIdOf(outer.traceId, 'agent', agent.id) : spanIdOf(outer.traceId, 'call', call.id);
    const who: Attribution = { ...outer.who, agentName: this.#agentName(agent), agentId: agent.id };
    const place: Place = { ...outer, who, open: outer.open || !agent.finished };
    const inner = { ...place, parentSpanId: spanId };
    const children = [
      ...this.#children(agent, inner),
      ...agent.respawns.flatMap((respawn) => this.#children(respawn, { ...inner, who: { ...who, agentId: respawn.id } })),
    ];
    const span = spanAt(place, spanId, {
      name: `invoke_agent ${who.agentName}`,
      kind: 'internal',
      startMs: children.reduce(
        (start, child) => Math.min(start, child.startMs),
        Math.min(call?.startedAtMs ?? agent.startedAtMs, agent.startedAtMs),
      ),
      endMs: children.reduce((end, child) => Math.max(end, child.endMs), agent.endedAtMs),
      status: this.#runStatus(agent.outcome),
      attributes: agentAttributes(agent, call, who, this.#settings),
      events: marks(agent, this.#settings),
      links: NONE,
    });
    return [span, ...children];
  }

  #agentName({ name }: AgentRun): string {
    return this.#settings.names.label(name) ?? 'subagent';
  }

  #turnLinks(turn: Turn, previousTurnId: string | undefined): SpanLink[] {
    const rootLink = (startId: string, kind: string): SpanLink => {
      const traceId = traceIdOf(startId);
      return { traceId, spanId: spanIdOf(traceId, 'turn', startId), attributes: { [attr.ATTR_LINK_KIND]: kind } };
    };
    const { startedBy } = this.#session;
    return [
      ...(previousTurnId === undefined ? [] : [rootLink(previousTurnId, 'previous_turn')]),
      ...turn.notifiedBy.map((ref) => callLink(ref, 'task')),
      ...(turn.rewound?.droppedTurnIds ?? []).map((id) => rootLink(id, 'rewound')),
      ...(startedBy === undefined ? [] : [callLink(startedBy, 'started_by')]),
    ];
  }

  #resource(told: string | undefined): Resource {
    const version = this.#settings.names.word(told);
    const key = version ?? '';
    const known = this.#resources.get(key);
    if (known !== undefined) return known;
    const resource: Resource = {
      attributes: {
        [attr.ATTR_SERVICE_NAME]: this.#session.harness,
        ...(version !== undefined && { [attr.ATTR_SERVICE_VERSION]: version }),
        ...(this.#options.repositoryUrl !== undefined && repositoryAttributes(this.#options.repositoryUrl)),
        ...this.#options.resource,
      },
    };
    this.#resources.set(key, resource);
    return resource;
  }

  #runStatus(outcome: RunOutcome): SpanStatus {
    const errorType = errorTypeOf(outcome);
    if (errorType === undefined) return UNSET;
    return this.#error(errorType, outcome.kind === 'error' ? outcome.message : undefined, RUN_PHRASES);
  }

  #toolStatus({ outcome }: ToolCall): SpanStatus {
    return outcome.kind === 'error' ? this.#error(outcome.errorType, outcome.message) : UNSET;
  }

  /** What went wrong is content; without it a fixed phrase has to do. */
  #error(errorType: string, message: string | undefined, phrases = PHRASES): SpanStatus {
    const phrase = errorType.startsWith('api_') ? 'the model API answered with an error' : (phrases[errorType] ?? 'failed');
    return { kind: 'error', message: this.#settings.content && message ? statusText(message) : phrase };
  }
}

const PHRASES: Readonly<Record<string, string>> = {
  tool_error: 'the tool reported an error',
  timeout: 'the tool ran out of time',
  permission_denied: 'permission was denied by a rule',
  unknown_tool: 'there is no such tool',
  invalid_arguments: 'the arguments did not fit the tool',
  agent_error: 'the agent ended with an error',
};

const RUN_PHRASES: typeof PHRASES = { ...PHRASES, timeout: 'the agent ran out of time' };

const UNSET: SpanStatus = { kind: 'unset' };

const NONE: readonly never[] = [];

/** Field by field: spreading one object into another took longer than all else about a span. */
const spanAt = (place: Place, spanId: string, own: Omit<Span, 'traceId' | 'spanId' | 'parentSpanId' | 'resource' | 'open'>): Span => ({
  traceId: place.traceId,
  spanId,
  parentSpanId: place.parentSpanId,
  name: own.name,
  kind: own.kind,
  startMs: own.startMs,
  endMs: own.endMs,
  status: own.status,
  attributes: own.attributes,
  events: own.events,
  links: own.links,
  resource: place.resource,
  open: place.open,
});

/** A call nobody answered ended, as far as anybody knows, when it began. */
const endOf = ({ outcome, startedAtMs }: ToolCall): number => (outcome.kind === 'open' ? startedAtMs : (outcome.endedAtMs ?? startedAtMs));

function callLink({ startId, id, kind }: CallRef, linkKind: string): SpanLink {
  const traceId = traceIdOf(startId);
  return { traceId, spanId: spanIdOf(traceId, kind, id), attributes: { [attr.ATTR_LINK_KIND]: linkKind } };
}

const marks = (run: Run, settings: Settings): SpanEvent[] => [
  ...run.compactions.map((compaction) => ({
    name: attr.EVENT_COMPACTION,
    timeMs: compaction.atMs,
    attributes: compactionAttributes(compaction, settings),
  })),
  ...run.steering.map(({ atMs }) => ({ name: attr.EVENT_STEERING, timeMs: atMs, attributes: {} })),
];

function compactionAttributes({ trigger: told, tokensBefore, tokensAfter, durationMs }: Compaction, { names }: Settings): Attributes {
  const trigger = names.word(told);
  return {
    ...(trigger !== undefined && { [attr.ATTR_COMPACTION_TRIGGER]: trigger }),
    ...(tokensBefore !== undefined && { [attr.ATTR_COMPACTION_TOKENS_BEFORE]: tokensBefore }),
    ...(tokensAfter !== undefined && { [attr.ATTR_COMPACTION_TOKENS_AFTER]: tokensAfter }),
    ...(durationMs !== undefined && { [attr.ATTR_COMPACTION_DURATION_MS]: durationMs }),
  };
}

const VCS_PROVIDERS: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)github\./, 'github'],
  [/(^|\.)gitlab\./, 'gitlab'],
  [/(^|\.)bitbucket\./, 'bitbucket'],
  [/(^|\.)gitea\./, 'gitea'],
];

function repositoryAttributes(url: string): Attributes {
  const { hostname, pathname } = new URL(url);
  const path = pathname.split('/').filter((part) => part !== '');
  const provider = VCS_PROVIDERS.find(([pattern]) => pattern.test(hostname))?.[1];
  return {
    [attr.ATTR_VCS_REPOSITORY_URL_FULL]: url,
    ...(path.length > 0 && { [attr.ATTR_VCS_REPOSITORY_NAME]: path.at(-1)! }),
    ...(path.length > 1 && { [attr.ATTR_VCS_OWNER_NAME]: path.slice(0, -1).join('/') }),
    ...(provider !== undefined && { [attr.ATTR_VCS_PROVIDER_NAME]: provider }),
  };
}
