/**
 * Reading on from a checkpoint tells exactly what reading everything tells: from every turn, and from every line that a
 * rollout was cut at while it grew.
 */
import { describe, expect, test } from 'vitest';
import { codex } from '../../../src/harness/codex/index.ts';
import type { Checkpoint, Normalised, TranscriptFile } from '../../../src/harness/harness.ts';
import { spansOf } from '../../../src/trace/build.ts';
import type { Span } from '../../../src/trace/span.ts';
import { CODEX_STORIES, normalised, transcriptsOf } from '../../support/codex.ts';
import type { PlainTranscript } from '../../support/stories.ts';

function resumed(transcript: PlainTranscript, checkpoint: Checkpoint, ended: boolean): Normalised | undefined {
  const stored: Checkpoint = JSON.parse(JSON.stringify(checkpoint));
  const parse = (file: TranscriptFile) => codex.parse(file, { content: true });
  return codex.resume(
    {
      sessionId: transcript.sessionId,
      main: parse({ ...transcript.main, lines: transcript.main.lines.slice(stored.line), firstLine: stored.line + 1 }),
      agents: transcript.agents.filter(({ id }) => !stored.agents.includes(id)).map(parse),
      related: [],
      ended,
    },
    stored,
  );
}

const spansFrom = ({ session }: Normalised, from: number): readonly Span[] =>
  spansOf(
    { ...session, turns: session.turns.slice(from), previousTurnId: session.turns[from - 1]?.startId ?? session.previousTurnId },
    { content: true },
  );

const turnsBefore = ({ before }: Checkpoint): number => (before as { turns: number }).turns;

describe.each(CODEX_STORIES)('%s', (story) => {
  test('from every turn', () => {
    for (const transcript of transcriptsOf(story)) {
      for (const ended of [true, false]) {
        const whole = normalised({ ...transcript, ended }, true);
        for (let at = 1; at <= whole.session.turns.length; at++) {
          const checkpoint = whole.checkpointAt(at);
          // After the last turn there is a place only where a line says that it is over.
          if (checkpoint === undefined) expect(at).toBe(whole.session.turns.length);
          else expect(spansFrom(resumed(transcript, checkpoint, ended)!, 0), `from turn ${at + 1}`).toEqual(spansFrom(whole, at));
        }
      }
    }
  });

  test('while it grows', () => {
    for (const transcript of transcriptsOf(story)) {
      const whole = normalised(transcript, true);
      let checkpoint: Checkpoint | undefined;
      for (let end = 1; end < transcript.main.lines.length; end++) {
        const part = cutAt(transcript, end);
        const seen = (checkpoint && resumed(part, checkpoint, false)) ?? normalised({ ...part, ended: false }, true);
        const open = seen.session.turns.findIndex(({ finished }) => !finished);
        checkpoint = seen.checkpointAt(open < 0 ? seen.session.turns.length : open) ?? checkpoint;
        if (checkpoint === undefined) continue;
        if (!checkpoint.agents.every((id) => linesOf(part, id) === linesOf(transcript, id))) {
          checkpoint = undefined;
          continue;
        }
        const again = resumed(transcript, checkpoint, true);
        expect(again, `cut after line ${end}`).toBeDefined();
        expect(spansFrom(again!, 0), `cut after line ${end}`).toEqual(spansFrom(whole, turnsBefore(checkpoint)));
      }
    }
  });
});

test.each(CODEX_STORIES)('%s: the file once more is a doubt, or tells nothing new', (story) => {
  for (const transcript of transcriptsOf(story)) {
    const { main } = transcript;
    const twice = { ...transcript, main: { ...main, lines: [...main.lines, ...main.lines] } };
    const checkpoint = normalised(transcript).checkpointAt(1);
    const again = checkpoint && resumed(twice, checkpoint, true);
    if (again !== undefined) expect(spansFrom(again, 0)).toEqual(spansFrom(normalised(transcript, true), 1));
  }
});

test('an agent of a turn before, whose file was not there yet, is a doubt', () => {
  const [transcript] = transcriptsOf('0.169-subagents-v2');
  const checkpoint = normalised({ ...transcript!, agents: [] }).checkpointAt(1)!;
  expect(resumed(transcript!, checkpoint, true)).toBeUndefined();
});

function cutAt(transcript: PlainTranscript, end: number): PlainTranscript {
  const lines = transcript.main.lines.slice(0, end);
  const nowMs = lines.map((line) => timeOf(line)).findLast((ms) => ms > 0) ?? 0;
  const agents = transcript.agents.map((agent) => ({ ...agent, lines: agent.lines.filter((line) => timeOf(line) <= nowMs) }));
  return { ...transcript, main: { ...transcript.main, lines }, agents: agents.filter((agent) => agent.lines.length > 0) };
}

const timeOf = (line: string): number => Date.parse(/"timestamp":"([^"]+)"/.exec(line)?.[1] ?? '') || 0;

const linesOf = (transcript: PlainTranscript, id: string): number | undefined =>
  transcript.agents.find((agent) => agent.id === id)?.lines.length;
