/**
 * Patches → the files they change.
 *
 * in:   the text of an `apply_patch` call; or the `changes` of the item that tells how it went
 * out:  `FileChange[]`, with paths and texts only when content is kept
 */
import { isObject } from '../../json.ts';
import type { FileChange } from '../../session/types.ts';

type Edit = { readonly before: string; readonly after: string };

interface Draft {
  readonly change: 'add' | 'update' | 'delete';
  readonly path: string;
  movedTo: string | undefined;
  readonly hunks: string[][];
}

const HEADER = /^\*\*\* (Add|Update|Delete) File: (.+?)\s*$/;
const MOVE = /^\*\*\* Move to: (.+?)\s*$/;

/** What the model asked for: `*** Begin Patch` … `*** End Patch`. Text around the patch, as of a shell command, is no part of it. */
export function filesOfPatch(text: string, content: boolean): readonly FileChange[] {
  const drafts: Draft[] = [];
  let begun = false;
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '*** Begin Patch') begun = true;
    else if (line.trim() === '*** End Patch') break;
    if (!begun) continue;
    const header = HEADER.exec(line);
    const draft = drafts.at(-1);
    if (header !== null) {
      const change = header[1]!.toLowerCase() as Draft['change'];
      drafts.push({ change, path: header[2]!, movedTo: undefined, hunks: change === 'add' ? [[]] : [] });
    } else if (draft !== undefined) readInto(draft, line);
  }
  return drafts.map((draft) => fileChange(draft.change, draft.path, draft.movedTo, () => draft.hunks.flatMap(editsOf), content));
}

function readInto(draft: Draft, line: string): void {
  const move = MOVE.exec(line);
  if (move !== null) draft.movedTo = move[1];
  else if (line.startsWith('@@') && draft.change === 'update') draft.hunks.push([]);
  else if (/^[ +-]/.test(line) || (line === '' && draft.change === 'update' && draft.hunks.length > 0)) {
    if (draft.hunks.length === 0) draft.hunks.push([]);
    draft.hunks.at(-1)!.push(line);
  }
}

/** What was done, as the item `FileChange` or the event `patch_apply_end` tells it, a file each. */
export function filesOfChanges(changes: unknown, content: boolean): readonly FileChange[] {
  if (!isObject(changes)) return [];
  return Object.entries(changes).flatMap(([path, value]): FileChange[] => {
    const change = kindOf(value);
    if (!isObject(value) || change === undefined) return [];
    const inner = isObject(value[change]) ? value[change] : value;
    const { unified_diff: diff, content: text, move_path: movedTo } = inner;
    const edits = (): readonly Edit[] => {
      if (typeof diff === 'string') return editsOfDiff(diff);
      if (typeof text !== 'string') return [];
      return [change === 'delete' ? { before: text, after: '' } : { before: '', after: text }];
    };
    return [fileChange(change, path, typeof movedTo === 'string' && movedTo !== '' ? movedTo : undefined, edits, content)];
  });
}

/** `{type: "add"}`, in older versions `{add: {…}}`. */
function kindOf(value: unknown): Draft['change'] | undefined {
  if (!isObject(value)) return undefined;
  return (['add', 'update', 'delete'] as const).find((kind) => value['type'] === kind || kind in value);
}

function editsOfDiff(diff: string): readonly Edit[] {
  const hunks: string[][] = [];
  for (const line of diff.replace(/\n$/, '').split('\n')) {
    if (line.startsWith('@@')) hunks.push([]);
    else hunks.at(-1)?.push(line);
  }
  return hunks.flatMap(editsOf);
}

function fileChange(
  change: Draft['change'],
  path: string,
  movedTo: string | undefined,
  edits: () => readonly Edit[],
  content: boolean,
): FileChange {
  const kind = movedTo === undefined ? change : 'move';
  if (!content) return { change: kind };
  const made = edits();
  return { change: kind, path, ...(movedTo !== undefined && { movedTo }), ...(made.length > 0 && { edits: made }) };
}

/** Runs of removed and added lines; what stays the same between them is told by neither. */
function editsOf(hunk: readonly string[]): readonly Edit[] {
  const edits: { before: string[]; after: string[] }[] = [];
  let apart = true;
  for (const line of hunk) {
    const mark = line[0];
    if (mark !== '-' && mark !== '+') {
      // `\ No newline at end of file` is no line of the file.
      if (mark !== '\\') apart = true;
      continue;
    }
    // A line taken away after some were added begins the next edit.
    if (apart || (mark === '-' && edits.at(-1)!.after.length > 0)) edits.push({ before: [], after: [] });
    apart = false;
    edits.at(-1)![mark === '-' ? 'before' : 'after'].push(line.slice(1));
  }
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
  return edits.map(({ before, after }) => ({ before: text(before), after: text(after) }));
}
