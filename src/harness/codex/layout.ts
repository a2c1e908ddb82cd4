/**
 * Where Codex keeps its rollouts, and what the names of files and single lines tell.
 *
 * in:   environment, home, paths, first and last lines
 * out:  `layout`, plain data and pure functions; read/ touches the disk
 */
import { isObject, parsedJson } from '../../json.ts';
import { utcMs } from '../fields.ts';
import type { Stop, ThreadHead, ThreadsLayout } from '../harness.ts';
import { madeAtMs, metaOf } from './meta.ts';

const FILE = /(?:^|\/)rollout-[^/]*?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.jsonl(?:\.zst)?$/;
const DAY = /^(.*)\/\d{4}\/\d{2}\/\d{2}\/[^/]*$/;

export const layout: ThreadsLayout = {
  kind: 'threads',
  roots: (env, home) => {
    const codexHome = env['CODEX_HOME'] || `${home}/.codex`;
    return [`${codexHome}/sessions`, `${codexHome}/archived_sessions`];
  },
  threadOf: (path) => FILE.exec(path)?.[1],
  topOf: (path) => DAY.exec(path)?.[1] ?? (path.slice(0, Math.max(0, path.lastIndexOf('/'))) || '.'),
  isOlder: (threadId, than) => (madeAtMs(threadId) ?? Number.POSITIVE_INFINITY) < (madeAtMs(than) ?? 0) - CLOCK_STEP_MS,
  headOf,
  timeOf,
  directoryOf: (head) => {
    const quoted = /"cwd":("(?:[^"\\]|\\.)*")/.exec(head)?.[1];
    const text = quoted === undefined ? undefined : parsedJson(quoted);
    return typeof text === 'string' ? text : undefined;
  },
  hasStop,
};

function timeOf(lineHead: string): number | undefined {
  const atMs = utcMs(/"timestamp":"([^"]{10,40})"/.exec(lineHead)?.[1] ?? '');
  return Number.isNaN(atMs) ? undefined : atMs;
}

function headOf(firstLine: string): ThreadHead | undefined {
  const line = parsedJson(firstLine) ?? parsedJson(beginning(firstLine));
  if (!isObject(line)) return undefined;
  const isMeta = line['type'] === 'session_meta' && isObject(line['payload']);
  const meta = isMeta ? metaOf(line['payload'] as Record<string, unknown>) : line['type'] === undefined ? metaOf(line) : undefined;
  if (meta === undefined) return undefined;
  const { threadId, parentThreadId, rootThreadId } = meta;
  return {
    threadId,
    ...(parentThreadId !== undefined && { parentThreadId }),
    ...(rootThreadId !== undefined && { rootThreadId }),
  };
}

/** A line cut off in the midst of its instructions still tells what stands before them. */
function beginning(line: string): string {
  const at = line.search(/,"(?:base_)?instructions":/);
  return at < 0 ? '' : `${line.slice(0, at)}}${line.includes('"payload":{') ? '}' : ''}`;
}

/** The hook runs before the line that ends the turn is written. */
function hasStop(lastLines: readonly string[], { atMs }: Stop): boolean {
  return lastLines.some((line) => /"type":"(?:task_complete|turn_aborted)"/.test(line) && (timeOf(line) ?? 0) >= atMs - CLOCK_SLACK_MS);
}

/** A clock may be set back while agents are made. */
const CLOCK_STEP_MS = 60 * 60_000;

/** A file's time may be coarser than a line's. */
const CLOCK_SLACK_MS = 20;
