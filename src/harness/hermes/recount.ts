/**
 * An auditor's count of what Hermes's rows hold. On purpose it shares no code with the parser beside it.
 *
 * in:   the raw lines of a session and of its agents, a row each
 * out:  `Recount`
 *
 * An answer is an assistant's row; one that a compaction wrote again, in one go with its summary, is no second answer. It has no
 * id that stays: its text and calls have to do, and of several that say the same their order.
 */
import type { TranscriptFile } from '../harness.ts';
import {
  type Counted,
  type CountedAccount,
  type CountedAgent,
  type CountedResponse,
  type Declared,
  isRaw,
  jsonOf,
  type Place,
  type RawFiles,
  type Recount,
  rawLinesOf,
  sumOf,
  type Tokens,
  type Unusable,
} from '../recount.ts';

// biome-ignore lint/suspicious/noExplicitAny: a stranger's JSON, looked at with `?.` only
type Loose = any;

interface Numbered {
  readonly line: number;
  readonly row: Loose;
}

export function recount({ main, agents, ended = false }: RawFiles): Recount {
  const unusable: Unusable[] = [];
  const responses: CountedResponse[] = [];
  const calls = new Map<string, Place[]>();
  const accounts: CountedAccount[] = [];
  const files = [{ file: main, agentId: undefined }, ...agents.map((agent) => ({ file: agent, agentId: agent.id }))].map(
    ({ file, agentId }) => ({
      file,
      agentId,
      ...rowsIn(file, unusable),
    }),
  );
  const told = requestsIn(files.flatMap(({ hooks }) => hooks));
  for (const { file, agentId, rows } of files) {
    const meta = describedIn(file);
    const given = new Map<string, number>();
    const answers = answersIn(rows);
    const isOver = ended || typeof meta.sessions?.at(-1)?.ended_at === 'number' || hasAnswered(rows);
    for (const { line, row } of answers) {
      const places = [{ file: file.name, line }];
      const asked = callsOf(row);
      for (const id of asked) calls.set(id, [...(calls.get(id) ?? []), ...places]);
      const said = digestOf(`${digestOf(textOf(row))} ${asked.join(' ')}`);
      const time = (given.get(said) ?? 0) + 1;
      given.set(said, time);
      const id = `${agentId === undefined ? '' : `${agentId}/`}${said}${time > 1 ? `#${time}` : ''}`;
      const request = told.findLast(
        (each) => !each.taken && each.session === row.session_id && each.at <= row.timestamp + 0.005 && each.at >= row.timestamp - 2,
      );
      if (request !== undefined) request.taken = true;
      // Where an agent asked once and asks no more, its account is that call's.
      const alone = agentId !== undefined && isOver && answers.length === 1 && meta.messages === rows.length ? onlyCall(meta) : undefined;
      const tokens = request === undefined ? alone : request.tokens;
      responses.push({
        id,
        model: request?.model ?? modelOf(meta, row.session_id),
        ...(tokens !== undefined && { tokens }),
        agents: agentId === undefined ? [] : [agentId],
        places,
      });
    }
    const own = responses.slice(responses.length - answers.length);
    const isWhole = meta.messages === rows.length && (agentId === undefined || isOver);
    if (isWhole && own.length > 0 && own.every(({ tokens }) => tokens === undefined)) accounts.push(...accountOf(file, agentId, meta));
  }
  const declared = declaredIn(main);
  return {
    responses,
    toolCalls: [...calls].map(([id, places]): Counted => ({ id, places })),
    agents: agents.map(({ id, name }): CountedAgent => ({ id, ids: [id], startedBy: [], places: [{ file: name, line: 0 }] })),
    unusable,
    missing: [],
    accounts,
    ...(declared !== undefined && { declared }),
  };
}

interface Request {
  readonly session: unknown;
  /** Seconds. */
  readonly at: number;
  readonly model: string | undefined;
  readonly tokens: Tokens | undefined;
  taken: boolean;
}

function requestsIn(hooks: readonly Loose[]): Request[] {
  const byId = new Map<unknown, Request>();
  for (const { hook_event_name: event, session_id: session, extra } of hooks) {
    if (event !== 'post_api_request' || typeof extra?.ended_at !== 'number' || byId.has(extra.api_request_id)) continue;
    const tokens = extra.usage ? tokensOf(extra.usage) : undefined;
    byId.set(extra.api_request_id, {
      session,
      at: extra.ended_at,
      model: extra.response_model || extra.model || undefined,
      tokens,
      taken: false,
    });
  }
  return [...byId.values()].toSorted((one, other) => one.at - other.at);
}

function onlyCall(meta: Loose): Tokens | undefined {
  const [session, ...more] = meta.sessions ?? [];
  return more.length === 0 && session?.api_call_count === 1 ? tokensOf(session) : undefined;
}

function accountOf({ name }: TranscriptFile, agentId: string | undefined, meta: Loose): CountedAccount[] {
  const sessions: Loose[] = meta.sessions ?? [];
  const sum = (of: (row: Loose) => number): number => sessions.reduce((total, row) => total + of(row), 0);
  if (sum((row) => row.api_call_count ?? 0) === 0) return [];
  const tokens = sessions.map(tokensOf).reduce(sumOf);
  const costUsd = sum((row) => row.actual_cost_usd || row.estimated_cost_usd || 0);
  return [{ ...(agentId !== undefined && { agentId }), tokens, ...(costUsd > 0 && { costUsd }), place: { file: name, line: 0 } }];
}

function tokensOf(row: Loose): Tokens {
  const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
  const [cacheRead, cacheWrite] = [number(row.cache_read_tokens), number(row.cache_write_tokens)];
  return { input: number(row.input_tokens) + cacheRead + cacheWrite, output: number(row.output_tokens), cacheRead, cacheWrite };
}

function rowsIn(file: TranscriptFile, unusable: Unusable[]): { rows: Numbered[]; hooks: Loose[] } {
  const rows: Numbered[] = [];
  const hooks: Loose[] = [];
  const read = new Set<string>();
  for (const { value, place } of rawLinesOf(file, unusable)) {
    const row: Loose = value;
    if (row.hook_event_name !== undefined) hooks.push(row);
    else if (typeof row.timestamp !== 'number' || !(row.timestamp > 0)) unusable.push({ place, why: 'no time' });
    else if (row.id === undefined || !read.has(`${row.session_id} ${row.id}`)) {
      read.add(`${row.session_id} ${row.id}`);
      rows.push({ line: place.line, row });
    }
  }
  return { rows, hooks };
}

/** What a compaction wrote again is no answer. */
function answersIn(rows: readonly Numbered[]): Numbered[] {
  const seen = new Set<string>();
  return rows.filter(({ row }, at) => {
    if (row.role !== 'assistant') return false;
    const key = JSON.stringify([textOf(row), callsOf(row)]);
    const again = seen.has(key) && isNextToSummary(rows, at);
    seen.add(key);
    return !again;
  });
}

const hasAnswered = (rows: readonly Numbered[]): boolean => {
  const last = rows.at(-1)?.row;
  return last?.role === 'assistant' && callsOf(last).length === 0 && !['length', 'incomplete'].includes(last.finish_reason);
};

/** Row by row, none more than a third of a millisecond from the next. */
function isNextToSummary(rows: readonly Numbered[], at: number): boolean {
  return [-1, 1].some((step) => {
    for (let i = at; rows[i + step] !== undefined; i += step) {
      if (Math.abs(rows[i + step]!.row.timestamp - rows[i]!.row.timestamp) > 0.0003) return false;
      if (rows[i + step]!.row._compressed_summary === 1 || textOf(rows[i + step]!.row).startsWith('[CONTEXT COMPACTION')) return true;
    }
    return false;
  });
}

function callsOf(row: Loose): string[] {
  const list = typeof row.tool_calls === 'string' ? jsonOf(row.tool_calls) : row.tool_calls;
  if (!Array.isArray(list)) return [];
  return list.flatMap((call: Loose) => {
    const id = call?.id || call?.call_id;
    return typeof id === 'string' && (call?.function?.name ?? call?.name) ? [id] : [];
  });
}

function textOf(row: Loose): string {
  const content = typeof row.content === 'string' ? row.content : '';
  if (!content.startsWith('\0json:')) return content;
  const list = jsonOf(content.slice(6));
  return Array.isArray(list) ? list.flatMap((part: Loose) => (typeof part?.text === 'string' ? [part.text] : [])).join('\n') : '';
}

function modelOf(meta: Loose, sessionId: unknown): string {
  const used = [...new Set((meta.models ?? []).flatMap((row: Loose) => (row.session_id === sessionId && row.model ? [row.model] : [])))];
  if (used.length > 1) return 'unknown';
  const session = (meta.sessions ?? []).find((row: Loose) => row.id === sessionId) ?? meta.sessions?.[0];
  return (used[0] as string | undefined) ?? (session?.model || 'unknown');
}

/** What each model was asked for, by Hermes's own account: no row tells which call it was for. */
function declaredIn(file: TranscriptFile): Declared | undefined {
  const models: Loose[] = describedIn(file).models ?? [];
  if (!Array.isArray(models) || models.length === 0) return undefined;
  return {
    name: 'session_model_usage',
    place: { file: file.name, line: 0 },
    byModel: models.map((row) => ({ model: String(row.model), tokens: tokensOf(row) })),
    incomparable: 'Hermes counts tokens per session, not per call',
  };
}

/** What is known of the session as a whole. */
function describedIn({ meta }: TranscriptFile): Loose {
  const value = jsonOf(meta ?? '');
  return isRaw(value) ? value : {};
}

/** cyrb53, as the README has it. */
function digestOf(text: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < text.length; at++) {
    a = Math.imul(a ^ text.charCodeAt(at), 0x9e3779b1);
    b = Math.imul(b ^ text.charCodeAt(at), 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return ((b & 0x1fffff) * 2 ** 32 + (a >>> 0)).toString(36);
}
