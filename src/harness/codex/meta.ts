/**
 * What a rollout's first line tells of its thread.
 *
 * in:   payload of `session_meta`, or the bare object of the first era
 * out:  `ThreadMeta`
 */
import { isObject } from '../../json.ts';
import { type Fields, utcMs } from '../fields.ts';

export interface ThreadMeta {
  readonly threadId: string;
  /** The thread at the root of its tree of agents. */
  readonly rootThreadId: string | undefined;
  /** The thread it is an agent of. */
  readonly parentThreadId: string | undefined;
  readonly forkedFromId: string | undefined;
  /** When the thread was made, Unix ms. */
  readonly atMs: number | undefined;
  readonly cwd: string | undefined;
  readonly version: string | undefined;
  readonly provider: string | undefined;
  readonly branch: string | undefined;
  /** What it was run by: `exec`, `cli`, `vscode` … */
  readonly source: string | undefined;
  readonly isAgent: boolean;
  /** How it became an agent: `thread_spawn`, `review` … */
  readonly agentKind: string | undefined;
  readonly nickname: string | undefined;
  readonly role: string | undefined;
  /** `/root/alpha`: its name and those of the agents above it. */
  readonly path: string | undefined;
  /** Lines before this one were copied from its parent. */
  readonly historyStart: number | undefined;
}

export function metaOf(payload: Fields): ThreadMeta | undefined {
  const threadId = word(payload, 'id') ?? word(payload, 'session_id');
  if (threadId === undefined) return undefined;
  const source = payload['source'];
  const subagent = isObject(source) ? source['subagent'] : undefined;
  const spawn = isObject(subagent) && isObject(subagent['thread_spawn']) ? subagent['thread_spawn'] : {};
  const git = isObject(payload['git']) ? payload['git'] : {};
  const forkedFromId = word(payload, 'forked_from_id');
  const atMs = utcMs(word(payload, 'timestamp') ?? '');
  const parent = word(payload, 'parent_thread_id') ?? word(spawn, 'parent_thread_id');
  const isAgent = parent !== undefined || (subagent !== undefined && subagent !== null);
  const ordinal = payload['subagent_history_start_ordinal'];
  return {
    threadId,
    rootThreadId: word(payload, 'session_id'),
    parentThreadId: parent ?? (isAgent ? forkedFromId : undefined),
    forkedFromId,
    atMs: Number.isNaN(atMs) ? undefined : atMs,
    cwd: word(payload, 'cwd'),
    version: word(payload, 'cli_version'),
    provider: word(payload, 'model_provider'),
    branch: word(git, 'branch'),
    source: typeof source === 'string' ? source : undefined,
    isAgent,
    agentKind: typeof subagent === 'string' ? subagent : isObject(subagent) ? Object.keys(subagent)[0] : undefined,
    nickname: word(payload, 'agent_nickname') ?? word(spawn, 'agent_nickname'),
    role: word(payload, 'agent_role') ?? word(spawn, 'agent_role'),
    path: word(payload, 'agent_path') ?? word(spawn, 'agent_path'),
    historyStart: Number.isSafeInteger(ordinal) ? (ordinal as number) : undefined,
  };
}

export const word = (fields: Fields, key: string): string | undefined => {
  const value = fields[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/** Ids of threads and turns begin with the time they were made (UUIDv7). Unix ms, undefined for any other id. */
export function madeAtMs(id: string): number | undefined {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/.exec(id);
  return match === null ? undefined : Number.parseInt(`${match[1]}${match[2]}`, 16);
}
