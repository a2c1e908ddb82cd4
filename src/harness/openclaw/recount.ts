/**
 * An auditor's count of what the lines of OpenClaw and pi hold. On purpose it shares no code with the parser beside it.
 *
 * in:   the raw lines of a session and of its sub-agents
 * out:  `Recount`
 *
 * An answer is an assistant's message that is neither an error nor an empty one that was broken off; a call stands in an
 * answer, or has only a result, for calls of tools that don't exist are not kept.
 */
import type { Line, TranscriptFile } from '../harness.ts';
import type { CountedAgent, CountedResponse, Place, RawFiles, Recount, Unusable } from '../recount.ts';

// biome-ignore lint/suspicious/noExplicitAny: a stranger's JSON, looked at with `?.` only
type Loose = any;

export function recount({ main, agents }: RawFiles): Recount {
  const unusable: Unusable[] = [];
  const responses = new Map<string, CountedResponse & { places: Place[] }>();
  const calls = new Map<string, Place[]>();
  const startedBy = new Map<string, string[]>();
  const read = (file: TranscriptFile, agentId: string | undefined): void => {
    if (file.unreadable !== undefined) unusable.push({ place: { file: file.name, line: 0 }, why: file.unreadable });
    for (const { line, entry } of messagesOf(file, unusable)) {
      const place = { file: file.name, line };
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
  const counted = agents.map((agent): CountedAgent & { key: string } => {
    const key = keyIn(agent.meta) ?? agent.id;
    return { key, id: agent.id, ids: [agent.id], startedBy: startedBy.get(key) ?? [], places: [{ file: agent.name, line: 0 }] };
  });
  const given = new Set(counted.map(({ key }) => key));
  return {
    responses: [...responses.values()],
    toolCalls: [...calls].map(([id, places]) => ({ id, places })),
    agents: counted.map(({ key: _, ...agent }) => agent),
    unusable,
    missing: [...startedBy]
      .filter(([key]) => !given.has(key))
      .map(([id, by]) => ({ id, places: by.flatMap((call) => calls.get(call) ?? []) })),
  };
}

function* messagesOf(file: TranscriptFile, unusable: Unusable[]): Generator<{ line: number; entry: Loose }> {
  const latest = new Map<string, { line: number; entry: Loose }>();
  let line = (file.firstLine ?? 1) - 1;
  for (const text of file.lines) {
    line++;
    const entry = parsed(text);
    if (entry === undefined) unusable.push({ place: { file: file.name, line }, why: 'no JSON object' });
    // Without an id or a time it can't be placed, here or in the trace.
    else if (
      entry?.type === 'message' &&
      typeof entry.id === 'string' &&
      !Number.isNaN(Date.parse(entry.timestamp)) &&
      isObject(entry.message)
    )
      latest.set(entry.id, { line, entry });
  }
  yield* latest.values();
}

function responseIn(entry: Loose, place: Place, agentId: string | undefined): (CountedResponse & { places: Place[] }) | undefined {
  const { message } = entry;
  const usage = isObject(message.usage) ? message.usage : undefined;
  const count = (key: string): number => (Number.isSafeInteger(usage?.[key]) && usage[key] >= 0 ? usage[key] : 0);
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

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

function keyIn(meta: string | undefined): string | undefined {
  try {
    const key = JSON.parse(meta ?? '{}')?.session_key;
    return typeof key === 'string' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** @returns null for an empty line, undefined for one that holds no object */
function parsed(line: Line): Loose {
  const text = (typeof line === 'string' ? line : new TextDecoder().decode(line)).replace(/^[\0\ufeff]+/, '').trim();
  if (text === '') return null;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
