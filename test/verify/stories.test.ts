/** The count of the raw lines against the server's log, and the spans against the count: of every recorded story. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Place, Recount } from '../../src/harness/recount.ts';
import { compare } from '../../src/verify/compare.ts';
import { ALL_STORIES, expectedOf, loadStory, rawFilesOf, STORIES, transcriptOf } from '../support/stories.ts';

const counts = new Map<string, readonly { readonly id: string; readonly recount: Recount }[]>();
function countsOf(story: string): readonly { readonly id: string; readonly recount: Recount }[] {
  const known =
    counts.get(story) ?? loadStory(story).sessions.map(({ id, ref }) => ({ id, recount: ref.harness.recount(transcriptOf(ref)) }));
  counts.set(story, known);
  return known;
}

test.each(ALL_STORIES)('%s: the spans of every session tell what its lines tell', (name) => {
  for (const [at, { id, traced }] of loadStory(name).sessions.entries()) {
    const { recount } = countsOf(name)[at]!;
    const report = compare(recount, traced.spans);
    expect(report.differences, id).toEqual([]);
    expect(report.notes, id).toEqual([]);
    for (const row of report.rows) expect(row.difference, `${id} ${row.model} ${row.what}`).toBe(0);
  }
});

/** Sessions whose own account is compared; of the rest the report tells why not. */
test('the accounts of most sessions that have one are compared, and every other one says why it is not', () => {
  const accounts = STORIES.flatMap((name) => countsOf(name).flatMap(({ recount }) => recount.declared ?? []));
  const reasons = accounts.flatMap(({ incomparable }) => incomparable ?? []);
  expect(accounts.length).toBeGreaterThan(50);
  expect(reasons.length).toBeLessThan(accounts.length / 4);
  for (const reason of new Set(reasons.flatMap((text) => text.split('; '))))
    expect(reason).toMatch(/^(?:the call that made|turns were copied|of a stream|it was)/);
});

test.each(STORIES)('%s: the lines hold what the server served', (name) => {
  const text = rawFilesOf(name)
    .map((file) => file.text)
    .join('\n');
  const stories = countsOf(name);
  const responses = new Map(stories.flatMap(({ recount }) => recount.responses.map((response) => [response.id, response] as const)));
  const calls = new Set(stories.flatMap(({ recount }) => recount.toolCalls.map(({ id }) => id)));
  const served = Object.values(expectedOf(name)).flatMap((session) => Object.values(session.agents).flatMap((agent) => agent.responses));
  const onLine = served.filter(({ messageId }) => messageId !== undefined && text.includes(`"id":"${messageId}"`));
  expect([...responses.keys()].toSorted()).toEqual([...new Set(onLine.map(({ messageId }) => messageId))].toSorted());
  expect([...calls].toSorted()).toEqual([...new Set(onLine.flatMap(({ tools }) => tools.map(({ id }) => id)))].toSorted());
  for (const { messageId, model, usage } of onLine) {
    const counted = responses.get(messageId)!;
    const [cacheRead, cacheWrite] = [usage['cache_read_input_tokens']!, usage['cache_creation_input_tokens']!];
    expect(counted.model).toBe(model);
    expect({ ...counted.tokens, output: 0 }, messageId).toEqual({
      input: usage['input_tokens']! + cacheRead + cacheWrite,
      output: 0,
      cacheRead,
      cacheWrite,
    });
    // Old versions, and streams that broke off, leave the placeholder of the beginning.
    if (/^(?:old-2\.(?:0|1\.50)|respawn2-2\.1\.50|errors|midexits)/.test(name))
      expect(counted.tokens!.output).toBeLessThanOrEqual(usage['output_tokens']!);
    else expect(counted.tokens!.output, messageId).toBe(usage['output_tokens']);
  }
});

/** These sent no agent headers: the log has everything under `main`. */
const NO_AGENT_HEADERS = ['old-2.0.76', 'old-2.1.50', 'respawn2-2.1.50'];

test.each(STORIES.filter((name) => !NO_AGENT_HEADERS.includes(name)))('%s: as many sub-agents as the server saw', (name) => {
  for (const [sessionId, session] of Object.entries(expectedOf(name))) {
    const counted = countsOf(name).find(({ id }) => id === sessionId);
    // An agent that a fork took over from its original is not asked for again.
    const copied = loadStory(name)
      .sessions.find(({ id }) => id === sessionId)
      ?.traced.session.turns.some((turn) => turn.copiedFrom);
    if (copied !== true) expect(counted?.recount.agents.length ?? 0, sessionId).toBe(Object.keys(session.agents).length - 1);
  }
});

test.each(ALL_STORIES)('%s: every place is a line that names what it is the place of', (name) => {
  const files = new Map<string, readonly string[]>();
  for (const { ref } of loadStory(name).sessions) {
    const { main, agents } = transcriptOf(ref);
    for (const { name: file, lines } of [main, ...agents]) files.set(file, lines);
  }
  const lineAt = ({ file, line }: Place): string | undefined => files.get(file)?.[line - 1];
  for (const { recount } of countsOf(name)) {
    // A response has not everywhere an id that is on its lines.
    for (const { places } of recount.responses) for (const place of places) expect(lineAt(place)).toMatch(/^\{.*\}$/);
    const isClaude = STORIES.includes(name);
    for (const { id, places } of [...(isClaude ? recount.responses : []), ...recount.toolCalls])
      for (const place of places) expect(lineAt(place), `${place.file}:${place.line}`).toContain(isClaude ? `"id":"${id}"` : `"${id}`);
  }
});

const codeOf = (file: string): readonly string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^import (type )?[^;]* from '([^']+)';$/gm)].flatMap(([, type, from]) =>
    type === undefined ? [from!] : [],
  );

const RECOUNTS = readdirSync('src/harness', { recursive: true, encoding: 'utf8' }).filter((file) => /[\\/]recount\.ts$/.test(file));

test.each(RECOUNTS)('%s shares no code with what it audits', (file) => {
  expect(codeOf(join('src/harness', file))).toEqual(['../recount.ts']);
  expect(codeOf('src/harness/recount.ts')).toEqual([]);
});
