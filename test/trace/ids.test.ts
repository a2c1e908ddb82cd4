/**
 * The ids, frozen: what was delivered must be known again by every later version. A test that fails here is not to
 * be updated; a change of the scheme is a new scheme.
 */
import { expect, test } from 'vitest';
import { spanIdOf, traceIdOf } from '../../src/trace/ids.ts';
import { loadStory } from '../support/stories.ts';

test('scheme v1: trace ids', () => {
  expect(traceIdOf('d67a0000-0000-4000-8000-000000000001')).toBe('568e88a4c0857ec1714fed857bed9e58');
  expect(traceIdOf('')).toBe('76f571071ffd2a21bdc18950893f94ab');
  expect(traceIdOf('zwölf 🥊')).toBe('1de2d0359a55a99c7de5d99a8ad276dc');
});

test.each([
  { kind: 'turn', id: '281b50fb53df61bf' },
  { kind: 'chat', id: '44f5e0854ac1a92b' },
  { kind: 'call', id: 'e84e91b5839ffba9' },
  { kind: 'agent', id: '8f66d796342f8893' },
] as const)('scheme v1: span ids of kind $kind', ({ kind, id }) => {
  expect(spanIdOf('0123456789abcdef0123456789abcdef', kind, 'toolu_01')).toBe(id);
});

test('scheme v1: the spans of a recorded session', () => {
  const { spans } = loadStory('nest');
  expect(spans.map(({ traceId, spanId, name }) => `${traceId} ${spanId} ${name}`)).toEqual(NEST);
});

test('an id depends on its trace, its kind and its native id, and on nothing else', () => {
  const ids = [spanIdOf('a', 'chat', 'x'), spanIdOf('b', 'chat', 'x'), spanIdOf('a', 'call', 'x'), spanIdOf('a', 'chat', 'y')];
  expect(new Set(ids).size).toBe(4);
  expect(spanIdOf('a', 'chat', 'x')).toBe(ids[0]);
});

const NEST = [
  '498355fc7c9baf67cbca319079ba1e21 b7315a14e3f52a45 invoke_agent claude-code',
  '498355fc7c9baf67cbca319079ba1e21 81df074e9ae9a757 chat claude-opus-5-5',
  '498355fc7c9baf67cbca319079ba1e21 7e75525958d8c4f7 chat claude-opus-5-5',
  '498355fc7c9baf67cbca319079ba1e21 a3d741c0aec2d9c2 invoke_agent general-purpose',
  '498355fc7c9baf67cbca319079ba1e21 dee796a8f0f435bc chat claude-opus-5-5',
  '498355fc7c9baf67cbca319079ba1e21 0b2edb3366315187 chat claude-opus-5-5',
  '498355fc7c9baf67cbca319079ba1e21 70bc95625eff8442 invoke_agent general-purpose',
  '498355fc7c9baf67cbca319079ba1e21 8f2407bdc69ba26c chat claude-opus-5-5',
  '498355fc7c9baf67cbca319079ba1e21 0e85c6dff14433ea chat claude-opus-5-5',
  '498355fc7c9baf67cbca319079ba1e21 eb6fbfaed40395b4 invoke_agent general-purpose',
  '498355fc7c9baf67cbca319079ba1e21 34aaa52d3011de88 chat claude-opus-5-5',
  '498355fc7c9baf67cbca319079ba1e21 a98660b4438fee75 chat claude-opus-5-5',
  '498355fc7c9baf67cbca319079ba1e21 91a5393a6d57d0e5 execute_tool Bash',
];
