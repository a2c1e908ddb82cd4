/**
 * What a shell command made, as its output tells: commits, pull requests.
 *
 * in:   the text of a command, the text that it printed
 * out:  `Made`; pure
 *
 * Two witnesses are asked for: the command must run the program, not speak of it, and the output must have the line that
 * the program prints when it is done. So a dry run, a failure and the words in an `echo` or a here-document count nothing,
 * and neither does what prints nothing (`git commit --quiet`).
 */
export interface Made {
  readonly commits: number;
  readonly pullRequests: number;
}

export const NOTHING_MADE: Made = { commits: 0, pullRequests: 0 };

/** `[main abc1234] …`, `[main (root-commit) abc1234] …`, `[detached HEAD abc1234] …`. */
const COMMITTED = /^\[[^\]\n]{1,300} [0-9a-f]{4,64}\] /;
/** Alone on its line. GitHub's, also of a company's own server, and GitLab's. */
const REQUEST_URL = /^https?:\/\/[^\s/]+\/\S{1,500}?\/(?:pull|-\/merge_requests)\/\d+$/;
/** A cheap look before the command is taken apart. */
const MAY_MAKE = /\b(?:commit|cherry-pick|revert|create|new)\b/;

export function madeBy(command: string, output: string): Made {
  if (!MAY_MAKE.test(command)) return NOTHING_MADE;
  const runs = commandsIn(command).map(kindOf);
  const countOf = (kind: Kind): number => runs.filter((run) => run === kind).length;
  const requests = countOf('request');
  const commits = countOf('commit');
  if (commits + requests === 0) return NOTHING_MADE;
  const lines = output.split(/\r?\n/);
  const committed = lines.filter((line) => COMMITTED.test(line)).length;
  const urls = lines.filter((line, at) => REQUEST_URL.test(line) && !/already exists/.test(lines[at - 1] ?? ''));
  return {
    // In a loop one command makes many. An amended commit prints the same line and is none more.
    commits: commits === 0 ? 0 : Math.max(0, committed - countOf('amend')),
    pullRequests: Math.min(requests, new Set(urls).size),
  };
}

type Kind = 'commit' | 'amend' | 'request' | 'other';

/** Before a command's own name. */
const KEYWORDS: ReadonlySet<string> = new Set(['if', 'then', 'else', 'elif', 'do', 'while', 'until', '!', '{', 'time']);
/** They run the command that follows. */
const WRAPPERS: ReadonlySet<string> = new Set(['sudo', 'command', 'env', 'exec', 'nohup', 'builtin']);
/** Option of gh and glab that takes the next word. */
const REPOSITORY: ReadonlySet<string> = new Set(['-R', '--repo']);
/** Options of git, before its subcommand, that take the next word. */
const GIT_OPTIONS: ReadonlySet<string> = new Set(['-C', '-c', '--git-dir', '--work-tree', '--namespace', '--exec-path', '--config-env']);

function kindOf(words: readonly string[]): Kind {
  const [program = '', ...args] = withoutWrappers(words);
  const name = program.slice(program.lastIndexOf('/') + 1);
  if (name === 'git') return gitKind(args);
  // `gh pr -R owner/name create`
  const [noun, verb, ...options] = args.filter((word, at) => !REPOSITORY.has(word) && !REPOSITORY.has(args[at - 1] ?? ''));
  const isRequest = (name === 'gh' && noun === 'pr') || (name === 'glab' && noun === 'mr');
  const isOnlyShown = options.some((word) => ['--dry-run', '--web', '-w', '--help', '-h'].includes(word));
  return isRequest && (verb === 'create' || verb === 'new') && !isOnlyShown ? 'request' : 'other';
}

function withoutWrappers(words: readonly string[]): readonly string[] {
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at]!;
    if (word === 'timeout') at++;
    else if (!KEYWORDS.has(word) && !WRAPPERS.has(word) && !/^\w+=/.test(word)) break;
  }
  return words.slice(at);
}

function gitKind(args: readonly string[]): Kind {
  let at = 0;
  while (at < args.length && args[at]!.startsWith('-')) at += GIT_OPTIONS.has(args[at]!) ? 2 : 1;
  const [subcommand = '', ...options] = args.slice(at);
  if (subcommand === 'cherry-pick' || subcommand === 'revert') return 'commit';
  if (subcommand !== 'commit' || options.includes('--dry-run')) return 'other';
  return options.includes('--amend') ? 'amend' : 'commit';
}

/** How deep `sh -c` within `sh -c` is followed. */
const MAX_DEPTH = 3;

/** The simple commands of a shell text, each as its words, quotes taken off; of a substitution only that there was one. */
function commandsIn(text: string, depth = 0): readonly (readonly string[])[] {
  const found = new Shell(text).commands();
  if (depth === MAX_DEPTH) return found;
  return found.flatMap((words) => {
    const script = scriptOf(withoutWrappers(words));
    return script === undefined ? [words] : commandsIn(script, depth + 1);
  });
}

/** `bash -lc '…'`. */
function scriptOf([program = '', ...args]: readonly string[]): string | undefined {
  if (!/(?:^|\/)(?:ba|da|z|k)?sh$/.test(program)) return undefined;
  const at = args.findIndex((word) => /^-\w*c$/.test(word));
  return at < 0 ? undefined : args[at + 1];
}

/** One within another: nobody writes more, and the stack holds no more than so many thousand. */
const MAX_SUBSTITUTIONS = 50;

/** Reads a shell text once, from left to right. What it does not understand it takes for words. */
class Shell {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  /** Ends of the here-documents that begin with the next line. */
  readonly #documents: { readonly end: string; readonly tabs: boolean }[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  commands(): readonly (readonly string[])[] {
    const all: (readonly string[])[] = [];
    let words: string[] = [];
    const end = (): void => {
      if (words.length > 0) all.push(words);
      words = [];
    };
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at]!;
      if (char === '\n') {
        end();
        this.#at++;
        this.#skipDocuments();
      } else if (/\s/.test(char)) this.#at++;
      else if (char === '#') this.#skipTo('\n');
      else if (this.#text.startsWith('<<', this.#at) && this.#text[this.#at + 2] !== '<') this.#document();
      else if (/[;&|()]/.test(char)) {
        end();
        this.#at++;
      } else if (/[<>]/.test(char)) this.#redirection();
      else words.push(this.#word());
    }
    end();
    return all;
  }

  #document(): void {
    this.#at += 2;
    const tabs = this.#text[this.#at] === '-';
    if (tabs) this.#at++;
    while (this.#text[this.#at] === ' ') this.#at++;
    this.#documents.push({ end: this.#word(), tabs });
  }

  #skipDocuments(): void {
    for (const { end, tabs } of this.#documents.splice(0)) {
      while (this.#at < this.#text.length) {
        const line = this.#text.slice(this.#at, this.#lineEnd());
        this.#at = this.#lineEnd() + 1;
        if ((tabs ? line.replace(/^\t+/, '') : line) === end) break;
      }
    }
  }

  #lineEnd(): number {
    const at = this.#text.indexOf('\n', this.#at);
    return at < 0 ? this.#text.length : at;
  }

  /** `2>&1`, `> file`, `<<< word`: no word of the command. */
  #redirection(): void {
    while (/[<>&]/.test(this.#text[this.#at] ?? '')) this.#at++;
    while (this.#text[this.#at] === ' ') this.#at++;
    if (!/[\s;&|()]/.test(this.#text[this.#at] ?? ' ')) this.#word();
  }

  #word(): string {
    const start = this.#at;
    let word = '';
    while (this.#at < this.#text.length && !/[\s;&|()<>]/.test(this.#text[this.#at]!)) word += this.#piece();
    // Whatever stands there: the text must come to its end.
    if (this.#at === start) this.#at++;
    return word;
  }

  #piece(): string {
    const char = this.#text[this.#at]!;
    if (char === "'") return this.#text.slice(this.#at + 1, this.#skipTo("'", this.#at + 1));
    if (char === '"') return this.#quoted();
    if (char === '\\') {
      this.#at += 2;
      const escaped = this.#text[this.#at - 1] ?? '';
      return escaped === '\n' ? '' : escaped;
    }
    if (char === '`') {
      this.#skipTo('`', this.#at + 1);
      return '$()';
    }
    if (this.#text.startsWith('$(', this.#at) && this.#depth < MAX_SUBSTITUTIONS) return this.#substitution();
    this.#at++;
    return char;
  }

  #quoted(): string {
    this.#at++;
    let text = '';
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"') {
      const char = this.#text[this.#at]!;
      if (char === '\\' || char === '`' || this.#text.startsWith('$(', this.#at)) text += this.#piece();
      else {
        text += char;
        this.#at++;
      }
    }
    this.#at++;
    return text;
  }

  /** What it prints nobody knows; that its here-documents and quotes may hold a parenthesis is why it is read at all. */
  #substitution(): string {
    this.#at += 2;
    this.#depth++;
    const outer = this.#documents.splice(0);
    for (let depth = 1; this.#at < this.#text.length && depth > 0; ) {
      const char = this.#text[this.#at]!;
      if (this.#text.startsWith('<<', this.#at) && this.#text[this.#at + 2] !== '<') this.#document();
      else if (char === '(' || char === ')') {
        depth += char === '(' ? 1 : -1;
        this.#at++;
      } else if (char === '\n') {
        this.#at++;
        this.#skipDocuments();
      } else this.#piece();
    }
    this.#documents.push(...outer);
    this.#depth--;
    return '$()';
  }

  /** To just behind the next one. @returns where that one is */
  #skipTo(end: string, from = this.#at): number {
    const at = this.#text.indexOf(end, from);
    const found = at < 0 ? this.#text.length : at;
    this.#at = end === '\n' ? found : found + 1;
    return found;
  }
}
