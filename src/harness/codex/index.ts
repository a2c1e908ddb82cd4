/**
 * Codex as a harness: everything vendor-specific is in this folder. Format: README.md here.
 *
 * in:   the rollouts of one session: the root thread's, and those of its agents
 * out:  `codex`
 */
import type { Harness, Wants } from '../harness.ts';
import { layout } from './layout.ts';
import { normalise, resume } from './normalise.ts';
import { type ParsedThread, parseFile } from './records.ts';
import { recount } from './recount.ts';

export const codex: Harness<ParsedThread> = { name: 'codex', layouts: [layout], parse: parseFile, wants, normalise, resume, recount };

/** Agents of turns that were copied by a fork lie with the original. */
function wants(main: ParsedThread, agentIds: ReadonlySet<string>): Wants {
  const { turns, meta } = main.told;
  const started = turns.flatMap(({ spawned }) => [...spawned.keys()]);
  return {
    agents: [...new Set(started)].filter((id) => !agentIds.has(id)),
    sessionPrefixes: [],
    ...(meta?.cwd !== undefined && { directory: meta.cwd }),
  };
}
