/**
 * A session's rows, with those of its agents → Session.
 *
 * in:   `ParsedFile`s
 * out:  Session and problems; pure and total
 *
 * Rows are written anew, marked and deleted at any time, and are few: so a session is always told from its beginning.
 */
import { grouped } from '../../grouped.ts';
import type { AgentRun, CallRef, ToolCall, Trigger, Turn } from '../../session/types.ts';
import type { Normalised, ParsedTranscript } from '../harness.ts';
import { countByStart } from '../problems.ts';
import { Delegates } from './agents.ts';
import { copiedRows, withoutCopies } from './copies.ts';
import { Exact } from './exact.ts';
import type { ParsedFile } from './records.ts';
import { type Context, digest } from './runs.ts';
import { isAnswered, type Segment, segmentsOf } from './segments.ts';
import { modelOf, totalsOf } from './usage.ts';

const NAME = 'hermes';

export function normalise({ sessionId, main, agents, ended }: ParsedTranscript<ParsedFile>): Normalised {
  const known = new Set([main, ...agents].flatMap(({ meta }) => meta.sessions.map(({ id }) => id)));
  const exact = new Exact([main, ...agents].flatMap(({ hooks }) => hooks.filter((hook) => known.has(hook.sessionId))));
  const { origin, sessions } = main.meta;
  const begunMs = Number(sessions[0]?.['started_at'] ?? 0) * 1000;
  const copied = new Set(origin === undefined ? [] : main.messages.slice(0, copiedRows(main.messages, begunMs)));
  const segments = segmentsOf(withoutCopies(main.messages), (row) => (copied.has(row) ? origin! : sessionId));
  const times = new Map<string, number>();
  const delegates = new Delegates(agents, exact, ended);
  const problems = [main, ...agents].flatMap((file) => file.problems);

  const drafts = segments.map((segment, at) => {
    const rows = segment.start === undefined ? segment.rows : [segment.start, ...segment.rows];
    const isOver = ended || at < segments.length - 1;
    const ids = new Set<string>();
    const context: Context = {
      exact,
      content: main.content,
      prefix: '',
      times,
      modelOf: (id) => modelOf(main.meta, id),
      agentsOf: (call, row, result) => delegates.startedBy(sessionId, call, { row, result }, ids),
      isNew: (id) => !ids.has(id) && Boolean(ids.add(id)),
    };
    const digested = digest(rows, isOver, segment.compactionsMs, context);
    for (const { line, id } of digested.orphans)
      problems.push({ file: main.name, line, reason: 'orphan-result', detail: `no call ${id} was found for this result` });
    return { segment, digested, rows, isOver, ids };
  });

  const unclaimed = placed(
    delegates,
    drafts.map(({ ids, digested: { startedAtMs } }) => ({ ids, startedAtMs })),
  );
  problems.push(...delegates.problems());
  const lines = drafts.map(({ rows }) => rows[0]!.line);
  const problemsOf = countByStart(
    problems.filter(({ file }) => file === main.name),
    lines,
  );
  const calls = drafts.flatMap(({ digested }) => digested.modelCalls);
  const totals = calls.some(({ usage }) => usage !== undefined) ? undefined : totalsOf(main.meta, main.messages.length);
  const refs = taskRefs(drafts.map(({ segment, digested }) => ({ startId: segment.startId, toolCalls: digested.toolCalls })));
  const branch = sessions.findLast(({ git_branch: name }) => typeof name === 'string' && name !== '')?.['git_branch'];

  const turns = drafts.map(({ segment, digested, rows, isOver }, at): Turn => {
    const { orphans: _, ...run } = digested;
    const notifiedBy = refs.get(segment.delegationId ?? '');
    const rewound = rewoundBefore(segments, at);
    const isCopy = copied.has(rows[0]!);
    return {
      ...run,
      startId: segment.startId,
      number: at + 1,
      trigger: segment.start === undefined ? 'unknown' : triggerOf(segment, sessions[0]?.['source']),
      unclaimedAgents: unclaimed.byTurn.get(at) ?? [],
      compactions: segment.compactionsMs.map((atMs) => ({ atMs: Math.round(atMs) })),
      steering: [],
      finished: isOver || isAnswered(rows),
      ...(typeof branch === 'string' && { branch }),
      notifiedBy: notifiedBy === undefined ? [] : [notifiedBy],
      ...(rewound !== undefined && { rewound }),
      ...(isCopy && { copiedFrom: { sessionId: origin! } }),
      problems: problemsOf[at]!,
      ...(at === segments.length - 1 && totals !== undefined && !isCopy && { sessionUsage: totals }),
    };
  });
  return {
    session: { id: sessionId, harness: NAME, agentName: NAME, turns, strays: unclaimed.strays },
    problems,
    checkpointAt: () => undefined,
  };
}

function triggerOf({ delegationId }: Segment, source: unknown): Trigger {
  if (delegationId !== undefined) return 'task_notification';
  return source === 'cron' || source === 'tool' || source === 'api_server' ? 'sdk' : 'human';
}

/** An undo takes the last turns out of the conversation; the one after it goes on from before them. */
function rewoundBefore(segments: readonly Segment[], at: number): Turn['rewound'] {
  if (segments[at]!.isRewound) return undefined;
  let first = at;
  while (first > 0 && segments[first - 1]!.isRewound) first -= 1;
  if (first === at) return undefined;
  return { toTurnId: segments[first - 1]?.startId ?? null, droppedTurnIds: segments.slice(first, at).map(({ startId }) => startId) };
}

interface Span {
  readonly ids: Set<string>;
  readonly startedAtMs: number;
}

/** Under the turn during which they ran, else the one before, else the first. */
function placed(
  delegates: Delegates,
  turns: readonly Span[],
): { byTurn: ReadonlyMap<number, readonly AgentRun[]>; strays: readonly AgentRun[] } {
  if (turns.length === 0) return { byTurn: new Map(), strays: delegates.unclaimed(() => new Set()) };
  const turnAt = (atMs: number): number =>
    Math.max(
      0,
      turns.findLastIndex(({ startedAtMs }) => startedAtMs <= atMs),
    );
  const unclaimed = delegates.unclaimed((atMs) => turns[turnAt(atMs)]!.ids);
  return { byTurn: grouped(unclaimed, ({ startedAtMs }) => turnAt(startedAtMs)), strays: [] };
}

/** Where the span of each background delegation is, of any depth. */
function taskRefs(turns: readonly { readonly startId: string; readonly toolCalls: readonly ToolCall[] }[]): ReadonlyMap<string, CallRef> {
  const refs = new Map<string, CallRef>();
  const visit = (call: ToolCall, startId: string): void => {
    if (call.taskId !== undefined) refs.set(call.taskId, { startId, id: call.id, kind: 'call' });
    for (const agent of [...(call.agent === undefined ? [] : [call.agent]), ...call.agents])
      for (const inner of agent.toolCalls) visit(inner, startId);
  };
  for (const { startId, toolCalls } of turns) for (const call of toolCalls) visit(call, startId);
  return refs;
}
