/**
 * What the harness owes beside what every one does (test/contract.test.ts): whole rollouts cut at every byte, fields of any type,
 * lines in any order.
 */
import { describe, expect, test } from 'vitest';
import { brokenInvariants, buildTrace, type Transcript } from '../../../src/index.ts';
import { built, CODEX_STORIES } from '../../support/codex.ts';
import { complaints, growing, idsOf, mapFiles, withMain } from '../../support/contract.ts';
import type { PlainTranscript } from '../../support/stories.ts';

const sessionsOf = (story: string): readonly PlainTranscript[] => growing(`codex/${story}`);

test.each(['0.20.0-tools', '0.44.0-tools', '0.169-fatal', '0.169-sigkill'])('%s: cut at every byte', (story) => {
  for (const transcript of sessionsOf(story)) {
    const whole = new Set(idsOf(buildTrace({ ...transcript, ended: true }).spans));
    const lines = transcript.main.lines.map((line) => Buffer.from(line));
    const broken: string[] = [];
    for (const [at, line] of lines.entries())
      for (let end = 0; end <= line.length; end += end > 700 ? 7 : 1)
        broken.push(...complaints(withMain(transcript, [...lines.slice(0, at), line.subarray(0, end)]), whole));
    expect(broken).toEqual([]);
  }
});

describe('a field of any other type', () => {
  const WRONG = [null, 42, [{}]];

  test.each(CODEX_STORIES)('%s: costs no more than that', (story) => {
    for (const transcript of sessionsOf(story)) {
      for (const value of WRONG) {
        for (const field of fieldsOf(transcript)) {
          const changed = mapFiles(transcript, ({ lines }) =>
            lines.map((line) => JSON.stringify(JSON.parse(line), (key, old) => (key === field ? value : old))),
          );
          expect(complaintsOfAny(changed), `${field} = ${JSON.stringify(value)}`).toEqual([]);
        }
      }
    }
  });

  const fieldsOf = (transcript: PlainTranscript): string[] => {
    const names = new Set<string>();
    for (const line of transcript.main.lines)
      JSON.parse(line, (key, value) => {
        if (/^[a-z_]+$/.test(key)) names.add(key);
        return value;
      });
    return [...names];
  };
});

function complaintsOfAny(transcript: Transcript): string[] {
  try {
    return brokenInvariants(built(transcript, { content: true }).spans);
  } catch (error) {
    return [`it throws ${(error as Error).stack}`];
  }
}

describe('shuffled', () => {
  const backwards = <T>(items: readonly T[]): T[] => items.toReversed();
  const rotated = <T>(items: readonly T[]): T[] => [...items.slice(7), ...items.slice(0, 7)];
  const interleaved = <T>(items: readonly T[]): T[] => [...items.filter((_, at) => at % 3 === 1), ...items.filter((_, at) => at % 3 !== 1)];

  test.each(CODEX_STORIES)('%s: lines in any order make spans that hold together', (story) => {
    for (const transcript of sessionsOf(story))
      for (const reorder of [backwards, rotated, interleaved])
        expect(complaintsOfAny(mapFiles(transcript, ({ lines }) => reorder(lines))), reorder.name).toEqual([]);
  });

  test.each(CODEX_STORIES)('%s: agents without their main file, or as each other', (story) => {
    for (const transcript of sessionsOf(story)) {
      expect(complaintsOfAny(withMain(transcript, []))).toEqual([]);
      expect(complaintsOfAny({ ...transcript, agents: [...transcript.agents, ...transcript.agents] })).toEqual([]);
      const swapped = transcript.agents.map((agent, at) => ({ ...agent, lines: transcript.agents.at(at - 1)!.lines }));
      expect(complaintsOfAny({ ...transcript, agents: swapped })).toEqual([]);
      const asAgent = { ...transcript.main, id: transcript.sessionId };
      expect(complaintsOfAny({ ...transcript, agents: [...transcript.agents, asAgent] })).toEqual([]);
    }
  });
});
