/**
 * Many sessions, a task on each, with every core.
 *
 * in:   sessions, a task as plain data, World
 * out:  results as they are made, each with its session; sessions are begun in the order given
 *
 * Threads run dist/thread.js. Where it is missing, or there is one core or one session, the same function works in this
 * process. What a thread dies of costs the session it was at, and that is told.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { harnesses } from '../harness/index.ts';
import type { SessionRef } from '../read/find.ts';
import type { World } from './run.ts';
import { type Failure, failure, type Outcome, type OutcomeOf, type SessionTask, sessionWorker, type TaskWorld } from './session-task.ts';

export type SessionResult<T extends SessionTask> = (OutcomeOf<T> | Failure) & { readonly ref: SessionRef };

export interface ThreadOptions {
  /** At most so many; 1: this process. Default: one a core. */
  readonly threads?: number;
}

/** A session as plain data: its harness and layout hold functions. */
export type PlainRef = Omit<SessionRef, 'harness' | 'layout'> & { readonly harness: string; readonly layout: number };

/** What main and thread say to one another. */
export interface ThreadStart {
  readonly task: SessionTask;
  readonly world: TaskWorld;
}
export interface Assignment {
  readonly index: number;
  readonly ref: PlainRef;
}
export type ThreadMessage = 'ready' | { readonly index: number; readonly outcome: Outcome };

/** Made and not taken, per thread: a slow consumer holds the threads up, rather than memory. */
const MAX_WAITING = 8;
/** Handed out ahead, per thread: a thread that is done with one need not wait until this one has looked. */
const MAX_AHEAD = 4;

/** Ends its threads when the consumer stops, however it does. */
export async function* overSessions<T extends SessionTask>(
  refs: readonly SessionRef[],
  task: T,
  world: World,
  options: ThreadOptions = {},
): AsyncGenerator<SessionResult<T>> {
  const { home, env, platform, managed } = world;
  const start: ThreadStart = {
    task,
    world: { home, env: { ...env }, ...(platform !== undefined && { platform }), ...(managed !== undefined && { managed }) },
  };
  const count = Math.min(options.threads ?? availableParallelism(), refs.length);
  const code = count > 1 ? threadCode(world) : undefined;
  const outcomes = code === undefined ? inThisProcess(refs, refs.keys(), start) : inThreads(refs, start, code, count);
  for await (const { index, outcome } of outcomes) yield { ...(outcome as OutcomeOf<T> | Failure), ref: refs[index]! };
}

export function refFrom({ harness: name, layout, ...ref }: PlainRef): SessionRef {
  const harness = harnesses.find((each) => each.name === name)!;
  return { ...ref, harness, layout: harness.layouts[layout]! };
}

interface Made {
  readonly index: number;
  readonly outcome: Outcome;
}

function threadCode({ dist }: World): string | undefined {
  const path = dist && fileURLToPath(new URL('thread.js', dist));
  return path !== undefined && existsSync(path) ? path : undefined;
}

async function* inThisProcess(refs: readonly SessionRef[], indices: Iterable<number>, start: ThreadStart): AsyncGenerator<Made> {
  const work = sessionWorker(start.task, start.world);
  for (const index of indices) {
    // A server in this process must answer meanwhile.
    await new Promise((resolve) => setImmediate(resolve));
    yield { index, outcome: work(refs[index]!) };
  }
}

async function* inThreads(refs: readonly SessionRef[], start: ThreadStart, code: string, count: number): AsyncGenerator<Made> {
  const pool = new Pool(refs, start, code, count);
  try {
    yield* pool.results();
    // Threads that can't even begin are no reason to do nothing.
    yield* inThisProcess(refs, pool.left(), start);
  } finally {
    await pool.end();
  }
}

class Pool {
  readonly #refs: readonly SessionRef[];
  readonly #start: ThreadStart;
  readonly #code: string;
  readonly #max: number;
  /** Each with what it was handed out, in order: the first is what it is at. */
  readonly #threads = new Map<Worker, number[]>();
  readonly #waiting: Made[] = [];
  /** Handed out to threads that died before they came to it. */
  #returned: readonly number[] = [];
  #next = 0;
  #wake: () => void = () => undefined;

  constructor(refs: readonly SessionRef[], start: ThreadStart, code: string, count: number) {
    this.#refs = refs;
    this.#start = start;
    this.#code = code;
    this.#max = count * MAX_WAITING;
    for (let n = 0; n < count; n++) this.#begin();
  }

  async *results(): AsyncGenerator<Made> {
    for (;;) {
      const made = this.#waiting.shift();
      if (made !== undefined) {
        for (const thread of this.#threads.keys()) this.#assign(thread);
        yield made;
      } else if ([...this.#threads.values()].some(({ length }) => length > 0)) await new Promise<void>((resolve) => (this.#wake = resolve));
      else return;
    }
  }

  /** What nobody took: only when no thread could begin. */
  *left(): Generator<number> {
    yield* this.#returned;
    while (this.#next < this.#refs.length) yield this.#next++;
  }

  async end(): Promise<void> {
    const threads = [...this.#threads.keys()];
    this.#threads.clear();
    await Promise.all(threads.map((thread) => thread.terminate()));
  }

  #begin(): void {
    const thread = new Worker(this.#code, { workerData: this.#start });
    let isReady = false;
    let cause: unknown;
    thread.on('message', (message: ThreadMessage) => {
      if (message === 'ready') isReady = true;
      else {
        // Too late: it died meanwhile, or was ended.
        if (this.#threads.get(thread)?.[0] !== message.index) return;
        this.#threads.get(thread)!.shift();
        this.#made(message);
        this.#assign(thread);
      }
    });
    thread.on('error', (error) => {
      cause = error;
    });
    thread.on('exit', () => {
      const handedOut = this.#threads.get(thread);
      // Not there: it was ended by us.
      if (handedOut === undefined) return;
      this.#threads.delete(thread);
      const at = isReady ? handedOut.shift() : undefined;
      this.#returned = [...this.#returned, ...handedOut].toSorted((a, b) => a - b);
      if (at !== undefined) this.#made({ index: at, outcome: failure(cause ?? new Error('its thread ended')) });
      if (isReady && this.#hasMore()) this.#begin();
      this.#wake();
    });
    this.#threads.set(thread, []);
    this.#assign(thread);
  }

  #hasMore(): boolean {
    return this.#returned.length > 0 || this.#next < this.#refs.length;
  }

  #assign(thread: Worker): void {
    const handedOut = this.#threads.get(thread);
    if (handedOut === undefined) return;
    while (handedOut.length < MAX_AHEAD && this.#hasMore() && this.#waiting.length + this.#handedOut() < this.#max) {
      const [index = this.#next++, ...rest] = this.#returned;
      this.#returned = rest;
      const { harness, layout, ...ref } = this.#refs[index]!;
      handedOut.push(index);
      const assignment: Assignment = { index, ref: { ...ref, harness: harness.name, layout: harness.layouts.indexOf(layout) } };
      thread.postMessage(assignment);
    }
  }

  #handedOut(): number {
    return [...this.#threads.values()].reduce((sum, { length }) => sum + length, 0);
  }

  #made(made: Made): void {
    this.#waiting.push(made);
    this.#wake();
  }
}
