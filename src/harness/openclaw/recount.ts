/**
 * An auditor's count of what the lines of OpenClaw and pi hold. On purpose it shares no code with the parser beside it.
 *
 * in:   the raw lines of a session and of its sub-agents
 * out:  `Recount`
 *
 * An answer is an assistant's message that is neither an error nor an empty one that was broken off, nor of OpenClaw itself; a call stands in an
 * answer, or has only a result, for calls of tools that don't exist are not kept.
 */
import type { AgentFile, TranscriptFile } from '../harness.ts';
import {
  type Counted,
  type CountedAgent,
  type CountedResponse,
  isRaw,
  jsonOf,
  numberAt,
  type Place,
  type RawFiles,
  type Recount,
  rawLinesOf,
  textAt,
  type Unusable,
} from '../recount.ts';

// biome-ignore lint/suspicious/noExplicitAny: a stranger's JSON, looked at with `?.` only
type Loose = any;

export function recount({ main, agents, ended = false }: RawFiles): Recount {
  const unusable: Unusable[] = [];
  const responses = new Map<string, CountedResponse & { places: Place[] }>();
  const calls: Counted[] = [];
  const startedBy = new Map<string, string[]>();
  const runIds = new Set<string>();
  const read = (file: TranscriptFile, agentId: string | undefined): void => {
    const messages = [...messagesOf(file, unusable, runIds)];
    for (const { place, entry } of messages) {
      const details = entry.message.role === 'toolResult' ? entry.message.details : undefined;
      const child = details?.childSessionKey ?? details?.result?.details?.childSessionKey;
      if (typeof child === 'string') startedBy.set(child, [...new Set([...(startedBy.get(child) ?? []), entry.message.toolCallId])]);
      const response = entry.message.role === 'assistant' ? responseIn(entry, place, agentId) : undefined;
      if (response === undefined) continue;
      const known = responses.get(response.id);
      if (known === undefined) responses.set(response.id, response);
      else known.places.push(place);
    }
    // An entry that stands in another file, too, is a copy.
    calls.push(...callsIn(messages.filter(({ entry }) => isNew(`${entry.id} ${entry.timestamp}`))));
  };
  const seen = new Set<string>();
  const isNew = (key: string): boolean => !seen.has(key) && seen.add(key) !== undefined;
  read(main, undefined);
  for (const agent of agents) read(agent, agent.id);
  // Sessions of one key, one after another, are one agent.
  const given = new Map<string, AgentFile[]>();
  for (const agent of agents) given.set(keyIn(agent) ?? agent.id, [...(given.get(keyIn(agent) ?? agent.id) ?? []), agent]);
  const named = [...startedBy].filter(([key]) => !given.has(key));
  const placesOf = (by: readonly string[]): readonly Place[] => calls.flatMap(({ id, places }) => (by.includes(id) ? places : []));
  const isAnswered = (key: string): boolean => [...runIds].some((id) => id.startsWith('announce:') && id.includes(`:${key}:`));
  // One that has written nothing yet is told as an agent that is at work, until its answer or the end.
  const awaited = new Set(named.flatMap(([key]) => (ended || isAnswered(key) || isOfAnother(key, keyIn(main)) ? [] : [key])));
  return {
    responses: [...responses.values()],
    toolCalls: calls,
    agents: [
      ...[...given].map(
        ([key, files]): CountedAgent => ({
          id: files[0]!.id,
          ids: files.map(({ id }) => id),
          startedBy: startedBy.get(key) ?? [],
          places: files.map(({ name }) => ({ file: name, line: 0 })),
        }),
      ),
      ...named.flatMap(([id, by]) => (awaited.has(id) ? [{ id, ids: [id], startedBy: by, places: placesOf(by) }] : [])),
    ],
    unusable,
    missing: named.flatMap(([id, by]) => (awaited.has(id) || isOfAnother(id, keyIn(main)) ? [] : [{ id, places: placesOf(by) }])),
  };
}

const keyIn = ({ meta }: TranscriptFile): string | undefined => textAt(jsonOf(meta ?? ''), 'session_key');

/** `agent:<name>:…`: what another of the user's agents did is in the database of that one; files name no keys, and nobody's agents. */
function isOfAnother(key: string, own: string | undefined): boolean {
  const [its, mine] = [key, own ?? ''].map((each) => each.split(':'));
  return own === undefined || (its![0] === 'agent' && mine![0] === 'agent' && its![1] !== mine![1]);
}

/** @param runIds  the names of runs are added to it, of what else the lines tell, too */
function* messagesOf(file: TranscriptFile, unusable: Unusable[], runIds: Set<string>): Generator<{ place: Place; entry: Loose }> {
  const latest = new Map<string, { place: Place; entry: Loose }>();
  for (const { value, place } of rawLinesOf(file, unusable)) {
    const entry: Loose = value;
    for (const id of [entry.runId, entry.message?.__openclaw?.runId, entry.message?.idempotencyKey, entry.__openclaw?.runId])
      if (typeof id === 'string') runIds.add(id);
    // Without an id or a time it can't be placed, here or in the trace.
    if (
      entry.type === 'message' &&
      typeof entry.id === 'string' &&
      !Number.isNaN(Date.parse(entry.timestamp)) &&
      isRaw(entry.message) &&
      !isNote(entry.message)
    )
      latest.set(entry.id, { place, entry });
  }
  yield* latest.values();
}

/**
 * Several calls may have one id: a result is of a call that the last answer asked for and that has none yet, else it is told again,
 * else it is all there is of a call of another tool.
 */
function callsIn(messages: readonly { place: Place; entry: Loose }[]): Counted[] {
  const calls: Counted[] = [];
  const open = new Map<string, number>();
  const over = new Map<string, unknown>();
  for (const { place, entry } of messages) {
    const { message } = entry;
    if (message.role === 'assistant') {
      const asked = blocksOf(message).filter((block) => block?.type === 'toolCall' && typeof block.id === 'string');
      for (const { id } of asked) open.set(id, 0);
      for (const { id } of asked) {
        open.set(id, open.get(id)! + 1);
        calls.push({ id, places: [place] });
      }
      over.clear();
    } else if (message.role === 'toolResult' && typeof message.toolCallId === 'string') {
      const { toolCallId: id, toolName } = message;
      const left = open.get(id) ?? 0;
      if (left > 0) open.set(id, left - 1);
      else if (!over.has(id) || over.get(id) !== toolName) calls.push({ id, places: [place] });
      over.set(id, toolName);
    }
  }
  return calls;
}

/** OpenClaw's own words, and what it tells a second time of a tool that another one called. */
const isNote = (message: Loose): boolean =>
  ['openclaw/delivery-mirror', 'openclaw/gateway-injected'].includes(`${message.provider}/${message.model}`) ||
  isRaw(message.openclawDeliveryMirror);

function responseIn(entry: Loose, place: Place, agentId: string | undefined): (CountedResponse & { places: Place[] }) | undefined {
  const { message } = entry;
  const usage = isRaw(message.usage) ? message.usage : undefined;
  const count = (key: string): number => numberAt(usage, key);
  const isEmpty = count('output') === 0 && blocksOf(message).length === 0;
  if (message.stopReason === 'error' || (message.stopReason === 'aborted' && isEmpty)) return undefined;
  const [cacheRead, cacheWrite] = [count('cacheRead'), count('cacheWrite')];
  return {
    // Not the provider's: several may have the same.
    id: entry.id.length < 32 ? `${entry.id}@${Date.parse(entry.timestamp)}` : entry.id,
    model: typeof message.model === 'string' && message.model !== '' ? message.model : 'unknown',
    ...(usage !== undefined && {
      tokens: { input: count('input') + cacheRead + cacheWrite, output: count('output'), cacheRead, cacheWrite },
    }),
    agents: agentId === undefined ? [] : [agentId],
    places: [place],
  };
}

const blocksOf = (message: Loose): readonly Loose[] => (Array.isArray(message.content) ? message.content : []);
