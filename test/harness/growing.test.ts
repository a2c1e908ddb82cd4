/** A line that is only being written is of the turn to come: none that is over is told of a problem for it. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { traceSession } from '../../src/pipeline.ts';
import { findSession } from '../../src/read/find.ts';
import { scratches } from '../support/scratch.ts';
import { PLACES, refsOf } from '../support/stories.ts';

const aFolder = scratches('growing');

test.each(['claude-code/tools', 'codex/0.169-plain', 'codex/0.169-appserver', 'openclaw/2026.6.11-jsonl', 'pi/0.73.1-tools'])(
  '%s',
  (story) => {
    const ref = refsOf(story === 'claude-code/tools' ? 'tools' : story)[0]!;
    const folder = join(aFolder(), 'project');
    mkdirSync(folder);
    const path = join(folder, basename(ref.path!));
    copyFileSync(ref.path!, path);
    const problems = (ended: boolean): number[] =>
      traceSession(findSession(path, ref.sessionId, PLACES)!, {}, { ended }).session.turns.map((turn) => turn.problems);
    const [growing, over] = [problems(false), problems(true)];
    writeFileSync(path, `${readFileSync(path, 'utf8').trimEnd()}\n{"type":"resp`);
    expect(growing.length).toBeGreaterThan(0);
    expect(problems(false)).toEqual(growing);
    // Nobody will write the rest of it.
    const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
    expect(sum(problems(true))).toBeLessThanOrEqual(sum(over) + 1);
    if (story.startsWith('codex')) expect(sum(problems(true))).toBe(sum(over) + 1);
  },
);
