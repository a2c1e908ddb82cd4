/**
 * A terminal with a program in it, typed into and read: tmux with a server of its own.
 *
 * in:   a folder for its socket, a command
 * out:  `Terminal`
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, until } from './processes.ts';

export interface Terminal {
  /** Of the program. */
  readonly pid: number;
  /** Types a line, looks whether it stands there, sends it off, and looks whether it was taken. */
  readonly enter: (line: string) => Promise<void>;
  readonly screen: () => string;
  readonly shows: (text: string) => Promise<void>;
  readonly showsNoMore: (text: string) => Promise<void>;
  /** What a user does who closes the window: the program gets SIGHUP. */
  readonly close: () => void;
  /** Waits for the end of the program. */
  readonly ended: () => Promise<void>;
}

interface Program {
  readonly folder: string;
  /** Of the terminal; any that the server does not have yet. */
  readonly name: string;
  readonly directory: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export async function openTerminal({ folder, name, directory, command, env }: Program): Promise<Terminal> {
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-S', join(folder, 'tmux.sock'), '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const pidFile = join(folder, `${name}.pid`);
  // The shell becomes the program, so that its pid is the program's.
  const script = 'echo $$ >"$0"; exec "$@"';
  tmux('new-session', '-d', '-s', name, '-x', '160', '-y', '50', '-c', directory, 'sh', '-c', script, pidFile, ...command);
  const pid = await until(`a pid in ${pidFile}`, () => pidIn(pidFile));
  const screen = (): string => {
    try {
      return tmux('capture-pane', '-p', '-t', name);
    } catch (error) {
      return `no screen: ${(error as Error).message}`;
    }
  };
  const shows = async (text: string): Promise<void> => {
    await until(`"${text}" on the screen`, () => screen().includes(text), { details: screen });
  };
  return {
    pid,
    screen,
    shows,
    showsNoMore: async (text) => {
      await until(`no "${text}" on the screen`, () => !screen().includes(text), { details: screen });
    },
    enter: async (line) => {
      tmux('send-keys', '-t', name, '-l', line);
      await until(`"${line}" at the prompt`, () => promptIn(screen()).includes(line), { details: screen });
      tmux('send-keys', '-t', name, 'Enter');
      await until(`"${line}" taken`, () => !promptIn(screen()).includes(line), { details: screen });
    },
    close: () => void tmux('kill-session', '-t', name),
    ended: () => until(`the end of ${pid}`, () => !isAlive(pid), { details: screen }).then(() => undefined),
  };
}

/** What stands where the user types: above it there may be what was typed before. */
const promptIn = (screen: string): string => screen.split('\n').findLast((line) => line.startsWith('❯')) ?? '';

function pidIn(file: string): number | undefined {
  try {
    return Number(/^\d+\n/.exec(readFileSync(file, 'utf8'))?.[0]) || undefined;
  } catch {
    return undefined;
  }
}
