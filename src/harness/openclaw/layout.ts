/**
 * Where OpenClaw and pi keep their sessions, and what names, first lines and rows tell.
 *
 * in:   environment, home, paths, rows
 * out:  `Layout`s, plain data and pure functions; read/ touches the disk
 */
import { grouped } from '../../grouped.ts';
import { utcMs } from '../fields.ts';
import type { DatabaseLayout, DatabaseSession, Row, Stop, TableColumns, ThreadHead, ThreadsLayout } from '../harness.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** `OPENCLAW_HOME` stands for the home, not for the folder in it. */
const stateOf = (env: Environment, home: string): string => env['OPENCLAW_STATE_DIR'] || `${env['OPENCLAW_HOME'] || home}/.openclaw`;

/** From 2026.7.2 on: a database for each agent that was configured. */
export const database: DatabaseLayout = {
  kind: 'database',
  files: (env, home) => [`${stateOf(env, home)}/agents/*/agent/openclaw-agent.sqlite`],
  scopeOf: agentFolderOf,
  tables: ['session_windows', 'transcript_events'],
  listQueries: (columns) => [
    {
      sql: `select w.*, ${has(columns, 'session_nodes', 'label') ? 'n.label' : 'null'} as node_label, ${
        has(columns, 'session_nodes', 'parent_session_key') ? 'n.parent_session_key' : 'null'
      } as node_parent from session_windows w ${has(columns, 'session_nodes', 'session_key') ? 'left join session_nodes n on n.session_key = w.session_key' : ''} order by w.session_id`,
      parameters: [],
    },
    {
      sql: `select session_id, count(*) as events, max(seq) as last, min(created_at) as first_at, max(created_at) as last_at,
        (select coalesce(event_json, event_zstd) from transcript_events h where h.session_id = e.session_id order by seq limit 1) as header
        from transcript_events e group by session_id`,
      parameters: [],
    },
    ...('transcript_rewrite_watermarks' in columns
      ? [{ sql: 'select session_id, generation from transcript_rewrite_watermarks', parameters: [] }]
      : []),
    ...('trajectory_runtime_events' in columns
      ? [
          {
            sql: 'select session_id, count(*) as events, max(created_at) as last_at from trajectory_runtime_events group by session_id',
            parameters: [],
          },
        ]
      : []),
  ],
  sessionsOf,
  lineQueries: (ids, columns) =>
    ['transcript_events', 'trajectory_runtime_events']
      .filter((table) => table in columns)
      .flatMap((table) =>
        ids.map((id) => ({
          sql: `select event_json${has(columns, table, 'event_zstd') ? ', event_zstd' : ''} from ${table} where session_id = ? order by seq`,
          parameters: [id],
        })),
      ),
  lineOf: ({ event_json: json, event_zstd: packed }) => textOf(json) ?? textOf(packed) ?? '',
};

const has = (columns: TableColumns, table: string, column: string): boolean => columns[table]?.includes(column) === true;

const textOf = (value: Row[string] | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
const numberOf = (value: Row[string] | undefined): number | undefined => (typeof value === 'number' ? value : undefined);

function sessionsOf([windows = [], transcripts = [], ...others]: readonly (readonly Row[])[]): readonly DatabaseSession[] {
  const transcriptOf = byId(transcripts);
  const [generations, trajectories] = [
    others.find((rows) => rows.some((row) => 'generation' in row)),
    others.find((rows) => rows.some((row) => 'last_at' in row)),
  ];
  const [generationOf, trajectoryOf] = [byId(generations ?? []), byId(trajectories ?? [])];
  const parentOf = parentsOf(windows.filter((row) => transcriptOf.has(textOf(row['session_id']) ?? '')));
  return windows.flatMap((window): DatabaseSession[] => {
    const id = textOf(window['session_id']);
    const transcript = id === undefined ? undefined : transcriptOf.get(id);
    if (id === undefined || transcript === undefined) return [];
    const parentId = parentOf(window);
    const header = textOf(transcript['header']) ?? '';
    const directory = directoryOf(header);
    const modifiedMs = Math.max(numberOf(transcript['last_at']) ?? 0, numberOf(trajectoryOf.get(id)?.['last_at']) ?? 0);
    const meta = { session_key: window['session_key'], label: window['node_label'], status: window['status'] };
    return [
      {
        id,
        ids: [id],
        ...(parentId !== undefined && { parentId }),
        begunMs: numberOf(transcript['first_at']) ?? 0,
        modifiedMs,
        ...(directory !== undefined && { directory }),
        version: [
          generationOf.get(id)?.['generation'],
          transcript['events'],
          transcript['last'],
          trajectoryOf.get(id)?.['events'],
          window['status'],
        ].join(' '),
        // A conversation can always go on.
        ended: false,
        meta: JSON.stringify(Object.fromEntries(Object.entries(meta).filter(([, value]) => typeof value === 'string'))),
      },
    ];
  });
}

/**
 * Only keys tell who started whom, and a key may have had several windows: an agent belongs to the one that was open when its
 * own first window was made, and so do its later ones, for it is one agent.
 */
function parentsOf(windows: readonly Row[]): (window: Row) => string | undefined {
  const madeMs = (window: Row): number => numberOf(window['created_at']) ?? 0;
  const inTurn = windows.toSorted((a, b) => madeMs(a) - madeMs(b));
  const windowsOf = grouped(inTurn, (window) => textOf(window['session_key']));
  return (window) => {
    const key = textOf(window['session_key']);
    const first = (key !== undefined && windowsOf.get(key)?.[0]) || window;
    const parentKey = textOf(first['parent_session_key']) ?? textOf(first['node_parent']) ?? textOf(first['spawned_by']);
    const parents = parentKey === undefined || parentKey === key ? [] : (windowsOf.get(parentKey) ?? []);
    return textOf((parents.findLast((parent) => madeMs(parent) <= madeMs(first)) ?? parents[0])?.['session_id']);
  };
}

const byId = (rows: readonly Row[]): ReadonlyMap<string, Row> => new Map(rows.map((row) => [textOf(row['session_id']) ?? '', row]));

/** Up to 2026.7.1; newer ones leave such files behind when they move them into the database. */
export const files: ThreadsLayout = {
  kind: 'threads',
  roots: (env, home) => [`${stateOf(env, home)}/agents`],
  scopeOf: agentFolderOf,
  // What was put away, packed and in folders below, is read when it is named: an agent's would be a session here, told once more.
  threadOf: (path) => (isBeside(path) ? undefined : /\/agents\/[^/]+\/sessions\/([^/]+)\.jsonl$/.exec(slashed(path))?.[1]),
  isBeside,
  topOf: folderOf,
  headOf,
  companionOf: (path) => path.replace(/\.jsonl(\.zst)?$/, '.trajectory.jsonl$1'),
  timeOf,
  directoryOf,
  hasStop,
};

/** pi on its own: the same entries, without a trajectory. */
export const piFiles: ThreadsLayout = {
  kind: 'threads',
  roots: (env, home) => [`${env['PI_CODING_AGENT_DIR'] || `${home}/.pi/agent`}/sessions`],
  threadOf: (path) => /\/\d{4}-\d\d-\d\dT[\d-]+Z_([0-9a-f-]{36})\.jsonl$/.exec(slashed(path))?.[1],
  topOf: folderOf,
  headOf,
  timeOf,
  directoryOf,
  hasStop,
};

/** The trajectory of a session; what it was before a compaction. */
function isBeside(path: string): boolean {
  return /\.(?:trajectory|checkpoint\.[^/\\]*)\.jsonl(?:\.zst)?$/.test(path);
}

const slashed = (path: string): string => path.replaceAll('\\', '/');

function folderOf(path: string): string {
  return path.replace(/[\\/][^\\/]*$/, '');
}

/** Of an agent that the user configured: sessions of two of them may go by one name. */
function agentFolderOf(path: string): string {
  return /^.*\/agents\/[^/]+(?=\/(?:agent|sessions)\/)/.exec(slashed(path))?.[0] ?? '';
}

function headOf(firstLine: string, path: string): ThreadHead | undefined {
  if (!/^\s*\{"type":"session","version":\d/.test(firstLine)) return undefined;
  const id = /"id":"([^"\\]+)"/.exec(firstLine)?.[1];
  if (id === undefined) return {};
  // A session of a channel has a file for each of its topics, all of which begin alike.
  const topic = /-topic-[^/]+?(?=\.jsonl)/.exec(slashed(path))?.[0];
  return { threadId: topic === undefined || id.endsWith(topic) ? id : `${id}${topic}` };
}

function timeOf(lineHead: string): number | undefined {
  const atMs = utcMs(/"(?:timestamp|ts)":"([^"]{10,40})"/.exec(lineHead)?.[1] ?? '');
  return Number.isNaN(atMs) ? undefined : atMs;
}

function directoryOf(head: string): string | undefined {
  const quoted = /"cwd":("(?:[^"\\]|\\.)*")/.exec(head)?.[1];
  try {
    return quoted === undefined ? undefined : (JSON.parse(quoted) as string);
  } catch {
    return undefined; // Not JSON after all.
  }
}

/** Entries are written before the hook runs. */
function hasStop(lastLines: readonly string[], { atMs }: Stop): boolean {
  return lastLines.some((line) => line.includes('"role":"assistant"') && (timeOf(line) ?? 0) <= atMs);
}
