/**
 * An auditor's count of what the lines of OpenClaw and pi hold. On purpose it shares no code with the parser beside it.
 *
 * in:   the raw lines of a session and of its sub-agents
 * out:  `Recount`
 *
 * An answer is an assistant's message that is neither an error nor an empty one that was broken off; a call stands in an
 * answer, or has only a result, for calls of tools that don't exist are not kept.
 */
import { grouped } from '../../grouped.ts';
import type { TranscriptFile } from '../harness.ts';
import {
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
  const calls = new Map<string, Place[]>();
  const startedBy = new Map<string, string[]>();
  const runIds = new Set<string>();
  const read = (file: TranscriptFile, agentId: string | undefined): void => {
    for (const { place, entry } of messagesOf(file, unusable, runIds)) {
      const message: Loose = entry.message;
      if (message.role === 'toolResult' && typeof message.toolCallId === 'string') {
        if (!calls.has(message.toolCallId)) calls.set(message.toolCallId, [place]);
        const child = message.details?.childSessionKey;
        if (typeof child === 'string') startedBy.set(child, [...new Set([...(startedBy.get(child) ?? []), message.toolCallId])]);
      }
      if (message.role !== 'assistant') continue;
      for (const block of blocksOf(message))
        if (block?.type === 'toolCall' && typeof block.id === 'string') calls.set(block.id, [...(calls.get(block.id) ?? []), place]);
      const response = responseIn(entry, place, agentId);
      if (response === undefined) continue;
      const known = responses.get(response.id);
      if (known === undefined) responses.set(response.id, response);
      else known.places.push(place);
    }
  };
  read(main, undefined);
  for (const agent of agents) read(agent, agent.id);
  // Sessions of one key, one after another, are one agent.
  const given = grouped(agents, (agent) => keyIn(agent) ?? agent.id);
  const named = [...startedBy].filter(([key]) => !given.has(key));
  const placesOf = (by: readonly string[]): readonly Place[] => by.flatMap((call) => calls.get(call) ?? []);
  const isAnswered = (key: string): boolean => [...runIds].some((id) => id.startsWith('announce:') && id.includes(`:${key}:`));
  // One that has written nothing yet is told as an agent that is at work, until its answer or the end.
  const awaited = new Set(named.flatMap(([key]) => (ended || isAnswered(key) || isOfAnother(key, keyIn(main)) ? [] : [key])));
  return {
    responses: [...responses.values()],
    toolCalls: [...calls].map(([id, places]) => ({ id, places })),
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
    if (entry.type === 'message' && typeof entry.id === 'string' && !Number.isNaN(Date.parse(entry.timestamp)) && isRaw(entry.message))
      latest.set(entry.id, { place, entry });
  }
  yield* latest.values();
}

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
