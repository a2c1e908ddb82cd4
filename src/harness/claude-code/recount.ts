/**
 * An auditor's count of what Claude Code's files hold. On purpose it shares no code with the parser beside it.
 *
 * in:   the raw lines of a session's files
 * out:  `Recount`
 *
 * Every line is parsed, every id is counted once, and of each counter the largest value is taken. An agent is a file, but
 * for copies of another one, for the second file of a teammate with a second job, and for the summaries of 2.1.38.
 */
import type { AgentFile, TranscriptFile } from '../harness.ts';
import {
  at,
  type CountedAgent,
  type CountedResponse,
  type Declared,
  isRaw,
  jsonOf,
  NO_TOKENS,
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
  const count = new Count();
  count.read(main, undefined);
  for (const agent of agents) count.read(agent, agent);
  return count.result(main.name);
}

const STARTS_AGENT = ['Agent', 'Task'];
/** So the CLI tells the model of a stream that broke off. */
const CUT_OFF = 'Your response above was cut off';
/** Tools that ask a model for themselves. */
const ASKS_MODEL = ['WebFetch'];

interface Response {
  readonly places: Place[];
  model: string | undefined;
  tokens: Tokens | undefined;
  /** Of the files that hold it; `undefined` is the main agent. */
  readonly holders: Set<string | undefined>;
  complete: boolean;
}

interface AgentsFile {
  readonly file: AgentFile;
  /** Ids of all that happened in it. */
  readonly keys: Set<string>;
  readonly uuids: Set<string>;
  firstUser: { readonly hangsOn: string | undefined } | undefined;
  isFork: boolean;
  /** A fork's file begins with the last response of its parent: that is not its own. */
  readonly lead: (() => void)[];
  calls: number;
}

class Count {
  readonly #responses = new Map<string, Response>();
  readonly #calls = new Map<string, { readonly places: Place[]; readonly name: string }>();
  readonly #files: AgentsFile[] = [];
  readonly #unusable: Unusable[] = [];
  /** Which results name which agents. */
  readonly #named: { readonly callId: string; readonly agentId: string; readonly place: Place }[] = [];
  /** The calls that started a teammate, by its name: one of a name is one, however many files it has. */
  readonly #teammates = new Map<string, Set<string>>();
  /** Claude Code's own accounts by the start of their process; the last of each counts. */
  readonly #accounts = new Map<number, { readonly place: Place; readonly models: unknown }>();
  /** Why its account need not agree with the lines. */
  readonly #excuses = new Set<string>();
  #lastMs = 0;
  #lastResponseMs = 0;
  #firstResponseMs = Number.POSITIVE_INFINITY;
  #accountMs = 0;
  #mainHasLines = false;

  read(file: TranscriptFile, agent: AgentFile | undefined): void {
    const own: AgentsFile | undefined = agent && {
      file: agent,
      keys: new Set(),
      uuids: new Set(),
      firstUser: undefined,
      isFork: at(metaOf(agent), 'isFork') === true,
      lead: [],
      calls: 0,
    };
    if (own !== undefined) this.#files.push(own);
    for (const { value, place } of rawLinesOf(file, this.#unusable)) this.#line(value, place, own);
    if (own?.firstUser === undefined) for (const count of own?.lead ?? []) count();
  }

  #line(value: Raw, place: Place, own: AgentsFile | undefined): void {
    const atMs = Date.parse(textAt(value, 'timestamp') ?? '');
    const uuid = textAt(value, 'uuid');
    if (uuid !== undefined) own?.uuids.add(uuid);
    switch (at(value, 'type')) {
      case 'assistant':
        if (own?.isFork === true && own.firstUser === undefined) own.lead.push(() => this.#response(value, place, atMs, own));
        else this.#response(value, place, atMs, own);
        break;
      case 'user':
        this.#user(value, place, own);
        break;
      case 'system':
        if (at(value, 'subtype') === 'compact_boundary') this.#excuses.add('the call that made the summary of a compaction is on no line');
        break;
      case 'ai-title':
        this.#excuses.add('the call that made the title of the session is on no line');
        break;
      case 'fork-context-ref':
        if (own !== undefined) own.isFork = true;
        break;
      case 'cost-state':
        if (own === undefined) this.#account(value, place);
        break;
    }
    if (own === undefined && atMs > this.#lastMs) this.#lastMs = atMs;
  }

  #response(value: Raw, place: Place, atMs: number, own: AgentsFile | undefined): void {
    const message = at(value, 'message');
    if (!isRaw(message)) {
      this.#unusable.push({ place, why: 'it has no message' });
      return;
    }
    if (own === undefined) this.#mainHasLines = true;
    const content = at(message, 'content');
    const blocks: unknown[] = Array.isArray(content) ? content : [];
    const model = textAt(message, 'model');
    if (model === '<synthetic>' || at(value, 'isApiErrorMessage') === true) return;
    const where = `${own?.file.id ?? 'main'} line ${place.line}`;
    const id = textAt(message, 'id') ?? textAt(value, 'requestId') ?? textAt(value, 'uuid') ?? where;
    const response = this.#responses.get(id) ?? {
      places: [],
      model: undefined,
      tokens: undefined,
      holders: new Set<string | undefined>(),
      complete: false,
    };
    this.#responses.set(id, response);
    response.places.push(place);
    response.model ??= model;
    response.holders.add(own?.file.id);
    response.tokens = largest(response.tokens, at(message, 'usage'));
    if (textAt(message, 'stop_reason') !== undefined) response.complete = true;
    own?.keys.add(`response ${id}`);
    this.#lastResponseMs = Math.max(this.#lastResponseMs, atMs || 0);
    this.#firstResponseMs = Math.min(this.#firstResponseMs, atMs || Number.POSITIVE_INFINITY);
    const madeIn = textAt(value, 'requestSessionId') ?? textAt(at(value, 'forkedFrom'), 'sessionId');
    if (madeIn !== undefined && madeIn !== at(value, 'sessionId'))
      this.#excuses.add('turns were copied from another session, which may be counted with this one or not');
    blocks
      .filter((block) => at(block, 'type') === 'tool_use')
      .forEach((block, index) => {
        this.#call(textAt(block, 'id') ?? `${where} call ${index + 1}`, textAt(block, 'name') ?? '', place, own);
      });
  }

  #call(id: string, name: string, place: Place, own: AgentsFile | undefined): void {
    const call = this.#calls.get(id);
    if (call === undefined) this.#calls.set(id, { places: [place], name });
    else call.places.push(place);
    if (ASKS_MODEL.includes(name)) this.#excuses.add(`the calls to a model that ${name} makes for itself are on no line`);
    own?.keys.add(`call ${id}`);
    if (own !== undefined) own.calls++;
  }

  #user(value: Raw, place: Place, own: AgentsFile | undefined): void {
    const content = at(value, 'message', 'content');
    if (own === undefined) this.#mainHasLines = true;
    else if (own.firstUser === undefined) {
      own.firstUser = { hangsOn: textAt(value, 'parentUuid') };
      const uuid = textAt(value, 'uuid');
      if (uuid !== undefined) own.keys.add(`prompt ${uuid}`);
    }
    const texts = [content, ...(Array.isArray(content) ? content.map((block) => at(block, 'text')) : [])];
    if (at(value, 'isMeta') === true && texts.some((text) => typeof text === 'string' && text.startsWith(CUT_OFF))) this.#cutOff();
    const result = at(value, 'toolUseResult');
    const [agentId, name] = [textAt(result, 'agentId'), textAt(result, 'name')];
    for (const block of Array.isArray(content) ? content : []) {
      const callId = textAt(block, 'tool_use_id');
      if (callId === undefined) continue;
      // `name@team` has no file, or is a session of its own.
      if (agentId !== undefined && !agentId.includes('@')) this.#named.push({ callId, agentId, place });
      if (name !== undefined && at(result, 'status') === 'teammate_spawned')
        this.#teammates.set(name, new Set([...(this.#teammates.get(name) ?? []), callId]));
    }
  }

  readonly #cutOff = (): void => void this.#excuses.add('of a stream that broke off Claude Code estimates the tokens');

  #account(value: Raw, place: Place): void {
    const startMs = numberAt(value, 'startTime');
    this.#accounts.delete(startMs); // The last one written is to be the last one here.
    this.#accounts.set(startMs, { place, models: at(value, 'modelUsage') });
    this.#accountMs = this.#lastMs;
  }

  result(mainName: string): Recount {
    const agents = this.#agents();
    const known = new Set(this.#files.map(({ file }) => file.id));
    const summaries = new Set(this.#files.filter((file) => this.#isSummary(file)).map(({ file }) => file.id));
    const responses = [...this.#responses].map(([id, { places, model, tokens, holders }]): CountedResponse => {
      const holding = [...holders].filter((holder) => holder !== undefined && !summaries.has(holder)) as string[];
      const isMain = holding.length < holders.size;
      return { id, places, model: model ?? 'unknown', agents: isMain ? [] : holding, ...(tokens !== undefined && { tokens }) };
    });
    const missing = this.#named.filter(({ callId, agentId }) => this.#startsAgent(callId) && !known.has(agentId));
    if (missing.length > 0) this.#excuses.add('files of agents are gone');
    const declared = this.#declared(mainName);
    return {
      responses,
      toolCalls: [...this.#calls].map(([id, { places }]) => ({ id, places })),
      agents,
      unusable: this.#unusable,
      missing: [...new Map(missing.map(({ agentId, place }) => [agentId, { id: agentId, places: [place] }])).values()],
      ...(declared !== undefined && { declared }),
    };
  }

  #startsAgent = (callId: string): boolean => STARTS_AGENT.includes(this.#calls.get(callId)?.name ?? '');

  /** A fork's own file may be all that is left of the call that started it. */
  #standsOutside = (callId: string, { file }: AgentsFile): boolean =>
    this.#calls.get(callId)?.places.some((place) => place.file !== file.name) === true;

  /** 2.1.38 and 39 keep the call that made a summary in a file as of an agent. */
  #isSummary = ({ file, calls }: AgentsFile): boolean => this.#mainHasLines && file.id.startsWith('acompact-') && calls === 0;

  /** Files that tell of one agent count once. */
  #agents(): readonly CountedAgent[] {
    const files = this.#files.filter((file) => !this.#isSummary(file));
    const groups: { files: AgentsFile[] }[] = [];
    const byResult = new Map<string, string[]>();
    for (const { callId, agentId } of this.#named)
      if (this.#startsAgent(callId)) byResult.set(agentId, [...(byResult.get(agentId) ?? []), callId]);
    const byMeta = (file: AgentsFile): string[] => [textAt(metaOf(file.file), 'toolUseId') ?? []].flat();
    const startedBy = (file: AgentsFile): string[] =>
      (byResult.get(file.file.id) ?? byMeta(file)).filter((callId) => this.#standsOutside(callId, file));
    const isSame = (a: AgentsFile, b: AgentsFile): boolean =>
      a.file.id === b.file.id || isCopy(a, b) || isCopy(b, a) || goesOn(a, b) || goesOn(b, a);
    const isTeammateOf = (later: AgentsFile, first: AgentsFile): boolean => {
      const name = textAt(metaOf(later.file), 'agentType') ?? '';
      return (
        name === textAt(metaOf(first.file), 'agentType') &&
        [...(this.#teammates.get(name) ?? [])].filter((callId) => this.#calls.has(callId)).length === 1
      );
    };
    const areStarted = [...this.#calls.keys()].some(this.#startsAgent);
    const goesOn = (later: AgentsFile, first: AgentsFile): boolean =>
      startedBy(later).length === 0 &&
      !later.isFork &&
      ((areStarted && first.uuids.has(later.firstUser?.hangsOn ?? '')) || isTeammateOf(later, first));
    for (const file of files) {
      const same = groups.filter((group) => group.files.some((other) => isSame(file, other)));
      for (const group of same) groups.splice(groups.indexOf(group), 1);
      groups.push({ files: [...same.flatMap((group) => group.files), file] });
    }
    return groups.map((group) => ({
      id: group.files[0]!.file.id,
      ids: [...new Set(group.files.map(({ file }) => file.id))],
      startedBy: [...new Set(group.files.flatMap(startedBy))],
      places: group.files.map(({ file }) => ({ file: file.name, line: 1 })),
    }));
  }

  #declared(mainName: string): Declared | undefined {
    const accounts = [...this.#accounts];
    const last = accounts.at(-1)?.[1];
    if (last === undefined) return undefined;
    const byModel = new Map<string, { tokens: Tokens; costUsd: number | undefined }>();
    for (const [, { models }] of accounts)
      for (const [name, used] of typeof models === 'object' && models !== null ? Object.entries(models) : []) {
        // So Claude Code calls a model with the long context.
        const model = name.replace(/\[1m\]$/, '');
        const before = byModel.get(model) ?? { tokens: NO_TOKENS, costUsd: undefined };
        const usd = at(used, 'costUSD');
        const [cacheRead, cacheWrite] = [numberAt(used, 'cacheReadInputTokens'), numberAt(used, 'cacheCreationInputTokens')];
        const input = numberAt(used, 'inputTokens') + cacheRead + cacheWrite;
        const tokens = sumOf(before.tokens, { input, output: numberAt(used, 'outputTokens'), cacheRead, cacheWrite });
        byModel.set(model, { tokens, costUsd: typeof usd === 'number' ? (before.costUsd ?? 0) + usd : before.costUsd });
      }
    if ([...this.#responses.values()].some(({ complete }) => !complete)) this.#cutOff();
    if (this.#unusable.length > 0) this.#excuses.add("there are lines that can't be read");
    // A process that is killed leaves no account; the next one begins at nothing.
    const begunMs = accounts.reduce((first, [startMs]) => Math.min(first, startMs), Number.POSITIVE_INFINITY);
    if (this.#firstResponseMs < begunMs) this.#excuses.add('it was begun after the first response');
    if (this.#lastResponseMs > this.#accountMs) this.#excuses.add('it was written before the last response');
    return {
      name: 'cost-state',
      place: { file: mainName, line: last.place.line },
      byModel: [...byModel].map(([model, { tokens, costUsd }]) => ({ model, tokens, ...(costUsd !== undefined && { costUsd }) })),
      ...(this.#excuses.size > 0 && { incomparable: [...this.#excuses].join('; ') }),
    };
  }
}

/** Nothing happened in the one that did not in the other. The file of a fork begins as a copy, and is none. */
const isCopy = (copy: AgentsFile, whole: AgentsFile): boolean =>
  !copy.isFork && !whole.isFork && copy.keys.size > 0 && [...copy.keys].every((key) => whole.keys.has(key));

/** A response may tell the counts of its attempts one by one: their sum, then. Each line tells all that is known. */
function largest(before: Tokens | undefined, usage: unknown): Tokens | undefined {
  if (!isRaw(usage)) return before;
  const iterations = at(usage, 'iterations');
  const attempts = (Array.isArray(iterations) ? iterations : []).map(bare).reduce(sumOf, NO_TOKENS);
  const [top, known] = [
    bare(usage),
    before === undefined ? NO_TOKENS : { ...before, input: before.input - before.cacheRead - before.cacheWrite },
  ];
  const most = (key: keyof Tokens): number => Math.max(top[key], attempts[key], known[key]);
  const [cacheRead, cacheWrite] = [most('cacheRead'), most('cacheWrite')];
  return { input: most('input') + cacheRead + cacheWrite, output: most('output'), cacheRead, cacheWrite };
}

/** As Claude Code counts: without the caches. */
const bare = (usage: unknown): Tokens => ({
  input: numberAt(usage, 'input_tokens'),
  output: numberAt(usage, 'output_tokens'),
  cacheRead: numberAt(usage, 'cache_read_input_tokens'),
  cacheWrite: numberAt(usage, 'cache_creation_input_tokens'),
});

const metaOf = ({ meta }: AgentFile): unknown => jsonOf(meta ?? '');
