/**
 * What a call that ran a command made: commits, pull requests.
 *
 * in:   input and output of the call, as the rollout has them; there only where content is kept
 * out:  the counts that a `ToolCall` has; none where there is nothing
 */
import { isObject, parsedJson } from '../../json.ts';
import { madeBy } from '../commands.ts';

export function madeIn(input: unknown, output: unknown): { readonly commits?: number; readonly pullRequests?: number } {
  const command = commandIn(input);
  if (command === undefined || typeof output !== 'string') return {};
  const { commits, pullRequests } = madeBy(command, printed(output));
  return { ...(commits > 0 && { commits }), ...(pullRequests > 0 && { pullRequests }) };
}

/** `cmd` as text; `command` as words, of which a shell's last is the text. */
function commandIn(input: unknown): string | undefined {
  if (!isObject(input)) return undefined;
  const { cmd, command } = input;
  if (typeof cmd === 'string') return cmd;
  if (typeof command === 'string') return command;
  const words = Array.isArray(command) ? command.filter((word) => typeof word === 'string') : [];
  return words.length === 0 ? undefined : /^-\w*c$/.test(words.at(-2) ?? '') ? words.at(-1) : words.join(' ');
}

/** The oldest versions have JSON around it, later ones a few lines above. */
function printed(output: string): string {
  if (!output.startsWith('{"output":')) return output;
  const value = parsedJson(output);
  return isObject(value) && typeof value['output'] === 'string' ? value['output'] : output;
}
