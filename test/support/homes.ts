/**
 * A home in which every harness has left its recorded sessions, where it leaves them.
 *
 * out:  `homeOfAll`; `listingOf`, all files below a folder and what is in them
 */
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changedDatabase, framesBetween, walOf } from './sqlite.ts';
import { ALL_STORIES, STORIES } from './stories.ts';

/** Folders in a home that a harness's sessions lie in. */
export const SESSION_FOLDERS: Readonly<Record<string, string>> = {
  'claude-code': '.claude/projects',
  codex: '.codex/sessions',
  openclaw: '.openclaw/agents',
  hermes: '.hermes',
  pi: '.pi/agent/sessions',
};

export const OPENCLAW_DATABASE = '.openclaw/agents/main/agent/openclaw-agent.sqlite';
/** With a log that holds all that happened last, as while Hermes runs. */
export const LIVE_HERMES_DATABASE = '.hermes/profiles/live/state.db';

/** @param stories  of Claude Code; default: all */
export function homeOfAll(stories: readonly string[] = STORIES): string {
  const home = mkdtempSync(join(tmpdir(), 'trace-build-all-'));
  for (const story of stories) copy(join('fixtures/claude-code', story, 'projects'), join(home, '.claude/projects'));
  for (const story of ALL_STORIES.filter((each) => each.startsWith('codex/')))
    copy(join('fixtures', story, 'sessions'), join(home, '.codex/sessions'));
  copy('fixtures/openclaw/2026.6.11-jsonl/agents', join(home, '.openclaw/agents'));
  liveOpenclaw(join(home, OPENCLAW_DATABASE));
  copy('fixtures/hermes/live-wal-0.18.2', join(home, LIVE_HERMES_DATABASE, '..'), /^state\.db/);
  copy('fixtures/hermes/real-run-0.18.2', join(home, '.hermes'), /^state\.db$/);
  copy('fixtures/pi/0.73.1-tools', join(home, '.pi/agent/sessions/--home-dev-project--'), /\.jsonl$/);
  return home;
}

function copy(from: string, to: string, names = /^/): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) if (names.test(name)) cpSync(join(from, name), join(to, name), { recursive: true });
}

/** What was written last lies in the log beside it, as while the gateway runs. */
function liveOpenclaw(path: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  const before = changedDatabase(readFileSync('fixtures/openclaw/2026.9.6-sqlite/openclaw-agent.sqlite'), '');
  const after = changedDatabase(before, 'create table written_last (id integer primary key)');
  const pageSize = before.readUInt16BE(16);
  writeFileSync(path, before);
  writeFileSync(`${path}-wal`, walOf(framesBetween(before, after, pageSize), { pageSize }));
  writeFileSync(`${path}-shm`, Buffer.alloc(32 * 1024));
}

/** Names, digests, times of change: of what was only looked at, all of it stays. */
export function listingOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const path = join(folder, name);
      const stats = lstatSync(path);
      const digest = stats.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
      return `${name} ${stats.size} ${stats.mtimeMs} ${stats.mode.toString(8)} ${digest}`;
    });
}

/** Its bytes under another name. */
export function copied(from: string, to: string): string {
  mkdirSync(join(to, '..'), { recursive: true });
  copyFileSync(from, to);
  return to;
}
