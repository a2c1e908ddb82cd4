/**
 * The real Claude Code CLI in a terminal, with the plugin from a plain clone: however the user leaves, every final span
 * arrives exactly once.
 */
import { describe, expect, test } from 'vitest';
import { AT_ONCE_MS } from '../../support/model-server.ts';
import { differences, expectAllArrived, spansOf } from './arrived.ts';
import { CURRENT, OLDER } from './cli.ts';
import { until } from './processes.ts';
import { SCRIPTS } from './scripts.ts';
import { inWorld, transcriptsHold, type World } from './world.ts';

describe.each([CURRENT, OLDER])('claude in a terminal, %s', (version) => {
  test('two turns, then /exit: the first arrives while the session goes on', () =>
    inWorld({ version, scripts: SCRIPTS }, async (world) => {
      const terminal = await world.interactive();
      await terminal.enter('script:plain');
      await terminal.shows('A plain answer.');
      await until('the first turn at the collector', () => answersOf(world, 'plain') === 1);
      await terminal.enter('script:second');
      await terminal.shows('A second answer.');
      await terminal.enter('/exit');
      await terminal.ended();
      await expectAllArrived(world);
      expect(answersOf(world, 'second')).toBe(1);
    }));

  test('/clear: both sessions', () =>
    inWorld({ version, scripts: SCRIPTS }, async (world) => {
      const terminal = await world.interactive();
      await terminal.enter('script:plain');
      await terminal.shows('A plain answer.');
      await terminal.enter('/clear');
      await terminal.showsNoMore('A plain answer.');
      await terminal.enter('script:third');
      await terminal.shows('A third answer.');
      await terminal.enter('/exit');
      await terminal.ended();
      await expectAllArrived(world);
      expect(sessionIdsOf(world, 'third')).not.toEqual(sessionIdsOf(world, 'plain'));
    }));

  test('/compact: the session goes on, and what was before is not told again', () =>
    inWorld({ version, scripts: SCRIPTS }, async (world) => {
      const terminal = await world.interactive();
      await terminal.enter('script:plain');
      await terminal.shows('A plain answer.');
      await until('the turn on disk', () => transcriptsHold(world, 'stop_hook_summary'));
      await terminal.enter('/compact');
      await terminal.shows('Compacted');
      await terminal.enter('script:second');
      await terminal.shows('A second answer.');
      await terminal.enter('/exit');
      await terminal.ended();
      await expectAllArrived(world);
    }));

  test('/branch: the session that was left, and the one that goes on', () =>
    inWorld({ version, scripts: SCRIPTS }, async (world) => {
      const terminal = await world.interactive();
      await terminal.enter('script:plain');
      await terminal.shows('A plain answer.');
      await until('the turn on disk', () => transcriptsHold(world, 'stop_hook_summary'));
      await terminal.enter('/branch');
      // What is typed before that may get lost between the two sessions.
      await terminal.shows('Branched');
      await terminal.enter('script:second');
      await terminal.shows('A second answer.');
      await terminal.enter('/exit');
      await terminal.ended();
      await expectAllArrived(world);
      expect(sessionIdsOf(world, 'second')).not.toEqual(sessionIdsOf(world, 'plain'));
    }));

  test('a model that answers at once', () =>
    inWorld({ version, scripts: SCRIPTS, latencyMs: AT_ONCE_MS }, async (world) => {
      const terminal = await world.interactive();
      await terminal.enter('script:plain');
      await terminal.shows('A plain answer.');
      await terminal.enter('script:second');
      await terminal.shows('A second answer.');
      await terminal.enter('/exit');
      await terminal.ended();
      // Quicker than it writes its file, the older version puts the answer above the prompt: what stands there when a turn
      // is sent may be told otherwise later. Sent once it is all the same.
      const { changed: _, ...others } = await differences(world);
      expect(others).toEqual({ missing: [], repeated: [], unexpected: [], jobs: [] });
    }));

  test('the terminal is closed in the middle of a tool', () =>
    inWorld({ version, scripts: SCRIPTS }, async (world) => {
      const terminal = await world.interactive();
      await terminal.enter('script:tools');
      await terminal.shows('Used all tools.');
      await terminal.enter('script:closed');
      await world.toolStarted('closed');
      terminal.close();
      await terminal.ended();
      world.letToolEnd('closed');
      await expectAllArrived(world);
      expect(spansOf(world, sessionIdsOf(world, 'closed')[0]!).some(({ name }) => name === 'execute_tool Bash')).toBe(true);
    }));

  test('the terminal is closed in the middle of an answer', () =>
    inWorld({ version, scripts: SCRIPTS }, async (world) => {
      const terminal = await world.interactive();
      await terminal.enter('script:plain');
      await terminal.shows('A plain answer.');
      await terminal.enter('script:hanging');
      await until('the beginning of the answer', () => sessionIdsOf(world, 'hanging').length > 0);
      terminal.close();
      await terminal.ended();
      await expectAllArrived(world);
      expect(answersOf(world, 'plain')).toBe(1);
    }));
});

/** Told by the model server, not by the transcript. */
const sessionIdsOf = ({ model }: World, script: string): readonly string[] =>
  model.served.flatMap(({ script: own, sessionId = [] }) => (own === script ? sessionId : []));

/** Answers of a script that have arrived. */
const answersOf = ({ model, collector }: World, script: string): number => {
  const ids = new Set(model.served.flatMap(({ script: own, responseId }) => (own === script ? responseId : [])));
  return collector.taken.filter(({ attributes }) => ids.has(`${attributes['gen_ai.response.id']}`)).length;
};
