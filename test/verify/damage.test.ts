/** Whatever became of the files, nothing throws, what can't be counted is told, and both counts agree on the rest. */
import { describe, expect, test } from 'vitest';
import { harnesses } from '../../src/harness/index.ts';
import { buildTrace } from '../../src/index.ts';
import { compare } from '../../src/verify/compare.ts';
import { randomFrom } from '../support/random.ts';
import { ALL_STORIES, type PlainTranscript, refsOf, transcriptOf } from '../support/stories.ts';

type Damage = (lines: readonly string[], random: () => number) => readonly string[];

const DAMAGES: Readonly<Record<string, Damage>> = {
  'lines are lost': (lines, random) => lines.filter(() => random() > 0.1),
  'lines come twice': (lines, random) => lines.flatMap((line) => (random() > 0.1 ? [line] : [line, line])),
  'lines are torn': (lines, random) => lines.map((line) => (random() > 0.1 ? line : line.slice(0, Math.floor(random() * line.length)))),
  'lines are garbage': (lines, random) =>
    lines.map((line) => (random() > 0.1 ? line : ['\0\0', '7', '[]', '"text"', '{"type":{}}', '{'][Math.floor(random() * 6)]!)),
  'the file ends early': (lines, random) => lines.slice(0, Math.floor(random() * lines.length)),
  'NULs stand before lines': (lines) => lines.map((line) => `\0\0${line}`),
};

/** What stands side by side tells what belongs together: where some of it is missing both counts guess, and need not guess alike. */
const isGuessed = (name: string, what: string): boolean =>
  name.startsWith('codex/')
    ? ['lines are lost', 'lines are torn', 'lines are garbage'].includes(what)
    : // Nor does what lies in a database end in the middle.
      name.startsWith('hermes/') && what === 'the file ends early';

describe.each(Object.entries(DAMAGES))('%s', (what, damage) => {
  test.each(ALL_STORIES)('%s', (name) => {
    const random = randomFrom(5);
    for (const ref of refsOf(name)) {
      const whole = transcriptOf(ref);
      for (let n = 0; n < 4; n++) {
        const damaged = {
          ...whole,
          main: { ...whole.main, lines: damage(whole.main.lines, random) },
          agents: whole.agents.map((agent) => ({ ...agent, lines: damage(agent.lines, random) })),
        };
        const differences = differencesOf(damaged).filter(({ kind }) => !(GUESSED.includes(name) && kind.startsWith('agent-')));
        if (!isGuessed(name, what)) expect(differences, `${ref.sessionId} ${n}`).toEqual([]);
      }
    }
  });
});

/** That two files are one teammate's is told by single lines. Without these both counts guess, and need not guess alike. */
const GUESSED = ['respawn2-2.1.50', 'respawn2-2.1.150'];

/** But for the harness's own account, which tells of lines that are lost. */
const differencesOf = (transcript: PlainTranscript) =>
  compare(harnesses.find(({ name }) => name === transcript.harness)!.recount(transcript), buildTrace(transcript).spans).differences.filter(
    ({ kind }) => !kind.startsWith('declared'),
  );

const FG = transcriptOf(refsOf('fg')[0]!);
const { harness } = refsOf('fg')[0]!;

test('every cut of a short story, at every byte of its last lines', () => {
  const text = FG.main.lines.slice(-8).join('\n');
  const before = FG.main.lines.slice(0, -8);
  for (let length = 0; length < text.length; length += 7) {
    const cut = { ...FG, main: { ...FG.main, lines: [...before, ...text.slice(0, length).split('\n')] } };
    expect(differencesOf(cut)).toEqual([]);
  }
});

test('bytes are counted as text is', () => {
  const bytes = (file: PlainTranscript['main']) => ({ ...file, lines: file.lines.map((line) => new TextEncoder().encode(line)) });
  expect(harness.recount({ main: bytes(FG.main), agents: FG.agents.map((agent) => ({ ...agent, ...bytes(agent) })) })).toEqual(
    harness.recount(FG),
  );
});

test('each line that tells nothing is told', () => {
  const lines = FG.main.lines.map((line, at) => (at === 3 ? 'garbage' : at === 5 ? '[]' : line));
  const torn = { ...FG, main: { ...FG.main, lines: [...lines, '{"type":"assis'] } };
  const { notes } = compare(harness.recount(torn), buildTrace(torn).spans);
  expect(notes).toHaveLength(1);
  expect(notes[0]!.places.map(({ line }) => line)).toEqual([4, 6, FG.main.lines.length + 1]);
  expect(notes[0]!.says).toContain('no JSON object');
});

test('files that are empty, unreadable or gone', () => {
  const empty = { ...FG, main: { name: 'main.jsonl', lines: [] }, agents: [] };
  expect(compare(harness.recount(empty), buildTrace(empty).spans)).toEqual({
    rows: ['responses', 'tool calls', 'sub-agents'].map((what) => ({ what, raw: 0, built: 0, difference: 0 })),
    destinations: [],
    differences: [],
    notes: [],
  });
  const unreadable = { ...empty, main: { name: 'main.jsonl', lines: [], unreadable: 'EACCES' } };
  expect(compare(harness.recount(unreadable), []).notes).toEqual([
    { places: [{ file: 'main.jsonl', line: 0 }], says: "This can't be counted: EACCES." },
  ]);
  const gone = { ...FG, agents: [] };
  const { notes, differences } = compare(harness.recount(gone), buildTrace(gone).spans);
  expect(differences).toEqual([]);
  expect(notes.map(({ says }) => says)).toEqual([expect.stringContaining('is gone')]);
});

test('a response and a call without an id have the name of their line, in both', () => {
  const nameless = FG.main.lines.map((line) =>
    line
      .replaceAll(/"id":"(?:msg|toolu)_fake\d+",?/g, '')
      .replaceAll(/"requestId":"[^"]*",?/g, '')
      .replace(/"uuid":"[^"]*",?/, ''),
  );
  const transcript = { ...FG, main: { ...FG.main, lines: nameless }, agents: [] };
  const recount = harness.recount(transcript);
  expect(recount.responses.length).toBeGreaterThan(0);
  expect(recount.responses.every(({ id }) => id.startsWith('main line '))).toBe(true);
  expect(differencesOf(transcript)).toEqual([]);
});
