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

export function recount({ main, agents }: RawFiles): Recount {
  const unusable: Unusable[] = [];
  const responses = new Map<string, CountedResponse & { places: Place[] }>();
  const calls = new Map<string, Place[]>();
  const startedBy = new Map<string, string[]>();
  const read = (file: TranscriptFile, agentId: string | undefined): void => {
    for (const { place, entry } of messagesOf(file, unusable)) {
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
  const given = grouped(agents, (agent) => textAt(jsonOf(agent.meta ?? ''), 'session_key') ?? agent.id);
  return {
    responses: [...responses.values()],
    toolCalls: [...calls].map(([id, places]) => ({ id, places })),
    agents: [...given].map(
      ([key, files]): CountedAgent => ({
        id: files[0]!.id,
        ids: files.map(({ id }) => id),
        startedBy: startedBy.get(key) ?? [],
        places: files.map(({ name }) => ({ file: name, line: 0 })),
      }),
    ),
    unusable,
    missing: [...startedBy]
      .filter(([key]) => !given.has(key))
      .map(([id, by]) => ({ id, places: by.flatMap((call) => calls.get(call) ?? []) })),
  };
}

function* messagesOf(file: TranscriptFile, unusable: Unusable[]): Generator<{ place: Place; entry: Loose }> {
  const latest = new Map<string, { place: Place; entry: Loose }>();
  for (const { value, place } of rawLinesOf(file, unusable)) {
    const entry: Loose = value;
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
  const responseId = typeof message.responseId === 'string' && message.responseId !== '' ? message.responseId : undefined;
  const short = entry.id.length < 32 ? `${entry.id}@${Date.parse(entry.timestamp)}` : entry.id;
  const [cacheRead, cacheWrite] = [count('cacheRead'), count('cacheWrite')];
  return {
    id: responseId ?? short,
    model: typeof message.model === 'string' && message.model !== '' ? message.model : 'unknown',
    ...(usage !== undefined && {
      tokens: { input: count('input') + cacheRead + cacheWrite, output: count('output'), cacheRead, cacheWrite },
    }),
    agents: agentId === undefined ? [] : [agentId],
    places: [place],
  };
}

const blocksOf = (message: Loose): readonly Loose[] => (Array.isArray(message.content) ? message.content : []);
