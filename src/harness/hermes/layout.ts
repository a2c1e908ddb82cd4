/**
 * Where Hermes keeps its sessions, and what its tables tell of them.
 *
 * in:   environment, home, the columns there are, rows
 * out:  `layout`, plain data and pure functions; read/ asks the database
 *
 * A session that outgrew its context may go on as another one: the whole chain is one session here, under the id of its first.
 */
import { grouped } from '../../grouped.ts';
import type { DatabaseLayout, DatabaseSession, Query, Row, TableColumns } from '../harness.ts';

export const layout: DatabaseLayout = {
  kind: 'database',
  files: (env, home) => {
    const root = env['HERMES_HOME'] || `${home}/.hermes`;
    return [`${root}/state.db`, `${root}/profiles/*/state.db`];
  },
  tables: ['sessions', 'messages', 'schema_version'],
  listQueries,
  sessionsOf,
  lineQueries,
  lineOf: (row) => JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)),
  hasSpool: true,
};

/** `TranscriptFile.meta`, as JSON: what the database itself says of a session and its continuations. */
export interface SessionMeta {
  /** Rows of `sessions`, oldest first. */
  readonly sessions: readonly Row[];
  /** Rows of `session_model_usage`. */
  readonly models: readonly Row[];
  /** Number of rows in `messages`: with more or fewer lines, these totals are of another moment. */
  readonly messages: number;
  /** Of a branch: the first session of the chain that it was copied from. */
  readonly origin?: string;
}

export const COUNTS = ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'reasoning_tokens', 'api_call_count'];
const COSTS = ['estimated_cost_usd', 'actual_cost_usd'];
const SESSION_COLUMNS = [
  ...['id', 'source', 'model', 'model_config', 'parent_session_id', 'started_at', 'ended_at', 'end_reason', 'rewind_count'],
  ...['cwd', 'git_branch', 'billing_provider', ...COUNTS, ...COSTS],
];
const MODEL_COLUMNS = ['session_id', 'model', 'billing_provider', ...COUNTS, ...COSTS];
const MESSAGE_COLUMNS = [
  ...['id', 'session_id', 'role', 'content', 'tool_call_id', 'tool_calls', 'tool_name', 'timestamp', 'finish_reason', 'reasoning'],
  ...['active', 'compacted', '_compressed_summary', 'display_kind'],
];

/** The answers come back in order, but which tables there are differs: each row says what it is. */
function listQueries(columns: TableColumns): readonly Query[] {
  const models = present(columns, 'session_model_usage', MODEL_COLUMNS);
  const flags = present(columns, 'messages', ['active', 'compacted']).map((name) => `sum(${name}) as ${name}`);
  return [
    `select 'session' as kind, ${listed(present(columns, 'sessions', SESSION_COLUMNS))} from sessions`,
    `select 'rows' as kind, ${['session_id, count(*) as rows, max(id) as newest, max(timestamp) as last_at', ...flags].join(', ')} from messages group by session_id`,
    ...(models.length === 0 ? [] : [`select 'model' as kind, ${listed(models)} from session_model_usage order by first_seen`]),
  ].map((sql) => ({ sql, parameters: [] }));
}

function lineQueries(ids: readonly string[], columns: TableColumns): readonly Query[] {
  const sql = `select ${listed(present(columns, 'messages', MESSAGE_COLUMNS))} from messages where session_id = ? order by id`;
  return ids.map((id) => ({ sql, parameters: [id] }));
}

const present = (columns: TableColumns, table: string, wanted: readonly string[]): readonly string[] =>
  wanted.filter((name) => columns[table]?.includes(name));
const listed = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');

function sessionsOf(answers: readonly (readonly Row[])[]): readonly DatabaseSession[] {
  const rows = answers.flat();
  const sessions = rows.filter(({ kind }) => kind === 'session').toSorted((a, b) => seconds(a['started_at']) - seconds(b['started_at']));
  const byId = new Map(sessions.map((session) => [text(session['id']), session]));
  const facts = new Map(rows.flatMap((row) => (row['kind'] === 'rows' ? [[text(row['session_id']), row] as const] : [])));

  const next = new Map<string, string>();
  const continued = new Set<string>();
  for (const session of sessions) {
    const parentId = text(session['parent_session_id']);
    if (kindOf(session, byId.get(parentId)) !== 'continuation' || next.has(parentId)) continue;
    next.set(parentId, text(session['id']));
    continued.add(text(session['id']));
  }
  const chainOf = (id: string): string[] => {
    const ids = new Set<string>();
    for (let at: string | undefined = id; at !== undefined && !ids.has(at); at = next.get(at)) ids.add(at);
    return [...ids];
  };
  const chains = sessions.flatMap((session) => (continued.has(text(session['id'])) ? [] : [chainOf(text(session['id']))]));
  const firstOf = new Map(chains.flatMap((ids) => ids.map((id) => [id, ids[0]!] as const)));

  const models = rows.filter(({ kind }) => kind === 'model');
  const modelsOf = grouped(models, (row) => firstOf.get(text(row['session_id'])));

  return chains.map((ids): DatabaseSession => {
    const own = ids.map((id) => byId.get(id)!);
    const [first, last] = [own[0]!, own.at(-1)!];
    const about = ids.flatMap((id): Row[] => {
      const row = facts.get(id);
      return row === undefined ? [] : [row];
    });
    const parentId = text(first['parent_session_id']);
    const kind = kindOf(first, byId.get(parentId));
    const origin = kind === 'branch' ? (firstOf.get(parentId) ?? parentId) : undefined;
    const directory = own.map(({ cwd }) => text(cwd)).find((cwd) => cwd !== '');
    const meta: SessionMeta = {
      sessions: own,
      models: modelsOf.get(ids[0]!) ?? [],
      messages: about.reduce((sum, row) => sum + Number(row['rows']), 0),
      ...(origin !== undefined && { origin }),
    };
    return {
      id: ids[0]!,
      ids,
      ...(kind === 'agent' && { parentId: firstOf.get(parentId) ?? parentId }),
      begunMs: ms(first['started_at']),
      modifiedMs: Math.max(
        ...own.map((row) => Math.max(ms(row['started_at']), ms(row['ended_at']))),
        ...about.map((row) => ms(row['last_at'])),
      ),
      ...(directory !== undefined && { directory }),
      version: JSON.stringify([...about.map(versionOf), ...own.map(versionOf)]),
      ended: last['ended_at'] != null && last['end_reason'] !== 'compression',
      meta: layout.lineOf(meta as unknown as Row),
    };
  });
}

/** What has been changed shows in one of these, whether rows were added, replaced or only marked. */
const versionOf = (row: Row): readonly unknown[] =>
  ['rows', 'newest', 'active', 'compacted', 'ended_at', 'end_reason', 'rewind_count', ...COUNTS, ...COSTS].map((name) => row[name] ?? 0);

/** Marks are inherited: one counts only where it names the parent itself. */
function kindOf(session: Row, parent: Row | undefined): 'session' | 'agent' | 'branch' | 'continuation' {
  const parentId = text(session['parent_session_id']);
  if (parentId === '' || parentId === text(session['id'])) return 'session';
  const config = text(session['model_config']);
  const says = (mark: string): boolean =>
    config.includes(`"${mark}": ${JSON.stringify(parentId)}`) || config.includes(`"${mark}":${JSON.stringify(parentId)}`);
  if (says('_delegate_from')) return 'agent';
  if (says('_branched_from')) return 'branch';
  if (says('_reset_from')) return 'session';
  if (session['source'] === 'subagent' && parent?.['source'] !== 'subagent') return 'agent';
  return parent?.['end_reason'] === 'compression' && parent['source'] === session['source'] ? 'continuation' : 'session';
}

const text = (value: Row[string] | undefined): string => (typeof value === 'string' ? value : '');
const seconds = (value: Row[string] | undefined): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
const ms = (value: Row[string] | undefined): number => Math.round(seconds(value) * 1000);
