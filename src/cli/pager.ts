/**
 * What is longer than the terminal goes through a pager: $PAGER, or less.
 *
 * in:   the terminal, environment
 * out:  a terminal that keeps a screenful, then starts the pager; work on it ends when its user has left the pager
 *
 * As git does it: the value of PAGER goes to the shell, `cat` and nothing mean none, and LESS is FRX unless the user set
 * it. A pager that is not there, or can't be run, costs nothing: the text is written plainly.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Terminal } from './terminal.ts';

interface Paged extends Terminal {
  /** To be called once all is written. */
  close(): Promise<void>;
}

const LESS = 'less';
/** More than a pipe holds: once so much was taken, somebody is reading. */
const PIPE_CHARS = 4 * 1024 * 1024;
/** What the shell says of a program that is not there, or is none. */
const NOT_RUN = [126, 127];

export async function withPager<T>(out: Terminal, env: NodeJS.ProcessEnv, work: (out: Terminal) => Promise<T>): Promise<T> {
  const pages = paged(out, env);
  try {
    return await work(pages);
  } finally {
    await pages.close();
  }
}

function paged(out: Terminal, env: NodeJS.ProcessEnv): Paged {
  const command = env['PAGER'] ?? LESS;
  if (out.height === undefined || ['', 'cat'].includes(command.trim()) || env['TERM'] === 'dumb')
    return { ...out, close: async () => undefined };
  const pager = new Pager(command, out, env);
  return {
    ...out,
    write: (text) => pager.write(text),
    note: (text) => pager.later(() => out.note(text)),
    complain: (text) => pager.later(() => out.complain(text)),
    isLeft: () => pager.isLeft,
    close: () => pager.close(),
  };
}

class Pager {
  readonly #command: string;
  readonly #out: Terminal;
  readonly #env: NodeJS.ProcessEnv;
  /** Until it is known that somebody reads it. */
  #kept: string[] = [];
  #keptChars = 0;
  #lines = 0;
  #running: Running | undefined;
  /** There is none: everything is written plainly. */
  #isPlain = false;
  /** Notes would be written over what the pager shows. */
  readonly #later: (() => void)[] = [];
  isLeft = false;

  constructor(command: string, out: Terminal, env: NodeJS.ProcessEnv) {
    this.#command = command;
    this.#out = out;
    this.#env = env;
  }

  async write(text: string): Promise<void> {
    if (this.isLeft || text === '') return;
    if (this.#isPlain) return this.#out.write(text);
    this.#kept.push(text);
    this.#keptChars += text.length;
    if (this.#running === undefined) {
      this.#lines += text.split('\n').length - 1;
      // The shell's prompt takes a line.
      if (this.#lines < this.#out.height!) return;
      this.#running = run(this.#command, this.#env, this.#out.ascii === true);
      return this.#feed(this.#kept.join(''));
    }
    return this.#feed(text);
  }

  later(tell: () => void): void {
    if (this.#running === undefined || this.#isPlain) tell();
    else this.#later.push(tell);
  }

  async close(): Promise<void> {
    const running = this.#running;
    if (running === undefined) await this.#out.write(this.#kept.join(''));
    else {
      running.child.stdin!.end();
      await this.#ended(running);
    }
    for (const tell of this.#later) tell();
  }

  async #feed(text: string): Promise<void> {
    const running = this.#running!;
    if (await Promise.race([taken(running.child, text), running.end.then(() => false)])) {
      if (this.#keptChars > PIPE_CHARS) this.#kept = [];
    } else await this.#ended(running);
  }

  /** It took no more, or got all. */
  async #ended({ end }: Running): Promise<void> {
    const wasRun = !NOT_RUN.includes((await end) ?? 0);
    if (wasRun) this.isLeft = true;
    else if (!this.#isPlain) {
      this.#isPlain = true;
      await this.#out.write(this.#kept.join(''));
      this.#kept = [];
    }
  }
}

interface Running {
  readonly child: ChildProcess;
  /** Its exit code; null when a signal ended it. */
  readonly end: Promise<number | null>;
}

function run(command: string, env: NodeJS.ProcessEnv, ascii: boolean): Running {
  // What it is given is UTF-8, whatever it would guess where no locale is set.
  const charset = ascii ? {} : { LESSCHARSET: 'utf-8' };
  const child = spawn(command, {
    // One that nobody chose and is not there is nothing for a shell to complain of.
    shell: env['PAGER'] !== undefined,
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { LESS: 'FRX', LV: '-c', ...charset, ...env },
  });
  // Leaving a pager early closes its end of the pipe: that is no failure.
  child.stdin!.on('error', () => undefined);
  // Ctrl-C is the pager's: it stops its reading, and leaves the terminal as it should be.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  const end = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(NOT_RUN[0]!));
    child.once('exit', resolve);
  }).finally(() => process.off('SIGINT', ignore));
  return { child, end };
}

/** @returns false when it takes no more */
const taken = ({ stdin }: ChildProcess, text: string): Promise<boolean> =>
  new Promise((resolve) => stdin!.write(text, (error) => resolve(error === null || error === undefined)));
