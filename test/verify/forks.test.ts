/** A fork alone: the agents of the session it was copied from lie with that one, and so do the agents these started. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { VerifyJson } from '../../src/cli/commands/verify.ts';
import { trace } from '../cli/world.ts';
import { agentUse, assistant, type Json, result, SESSION, text, user } from '../support/lines.ts';
import { scratch } from '../support/scratch.ts';

const top = scratch('verify');

const FORK = `f0${SESSION.slice(2)}`;
const write = (path: string, lines: readonly Json[]): string => {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  writeFileSync(join(top, path), `${text(lines).join('\n')}\n`);
  return join(top, path);
};
/** An agent, or the main one, that starts one more. */
const starting = (n: number, agentId: string): Json[] => [
  user(n, n),
  assistant(n + 1, n + 1, `msg_${n}`, [agentUse(`toolu_${agentId}`)]),
  result(n + 2, n + 500, `toolu_${agentId}`, { toolUseResult: { status: 'completed', agentId } }),
  assistant(n + 3, n + 501, `msg_${n}b`),
];

test('all of them are counted, and built', async () => {
  const main = starting(1, 'aouter');
  write(`p/${SESSION}.jsonl`, main);
  write(`p/${SESSION}/subagents/agent-aouter.jsonl`, starting(11, 'amiddle'));
  write(`p/${SESSION}/subagents/agent-amiddle.jsonl`, starting(21, 'ainner'));
  write(`p/${SESSION}/subagents/agent-ainner.jsonl`, [user(31, 31), assistant(32, 32, 'msg_31')]);
  const fork = write(
    `p/${FORK}.jsonl`,
    main.map((line) => ({ ...line, sessionId: FORK, requestSessionId: SESSION })),
  );
  for (const path of [fork, join(top, `p/${SESSION}.jsonl`)]) {
    const { stdout, code } = await trace(['verify', '--json', path]);
    const [session] = (JSON.parse(stdout) as VerifyJson).sessions;
    expect(session!.differences, path).toEqual([]);
    expect(session!.notes, path).toEqual([]);
    expect(session!.rows.slice(0, 3).map(({ raw, built }) => [raw, built])).toEqual([
      [7, 7],
      [3, 3],
      [3, 3],
    ]);
    expect(code).toBe(0);
  }
});
