/**
 * A harness's own program, that knows how to take up a plugin.
 *
 * in:   the names it may have; environment
 * out:  what it said; commands as somebody would type them
 */
import { UserError } from '../../errors.ts';
import { MARKETPLACE, type Where } from './installer.ts';

/** Each takes half a second; it asks nobody and needs no network. */
const LIMIT_MS = 60_000;

/** Without the program's name. */
export type Command = readonly string[];

export interface Said {
  readonly ok: boolean;
  /** All it wrote. */
  readonly text: string;
}

export interface Program {
  readonly run: (command: Command) => Promise<Said>;
  /** @throws UserError when it refuses */
  readonly succeed: (command: Command) => Promise<void>;
  readonly refused: (command: Command, said: Said) => UserError;
}

/** As somebody would type it. */
export const typedFor = (name: string, command: Command): string =>
  [name, ...command].map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');

/**
 * @param programs  paths, the first of which that can be started is taken
 * @param byHand    what to tell the user to run when there is none
 * @throws UserError when there is none
 */
export async function programOf(name: string, programs: readonly string[], { env }: Where, byHand: readonly Command[]): Promise<Program> {
  // Loaded here: no other command has to wait for it.
  const { execa } = await import('execa');
  const start = async (program: string, command: Command) => {
    const { failed, all, code } = await execa(program, command, {
      env,
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
      all: true,
      timeout: LIMIT_MS,
    });
    return { ok: !failed, text: all ?? '', missing: code === 'ENOENT' || code === 'EACCES' };
  };
  const refused = (command: Command, { text }: Said): UserError =>
    new UserError(
      `${typedFor(name, command)} failed: ${text.trim() || 'it did not say why'}`,
      'Run it yourself to see more, then this again.',
    );
  for (const program of programs) {
    if ((await start(program, ['--version'])).missing) continue;
    const run = (command: Command): Promise<Said> => start(program, command);
    const succeed = async (command: Command): Promise<void> => {
      const said = await run(command);
      if (!said.ok) throw refused(command, said);
    };
    return { run, succeed, refused };
  }
  throw new UserError(
    `${name} was not found.`,
    `Where it is on the PATH, run:\n${byHand.map((command) => `  ${typedFor(name, command)}`).join('\n')}`,
  );
}

/** @param add  the marketplace; some versions refuse one that they know until it is removed */
export async function takeUp({ run, succeed, refused }: Program, [add, ...others]: readonly [Command, ...Command[]]): Promise<void> {
  const added = await run(add);
  if (!added.ok) {
    if (!/already/i.test(added.text)) throw refused(add, added);
    await run(['plugin', 'marketplace', 'remove', MARKETPLACE]);
    await succeed(add);
  }
  for (const command of others) await succeed(command);
}

/** @param isGone  what it says of something that is not there */
export async function giveUp({ run, refused }: Program, commands: readonly Command[], isGone: RegExp): Promise<void> {
  for (const command of commands) {
    const said = await run(command);
    if (!said.ok && !isGone.test(said.text)) throw refused(command, said);
  }
}
