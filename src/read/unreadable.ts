/**
 * What can't be read, and who is told of it.
 *
 * in:   a search of files, a listener
 * out:  what was found; each file that can't be read, and why, to the listener
 */
import { UserError } from '../errors.ts';

/** One that should hold sessions, by its place or its name. */
export class UnreadableFile extends UserError {
  readonly path: string;

  constructor(path: string, why: string, hint: string) {
    super(`${path} can't be read: ${why}.`, hint);
    this.path = path;
  }
}

/** There is none of that name, or it lies in one of these. */
export class NoSuchSession extends UserError {
  readonly unreadable: readonly UnreadableFile[];

  constructor(message: string, hint: string, unreadable: readonly UnreadableFile[]) {
    const [first] = unreadable;
    super([message, ...unreadable.map((file) => file.message)].join(' '), first === undefined ? hint : `${first.hint} ${hint}`);
    this.unreadable = unreadable;
  }
}

export type Listener = (file: UnreadableFile) => void;

/** What stands in the way of a session's file: it is there, or may be, but can't be read. */
export const obstacleIn = (error: unknown): UnreadableFile | undefined =>
  error instanceof UnreadableFile ? error : error instanceof NoSuchSession ? error.unreadable[0] : undefined;

/** One that has vanished meanwhile, or can't be read, must not cost the others. */
export function tolerantly<T>(find: () => readonly T[], listener?: Listener): readonly T[] {
  try {
    return find();
  } catch (error) {
    if (error instanceof UnreadableFile) listener?.(error);
    if (error instanceof UserError) return [];
    throw error;
  }
}

/** Tells of each file once. */
export function onceEachFile(listener: Listener): Listener {
  const told = new Set<string>();
  return (file) => {
    if (told.has(file.path)) return;
    told.add(file.path);
    listener(file);
  };
}
