/**
 * What a command is, and how its arguments are read.
 *
 * in:   name, summary
 * out:  `CliCommand`; a commander that prints where we say, never ends the process, and throws UserError
 */
import { Command, CommanderError } from 'commander';
import { UserError } from '../../errors.ts';
import type { World } from '../run.ts';
import type { Terminal } from '../terminal.ts';

export interface CliCommand {
  readonly name: string;
  /** For the help. */
  readonly summary: string;
  /** @returns exit code, see account.ts */
  run(argv: readonly string[], world: World): Promise<number>;
}

export interface CommandLine {
  /** To add arguments, options and subcommands to. */
  readonly command: Command;
  /** Runs the actions. False when help or version was all that was asked for. */
  parse(argv: readonly string[], out: Terminal): Promise<boolean>;
}

/** @param name  as typed, with the program's name before it */
export function commandLine(name: string, description: string): CommandLine {
  let told = '';
  const command = new Command(name)
    .description(description)
    .helpOption('-h, --help', 'this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        told += text;
      },
      writeErr: () => undefined,
    });
  const parse: CommandLine['parse'] = async (argv, out) => {
    try {
      await command.parseAsync([...argv], { from: 'user' });
      return true;
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      if (error.exitCode !== 0) throw new UserError(error.message.replace(/^error: /, ''), `See ${name} --help.`);
      await out.write(told);
      return false;
    }
  };
  return { command, parse };
}

/** Of an option's value. @throws UserError */
export function wholeNumber(option: string, text: string, least: number | undefined): number {
  const number = /^-?\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(number) || (least !== undefined && number < least))
    throw new UserError(`${option} ${text} is no number${least === undefined ? '' : ` from ${least} up`}.`, `Give one: ${option} 2.`);
  return number;
}
