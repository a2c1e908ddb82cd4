/**
 * Which message of role `user` is the user's: most are the harness's own.
 *
 * in:   payload of a message
 * out:  whether a user wrote it
 */
import { isObject } from '../../json.ts';
import type { Fields } from '../fields.ts';
import { textOf } from './parts.ts';

/** How the harness's own messages begin, in versions that do not mark them. */
const INJECTED =
  /^\s*(?:<(?:environment_context|user_instructions|turn_aborted|subagent_notification|skill|user_action|user_shell_command|INSTRUCTIONS)\b|# AGENTS\.md instructions|Another language model started to solve this problem)/;

export function isPrompt(payload: Fields): boolean {
  const marks = payload['internal_chat_message_metadata_passthrough'];
  const kinds = isObject(marks) ? marks['content_item_kinds'] : undefined;
  if (Array.isArray(kinds) && kinds.length > 0 && kinds.some((kind) => kind !== 'unknown'))
    return kinds.some((kind) => typeof kind === 'string' && /^user\b/.test(kind));
  return !INJECTED.test(textOf(payload['content']));
}
