/**
 * A session's rollouts counted a second time, straight from the raw lines: for `verify`. Shares no code with the parser.
 *
 * in:   the files of one session
 * out:  `Recount`
 *
 * Responses: one per `token_usage_record`. In files without one, one each time the total of a `token_count` grows by what
 * the last call used; its items stand between two such lines, up to 0.9x after the line that counts them, since then
 * before it. The first versions count nothing, and put a line of state between responses.
 */
import type { AgentFile, TranscriptFile } from '../harness.ts';
import {
  at,
  type CountedAgent,
  type CountedResponse,
  type Declared,
  isRaw,
  numberAt,
  type Place,
  type Raw,
  type RawFiles,
  type Recount,
  rawLinesOf,
  sumOf,
  type Tokens,
  textAt,
  type Unusable,
} from '../recount.ts';

export function recount({ main, agents }: RawFiles): Recount {
  const counts = [new FileCount(main, undefined), ...agents.map((agent) => new FileCount(agent, agent.id))];
  const responses = new Map<string, CountedResponse>();
  const calls = new Map<string, Place[]>();
  const agentsById = new Map<string, { readonly file: string; readonly startedBy: Set<string> }>();
  const missing = new Map<string, Place>();
  for (const { id, name } of agents) if (!agentsById.has(id)) agentsById.set(id, { file: name, startedBy: new Set() });
  for (const count of counts) {
    for (const [id, response] of count.responses) if (!responses.has(id)) responses.set(id, response);
    for (const [id, places] of count.calls) for (const place of places) note(calls, id, place);
    for (const { threadId, callId, place } of count.started) {
      const agent = agentsById.get(threadId);
      if (agent === undefined) missing.set(threadId, place);
      else agent.startedBy.add(callId);
    }
  }
  const declared = declaredBy(counts, [...responses.values()], main.name);
  return {
    responses: [...responses.values()],
    toolCalls: [...calls].map(([id, places]) => ({ id, places })),
    agents: [...agentsById].map(
      ([id, { file, startedBy }]): CountedAgent => ({ id, ids: [id], startedBy: [...startedBy], places: [{ file, line: 1 }] }),
    ),
    unusable: counts.flatMap(({ unusable }) => unusable),
    missing: [...missing].map(([id, place]) => ({ id, places: [place] })),
    ...(declared !== undefined && { declared }),
  };
}

function note(calls: Map<string, Place[]>, id: string, place: Place): void {
  const places = calls.get(id);
  if (places === undefined) calls.set(id, [place]);
  else places.push(place);
}

/** Threads count their own; where all is of one model, that is an account of the model. */
function declaredBy(counts: readonly FileCount[], responses: readonly CountedResponse[], file: string): Declared | undefined {
  const accounts = counts.flatMap((count) => count.account ?? []);
  const models = new Set(responses.map(({ model }) => model));
  if (accounts.length === 0 || accounts.length < counts.length || models.size !== 1) return undefined;
  const tokens = accounts.map((account) => account.tokens).reduce(sumOf);
  const open = responses.some((response) => response.tokens === undefined);
  const unusable = counts.some((count) => count.unusable.length > 0);
  const incomparable = unusable ? 'there are lines that can not be read' : open ? 'a response has no count' : undefined;
  return {
    name: 'thread_token_usage',
    place: accounts[0]?.place ?? { file, line: 0 },
    byModel: [{ model: [...models][0]!, tokens }],
    ...(incomparable !== undefined && { incomparable }),
  };
}

const MODEL_CALLS: ReadonlySet<unknown> = new Set(['function_call', 'custom_tool_call', 'local_shell_call', 'tool_search_call']);
const SERVED: ReadonlySet<unknown> = new Set(['web_search_call', 'image_generation_call', 'reasoning']);
const CALL_ITEMS: ReadonlySet<unknown> = new Set([
  'CommandExecution',
  'FileChange',
  'McpToolCall',
  'CollabAgentToolCall',
  'SubAgentActivity',
  'DynamicToolCall',
  'ImageView',
  'Sleep',
]);

/** Items of a response that is not counted yet. */
interface Group {
  itemId: string | undefined;
  callId: string | undefined;
  minted: boolean;
  readonly model: string | undefined;
  readonly inputMs: number;
  readonly places: Place[];
}

class FileCount {
  readonly responses = new Map<string, CountedResponse>();
  readonly calls = new Map<string, Place[]>();
  readonly started: { threadId: string; callId: string; place: Place }[] = [];
  readonly unusable: Unusable[] = [];
  account: { place: Place; tokens: Tokens } | undefined;
  readonly #agentId: string | undefined;
  #meta: unknown;
  #forked = false;
  #copied = false;
  #model: string | undefined;
  #turnId = '';
  readonly #turns = new Set<string>();
  /** Turns that are over, or told a second time. */
  readonly #closed = new Set<string>();
  readonly #foreign = new Set<string>();
  #reviewed = false;
  #total: { input: number; output: number } | undefined;
  #group: Group | undefined;
  /** Of a count that stands before its items. */
  #ahead: { total: number; tokens: Tokens; place: Place } | undefined;
  #inputMs = 0;
  #copiedMs: number | undefined;
  #early = false;
  #bare = false;
  #base: Tokens | undefined;
  #spawns = new Set<string>();

  constructor(file: TranscriptFile | AgentFile, agentId: string | undefined) {
    this.#agentId = agentId;
    const ordinals = new Set<unknown>();
    let previous = '';
    for (const { value, text, place } of rawLinesOf(file, this.unusable)) {
      const again = value['ordinal'] === undefined ? text === previous && value['payload'] !== undefined : ordinals.has(value['ordinal']);
      ordinals.add(value['ordinal']);
      previous = text;
      if (!again) this.#line(value, place);
    }
    this.#close();
    this.#release();
  }

  #line(value: Raw, place: Place): void {
    const payload = value['payload'];
    if (isRaw(payload)) this.#enveloped(value, payload, place);
    else if (value['record_type'] === 'state') this.#close();
    else if (value['type'] === undefined && typeof value['id'] === 'string') this.#begin(value, true);
    else if (this.#bare && value['payload'] === undefined) this.#item(value, 0, place);
  }

  #enveloped(value: Raw, payload: Raw, place: Place): void {
    const { type, ordinal } = value;
    const atMs = Date.parse(String(value['timestamp'])) || 0;
    if (type === 'session_meta') {
      this.#begin(payload, false);
      return;
    }
    if (type === 'turn_context') {
      this.#model = textAt(payload, 'model') ?? this.#model;
      if (this.#ahead === undefined && this.#group !== undefined && this.#early) this.#close();
    }
    const start = at(this.#meta, 'subagent_history_start_ordinal');
    if (typeof start === 'number' && typeof ordinal === 'number' && ordinal < start) return;
    if (type === 'token_usage_record') this.#record(payload, place);
    else if (type === 'response_item') this.#item(payload, atMs, place);
    else if (type === 'event_msg') this.#event(payload, atMs, place);
    else if (type === 'compacted') {
      this.#close();
      this.#release();
      this.#inputMs = this.#copiedMs ?? atMs;
    }
  }

  #begin(meta: Raw, bare: boolean): void {
    if (this.#meta === undefined) {
      this.#meta = meta;
      this.#bare = bare;
      this.#forked = textAt(meta, 'forked_from_id') !== undefined;
    } else if (textAt(meta, 'id') !== textAt(this.#meta, 'id')) this.#forked = true;
    const isMarked = at(this.#meta, 'subagent_history_start_ordinal') !== undefined;
    if (this.#forked && !isMarked && this.#agentId !== undefined && this.#turns.size === 0) this.#copied = true;
  }

  #event(payload: Raw, atMs: number, place: Place): void {
    const turnId = textAt(payload, 'turn_id');
    const threadId = textAt(payload, 'thread_id');
    if (threadId !== undefined && threadId !== (textAt(this.#meta, 'id') ?? threadId)) return;
    if (turnId !== undefined && this.#foreign.has(turnId)) return;
    switch (payload['type']) {
      case 'task_started': {
        const parent = textAt(at(payload, 'turn_attribution'), 'parent_turn_id');
        if (turnId === undefined) return;
        if (parent !== undefined && this.#turns.has(parent)) this.#foreign.add(turnId);
        else this.#turn(turnId, atMs);
        break;
      }
      case 'task_complete':
      case 'turn_aborted':
        if (turnId === this.#turnId || turnId === undefined) this.#close();
        this.#closed.add(turnId ?? this.#turnId);
        break;
      case 'token_count':
        this.#count(at(payload, 'info'), place);
        break;
      case 'item_completed':
        this.#callItem(at(payload, 'item'), turnId, atMs, place);
        break;
    }
  }

  #turn(turnId: string, atMs: number): void {
    this.#close();
    if (this.#turns.has(turnId)) this.#closed.add(turnId);
    const madeMs = Number.parseInt(turnId.slice(0, 8) + turnId.slice(9, 13), 16);
    const begunMs = Date.parse(String(at(this.#meta, 'timestamp')));
    const isOlder = this.#forked && madeMs < begunMs;
    if (this.#agentId !== undefined && at(this.#meta, 'subagent_history_start_ordinal') === undefined) this.#copied = isOlder;
    if (this.#copied) return;
    this.#turnId = turnId;
    this.#turns.add(turnId);
    this.#reviewed = false;
    // Copied lines have the time of the copying.
    this.#copiedMs = isOlder ? madeMs : undefined;
    this.#inputMs = this.#copiedMs ?? atMs;
  }

  #callItem(item: unknown, turnId: string | undefined, atMs: number, place: Place): void {
    const id = textAt(item, 'id');
    const type = at(item, 'type');
    if (type === 'EnteredReviewMode' && turnId !== undefined && !this.#turns.has(turnId)) {
      this.#turn(turnId, atMs);
      this.#reviewed = true;
    }
    if (this.#copied || id === undefined || !CALL_ITEMS.has(type) || this.#closed.has(turnId ?? this.#turnId)) return;
    const isStart = type === 'SubAgentActivity' && at(item, 'kind') === 'started';
    const isSpawn = type === 'CollabAgentToolCall' && at(item, 'tool') === 'spawn_agent';
    const threads = isStart ? [at(item, 'agent_thread_id')] : isSpawn ? at(item, 'receiver_thread_ids') : [];
    for (const threadId of Array.isArray(threads) ? threads : [])
      if (typeof threadId === 'string') this.started.push({ threadId, callId: id, place });
    if ((type !== 'SubAgentActivity' || isStart) && !this.calls.has(id)) this.calls.set(id, [place]);
  }

  #item(payload: Raw, atMs: number, place: Place): void {
    const { type, role } = payload;
    const turnId = textAt(at(payload, 'internal_chat_message_metadata_passthrough'), 'turn_id');
    if (this.#copied || this.#foreign.has(turnId ?? '') || this.#closed.has(turnId ?? this.#turnId)) return;
    const callId = textAt(payload, 'call_id');
    if (String(type).endsWith('_output') && callId !== undefined) {
      this.#release(this.#group === undefined);
      this.#inputMs = this.#copiedMs ?? atMs;
      const spawned = this.#spawns.has(callId) ? /"agent_id":\s*"([^"]+)"/.exec(String(payload['output']))?.[1] : undefined;
      if (spawned !== undefined) this.started.push({ threadId: spawned, callId, place });
    } else if (type === 'agent_message' || (type === 'message' && role === 'user')) {
      this.#release(this.#group === undefined);
      this.#inputMs = this.#copiedMs ?? atMs;
      // Before turns were marked, the first words of the user begin one.
      const words = JSON.stringify(payload['content'] ?? '');
      const isUsers = !/"text":"(?:\\n|\s)*(?:<[a-z_]+>|# AGENTS\.md)/.test(words);
      if (type === 'message' && this.#turns.size === 0 && this.#turnId === '' && isUsers)
        this.#turnId = `${textAt(this.#meta, 'id') ?? ''}@${atMs}`;
    } else if (MODEL_CALLS.has(type) || SERVED.has(type) || (type === 'message' && role === 'assistant')) {
      if (MODEL_CALLS.has(type)) {
        const id = callId ?? textAt(payload, 'id');
        if (id !== undefined) note(this.calls, id, place);
        if (textAt(payload, 'name') === 'spawn_agent' && id !== undefined) this.#spawns.add(id);
      }
      this.#authored(textAt(payload, 'id'), callId, place);
    }
  }

  #authored(itemId: string | undefined, callId: string | undefined, place: Place): void {
    this.#group ??= { itemId: undefined, callId: undefined, minted: false, model: this.#model, inputMs: this.#inputMs, places: [] };
    const group = this.#group;
    group.itemId ??= itemId;
    group.callId ??= callId;
    if (/^msg_[0-9a-f]{8}-[0-9a-f]{4}-/.test(itemId ?? '')) group.minted = true;
    group.places.push(place);
  }

  #record(payload: Raw, place: Place): void {
    const id = textAt(payload, 'response_id');
    const usage = at(payload, 'usage');
    const threadId = textAt(payload, 'thread_id');
    if (id === undefined || !isRaw(usage) || (threadId !== undefined && threadId !== (textAt(this.#meta, 'id') ?? threadId))) return;
    const tokens = tokensOf(usage);
    const thread = tokensOf(at(payload, 'thread_token_usage'));
    this.#base ??= lessOf(thread, tokens);
    this.account = { place, tokens: lessOf(thread, this.#base) };
    this.#total = { input: thread.input, output: thread.output };
    if (this.responses.has(id)) return;
    this.#tell(id, this.#group?.model ?? this.#model, [...(this.#group?.places ?? []), place], tokens);
    this.#group = undefined;
  }

  #count(info: unknown, place: Place): void {
    const total = tokensOf(at(info, 'total_token_usage'));
    const last = tokensOf(at(info, 'last_token_usage'));
    if (!isRaw(at(info, 'total_token_usage')) || !isRaw(at(info, 'last_token_usage'))) return;
    const before = this.#total ?? { input: 0, output: 0 };
    // A fork without a copy goes on from a total that its file does not have.
    const isFirst = this.#total === undefined && this.#forked && this.#group !== undefined;
    const grown = isFirst ? last : { input: total.input - before.input, output: total.output - before.output };
    this.#total = { input: total.input, output: total.output };
    const isCall = grown.input + grown.output > 0 && grown.input === last.input && grown.output === last.output;
    if (!isCall || this.#copied || this.#closed.has(this.#turnId)) return;
    const sum = total.input + total.output;
    if (this.#ahead !== undefined || this.#group === undefined) {
      this.#close();
      this.#release();
      this.#ahead = { total: sum, tokens: last, place };
      this.#early = true;
    } else {
      const { itemId, callId, model, places } = this.#group;
      this.#tell(itemId ?? callId ?? `${this.#turnId}@${sum}`, model ?? this.#model, [...places, place], last);
      this.#group = undefined;
    }
  }

  /** What was said since the last response was counted is one that is not, or was counted before. */
  #close(): void {
    const group = this.#group;
    this.#group = undefined;
    if (group === undefined) return;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead === undefined && (group.minted || this.#reviewed)) return;
    const id = group.itemId ?? group.callId ?? `${this.#turnId}@${ahead?.total ?? group.inputMs}`;
    this.#tell(id, group.model ?? this.#model, [...group.places, ...(ahead === undefined ? [] : [ahead.place])], ahead?.tokens);
  }

  #release(isUnclaimed = true): void {
    if (!isUnclaimed) return;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead !== undefined) this.#tell(`${this.#turnId}@${ahead.total}`, this.#model, [ahead.place], ahead.tokens);
  }

  #tell(id: string, model: string | undefined, places: readonly Place[], tokens: Tokens | undefined): void {
    if (this.responses.has(id)) return;
    const agents = this.#agentId === undefined ? [] : [this.#agentId];
    this.responses.set(id, { id, places, model: model ?? 'unknown', agents, ...(tokens !== undefined && { tokens }) });
  }
}

const tokensOf = (usage: unknown): Tokens => ({
  input: numberAt(usage, 'input_tokens'),
  output: numberAt(usage, 'output_tokens'),
  cacheRead: numberAt(usage, 'cached_input_tokens'),
  cacheWrite: numberAt(usage, 'cache_write_input_tokens'),
});

const lessOf = (a: Tokens, b: Tokens): Tokens => ({
  input: a.input - b.input,
  output: a.output - b.output,
  cacheRead: a.cacheRead - b.cacheRead,
  cacheWrite: a.cacheWrite - b.cacheWrite,
});
