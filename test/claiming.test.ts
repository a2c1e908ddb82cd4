/**
 * Which call started which agent: the rules one by one, and what must hold whatever calls and files say.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AgentCall, type Claims, claim, type PoolFile } from '../src/harness/claude-code/claiming.ts';
import { brokenInvariants, buildTrace } from '../src/index.ts';
import { agentFile, agentUse, assistant, type Json, result, transcript, user } from './support/lines.ts';

const call = (own: Partial<AgentCall> = {}): AgentCall => ({
  id: 'call',
  holder: undefined,
  atMs: 100,
  prompt: undefined,
  type: undefined,
  name: undefined,
  agentId: undefined,
  runId: undefined,
  failedAtMs: undefined,
  mayGuess: true,
  ...own,
});

const file = (own: Partial<PoolFile> = {}): PoolFile => ({
  id: 'file',
  aliases: [],
  startMs: 200,
  toolUseId: undefined,
  parentAgentId: undefined,
  group: undefined,
  type: undefined,
  names: [],
  prompt: undefined,
  isWarmup: false,
  firstParentUuid: undefined,
  holdsUuid: () => false,
  ...own,
});

const holding = (...uuids: string[]) => ({ holdsUuid: (uuid: string) => uuids.includes(uuid) });

/** `call>file`, run members as `call*file`, respawns as `file+file`, adopted as `file/file`, unclaimed as `?file`. */
const told = (claims: Claims): string[] =>
  [
    ...[...claims.fileOf].map(([id, taken]) => `${id}>${taken}`),
    ...[...claims.membersOf].flatMap(([id, ids]) => ids.map((member) => `${id}*${member}`)),
    ...[...claims.respawnsOf].flatMap(([id, ids]) => ids.map((later) => `${id}+${later}`)),
    ...[...claims.adoptedBy].flatMap(([id, ids]) => ids.map((child) => `${id}/${child}`)),
    ...claims.unclaimed.map((id) => `?${id}`),
  ].toSorted();

interface Rule {
  readonly rule: string;
  readonly calls: readonly AgentCall[];
  readonly files: readonly PoolFile[];
  readonly is: readonly string[];
}

test.each<Rule>([
  { rule: 'the result names the file', calls: [call({ agentId: 'file' })], files: [file()], is: ['call>file'] },
  {
    rule: 'the result names a partial copy of the file',
    calls: [call({ agentId: 'part' })],
    files: [file({ aliases: ['part'] })],
    is: ['call>file'],
  },
  {
    rule: 'a fact holds though the file began before the call',
    calls: [call({ agentId: 'file' })],
    files: [file({ startMs: 1 })],
    is: ['call>file'],
  },
  { rule: 'the meta names the call', calls: [call()], files: [file({ toolUseId: 'call' })], is: ['call>file'] },
  {
    rule: 'the meta names the call and the agent it was made in',
    calls: [call({ holder: 'lead', agentId: undefined }), call({ id: 'top', agentId: 'lead' })],
    files: [file({ toolUseId: 'call', parentAgentId: 'lead' }), file({ id: 'lead' })],
    is: ['call>file', 'top>lead'],
  },
  {
    rule: 'the meta names another agent than the one that holds the call',
    calls: [call()],
    files: [file({ toolUseId: 'call', parentAgentId: 'other' })],
    is: ['?file'],
  },
  {
    rule: 'two calls claim one file: the earlier one has it',
    calls: [call({ id: 'late', atMs: 150, agentId: 'file' }), call({ id: 'early', atMs: 100, agentId: 'file' })],
    files: [file()],
    is: ['early>file'],
  },
  {
    rule: 'a workflow has all agents of its run, and those of no other',
    calls: [call({ runId: 'run', mayGuess: false })],
    files: [file({ id: 'a', group: 'run' }), file({ id: 'b', group: 'run' }), file({ id: 'c', group: 'other' })],
    is: ['?c', 'call*a', 'call*b'],
  },
  { rule: 'the same name in the team', calls: [call({ name: 'mate' })], files: [file({ names: ['mate'] })], is: ['call>file'] },
  { rule: 'the same prompt', calls: [call({ prompt: 'p' })], files: [file({ prompt: 'p' })], is: ['call>file'] },
  { rule: 'the same type', calls: [call({ type: 'Explore' })], files: [file({ type: 'Explore' })], is: ['call>file'] },
  { rule: 'no prompt is not the same prompt', calls: [call()], files: [file()], is: ['?file'] },
  {
    rule: 'a name goes before a prompt',
    calls: [call({ id: 'asks', prompt: 'p', atMs: 1 }), call({ id: 'names', name: 'mate', atMs: 2 })],
    files: [file({ names: ['mate'], prompt: 'p' })],
    is: ['names>file'],
  },
  {
    rule: 'a prompt goes before a type',
    calls: [call({ id: 'typed', type: 'T', atMs: 1 }), call({ id: 'asked', prompt: 'p', atMs: 2 })],
    files: [file({ type: 'T', prompt: 'p' })],
    is: ['asked>file'],
  },
  {
    rule: 'by type: first come, first served',
    calls: [call({ id: 'one', type: 'T', atMs: 1 }), call({ id: 'two', type: 'T', atMs: 2 })],
    files: [file({ id: 'later', type: 'T', startMs: 9 }), file({ id: 'sooner', type: 'T', startMs: 8 })],
    is: ['one>sooner', 'two>later'],
  },
  {
    rule: 'a guess takes no file begun before the call',
    calls: [call({ prompt: 'p' })],
    files: [file({ prompt: 'p', startMs: 99 })],
    is: ['?file'],
  },
  { rule: 'a guess takes no warm-up', calls: [call({ prompt: 'p' })], files: [file({ prompt: 'p', isWarmup: true })], is: ['?file'] },
  {
    rule: 'a guess takes no file whose meta names another call',
    calls: [call({ prompt: 'p' })],
    files: [file({ prompt: 'p', toolUseId: 'elsewhere' })],
    is: ['?file'],
  },
  {
    rule: 'a call that was refused guesses nothing',
    calls: [call({ prompt: 'p', mayGuess: false })],
    files: [file({ prompt: 'p' })],
    is: ['?file'],
  },
  {
    rule: 'a failed call had its agent before it failed',
    calls: [call({ prompt: 'p', failedAtMs: 150 })],
    files: [file({ prompt: 'p', startMs: 160 })],
    is: ['?file'],
  },
  {
    rule: 'of a call that failed and its second try, the second try has the agent',
    calls: [call({ id: 'failed', prompt: 'p', atMs: 100, failedAtMs: 300 }), call({ id: 'again', prompt: 'p', atMs: 150 })],
    files: [file({ prompt: 'p' })],
    is: ['again>file'],
  },
  {
    rule: 'a later file of the same name is the same agent',
    calls: [call({ name: 'mate' })],
    files: [file({ names: ['mate'] }), file({ id: 'again', names: ['mate'], startMs: 900 })],
    is: ['call>file', 'file+again'],
  },
  {
    rule: 'a file whose first line hangs on a line of an agent is the same agent',
    calls: [call({ agentId: 'file' })],
    files: [file(holding('u1')), file({ id: 'again', firstParentUuid: 'u1', startMs: 900 })],
    is: ['call>file', 'file+again'],
  },
  {
    rule: 'a file without a call runs under the agent its meta names',
    calls: [call({ agentId: 'file' })],
    files: [file(), file({ id: 'child', parentAgentId: 'file' })],
    is: ['call>file', 'file/child'],
  },
  { rule: 'an agent that names itself as its parent has none', calls: [], files: [file({ parentAgentId: 'file' })], is: ['?file'] },
  {
    rule: 'two agents that name each other: one of them has no parent',
    calls: [],
    files: [file({ id: 'a', parentAgentId: 'b' }), file({ id: 'b', parentAgentId: 'a' })],
    is: ['?b', 'b/a'],
  },
  {
    rule: 'a call within the file it names starts nothing',
    calls: [call({ holder: 'file', agentId: 'file' })],
    files: [file()],
    is: ['?file'],
  },
  {
    rule: 'two agents that started each other: the first claim holds',
    calls: [call({ id: 'x', holder: 'a', agentId: 'b', atMs: 1 }), call({ id: 'y', holder: 'b', agentId: 'a', atMs: 2 })],
    files: [file({ id: 'a' }), file({ id: 'b' })],
    is: ['?a', 'x>b'],
  },
  { rule: 'nothing from nothing', calls: [], files: [], is: [] },
])('$rule', ({ calls, files, is }) => {
  expect(told(claim(calls, files))).toEqual(is.toSorted());
});

test('links that would put a file under itself are told', () => {
  expect(claim([call({ holder: 'file', agentId: 'file' })], [file()]).cycles).toEqual([{ callId: 'call', fileId: 'file' }]);
});

// ---------------------------------------------------------------------------------------------

describe('whatever calls and files say', () => {
  const FILE_IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
  const CALL_IDS = ['1', '2', '3', '4', '5', '6', '7'];
  const maybe = <T>(values: readonly T[]) => fc.option(fc.constantFrom(...values), { nil: undefined, freq: 2 });
  const few = fc.constantFrom('u', 'v', 'w');
  const moment = fc.integer({ min: 0, max: 12 });

  const calls = fc.uniqueArray(
    fc.record<AgentCall>({
      id: fc.constantFrom(...CALL_IDS),
      holder: maybe([...FILE_IDS, 'nowhere']),
      atMs: moment,
      prompt: maybe(['p', 'q']),
      type: maybe(['T', 'U']),
      name: maybe(['m', 'n']),
      agentId: maybe([...FILE_IDS, 'copy', 'nowhere']),
      runId: maybe(['r', 's']),
      failedAtMs: fc.option(moment, { nil: undefined }),
      mayGuess: fc.boolean(),
    }),
    { selector: ({ id }) => id },
  );
  const files = fc.uniqueArray(
    fc
      .record({
        id: fc.constantFrom(...FILE_IDS),
        aliases: fc.constantFrom([], ['copy'], ['a'], ['a', 'b']),
        startMs: moment,
        toolUseId: maybe([...CALL_IDS, 'nowhere']),
        parentAgentId: maybe([...FILE_IDS, 'nowhere']),
        group: maybe(['r', 's']),
        type: maybe(['T', 'U']),
        names: fc.subarray(['m', 'n']),
        prompt: maybe(['p', 'q']),
        isWarmup: fc.boolean(),
        firstParentUuid: fc.option(few, { nil: undefined }),
        uuids: fc.subarray(['u', 'v', 'w']),
      })
      .map(({ uuids, ...rest }): PoolFile => ({ ...rest, ...holding(...uuids) })),
    { selector: ({ id }) => id },
  );

  const placed = (claims: Claims): string[] => [
    ...claims.fileOf.values(),
    ...[claims.membersOf, claims.respawnsOf, claims.adoptedBy].flatMap((map) => [...map.values()].flat()),
    ...claims.unclaimed,
  ];

  /** The file each file hangs under: that of the call, of the agent it goes on, of the parent. */
  function aboveOf(claims: Claims, given: readonly AgentCall[]): Map<string, string | undefined> {
    const holderOf = new Map(given.map(({ id, holder }) => [id, holder]));
    return new Map([
      ...[...claims.fileOf].map(([id, taken]) => [taken, holderOf.get(id)] as const),
      ...[...claims.membersOf].flatMap(([id, members]) => members.map((member) => [member, holderOf.get(id)] as const)),
      ...[...claims.respawnsOf, ...claims.adoptedBy].flatMap(([id, children]) => children.map((child) => [child, id] as const)),
    ]);
  }

  const check = (property: (calls: readonly AgentCall[], files: readonly PoolFile[], claims: Claims) => void) =>
    fc.assert(
      fc.property(calls, files, (given, pool) => void property(given, pool, claim(given, pool))),
      { numRuns: 1000 },
    );

  test('every file is placed exactly once', () => {
    check((_, pool, claims) => expect(placed(claims).toSorted()).toEqual(pool.map(({ id }) => id).toSorted()));
  });

  test('no file is below itself', () => {
    check((given, pool, claims) => {
      const above = aboveOf(claims, given);
      for (const { id } of pool) {
        const passed = new Set<string>();
        for (let up = above.get(id); up !== undefined; up = above.get(up)) {
          expect([id, ...passed]).not.toContain(up);
          passed.add(up);
        }
      }
    });
  });

  test('only calls that are there have files, each at most one of its own', () => {
    check((given, _, claims) => {
      const ids = given.map(({ id }) => id);
      for (const id of [...claims.fileOf.keys(), ...claims.membersOf.keys()]) expect(ids).toContain(id);
      expect(new Set(claims.fileOf.values()).size).toBe(claims.fileOf.size);
    });
  });

  const named = (by: AgentCall, pool: readonly PoolFile[]) =>
    by.agentId === undefined ? [] : pool.filter(({ id, aliases }) => id === by.agentId || aliases.includes(by.agentId!));
  const isFact = (by: AgentCall, of: PoolFile) => by.agentId === of.id || of.aliases.includes(by.agentId ?? '') || of.toolUseId === by.id;

  test('a guess takes neither a file begun before its call, nor a warm-up, nor one that names another call', () => {
    check((given, pool, claims) => {
      for (const [callId, fileId] of claims.fileOf) {
        const [by, of] = [given.find(({ id }) => id === callId)!, pool.find(({ id }) => id === fileId)!];
        if (isFact(by, of)) continue;
        expect(by.mayGuess).toBe(true);
        expect(of.startMs).toBeGreaterThanOrEqual(by.atMs);
        expect(of.isWarmup).toBe(false);
        expect(of.toolUseId).toBeUndefined();
        expect(of.names.includes(by.name ?? '') || of.prompt === by.prompt || of.type === by.type).toBe(true);
      }
    });
  });

  test('what a result names no guess takes away', () => {
    check((given, pool, claims) => {
      for (const by of given) {
        const [of, ...more] = named(by, pool);
        const rivals = given.filter((other) => other !== by && of !== undefined && (isFact(other, of) || other.runId === of.group));
        const inCycle = claims.cycles.some(({ callId, fileId }) => callId === by.id && fileId === of?.id);
        // A run's own agents, a rival with the same right, and an id that two files go by are other matters.
        if (of === undefined || more.length > 0 || rivals.length > 0 || inCycle || of.group === by.runId) continue;
        expect(claims.fileOf.get(by.id)).toBe(of.id);
      }
    });
  });

  test('the order they come in does not matter', () => {
    check((given, pool, claims) => expect(told(claim(given.toReversed(), pool.toReversed()))).toEqual(told(claims)));
  });

  test('ids that come twice end it neither', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(calls, files), { maxLength: 3 }), (rounds) => {
        const claims = claim(
          rounds.flatMap(([given]) => given),
          rounds.flatMap(([, pool]) => pool),
        );
        for (const id of new Set(rounds.flatMap(([, pool]) => pool.map((each) => each.id)))) expect(placed(claims)).toContain(id);
      }),
    );
  });
});

describe('whole transcripts with any metas', () => {
  const AGENT_IDS = ['a1', 'a2', 'a3', 'a4'];
  const CALLS = ['toolu_m1', 'toolu_m2', ...AGENT_IDS.map((id) => `toolu_${id}`)];
  const maybe = <T>(values: readonly T[]) => fc.option(fc.constantFrom(...values), { nil: undefined, freq: 2 });

  const meta = fc.option(
    fc.record({
      agentType: maybe(['worker', 'mate', 7]),
      name: maybe(['mate', null]),
      toolUseId: maybe([...CALLS, 'toolu_nowhere', 3]),
      parentAgentId: maybe([...AGENT_IDS, 'nowhere', {}]),
      taskKind: maybe(['in_process_teammate']),
      isFork: maybe([true, 'yes']),
      finished: maybe([true, false]),
    }),
    { nil: undefined },
  );
  const agent = fc.record({
    startMs: fc.integer({ min: 0, max: 900 }),
    prompt: fc.constantFrom('p', 'q', 'Warmup', '<teammate-message teammate_id="x">\np\n</teammate-message>'),
    callsAgent: fc.boolean(),
    names: maybe([...AGENT_IDS, 'nowhere']),
    hangsOn: maybe([1, 102, 203]),
    meta,
  });
  const pool = fc.uniqueArray(fc.tuple(fc.constantFrom(...AGENT_IDS), agent), { selector: ([id]) => id });
  const calls = fc.array(fc.record({ prompt: fc.constantFrom('p', 'q'), names: maybe([...AGENT_IDS, 'nowhere']), isError: fc.boolean() }), {
    maxLength: 2,
  });

  test('every response of every agent is told exactly once, in a sound tree', () => {
    fc.assert(
      fc.property(calls, pool, fc.boolean(), fc.boolean(), (given, files, withTurn, ended) => {
        const main = given.flatMap(({ prompt, names, isError }, n) => [
          assistant(10 * n + 2, 100 + n, `msg_m${n}`, [agentUse(`toolu_m${n + 1}`, { prompt })]),
          result(10 * n + 3, 950 + n, `toolu_m${n + 1}`, names === undefined ? {} : { toolUseResult: { agentId: names } }, {
            is_error: isError,
          }),
        ]);
        const agents = files.map(([id, { startMs, prompt, callsAgent, names, hangsOn, meta: told }], n) =>
          agentFile(
            id,
            [
              user(
                100 * n + 101,
                startMs,
                prompt,
                hangsOn === undefined ? {} : { parentUuid: `00000000-0000-4000-8000-${String(hangsOn).padStart(12, '0')}` },
              ),
              assistant(100 * n + 102, startMs + 10, `msg_${id}_1`, callsAgent ? [agentUse(`toolu_${id}`)] : undefined),
              ...(callsAgent && names !== undefined
                ? [result(100 * n + 103, startMs + 20, `toolu_${id}`, { toolUseResult: { agentId: names } })]
                : []),
              assistant(100 * n + 104, startMs + 30, `msg_${id}_2`),
            ],
            told as Json | undefined,
          ),
        );
        const { spans } = buildTrace(transcript(withTurn ? [user(1, 0), ...main] : main, { agents, ended }));
        const responses = spans.flatMap(({ attributes }) => attributes['gen_ai.response.id'] ?? []);
        expect(responses.toSorted()).toEqual(
          [...given.map((_, n) => `msg_m${n}`), ...files.flatMap(([id]) => [`msg_${id}_1`, `msg_${id}_2`])].toSorted(),
        );
        expect(brokenInvariants(spans)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
});
