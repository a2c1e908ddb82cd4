/**
 * The sub-agent files of a session, without what is told twice.
 *
 * in:   the parsed main file and agent files
 * out:  `Pool`: the files that count, which of them tells of each response and call, the internal ones apart
 *
 * The format repeats itself in two ways: 2.1.150 writes a second, longer file for a teammate that got
 * a second job, with all its earlier lines; and the file of a fork begins with its parent's last lines.
 */
import type { PoolFile } from './claiming.ts';
import type { AssistantRecord, ParsedFile, UserRecord } from './records.ts';
import { teammatePrompt } from './triggers.ts';

export interface Pool {
  /** All files there are, dropped ones too: for what went wrong in them. */
  readonly given: readonly ParsedFile[];
  readonly agents: readonly ParsedFile[];
  /** Files of the CLI's own summarising agent: one model call each, and no agent. */
  readonly compactions: readonly ParsedFile[];
  /** Ids of dropped partial copies, by the id of the file that holds all they tell. */
  readonly aliasesOf: ReadonlyMap<string, readonly string[]>;
  readonly owners: Owners;
}

/** Which file tells of what stands in several: forks copy lines of their parent. */
export interface Owners {
  /** By message id. */
  readonly ofResponse: ReadonlyMap<string, ParsedFile>;
  /** By tool_use id. A response may have lost lines in one file that another has. */
  readonly ofCall: ReadonlyMap<string, ParsedFile>;
}

const COMPACTION_AGENT = /^acompact-/;

/** @param hasTurns  whether there is a turn to put a summary's call under */
export function poolOf(main: ParsedFile, files: readonly ParsedFile[], hasTurns: boolean): Pool {
  const ordered = mergedById(files).toSorted(
    (a, b) => Number(a.isFork) - Number(b.isFork) || startMsOf(a) - startMsOf(b) || compare(a.agentId!, b.agentId!),
  );
  const told = new Set(responses(main).map((record) => record.messageId));
  const compactions = hasTurns ? ordered.filter((file) => isCompaction(file, told)) : [];
  const candidates = ordered.filter((file) => !compactions.includes(file));
  const aliasesOf = partialCopies(candidates);
  const dropped = new Set([...aliasesOf.values()].flat());
  const agents = candidates.filter((file) => !dropped.has(file.agentId!));
  return { given: files, agents, compactions, aliasesOf, owners: ownersAmong([main, ...agents, ...compactions]) };
}

/** The first file that tells of it. */
function ownersAmong(files: readonly ParsedFile[]): Owners {
  const ofResponse = new Map<string, ParsedFile>();
  const ofCall = new Map<string, ParsedFile>();
  for (const file of files) {
    for (const record of responses(file)) {
      if (!ofResponse.has(record.messageId)) ofResponse.set(record.messageId, file);
      for (const use of record.toolUses) if (!ofCall.has(use.id)) ofCall.set(use.id, file);
    }
  }
  return { ofResponse, ofCall };
}

/** Beside copies of lines only the call that made a summary: an agent would use tools. */
const isCompaction = (file: ParsedFile, told: ReadonlySet<string>): boolean =>
  COMPACTION_AGENT.test(file.agentId!) && responses(file).every((record) => told.has(record.messageId) || record.toolUses.length === 0);

/** Two files with the id of one agent are one agent. */
function mergedById(files: readonly ParsedFile[]): readonly ParsedFile[] {
  const byId = new Map<string, ParsedFile>();
  for (const file of files) {
    const twin = byId.get(file.agentId!);
    byId.set(file.agentId!, twin === undefined ? file : merged(twin, file));
  }
  return [...byId.values()];
}

const merged = (a: ParsedFile, b: ParsedFile): ParsedFile => ({
  ...a,
  meta: a.meta ?? b.meta,
  records: [...a.records, ...b.records].toSorted((x, y) => x.atMs - y.atMs),
  lineOfUuid: new Map([...a.lineOfUuid, ...b.lineOfUuid]),
  problems: [...a.problems, ...b.problems],
});

/** Of two files of one agent, the one whose responses and tool calls all stand in the other goes. */
function partialCopies(files: readonly ParsedFile[]): ReadonlyMap<string, readonly string[]> {
  const contents = new Map(files.map((file) => [file, contentOf(file)] as const));
  const filesWith = new Map<string, ParsedFile[]>();
  for (const file of files) {
    for (const key of contents.get(file)!.keys) filesWith.set(key, [...(filesWith.get(key) ?? []), file]);
  }
  const into = new Map<ParsedFile, ParsedFile>();
  for (const file of files) {
    const own = contents.get(file)!;
    if (file.isFork || own.keys.size === 0) continue;
    const [firstKey] = own.keys;
    const whole = filesWith
      .get(firstKey!)!
      .find((other) => other !== file && !other.isFork && !into.has(other) && isSubset(own.keys, contents.get(other)!.keys));
    if (whole !== undefined) into.set(file, whole);
  }
  const aliases = new Map<string, string[]>();
  for (const [copy, whole] of into) {
    let keeper = whole;
    while (into.has(keeper)) keeper = into.get(keeper)!;
    aliases.set(keeper.agentId!, [...(aliases.get(keeper.agentId!) ?? []), copy.agentId!]);
  }
  return aliases;
}

/** What makes a file a copy of another: its first line, its responses, its tool calls. */
function contentOf(file: ParsedFile): { readonly keys: ReadonlySet<string> } {
  const keys = new Set<string>();
  const first = firstPrompt(file);
  if (first?.uuid !== undefined) keys.add(`line ${first.uuid}`);
  for (const record of responses(file)) {
    keys.add(`message ${record.messageId}`);
    for (const use of record.toolUses) keys.add(`tool ${use.id}`);
  }
  return { keys };
}

const isSubset = (small: ReadonlySet<string>, large: ReadonlySet<string>): boolean =>
  small.size <= large.size && [...small].every((key) => large.has(key));

const responses = (file: ParsedFile): AssistantRecord[] =>
  file.records.filter((record) => record.kind === 'assistant' && record.synthetic === 'no') as AssistantRecord[];

export const firstPrompt = (file: ParsedFile): UserRecord | undefined =>
  file.records.find((record): record is UserRecord => record.kind === 'user');

/** When the agent began: the copied beginning of a fork is its parent's past. */
export function startMsOf(file: ParsedFile): number {
  const first = file.isFork ? firstPrompt(file) : file.records[0];
  return (first ?? file.records[0])?.atMs ?? 0;
}

export function isWarmup(file: ParsedFile): boolean {
  return file.meta === undefined && firstPrompt(file)?.text?.trim() === 'Warmup';
}

/** Its type as far as the file itself tells. A teammate's `agentType` is its name. */
export function typeOf(file: ParsedFile): string | undefined {
  if (file.meta?.taskKind === 'in_process_teammate') return file.meta.spawnedAgentType ?? undefined;
  return (
    file.meta?.agentType ?? file.records.find((r): r is AssistantRecord => r.kind === 'assistant' && r.agentType !== undefined)?.agentType
  );
}

export function poolFile(file: ParsedFile, aliases: readonly string[]): PoolFile {
  const first = firstPrompt(file);
  const text = first?.text;
  return {
    id: file.agentId!,
    aliases,
    startMs: startMsOf(file),
    toolUseId: file.meta?.toolUseId ?? undefined,
    parentAgentId: file.meta?.parentAgentId ?? undefined,
    group: file.group,
    type: typeOf(file),
    names: [file.meta?.name, file.meta?.agentType].filter((name): name is string => typeof name === 'string'),
    prompt: text === undefined ? undefined : (teammatePrompt(text) ?? text),
    isWarmup: isWarmup(file),
    firstParentUuid: first?.parentUuid ?? undefined,
    holdsUuid: (uuid) => file.lineOfUuid.has(uuid),
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
