/**
 * A VerifyReport, for people.
 *
 * in:   VerifyReport, colours
 * out:  text: one line, or tables with each difference below them
 */
import type { Place } from '../harness/recount.ts';
import type { DeclaredReport, DestinationReport, Difference, Row, VerifyReport } from '../verify/report.ts';
import { count } from './summary.ts';
import { harmless, type Terminal } from './terminal.ts';
import { padEnd, padStart, widthOf } from './text-width.ts';

type Colors = Terminal['colors'];

/** A file that was cut in half has thousands. */
const MAX_SHOWN = 20;
const MAX_PLACES = 4;

export function verifyLine(name: string, { rows, declared, destinations, notes }: VerifyReport, colors: Colors): string {
  const number = (what: Row['what']): number => rows.reduce((sum, row) => sum + (row.what === what ? row.built : 0), 0);
  const exported = destinations.filter((destination) => destination.exported).length;
  return [
    `${colors.green('ok')}  ${harmless(name)}  ${count(number('responses'), 'response')}`,
    count(number('tool calls'), 'tool call'),
    count(number('sub-agents'), 'sub-agent'),
    `${grouped(number('input tokens') + number('output tokens'))} tokens`,
    ...(declared !== undefined && declared.incomparable === undefined ? [`as ${declared.name}`] : []),
    ...(exported > 0 ? [`delivered to ${count(exported, 'destination')}`] : []),
    ...(notes.length > 0 ? [colors.yellow(count(notes.length, 'note'))] : []),
  ].join(', ');
}

/** @param verbose  every difference, and every line of it */
export function verifyText(name: string, report: VerifyReport, colors: Colors, verbose: boolean): string {
  const { rows, declared, destinations, differences, notes } = report;
  const verdict = differences.length === 0 ? colors.green('no difference') : colors.red(count(differences.length, 'difference'));
  const shown = verbose ? differences : differences.slice(0, MAX_SHOWN);
  return [
    `${colors.bold(harmless(name))}  ${verdict}`,
    '',
    ...table(['', 'lines', 'spans', 'difference'], linesTable(rows), colors),
    ...(declared === undefined ? [] : ['', ...declaredTable(declared, colors)]),
    ...(destinations.length === 0 ? [] : ['', ...destinationsTable(destinations, colors)]),
    ...(differences.length === 0 ? [] : ['']),
    ...shown.flatMap((difference) => differenceLines(difference, colors, verbose)),
    ...(shown.length < differences.length ? [`and ${differences.length - shown.length} more: --verbose shows them all`] : []),
    ...(notes.length === 0
      ? []
      : ['', ...notes.flatMap(({ places, says }) => [`${colors.yellow('note')} ${harmless(says)}`, ...placeLines(places, verbose)])]),
    '',
  ].join('\n');
}

function linesTable(rows: readonly Row[]): Cells[] {
  const headOf = ({ model, ofSessions }: Row): string | undefined => (ofSessions ? 'session and agents as a whole' : model);
  return rows.flatMap((row, at): Cells[] => {
    const { what, raw, built, difference } = row;
    const head = headOf(row);
    const isNew = head !== undefined && (at === 0 || headOf(rows[at - 1]!) !== head);
    return [
      ...(isNew ? [[harmless(head), '', '', '']] : []),
      [`${head === undefined ? '' : '  '}${what}`, grouped(raw), grouped(built), signed(difference)],
    ];
  });
}

function declaredTable({ name, place, rows, incomparable }: DeclaredReport, colors: Colors): string[] {
  const cells = rows.flatMap(({ what, model, declared, built, difference }, at): Cells[] => {
    const show = what === 'cost in USD' ? usd : grouped;
    const sign = difference === null || difference === 0 ? '' : difference > 0 ? '+' : '';
    return [
      ...(rows[at - 1]?.model !== model ? [[harmless(model), '', '', '']] : []),
      [
        `  ${what}`,
        show(declared),
        built === null ? '-' : show(built),
        difference === null ? '' : difference === 0 ? '0' : `${sign}${show(difference)}`,
      ],
    ];
  });
  const unknown = rows.some(({ built }) => built === null);
  return [
    ...table([`line ${place.line}`, name, 'spans', 'difference'], cells, colors, incomparable === undefined),
    ...(rows.length === 0 ? [colors.dim(`${name} counts nothing.`)] : []),
    ...(incomparable === undefined ? [] : [colors.dim(`Not compared: ${incomparable}.`)]),
    ...(unknown ? [colors.dim('-: the model stands on no line, or has no known price.')] : []),
  ];
}

function destinationsTable(destinations: readonly DestinationReport[], colors: Colors): string[] {
  return destinations.flatMap((destination) => {
    const { key, url, exported, final, open, leftOut, acknowledged, refused, pending, notBuilt } = destination;
    const where = harmless(url ?? key);
    if (!exported) return [`${where}: not exported`];
    const also = [
      ...(open > 0 ? [`${count(open, 'span')} may still change`] : []),
      ...(leftOut > 0 ? [`${count(leftOut, 'span')} of turns that are older than the export, or another session's to send`] : []),
      ...(refused > 0 ? [`${count(refused, 'span')} refused the last time`] : []),
    ];
    return [
      ...table(
        [where, 'spans', 'acknowledged', 'difference'],
        [
          ['final', grouped(final), grouped(final - pending), signed(0 - pending)],
          ['not in the build', '0', grouped(notBuilt), signed(notBuilt)],
        ],
        colors,
      ),
      ...(acknowledged !== final - pending ? [colors.dim(`${count(pending + acknowledged - final, 'span')} with an earlier end`)] : []),
      ...(also.length > 0 ? [colors.dim(also.join(', '))] : []),
    ];
  });
}

function differenceLines({ kind, id, places, spans, says }: Difference, colors: Colors, verbose: boolean): string[] {
  return [
    `${colors.red('!')} ${colors.bold(kind)} ${harmless(id)}`,
    `  ${harmless(says)}`,
    ...placeLines(places, verbose),
    ...(spans.length > 0 ? [colors.dim(`  span ${spans.join(', ')}`)] : []),
  ];
}

function placeLines(places: readonly Place[], verbose: boolean): string[] {
  const shown = verbose ? places : places.slice(0, MAX_PLACES);
  const more = places.length - shown.length;
  return [
    ...shown.map(({ file, line }) => `  ${harmless(line === 0 ? file : `${file}:${line}`)}`),
    ...(more > 0 ? [`  and ${count(more, 'more line')}`] : []),
  ];
}

type Cells = readonly string[];

/** The first column left, the others right. A difference that is none says so quietly. */
function table(head: Cells, body: readonly Cells[], colors: Colors, counts = true): string[] {
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((cells) => widthOf(cells[column]!))));
  const line = (cells: Cells): string[] =>
    cells.map((cell, column) => (column === 0 ? padEnd(cell, widths[column]!) : padStart(cell, widths[column]!)));
  return [
    colors.dim(line(head).join('  ').trimEnd()),
    ...body.map((cells) => {
      const padded = line(cells);
      const last = padded.pop()!;
      const isWrong = counts && !['', '0'].includes(last.trim());
      return [...padded, isWrong ? colors.red(last) : colors.dim(last)].join('  ').trimEnd();
    }),
  ];
}

const grouped = (value: number): string => value.toLocaleString('en-US');
const signed = (value: number): string => (value > 0 ? `+${grouped(value)}` : grouped(value));
const usd = (value: number): string => `${value < 0 ? '-' : ''}$${Math.abs(value).toFixed(6)}`;
