/** Raw lines counted by other code say what the spans say. */
import { expect, test } from 'vitest';
import { codex } from '../../../src/harness/codex/index.ts';
import type { Line } from '../../../src/harness/harness.ts';
import { compare } from '../../../src/verify/compare.ts';
import { built, CODEX_STORIES, type PlainTranscript, transcriptsOf } from '../../support/codex.ts';

const report = (transcript: PlainTranscript) => compare(codex.recount(transcript), built(transcript).spans);

test.each(CODEX_STORIES)('%s: nothing differs', (story) => {
  for (const transcript of transcriptsOf(story)) {
    const { differences, rows } = report(transcript);
    expect(differences).toEqual([]);
    expect(rows.filter(({ difference }) => difference !== 0)).toEqual([]);
  }
});

test.each(CODEX_STORIES)('%s: nor when lines are told twice, or are garbage', (story) => {
  for (const transcript of transcriptsOf(story)) {
    for (const litter of [(line: Line): Line[] => [line, line], (line: Line): Line[] => ['garbage', line]]) {
      const lines = transcript.main.lines.flatMap(litter);
      expect(report({ ...transcript, main: { ...transcript.main, lines } }).differences).toEqual([]);
    }
  }
});

test.each(CODEX_STORIES)('%s: nor wherever it is cut', (story) => {
  for (const transcript of transcriptsOf(story))
    for (let end = 1; end < transcript.main.lines.length; end++) {
      const part = { ...transcript, main: { ...transcript.main, lines: transcript.main.lines.slice(0, end) } };
      const { differences } = report(part);
      expect(
        differences.filter(({ kind }) => kind !== 'agent-elsewhere'),
        `after line ${end}`,
      ).toEqual([]);
    }
});

test('the account of a thread is compared', () => {
  const [transcript] = transcriptsOf('0.169-tools-direct');
  expect(codex.recount(transcript!).declared).toMatchObject({
    name: 'thread_token_usage',
    byModel: [{ model: 'gpt-5.5', tokens: { input: 17900, output: 390, cacheRead: 16500, cacheWrite: 0 } }],
  });
});
