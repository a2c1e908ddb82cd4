/**
 * What a tool call changed: files, commits, pull requests.
 *
 * in:   the call's arguments; what its result printed, where content is kept
 * out:  `FileChange[]`, `Made`
 *
 * `patch` names one file and what it replaces in it. `write_file` does not tell whether there was a file before, so it is told
 * as an update without what it was.
 */
import { isObject, parsedJson } from '../../json.ts';
import type { FileChange, ToolCall } from '../../session/types.ts';
import { madeBy } from '../commands.ts';

export function filesOf(name: string, input: unknown, content: boolean): readonly FileChange[] | undefined {
  if ((name !== 'patch' && name !== 'write_file') || !isObject(input) || typeof input['path'] !== 'string') return undefined;
  if (!content) return [{ change: 'update' }];
  const { path, old_string: before, new_string: after } = input;
  const isTold = typeof before === 'string' && typeof after === 'string';
  return [{ change: 'update', path: path as string, ...(isTold && { edits: [{ before, after }] }) }];
}

/** @param result  text of the result: JSON, with what a command printed */
export function madeIn(name: string, input: unknown, result: string): Pick<ToolCall, 'commits' | 'pullRequests'> {
  if (name !== 'terminal' || !isObject(input) || typeof input['command'] !== 'string') return {};
  const { commits, pullRequests } = madeBy(input['command'], printed(result));
  return { ...(commits > 0 && { commits }), ...(pullRequests > 0 && { pullRequests }) };
}

function printed(result: string): string {
  const value = parsedJson(result);
  if (value === undefined) return result;
  return isObject(value) && typeof value['output'] === 'string' ? value['output'] : '';
}
