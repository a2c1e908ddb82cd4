/** Each invariant, broken once: the check that runs in every test has to see it. */
import { describe, expect, test } from 'vitest';
import { brokenInvariants } from '../../src/trace/check.ts';
import type { Span } from '../../src/trace/span.ts';
import { loadStory } from '../support/stories.ts';

const SOUND = loadStory('nest').spans;
const [ROOT, CHAT] = SOUND as readonly [Span, Span];
const AGENT = SOUND.find(({ name }) => name === 'invoke_agent general-purpose')!;
const WITHIN = SOUND.find(({ parentSpanId }) => parentSpanId === AGENT.spanId)!;

const changed = (span: Span, own: Partial<Span>): Span[] => SOUND.map((each) => (each === span ? { ...each, ...own } : each));
const attributed = (span: Span, own: Record<string, string | undefined>): Span[] => {
  const attributes = Object.fromEntries(Object.entries({ ...span.attributes, ...own }).filter(([, value]) => value !== undefined));
  return changed(span, { attributes: attributes as Span['attributes'] });
};

test('what holds is not complained of', () => {
  expect(brokenInvariants(SOUND)).toEqual([]);
  expect(brokenInvariants([])).toEqual([]);
});

test.each<{ what: string; spans: readonly Span[]; says: RegExp }>([
  { what: 'a trace id of the wrong length', spans: [{ ...ROOT, traceId: 'abc' }], says: /ids are not lowercase hex/ },
  { what: 'a span id in capitals', spans: [{ ...ROOT, spanId: 'ABCDEF0123456789' }], says: /ids are not lowercase hex/ },
  { what: 'a span twice', spans: [...SOUND, CHAT], says: /id is not unique/ },
  { what: 'a parent that is not there', spans: SOUND.filter((span) => span !== AGENT), says: /parent does not exist/ },
  { what: 'a parent in another trace', spans: changed(CHAT, { traceId: 'f'.repeat(32) }), says: /parent is in another trace/ },
  { what: 'a second root', spans: changed(CHAT, { parentSpanId: undefined } as unknown as Partial<Span>), says: /it has 2 roots/ },
  { what: 'a trace without a root', spans: [{ ...CHAT, parentSpanId: 'f'.repeat(16) }], says: /no root|parent does not exist/ },
  { what: 'an end before the start', spans: changed(CHAT, { endMs: CHAT.startMs - 1 }), says: /ends before it starts/ },
  { what: 'half a millisecond', spans: changed(CHAT, { endMs: CHAT.endMs + 0.5 }), says: /whole milliseconds/ },
  { what: 'no time', spans: changed(CHAT, { startMs: Number.NaN }), says: /whole milliseconds/ },
  { what: 'a start at infinity', spans: changed(CHAT, { startMs: Number.NEGATIVE_INFINITY }), says: /whole milliseconds/ },
  { what: 'no operation', spans: attributed(CHAT, { 'gen_ai.operation.name': undefined }), says: /operation is undefined/ },
  { what: 'an unknown operation', spans: attributed(CHAT, { 'gen_ai.operation.name': 'think' }), says: /operation is think/ },
  { what: 'a name that is not its operation', spans: changed(CHAT, { name: 'execute_tool Bash' }), says: /name does not begin/ },
  { what: 'no conversation', spans: attributed(CHAT, { 'gen_ai.conversation.id': undefined }), says: /no conversation/ },
  { what: 'an empty conversation', spans: attributed(CHAT, { 'gen_ai.conversation.id': '' }), says: /no conversation/ },
  { what: 'no agent', spans: attributed(CHAT, { 'gen_ai.agent.name': undefined }), says: /attributed to no agent/ },
  {
    what: 'a link to itself',
    spans: changed(ROOT, { links: [{ traceId: ROOT.traceId, spanId: ROOT.spanId, attributes: {} }] }),
    says: /links to itself/,
  },
  { what: 'work before its agent began', spans: changed(WITHIN, { startMs: AGENT.startMs - 1 }), says: /not within its agent/ },
  { what: 'work after its agent ended', spans: changed(WITHIN, { endMs: AGENT.endMs + 1 }), says: /not within its agent/ },
])('$what is told', ({ spans, says }) => {
  expect(brokenInvariants(spans).join('\n')).toMatch(says);
});

describe('what is allowed', () => {
  test('an agent may outlive the turn that started it', () => {
    expect(brokenInvariants(changed(ROOT, { endMs: ROOT.startMs }))).toEqual([]);
  });

  test('the parent may have been delivered before', () => {
    const elsewhere = new Map([[ROOT.spanId, ROOT]]);
    expect(
      brokenInvariants(
        SOUND.filter((span) => span !== ROOT),
        elsewhere,
      ),
    ).toEqual([]);
    expect(brokenInvariants(SOUND.filter((span) => span !== ROOT)).length).toBeGreaterThan(0);
  });
});
