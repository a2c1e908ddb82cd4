/**
 * `trace-build redact test|list`: what would be hidden in a text, and by which rules.
 *
 * in:   argv, World; a file or stdin; config and packs as for a session begun in the current directory
 * out:  findings by rule and line, their secrets masked; the rules there are
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { text as textFrom } from 'node:stream/consumers';
import { type ListedRule, type Redaction, redactionFor, unknownRules } from '../../config/packs.ts';
import { expanded } from '../../config/paths.ts';
import { UserError } from '../../errors.ts';
import { EXIT } from '../account.ts';
import type { World } from '../run.ts';
import { configOf } from '../settings.ts';
import { harmless, jsonText } from '../terminal.ts';
import { type CliCommand, commandLine } from './command.ts';

interface Flags {
  readonly pack?: readonly string[];
  readonly json?: true;
}

export const redact: CliCommand = {
  name: 'redact',
  summary: 'what hides secrets: test it on a text, list the rules',
  async run(argv, world) {
    const { command, parse } = commandLine('trace-build redact', 'What hides secrets in content that is exported.');
    const pack = ['--pack <file>', 'a pack of rules besides those in force; may be repeated'] as const;
    const repeated = (value: string, all: readonly string[] = []): readonly string[] => [...all, value];
    command
      .command('test')
      .description('what would be hidden in a text, by rule and line; secrets are masked')
      .argument('[file]', 'a file; without it, or as -, what comes on stdin')
      .option(...pack, repeated)
      .option('--json', 'as JSON')
      .action((file: string | undefined, flags: Flags) => test(world, file ?? '-', flags));
    command
      .command('list')
      .description('every rule, whether it is on, and where it comes from')
      .option(...pack, repeated)
      .option('--json', 'as JSON')
      .action((flags: Flags) => list(world, flags));
    await parse(argv.length === 0 ? ['--help'] : argv, world.out);
    return EXIT.ok;
  },
};

async function test(world: World, file: string, flags: Flags): Promise<void> {
  const { redactor } = redactionIn(world, flags);
  const text = await textOf(file, world);
  const findings = placed(text, redactor.find(text));
  const counts = countsOf(findings.map(({ rule }) => rule));
  if (flags.json) {
    await world.out.write(jsonText({ file, findings, counts }));
    return;
  }
  const width = Math.max(0, ...Object.keys(counts).map((id) => id.length));
  const name = file === '-' ? 'stdin' : harmless(file);
  for (const { line, rule, masked } of findings) await world.out.write(`${name}:${line}  ${rule.padEnd(width)}  ${masked}\n`);
  const sum = Object.entries(counts).map(([id, count]) => `${count} ${id}`);
  world.out.note(sum.length === 0 ? 'Nothing would be hidden.' : `Would be hidden: ${sum.join(', ')}.`);
}

async function list(world: World, flags: Flags): Promise<void> {
  const { rules } = redactionIn(world, flags);
  if (flags.json) {
    await world.out.write(jsonText({ rules }));
    return;
  }
  const width = (of: (rule: ListedRule) => string): number => Math.max(...rules.map((rule) => harmless(of(rule)).length));
  const [ids, sources] = [width(({ id }) => id), width(({ source }) => source)];
  for (const { id, on, source, description } of rules)
    await world.out.write(
      `${id.padEnd(ids)}  ${on ? 'on ' : 'off'}  ${harmless(source).padEnd(sources)}  ${harmless(description)}`.trimEnd().concat('\n'),
    );
}

function redactionIn(world: World, { pack = [] }: Flags): Redaction {
  const loaded = configOf(world);
  for (const id of unknownRules(loaded)) world.out.note(`redact_rules: ${harmless(id)} is no rule of this version.`);
  return redactionFor(
    loaded,
    world.cwd,
    pack.map((file) => resolve(world.cwd, expanded(file, world.home))),
  );
}

async function textOf(file: string, world: World): Promise<string> {
  if (file === '-') return await (world.stdin ?? (() => textFrom(process.stdin)))();
  try {
    return readFileSync(resolve(world.cwd, expanded(file, world.home)), 'utf8');
  } catch (error) {
    throw new UserError(
      `${file} can't be read: ${(error as Error).message.replace(/, \w+( '.*)?$/s, '')}.`,
      'Name a file, or - for stdin.',
    );
  }
}

interface Placed {
  /** 1-based, as editors count. */
  readonly line: number;
  readonly column: number;
  readonly length: number;
  readonly rule: string;
  readonly masked: string;
}

function placed(text: string, findings: ReturnType<Redaction['redactor']['find']>): readonly Placed[] {
  let [line, lineStart] = [1, 0];
  return findings.map(({ start, end, rule }) => {
    for (let feed = text.indexOf('\n', lineStart); feed >= 0 && feed < start; feed = text.indexOf('\n', lineStart)) {
      line++;
      lineStart = feed + 1;
    }
    return { line, column: start - lineStart + 1, length: end - start, rule, masked: masked(text.slice(start, end)) };
  });
}

/** The beginning of a token tells what it is; of a short password it would tell too much. */
const masked = (secret: string): string => `${harmless(secret.slice(0, secret.length < 16 ? 1 : 4))}…`;

function countsOf(rules: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const rule of rules) counts[rule] = (counts[rule] ?? 0) + 1;
  return counts;
}
