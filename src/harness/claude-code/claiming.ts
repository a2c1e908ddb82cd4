/**
 * Which agent call started which sub-agent file? Pure, and total: whatever the calls and files say,
 * every file is taken at most once, every call takes at most one, and no file comes under itself.
 *
 * in:   the agent calls of a session, the pool of its sub-agent files
 * out:  `Claims`
 *
 * Exact links go first, over all calls, so that a guess never takes what a fact names. Then names,
 * prompts and types, calls in order of time; a guess never takes a file begun before the call.
 */
export interface AgentCall {
  /** The tool_use id. */
  readonly id: string;
  /** Id of the agent file the call stands in; `undefined` in the main file. */
  readonly holder: string | undefined;
  readonly atMs: number;
  readonly prompt: string | undefined;
  readonly type: string | undefined;
  /** Team name: the result's, for the CLI renames; else the input's. */
  readonly name: string | undefined;
  /** Agent id that the result names. */
  readonly agentId: string | undefined;
  /** Workflow run that its result names: all agents of that group are its own. */
  readonly runId: string | undefined;
  /** When its result came, if the call failed: then its agent began before that. */
  readonly failedAtMs: number | undefined;
  /** False when it can't have started an agent of this session: denied, or in a process of its own. */
  readonly mayGuess: boolean;
}

export interface PoolFile {
  readonly id: string;
  /** Other ids of the same agent: partial copies of this file. */
  readonly aliases: readonly string[];
  readonly startMs: number;
  readonly toolUseId: string | undefined;
  readonly parentAgentId: string | undefined;
  /** Workflow run it belongs to. */
  readonly group: string | undefined;
  readonly type: string | undefined;
  /** Names it goes by in its team. */
  readonly names: readonly string[];
  readonly prompt: string | undefined;
  /** Started by the CLI itself, without a call. */
  readonly isWarmup: boolean;
  /** Uuid its first line hangs on, and all uuids it holds. */
  readonly firstParentUuid: string | undefined;
  readonly holdsUuid: (uuid: string) => boolean;
}

export interface Claims {
  /** File id by call id. */
  readonly fileOf: ReadonlyMap<string, string>;
  /** File ids of the agents a workflow ran, by call id. */
  readonly membersOf: ReadonlyMap<string, readonly string[]>;
  /** File ids of later transcripts, by the file id of the agent they belong to. */
  readonly respawnsOf: ReadonlyMap<string, readonly string[]>;
  /** Files without a call whose meta names the agent they ran under, by that agent's file id. */
  readonly adoptedBy: ReadonlyMap<string, readonly string[]>;
  /** Files that nothing leads to. */
  readonly unclaimed: readonly string[];
  /** Exact links that would have put a file under itself. */
  readonly cycles: readonly { readonly callId: string; readonly fileId: string }[];
}

const MAX_DEPTH = 100;

export function claim(calls: readonly AgentCall[], pool: readonly PoolFile[]): Claims {
  const table = new ClaimTable();
  const ordered = calls.toSorted((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1));
  const files = pool.toSorted((a, b) => a.startMs - b.startMs || (a.id < b.id ? -1 : 1));
  const fileById = new Map(files.flatMap((file) => [file.id, ...file.aliases].map((id) => [id, file] as const)));
  const fileByToolUse = new Map(files.flatMap((file) => (file.toolUseId === undefined ? [] : [[file.toolUseId, file] as const])));

  for (const call of ordered) {
    if (call.runId !== undefined) for (const file of files) if (file.group === call.runId) table.enlist(call, file);
  }
  for (const call of ordered) {
    const named = call.agentId === undefined ? undefined : fileById.get(call.agentId);
    if (named !== undefined) table.take(call, named);
  }
  for (const call of ordered) {
    const file = fileByToolUse.get(call.id);
    if (file !== undefined && (file.parentAgentId === undefined || file.parentAgentId === call.holder)) table.take(call, file);
  }
  const guesses: readonly ((call: AgentCall, file: PoolFile) => boolean)[] = [
    (call, file) => call.name !== undefined && file.names.includes(call.name),
    (call, file) => call.prompt !== undefined && call.prompt === file.prompt,
    (call, file) => call.failedAtMs === undefined && call.type !== undefined && call.type === file.type,
  ];
  for (const fits of guesses) {
    // A call that failed comes after those that did not: its agent, if any, was the one tried again.
    for (const call of [...ordered.filter((c) => c.failedAtMs === undefined), ...ordered.filter((c) => c.failedAtMs !== undefined)]) {
      if (!call.mayGuess || table.hasTaken(call)) continue;
      const file = files.find(
        (f) =>
          !f.isWarmup &&
          !table.isTaken(f) &&
          f.toolUseId === undefined &&
          f.startMs >= call.atMs &&
          (call.failedAtMs === undefined || f.startMs <= call.failedAtMs) &&
          fits(call, f) &&
          !table.wouldLoop(call, f),
      );
      if (file !== undefined) table.take(call, file);
    }
  }
  return table.claims(files);
}

class ClaimTable {
  readonly #fileOf = new Map<string, string>();
  readonly #membersOf = new Map<string, string[]>();
  readonly #respawnsOf = new Map<string, string[]>();
  readonly #adoptedBy = new Map<string, string[]>();
  readonly #callOf = new Map<string, AgentCall>();
  /** The file each placed file came under; `undefined` is the main file. */
  readonly #above = new Map<string, string | undefined>();
  readonly #cycles: { callId: string; fileId: string }[] = [];

  hasTaken = (call: AgentCall): boolean => this.#fileOf.has(call.id);
  isTaken = (file: PoolFile): boolean => this.#above.has(file.id);

  take(call: AgentCall, file: PoolFile): void {
    if (this.hasTaken(call) || !this.#place(call, file)) return;
    this.#fileOf.set(call.id, file.id);
    this.#callOf.set(file.id, call);
  }

  enlist(call: AgentCall, file: PoolFile): void {
    if (this.#place(call, file)) push(this.#membersOf, call.id, file.id);
  }

  /** Does the call stand in the file itself, or in a file below it? */
  wouldLoop = (call: AgentCall, file: PoolFile): boolean => this.#isBelow(call.holder, file.id);

  #place(call: AgentCall, file: PoolFile): boolean {
    if (this.isTaken(file)) return false;
    if (this.wouldLoop(call, file)) {
      this.#cycles.push({ callId: call.id, fileId: file.id });
      return false;
    }
    this.#above.set(file.id, call.holder);
    return true;
  }

  #isBelow(id: string | undefined, ancestor: string): boolean {
    for (let at = id; at !== undefined; at = this.#above.get(at)) if (at === ancestor) return true;
    return false;
  }

  claims(files: readonly PoolFile[]): Claims {
    const started = files.filter((file) => this.#callOf.has(file.id));
    for (const file of files) {
      if (this.isTaken(file) || file.isWarmup) continue;
      const agent = started.find((other) => this.#isRespawn(file, other) && !this.#isBelow(other.id, file.id));
      if (agent !== undefined) this.#putUnder(this.#respawnsOf, agent.id, file);
    }
    const known = new Set(files.map((file) => file.id));
    for (const file of files) {
      const parent = file.parentAgentId;
      if (this.isTaken(file) || parent === undefined || !known.has(parent) || this.#isBelow(parent, file.id)) continue;
      this.#putUnder(this.#adoptedBy, parent, file);
    }
    this.#cutTooDeep(files);
    return {
      fileOf: this.#fileOf,
      membersOf: this.#membersOf,
      respawnsOf: this.#respawnsOf,
      adoptedBy: this.#adoptedBy,
      unclaimed: files.filter((file) => !this.isTaken(file)).map((file) => file.id),
      cycles: this.#cycles,
    };
  }

  /** What hangs deeper than any real session nests hangs on nothing: whoever walks the tree must come back. */
  #cutTooDeep(files: readonly PoolFile[]): void {
    const cut = new Set(files.filter((file) => this.isTaken(file) && this.#depthOf(file.id) % MAX_DEPTH === 0).map(({ id }) => id));
    if (cut.size === 0) return;
    for (const id of cut) {
      this.#above.delete(id);
      const call = this.#callOf.get(id);
      if (call !== undefined) this.#fileOf.delete(call.id);
    }
    for (const lists of [this.#membersOf, this.#respawnsOf, this.#adoptedBy])
      for (const [parent, ids] of lists) {
        lists.set(
          parent,
          ids.filter((id) => !cut.has(id)),
        );
      }
  }

  #depthOf(id: string): number {
    let depth = 0;
    for (let at: string | undefined = id; at !== undefined; at = this.#above.get(at)) depth++;
    return depth;
  }

  #putUnder(where: Map<string, string[]>, parent: string, file: PoolFile): void {
    this.#above.set(file.id, parent);
    push(where, parent, file.id);
  }

  /** The CLI began a second file for a teammate it gave a second job. */
  #isRespawn(file: PoolFile, agent: PoolFile): boolean {
    const hangsOn = file.firstParentUuid !== undefined && agent.holdsUuid(file.firstParentUuid);
    const name = this.#callOf.get(agent.id)?.name;
    return hangsOn || (name !== undefined && file.names.includes(name) && agent.names.includes(name));
  }
}

const push = (map: Map<string, string[]>, key: string, value: string): void => void map.set(key, [...(map.get(key) ?? []), value]);
