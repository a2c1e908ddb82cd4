/** Raw lines counted by other code say what the spans say. */
import { expect, test } from 'vitest';
import { codex } from '../../../src/harness/codex/index.ts';
import { compare } from '../../../src/verify/compare.ts';
import { arrayWork } from '../../support/array-work.ts';
import { built, CODEX_STORIES, transcriptsOf } from '../../support/codex.ts';
import type { PlainTranscript } from '../../support/stories.ts';

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
    for (const litter of [(line: string): string[] => [line, line], (line: string): string[] => ['garbage', line]]) {
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

/** A thread that starts as many agents, each of which has a response and repeats a call of all, and has as many responses itself. */
function crowd(size: number): Pick<PlainTranscript, 'main' | 'agents'> {
  const ids = Array.from({ length: size }, (_, at) => String(at));
  const line = (type: string, payload: object): string => JSON.stringify({ timestamp: '2026-03-14T09:26:53.000Z', type, payload });
  const answer = (id: string): string => line('token_usage_record', { response_id: id, usage: { input_tokens: 2, output_tokens: 1 } });
  const start = (id: string): string =>
    line('event_msg', {
      type: 'item_completed',
      item: { type: 'SubAgentActivity', id: `call ${id}`, kind: 'started', agent_thread_id: id },
    });
  const shared = line('response_item', { type: 'function_call', call_id: 'shared', name: 'shell', arguments: '{}' });
  return {
    main: { name: 'main', lines: [line('session_meta', { id: 'main' }), ...ids.map(start), ...ids.map((id) => answer(`main ${id}`))] },
    agents: ids.map((id) => ({ id, name: id, lines: [line('session_meta', { id }), shared, answer(`agent ${id}`)] })),
  };
}

test('twice the agents and responses are twice the work', () => {
  const [few, many] = [100, 200].map((size) => {
    const { main, agents } = crowd(size);
    const { result, steps } = arrayWork(() => codex.recount({ main, agents, related: [] }));
    expect(result).toMatchObject({ missing: [], unusable: [] });
    expect(result.agents).toEqual(agents.map(({ id }) => ({ id, ids: [id], startedBy: [`call ${id}`], places: [{ file: id, line: 1 }] })));
    expect(result.responses).toHaveLength(2 * size);
    expect(result.toolCalls.find(({ id }) => id === 'shared')?.places).toHaveLength(size);
    return steps;
  });
  expect(few).toBeGreaterThan(100);
  expect(many).toBeLessThanOrEqual(2 * few!);
});
