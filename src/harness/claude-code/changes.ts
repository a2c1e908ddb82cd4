/**
 * What a tool call changed: files, by the tools that edit them; commits and pull requests, by the shell.
 *
 * in:   a tool_use, the result that came for it
 * out:  fields of `ToolCall`; without content the kind of each change alone, and nothing of the shell
 */
import { isObject } from '../../json.ts';
import type { FileChange, ToolCall, ToolOutcome } from '../../session/types.ts';
import { madeBy } from '../commands.ts';
import type { Fields } from '../fields.ts';
import type { ToolResult, ToolUse } from './records.ts';

type Changes = Pick<ToolCall, 'files' | 'commits' | 'pullRequests'>;
type Edits = NonNullable<FileChange['edits']>;

const NONE: Changes = {};
/** Their command is a shell's, and what they print is its output. */
const SHELLS: ReadonlySet<string> = new Set(['Bash', 'PowerShell']);
/** Tools that change one file, and the field of their input that names it. */
const PATHS: Readonly<Record<string, string>> = {
  Edit: 'file_path',
  MultiEdit: 'file_path',
  Write: 'file_path',
  NotebookEdit: 'notebook_path',
};

/** A command may have failed in the end, and have made a commit before: its output tells. An edit that failed changed nothing. */
export function changesOf(use: ToolUse, result: ToolResult | undefined, outcome: ToolOutcome): Changes {
  if (result === undefined) return NONE;
  if (SHELLS.has(use.name)) return madeInShell(use.input, result.value);
  const pathField = PATHS[use.name];
  if (pathField === undefined || outcome.kind !== 'ok') return NONE;
  const change = use.name === 'Write' && result.created ? 'add' : 'update';
  if (!isObject(use.input)) return { files: [{ change }] };
  const path = use.input[pathField];
  const edits = editsOf(use.name, use.input, result);
  return { files: [{ change, ...(typeof path === 'string' && { path }), ...(edits !== undefined && { edits }) }] };
}

function madeInShell(input: unknown, output: unknown): Changes {
  if (!isObject(input) || typeof input['command'] !== 'string' || typeof output !== 'string') return NONE;
  const { commits, pullRequests } = madeBy(input['command'], output);
  return { ...(commits > 0 && { commits }), ...(pullRequests > 0 && { pullRequests }) };
}

function editsOf(tool: string, input: Fields, result: ToolResult): Edits | undefined {
  switch (tool) {
    case 'Edit':
      return editIn(input);
    case 'MultiEdit': {
      const edits = Array.isArray(input['edits']) ? input['edits'] : [];
      return edits.flatMap((edit) => (isObject(edit) ? (editIn(edit) ?? []) : []));
    }
    case 'Write': {
      const before = result.created ? '' : result.replaced;
      const after = input['content'];
      return typeof after === 'string' && before !== undefined ? [{ before, after }] : undefined;
    }
    default: {
      // What a cell held before, its input does not tell.
      const after = input['new_source'];
      return input['edit_mode'] === 'insert' && typeof after === 'string' ? [{ before: '', after }] : undefined;
    }
  }
}

function editIn({ old_string: before, new_string: after }: Fields): Edits | undefined {
  return typeof before === 'string' && typeof after === 'string' ? [{ before, after }] : undefined;
}
