/** Ids that providers gave to several responses or calls: each is told, and lines told twice are not. */
import { describe, expect, test } from 'vitest';
import { openclaw, pi } from '../../../src/harness/openclaw/index.ts';
import { answer, builtOf, call, differences, header, result, user } from '../../support/openclaw-entries.ts';

describe.each([openclaw, pi])('$name', ({ name }) => {
  test('responses of one id are as many calls as there are entries', () => {
    const same = { responseId: 'chatcmpl-0' };
    const lines = [
      header(),
      user(100, 'e1'),
      answer(200, 'e2', [call('c1')], same),
      result(250, 'e3', 'c1', 'text'),
      answer(300, 'e4', [], same),
      user(400, 'e5'),
      answer(500, 'e6', [], same),
    ];
    for (const told of [lines, lines.flatMap((line) => [line, line])]) {
      const chats = builtOf(told, { harness: name }).spans.filter((span) => span.name === 'chat m');
      expect(chats.map(({ attributes }) => attributes['gen_ai.response.id'])).toEqual(Array(3).fill('chatcmpl-0'));
      expect(new Set(chats.map(({ attributes }) => attributes['trace_build.model_call.id'])).size).toBe(3);
      expect(differences(told, { harness: name })).toEqual([]);
    }
  });
});
