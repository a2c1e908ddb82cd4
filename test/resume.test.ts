/**
 * Reading on from a checkpoint tells exactly what reading everything tells, or says that it can't. Every recorded
 * session, from every turn of it, and from every line it was cut at while it grew.
 */
import { describe, expect, test } from 'vitest';
import type { Checkpoint, Normalised } from '../src/harness/harness.ts';
import { harnesses } from '../src/harness/index.ts';
import type { Turn } from '../src/session/types.ts';
import { spansOf } from '../src/trace/build.ts';
import type { Span } from '../src/trace/span.ts';
import { type PlainTranscript, refsOf, STORIES, transcriptOf } from './support/stories.ts';

/** Stories that reach back in a way no checkpoint remembers: then everything is read. */
const DOUBTFUL: Readonly<Record<string, string>> = {
  midexits: 'a session was killed, and resuming it wrote on in the turn before',
  'old-2.0.76': 'nothing links a turn to the one before',
  resumekill: 'a session was killed, and resuming it wrote on in the turn before',
  rewind: 'a turn hangs on one further up',
};

const harnessOf = ({ harness }: PlainTranscript) => harnesses.find(({ name }) => name === harness)!;

function filesOf(transcript: PlainTranscript, ended: boolean, lines = transcript.main.lines, firstLine = 1, agents = transcript.agents) {
  const parse = (file: Parameters<ReturnType<typeof harnessOf>['parse']>[0]) => harnessOf(transcript).parse(file, { content: true });
  return {
    sessionId: transcript.sessionId,
    main: parse({ ...transcript.main, lines, firstLine }),
    agents: agents.map(parse),
    related: (transcript.related ?? []).map(parse),
    ended,
  };
}

function resumed(transcript: PlainTranscript, checkpoint: Checkpoint, ended: boolean): Normalised | undefined {
  const stored: Checkpoint = JSON.parse(JSON.stringify(checkpoint));
  const agents = transcript.agents.filter(({ id }) => !stored.agents.includes(id));
  const files = filesOf(transcript, ended, transcript.main.lines.slice(stored.line), stored.line + 1, agents);
  return harnessOf(transcript).resume({ ...files, related: [] }, stored);
}

const spansFrom = ({ session }: Normalised, from: number): readonly Span[] =>
  spansOf(
    { ...session, turns: session.turns.slice(from), previousTurnId: session.turns[from - 1]?.startId ?? session.previousTurnId },
    { content: true },
  );

/** As a delivery goes on: from the first turn that is not over. */
const firstOpen = ({ session }: Normalised): number => {
  const open = new Set(spansOf(session).flatMap((span) => (span.open ? [span.traceId] : [])));
  const at = session.turns.findIndex((turn: Turn) =>
    spansOf({ ...session, turns: [turn], strays: [] }).some(({ traceId }) => open.has(traceId)),
  );
  return at < 0 ? session.turns.length : at;
};

describe.each(STORIES)('%s', (story) => {
  test('from every turn', () => {
    const doubts: string[] = [];
    for (const ref of refsOf(story)) {
      const transcript = transcriptOf(ref);
      for (const ended of [true, false]) {
        const whole = harnessOf(transcript).normalise(filesOf(transcript, ended));
        for (let at = 1; at <= whole.session.turns.length; at++) {
          const checkpoint = whole.checkpointAt(at);
          const again = checkpoint === undefined ? undefined : resumed(transcript, checkpoint, ended);
          if (again === undefined) doubts.push(`${ref.sessionId} from turn ${at + 1}`);
          else expect(spansFrom(again, 0), `${ref.sessionId} from turn ${at + 1}`).toEqual(spansFrom(whole, at));
        }
      }
    }
    expect(doubts.length > 0, doubts.join(', ')).toBe(story in DOUBTFUL);
  });

  test.each([
    { taken: 'to go on', ended: false },
    { taken: 'to have ended, and yet going on', ended: true },
  ])('while it grows, each time taken $taken', ({ ended }) => {
    for (const ref of refsOf(story)) {
      const transcript = transcriptOf(ref);
      const whole = harnessOf(transcript).normalise(filesOf(transcript, true));
      let checkpoint: Checkpoint | undefined;
      for (let end = 1; end < transcript.main.lines.length; end++) {
        const part = cutAt(transcript, end);
        const seen = (checkpoint && resumed(part, checkpoint, ended)) ?? harnessOf(part).normalise(filesOf(part, ended));
        checkpoint = seen.checkpointAt(firstOpen(seen)) ?? checkpoint;
        if (checkpoint === undefined) continue;
        if (!sawAllOf(part, transcript, checkpoint)) {
          checkpoint = undefined;
          continue;
        }
        const again = resumed(transcript, checkpoint, true);
        if (again === undefined)
          expect({ ...DOUBTFUL, ...(ended && { [story]: 'it went on' }) }, `${ref.sessionId} cut after line ${end}`).toHaveProperty([
            story,
          ]);
        else expect(spansFrom(again, 0), `${ref.sessionId} cut after line ${end}`).toEqual(spansFrom(whole, turnsBefore(checkpoint)));
      }
    }
  });
});

/** As it was when the main file had so many lines: what agents wrote later is not there yet. */
function cutAt(transcript: PlainTranscript, end: number): PlainTranscript {
  const lines = transcript.main.lines.slice(0, end);
  // The last line's, not the latest: what a fork copied is older than the line above it.
  const nowMs = lines.map(timeOf).findLast((ms) => ms > 0) ?? 0;
  const agents = transcript.agents.map((agent) => ({ ...agent, lines: agent.lines.filter((line) => timeOf(line) <= nowMs) }));
  return { ...transcript, main: { ...transcript.main, lines }, agents: agents.filter((agent) => agent.lines.length > 0) };
}

const timeOf = (line: string): number => Date.parse(/"timestamp":"([^"]+)"/.exec(line)?.[1] ?? '') || 0;

/** An agent that has its place and yet went on: whoever reads files sees that, and reads everything. */
const sawAllOf = (part: PlainTranscript, whole: PlainTranscript, { agents }: Checkpoint): boolean =>
  agents.every((id) => {
    const [before, after] = [part, whole].map((transcript) => transcript.agents.find((agent) => agent.id === id)?.lines.length);
    return before === after;
  });

const turnsBefore = ({ before }: Checkpoint): number => (before as { turns: number }).turns;
