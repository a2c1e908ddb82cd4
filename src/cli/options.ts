/**
 * The command line, as typed → what to do.
 *
 * in:   argv
 * out:  `Options`, or UserError for a value that makes no sense; help and version end the program
 */
import { Option } from 'commander';
import type { Content } from '../pipeline.ts';
import { profiles, type SemconvVersion } from '../trace/semconv.ts';
import { commandLine, wholeNumber } from './commands/command.ts';
import { commands } from './commands/index.ts';
import type { Terminal } from './terminal.ts';

export interface Options {
  /** Paths, session ids or their beginnings. */
  readonly transcripts: readonly string[];
  readonly last: boolean;
  readonly output?: 'tree' | 'spans' | 'otlp-json';
  readonly out?: string;
  /** Of the tree: levels below a turn, one turn, a pager. */
  readonly depth?: number;
  readonly turn?: number;
  readonly pager: boolean;
  readonly dryRun: boolean;
  readonly resend: boolean;
  readonly final: boolean;
  readonly endpoint?: string;
  readonly header: readonly string[];
  readonly protocol?: string;
  readonly content?: Content;
  readonly semconv?: SemconvVersion;
  readonly agentUsage?: 'own' | 'off';
  readonly check: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** Of switches: not told to commander, whose help would say `(default: false)` of each. */
const OFF = {
  last: false,
  pager: true,
  dryRun: false,
  resend: false,
  final: false,
  header: [],
  check: false,
  quiet: false,
  verbose: false,
};

const EXAMPLES = `
Examples:
  trace-build --last                                     the newest session of this directory, as a tree
  trace-build 4f1c                                       a session by the beginning of its id
  trace-build ~/.claude/projects --endpoint http://localhost:4318
                                                         all there is, to a collector
  trace-build ~/.codex/sessions ~/.hermes/state.db --check
                                                         whichever agent wrote it: Claude Code, Codex, OpenClaw, Hermes, pi
  trace-build session.jsonl --output otlp-json > trace.json
  OTEL_EXPORTER_OTLP_ENDPOINT=https://otlp.example.com OTEL_EXPORTER_OTLP_HEADERS='authorization=Bearer …' \\
  trace-build --last --dry-run                           what would be sent, and where

Where to send: --endpoint, or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or OTEL_EXPORTER_OTLP_ENDPOINT, or the config's endpoint.
Without one nothing is sent and the tree is shown. Headers, protocol, compression, timeout and certificates: the
OTEL_EXPORTER_OTLP_* variables, then the config.

Exit codes: 0 all well · 1 some spans were not delivered · 2 something for you to change · 70 a bug in trace-build`;

/** Of the longest name of a command. */
const NAME_CHARS = Math.max(...commands.map(({ name }) => name.length));

const COMMANDS = `
Commands, each with a --help of its own:
${commands.map(({ name, summary }) => `  trace-build ${name.padEnd(NAME_CHARS)} ${summary}`).join('\n')}`;

/** @throws UserError */
export async function parseOptions(argv: readonly string[], version: string, out: Terminal): Promise<Options | 'done'> {
  const { command, parse } = commandLine('trace-build', "Turns a coding agent's transcript into OpenTelemetry GenAI traces.");
  command
    .argument('[transcripts...]', 'a transcript or database, a session id or its beginning, or a directory of sessions')
    .option('--last', 'the newest session of the current directory')
    .addOption(new Option('--output <format>', 'write instead of sending').choices(['tree', 'spans', 'otlp-json']))
    .option('--out <file>', 'write there instead of to the terminal')
    .option('--depth <levels>', 'of the tree: so many levels below a turn', (value) => wholeNumber('--depth', value, 0))
    .option('--turn <number>', 'of the tree: this turn; -1 is the last one', (value) => wholeNumber('--turn', value, undefined))
    .option('--no-pager', 'no pager for a tree longer than the terminal')
    .option('--dry-run', 'build and report, send nothing')
    .option('--resend', 'send what was delivered before, too')
    .option('--final', 'send what may still change, too: the last turn of a session that may go on')
    .option('--endpoint <url>', 'OTLP/HTTP endpoint')
    .option('--header <name=value>', 'header for the endpoint; may be repeated', (value, all: string[] = []) => [...all, value])
    .option('--protocol <protocol>', 'http/protobuf or http/json')
    .addOption(
      new Option('--content <policy>', 'prompts, answers, arguments and results: what leaves the machine (default: none)').choices([
        'none',
        'redacted',
        'full',
      ]),
    )
    .addOption(new Option('--semconv <version>', 'names of the attributes (default: "1.41")').choices(Object.keys(profiles)))
    .addOption(new Option('--agent-usage <which>', 'sums of an agent\'s own tokens on its span (default: "own")').choices(['own', 'off']))
    .option('--check', 'verify the invariants of every trace')
    .option('--quiet', 'say only what went wrong')
    .option('--verbose', 'list every problem of a transcript')
    .version(version, '-V, --version')
    .addHelpText('after', COMMANDS)
    .addHelpText('after', EXAMPLES);
  if (!(await parse(argv, out))) return 'done';
  return { ...OFF, ...command.opts<Omit<Options, 'transcripts'>>(), transcripts: command.args };
}
