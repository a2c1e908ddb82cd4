/** Session → spans where the recorded stories have no example: resources, repositories, links. */
import { describe, expect, test } from 'vitest';
import { buildTrace } from '../../src/index.ts';
import { assistant, result, SMALL, toolUse, transcript, user } from '../support/lines.ts';

const resourceOf = (...args: Parameters<typeof buildTrace>) => buildTrace(...args).spans[0]!.resource.attributes;

describe('the resource', () => {
  test('is the harness and its version, as the transcript tells', () => {
    expect(resourceOf(transcript(SMALL))).toEqual({ 'service.name': 'claude-code', 'service.version': '2.1.250' });
  });

  test('is one object for all spans of one version, so that exporters group by it', () => {
    const { spans } = buildTrace(transcript(SMALL));
    expect(new Set(spans.map(({ resource }) => resource)).size).toBe(1);
  });

  test('is of the version that began the turn, for a resumed file mixes versions', () => {
    const next = { version: '2.1.329' };
    const { spans } = buildTrace(transcript([...SMALL, user(5, 1000, 'more', next), assistant(6, 1100, 'msg_3', undefined, next)]));
    expect(spans.map(({ resource }) => resource.attributes['service.version'])).toEqual([
      ...Array(4).fill('2.1.250'),
      '2.1.329',
      '2.1.329',
    ]);
  });

  test('may be overridden and added to', () => {
    const resource = { 'service.name': 'mine', 'deployment.environment.name': 'ci' };
    expect(resourceOf(transcript(SMALL), { resource })).toMatchObject({ ...resource, 'service.version': '2.1.250' });
  });

  test.each([
    { url: 'https://github.com/acme/app', owner: 'acme', name: 'app', provider: 'github' },
    { url: 'https://gitlab.example.com/group/sub/app', owner: 'group/sub', name: 'app', provider: 'gitlab' },
    { url: 'https://git.example.com:8443/app', owner: undefined, name: 'app', provider: undefined },
    { url: 'https://notgithub.example/acme/app', owner: 'acme', name: 'app', provider: undefined },
    { url: 'https://example.com/', owner: undefined, name: undefined, provider: undefined },
  ])('tells the repository: $url', ({ url, owner, name, provider }) => {
    const attributes = resourceOf(transcript(SMALL, { repository: { url } }));
    expect([
      attributes['vcs.repository.url.full'],
      attributes['vcs.owner.name'],
      attributes['vcs.repository.name'],
      attributes['vcs.provider.name'],
    ]).toEqual([url, owner, name, provider]);
  });

  test('tells no repository where none is known', () => {
    expect(Object.keys(resourceOf(transcript(SMALL, { repository: {} }))).filter((key) => key.startsWith('vcs.'))).toEqual([]);
  });
});

test('the branch is on the turn', () => {
  const { spans } = buildTrace(transcript(SMALL.map((line) => ({ ...line, gitBranch: 'feature/x' }))));
  expect(spans.map(({ attributes }) => attributes['vcs.ref.head.name'])).toEqual(['feature/x', undefined, undefined, undefined]);
});

test('each turn links to the one before it', () => {
  const { spans } = buildTrace(
    transcript([...SMALL, user(5, 1000), assistant(6, 1100, 'msg_3'), user(7, 2000), assistant(8, 2100, 'msg_4')]),
  );
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
  expect(roots.length).toBe(3);
  expect(roots.map(({ links }) => links.map(({ traceId, spanId }) => [traceId, spanId]))).toEqual([
    [],
    [[roots[0]!.traceId, roots[0]!.spanId]],
    [[roots[1]!.traceId, roots[1]!.spanId]],
  ]);
});

test('a turn cut short is open, and closed when the session has ended', () => {
  const cut = SMALL.slice(0, 2);
  expect(buildTrace(transcript(cut, { ended: false })).spans.map(({ open }) => open)).toEqual([true, true, true]);
  expect(buildTrace(transcript(cut)).spans.map(({ open }) => open)).toEqual([false, false, false]);
});

test('calls at once are beside each other, each with its own result', () => {
  const lines = [
    user(1, 0),
    assistant(2, 100, 'msg_1', [toolUse('toolu_1'), toolUse('toolu_2'), toolUse('toolu_3')]),
    result(3, 300, 'toolu_3'),
    result(4, 200, 'toolu_1'),
    result(5, 400, 'toolu_2'),
    assistant(6, 500, 'msg_2'),
  ];
  const tools = buildTrace(transcript(lines)).spans.filter(({ name }) => name.startsWith('execute_tool'));
  expect(tools.map(({ attributes, startMs, endMs }) => [attributes['gen_ai.tool.call.id'], endMs - startMs])).toEqual([
    ['toolu_1', 100],
    ['toolu_2', 300],
    ['toolu_3', 200],
  ]);
});

test('an unknown harness is a bug of the caller', () => {
  expect(() => buildTrace(transcript(SMALL, { harness: 'nobody' }))).toThrow('unknown harness nobody');
});
