/**
 * The hooks of OpenClaw: tells ../trace-build.sh of each run, and has returned before that does anything.
 *
 * in:   hooks of the Gateway, or of `openclaw agent --local`; of what they carry only ids and the workspace
 * out:  a detached sh; nothing is returned, thrown or written
 *
 * An agent's own run has an `agent_end`, too, and its session is found by it: `subagent_ended`, which names no session, adds nothing.
 */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPT = join(dirname(dirname(fileURLToPath(import.meta.url))), 'trace-build.sh');
const EVENTS = { session_start: 'SessionStart', agent_end: 'Stop', session_end: 'SessionEnd' };

export default {
  id: 'trace-build',
  name: 'trace-build',
  description: 'Queues each run for trace-build and starts its worker; returns at once.',
  register(api) {
    for (const [name, event] of Object.entries(EVENTS)) api.on(name, (told, ctx) => tell(event, told, ctx));
  },
};

function tell(event, told, ctx) {
  try {
    const sessionId = ctx?.sessionId ?? told?.sessionId;
    if (typeof sessionId !== 'string') return;
    // Before the sh is there, that would wait for it.
    const payload = JSON.stringify({
      session_id: sessionId,
      session_key: ctx?.sessionKey ?? told?.sessionKey,
      hook_event_name: event,
      cwd: ctx?.workspaceDir,
    });
    const script = spawn('/bin/sh', [SCRIPT, event, '--harness', 'openclaw'], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    // There may be no sh, and after an uninstall no script.
    script.once('error', () => undefined);
    script.stdin.once('error', () => undefined);
    script.stdin.end(`${payload}\n`);
    script.unref();
  } catch {
    // The agent must not notice.
  }
}
