/**
 * What each harness calls its hooks, and what they tell.
 *
 * in:   names and payloads of hooks
 * out:  our three events; a payload as Claude Code and Codex give it
 *
 * Hermes' `on_session_end` comes at the end of every turn. Codex's `notify` gives its JSON as an argument, and in words of its own.
 */
import { isObject, parsedJson } from '../json.ts';

export type HookEvent = 'SessionStart' | 'Stop' | 'SessionEnd';

const EVENTS: Readonly<Record<string, HookEvent>> = {
  SessionStart: 'SessionStart',
  Stop: 'Stop',
  SubagentStop: 'Stop',
  SessionEnd: 'SessionEnd',
  on_session_start: 'SessionStart',
  on_session_end: 'Stop',
  on_session_finalize: 'SessionEnd',
  session_start: 'SessionStart',
  agent_end: 'Stop',
  session_end: 'SessionEnd',
  'agent-turn-complete': 'Stop',
};

export const eventCalled = (name: string | undefined): HookEvent | undefined =>
  name !== undefined && Object.hasOwn(EVENTS, name) ? EVENTS[name] : undefined;

/** Codex's `notify` → a payload; undefined for what is none. */
export function payloadOfNotify(json: string): string | undefined {
  const told = parsedJson(json);
  if (!isObject(told) || typeof told['type'] !== 'string' || typeof told['thread-id'] !== 'string') return undefined;
  return JSON.stringify({
    session_id: told['thread-id'],
    cwd: told['cwd'],
    hook_event_name: told['type'],
    last_assistant_message: told['last-assistant-message'],
  });
}
