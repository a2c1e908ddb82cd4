/**
 * Where Claude Code keeps its transcripts, and what the names of files tell.
 *
 * in:   environment, home, paths relative to a project's folder
 * out:  `Layout`, plain data and pure functions; read/ touches the disk
 */
import { utcMs } from '../fields.ts';
import type { FileKind, ProjectsLayout, Stop } from '../harness.ts';

/** Longest folder name the CLI makes of a path before it shortens it with a hash we don't know. */
const MAX_FOLDER_CHARS = 200;

export const layout: ProjectsLayout = {
  kind: 'projects',
  roots: (env, home) => [`${env['CLAUDE_CONFIG_DIR'] || `${home}/.claude`}/projects`],
  projectFolder: (directory) => directory.replace(/[^A-Za-z0-9]/g, '-').slice(0, MAX_FOLDER_CHARS),
  classify,
  agentFolders: ['subagents'],
  sessionOf: (firstLine) => /"sessionId":"([^"]+)"/.exec(firstLine)?.[1],
  timeOf: (lineHead) => {
    const atMs = utcMs(/"timestamp":"([^"]{10,40})"/.exec(lineHead)?.[1] ?? '');
    return Number.isNaN(atMs) ? undefined : atMs;
  },
  directoryOf: (head) => {
    const quoted = /"cwd":("(?:[^"\\]|\\.)*")/.exec(head)?.[1];
    return quoted === undefined ? undefined : unquoted(quoted);
  },
  hasStop,
};

/** Hooks run before the last lines of a turn are written. Where there are hooks, a summary of them follows the turn. */
function hasStop(lastLines: readonly string[], { atMs, lastMessage }: Stop): boolean {
  return lastLines.some((line) => {
    if (line.includes('"stop_hook_summary"')) return (layout.timeOf(line) ?? 0) >= atMs - CLOCK_SLACK_MS;
    return lastMessage !== undefined && line.includes('"type":"assistant"') && line.includes(escapedText(lastMessage));
  });
}

/** A file's time may be coarser than a line's. */
const CLOCK_SLACK_MS = 20;

/** The CLI trims what it tells its hooks; its lines are the JSON of JavaScript, as ours. */
const escapedText = (text: string): string => JSON.stringify(text.trim()).slice(1, -1);

function unquoted(json: string): string | undefined {
  try {
    return JSON.parse(json) as string;
  } catch {
    return undefined; // Not JSON after all.
  }
}

/**
 *   <session>.jsonl                                             a session
 *   <session>/subagents/agent-<id>.jsonl                        its sub-agent
 *   <session>/subagents/workflows/<run>/agent-<id>.jsonl        an agent of a workflow
 *   agent-<id>.jsonl                                            a sub-agent of 2.0.76, beside the sessions
 */
function classify(relativePath: string): FileKind | undefined {
  const parts = relativePath.split('/');
  const agentId = /^agent-(.+)\.jsonl$/.exec(parts.at(-1)!)?.[1];
  if (parts.length === 1) {
    if (agentId !== undefined) return { kind: 'agent', agentId };
    const sessionId = /^(.+)\.jsonl$/.exec(relativePath)?.[1];
    return sessionId === undefined ? undefined : { kind: 'session', sessionId };
  }
  const [sessionId, folder, subfolder, group] = parts;
  if (agentId === undefined || folder !== 'subagents') return undefined;
  if (parts.length === 3) return { kind: 'agent', agentId, sessionId: sessionId! };
  return parts.length === 5 && subfolder === 'workflows' ? { kind: 'agent', agentId, sessionId: sessionId!, group: group! } : undefined;
}
