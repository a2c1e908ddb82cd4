/**
 * Claude Code as a harness: everything vendor-specific is in this folder. Format: README.md here.
 *
 * in:   the files of one session
 * out:  `claudeCode`
 */
import type { Harness, Wants } from '../harness.ts';
import { layout } from './layout.ts';
import { normalise, resume } from './normalise.ts';
import { type ParsedFile, parseFile } from './records.ts';
import { recount } from './recount.ts';

export const claudeCode: Harness<ParsedFile> = {
  name: 'claude-code',
  layouts: [layout],
  parse: parseFile,
  wants,
  normalise,
  resume,
  recount,
};

function wants(main: ParsedFile, agentIds: ReadonlySet<string>): Wants {
  const named = main.records.flatMap((record) =>
    record.kind === 'user' ? record.results.flatMap(({ details }) => details.agentId ?? []) : [],
  );
  const team = main.records.find((record) => record.context.team !== undefined && record.context.teammate !== undefined)?.context.team;
  const lead = /^session-([0-9a-f]{8})$/.exec(team ?? '')?.[1];
  const directory = main.records.find((record) => record.context.cwd !== undefined)?.context.cwd;
  return {
    // `name@team` is no file: that teammate is a session of its own.
    agents: [...new Set(named)].filter((id) => !agentIds.has(id) && !id.includes('@')),
    sessionPrefixes: lead === undefined ? [] : [lead],
    ...(directory !== undefined && { directory }),
  };
}
