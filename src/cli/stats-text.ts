/**
 * Figures as people read them: what matters first, then tables.
 *
 * in:   StatsReport, groups; width and colours of the terminal
 * out:  text
 */
import type { Durations, ModelReport, StatsReport, TokenReport } from '../stats/report.ts';
import { duration } from '../view/page/format.ts';
import { count, dollars, tokens } from './summary.ts';
import { type Column, tableText } from './table.ts';
import { harmless, type Terminal } from './terminal.ts';
import { padEnd } from './text-width.ts';
import { wrapped } from './wrap.ts';

export type Look = Pick<Terminal, 'width' | 'colors' | 'ascii'>;

/** Rows of a table; the rest is counted. `--json` has all. */
const MAX_ROWS = 20;
const LABEL = 11;

export function overviewText(report: StatsReport, look: Look): string {
  const { tokens: used, interrupted, events, turnDurations } = report;
  const cache = used.cacheHitRatio === undefined ? [] : [`${percent(used.cacheHitRatio)} read from the cache`];
  const facts: readonly (readonly [string, readonly string[]])[] = [
    ['Sessions', [number(report.sessions), `${duration(report.sessionMs)} from first event to last`]],
    ['Turns', [number(report.turns), named(report.turnsByTrigger)]],
    ['At work', [duration(report.workMs), ...spread(turnDurations)]],
    [
      'Cost',
      [dollars(report.costUsd), ...some(report.unpricedCalls, `${count(report.unpricedCalls, 'call')} without a known price not in it`)],
    ],
    [
      'Tokens',
      [
        `${tokens(used.input)} in`,
        ...cache,
        `${tokens(used.output)} out`,
        ...some(used.reasoning, `${tokens(used.reasoning)} of it reasoning`),
      ],
    ],
    [
      '',
      some(
        report.unreliableCalls,
        `${count(report.unreliableCalls, 'call')} ${report.unreliableCalls === 1 ? 'tells' : 'tell'} no usage, or a placeholder: more was used`,
      ),
    ],
    ['Calls', [`${count(report.modelCalls, 'model call')}`, count(report.toolCalls, 'tool call'), count(report.agents, 'sub-agent')]],
    ['Errors', report.errors === 0 ? [] : [count(report.errors, 'error'), named(report.errorsByType)]],
    [
      'Interrupted',
      [
        ...some(interrupted.turns, count(interrupted.turns, 'turn')),
        ...some(interrupted.agents, count(interrupted.agents, 'sub-agent')),
        ...some(interrupted.tools, count(interrupted.tools, 'tool call')),
      ],
    ],
    [
      'Events',
      [
        ...some(events.steering, `${count(events.steering, 'prompt')} amid work`),
        ...some(events.compactions, count(events.compactions, 'compaction')),
        ...some(events.retries, `${events.retries} ${events.retries === 1 ? 'retry' : 'retries'}`),
      ],
    ],
    [
      'Made',
      [
        ...some(report.files.changes, `${count(report.files.touched, 'file')} changed (${count(report.files.changes, 'change')})`),
        ...some(report.commits, count(report.commits, 'commit')),
        ...some(report.pullRequests, count(report.pullRequests, 'pull request')),
      ],
    ],
    ['Redactions', report.redactions === 0 ? [] : [number(report.redactions), named(report.redactionsByRule)]],
    ['Problems', some(report.problems, `${count(report.problems, 'line')} that could not be used whole`)],
  ];
  return facts
    .filter(([, told]) => told.length > 0)
    .map(([label, told]) => factLine(label, told, look))
    .join('');
}

export function tablesText(report: StatsReport, look: Look): string {
  const agents = Object.entries(report.agentsByName).map(([name, n]) => [name, number(n)]);
  return [
    section(
      'Models',
      MODEL_COLUMNS,
      report.models.map((model) => modelRow(model, look)),
      look,
    ),
    section('Tools', TOOL_COLUMNS, report.tools.map(toolRow), look),
    section('Sub-agents', AGENT_COLUMNS, agents, look),
  ].join('');
}

/** @param by  what the groups are */
export function groupsText(by: string, groups: readonly (StatsReport & { readonly key: string })[], look: Look): string {
  // Days in their order, the rest by what it cost.
  const sorted = by === 'day' ? groups : groups.toSorted((a, b) => b.costUsd - a.costUsd);
  return section(
    `By ${by}`,
    [{ title: by, shrinks: true }, ...GROUP_COLUMNS],
    sorted.map((group) => groupRow(group, look)),
    look,
    Number.POSITIVE_INFINITY,
  );
}

// ---------------------------------------------------------------------------------------------

const right = (title: string, drop?: number): Column => ({ title, align: 'right', ...(drop !== undefined && { drop }) });

const MODEL_COLUMNS: readonly Column[] = [
  { title: 'model', shrinks: true },
  right('calls'),
  right('input'),
  right('uncached', 6),
  right('cache read', 3),
  right('write 5m', 7),
  right('write 1h', 8),
  right('hit', 2),
  right('output', 1),
  right('reasoning', 10),
  right('cost'),
  right('p50', 4),
  right('p95', 5),
  right('max', 9),
];

function modelRow({ model, calls, tokens: used, costUsd, unpricedCalls, durations }: ModelReport, look: Look): readonly string[] {
  const hit = used.cacheHitRatio === undefined ? '' : percent(used.cacheHitRatio);
  return [model, number(calls), ...tokenCells(used, hit), cost(costUsd, unpricedCalls, look), ...durationCells(durations)];
}

const tokenCells = (used: TokenReport, hit: string): readonly string[] => [
  tokens(used.input),
  tokens(used.uncached),
  tokens(used.cacheRead),
  orNothing(used.cacheWrite5m, tokens),
  orNothing(used.cacheWrite1h, tokens),
  hit,
  tokens(used.output),
  orNothing(used.reasoning, tokens),
];

const TOOL_COLUMNS: readonly Column[] = [
  { title: 'tool', shrinks: true },
  right('calls'),
  right('failed'),
  right('rate'),
  right('denied', 3),
  right('interrupted', 4),
  right('p50'),
  right('p95'),
  right('max', 2),
  right('in all', 1),
];

const toolRow = ({ tool, calls, failed, failureRate, denied, interrupted, durations }: StatsReport['tools'][number]): readonly string[] => [
  tool,
  number(calls),
  orNothing(failed, number),
  failed === 0 ? '' : percent(failureRate),
  orNothing(denied, number),
  orNothing(interrupted, number),
  ...durationCells(durations),
  durations.count === 0 ? '' : duration(durations.sumMs),
];

const AGENT_COLUMNS: readonly Column[] = [{ title: 'agent', shrinks: true }, right('runs')];

const GROUP_COLUMNS: readonly Column[] = [
  right('sessions', 2),
  right('turns'),
  right('at work', 4),
  right('model calls', 6),
  right('tool calls', 3),
  right('errors', 5),
  right('input'),
  right('hit', 7),
  right('output', 1),
  right('cost'),
  right('files', 8),
  right('commits', 9),
];

const groupRow = (group: StatsReport & { readonly key: string }, look: Look): readonly string[] => [
  group.key === '' ? '(not known)' : group.key,
  number(group.sessions),
  number(group.turns),
  duration(group.workMs),
  number(group.modelCalls),
  number(group.toolCalls),
  orNothing(group.errors, number),
  tokens(group.tokens.input),
  group.tokens.cacheHitRatio === undefined ? '' : percent(group.tokens.cacheHitRatio),
  tokens(group.tokens.output),
  cost(group.costUsd, group.unpricedCalls, look),
  orNothing(group.files.touched, number),
  orNothing(group.commits, number),
];

function section(title: string, columns: readonly Column[], rows: readonly (readonly string[])[], look: Look, max = MAX_ROWS): string {
  if (rows.length === 0) return '';
  const more = rows.length > max ? look.colors.dim(`  and ${rows.length - max} more: --json lists them\n`) : '';
  return `\n${look.colors.bold(title)}\n${tableText(columns, rows.slice(0, max), look)}${more}`;
}

/** A fact too long for its line goes on below. */
function factLine(label: string, told: readonly string[], { width, colors, ascii }: Look): string {
  const room = Math.max(20, (width ?? Number.POSITIVE_INFINITY) - LABEL - 2);
  const parts = told.map(harmless).filter((text) => text !== '');
  const lines = wrapped(parts, ' · ', room, ascii ? '...' : '…');
  return lines.map((line, at) => `${colors.bold(padEnd(at === 0 ? label : '', LABEL))}  ${line}\n`).join('');
}

const some = (n: number, text: string): readonly string[] => (n > 0 ? [text] : []);

const named = (counts: Readonly<Record<string, number>>): string => {
  const all = Object.entries(counts).map(([name, n]) => `${number(n)} ${name}`);
  return all.length <= 6 ? all.join(', ') : `${all.slice(0, 5).join(', ')} and ${all.length - 5} more kinds`;
};

const spread = ({ p50Ms, p95Ms, maxMs }: Durations): readonly string[] =>
  p50Ms === undefined ? [] : [`a turn ${duration(p50Ms)} (p50), ${duration(p95Ms!)} (p95), ${duration(maxMs!)} (max)`];

const durationCells = ({ p50Ms, p95Ms, maxMs }: Durations): readonly string[] =>
  [p50Ms, p95Ms, maxMs].map((ms) => (ms === undefined ? '' : duration(ms)));

const number = (n: number): string => n.toLocaleString('en-US');
const orNothing = (n: number, shown: (n: number) => string): string => (n === 0 ? '' : shown(n));
/** 99.96 % is not all. */
const percent = (ratio: number): string => `${ratio > 0.995 && ratio < 1 ? '99.9' : Math.round(ratio * 100)}%`;
const cost = (usd: number, unpriced: number, { ascii }: Look): string =>
  unpriced === 0 ? dollars(usd) : usd === 0 ? '?' : `${ascii ? '>' : '≥'}${dollars(usd)}`;
