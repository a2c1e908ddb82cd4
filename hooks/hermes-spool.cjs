/**
 * What Hermes runs at post_api_request, post_tool_call and subagent_start: one line of what its database does not keep.
 *
 *   node hermes-spool.cjs [--home DIR]
 *
 * in:   the event's payload on stdin, which may hold whole requests
 * out:  a line in ~/.local/state/trace-build/spool/hermes/<session id>.jsonl: times, counts, ids, names of models; no content.
 *       Exit code 0 whatever happens, and nothing on stdout: Hermes waits, and reads what its hooks say
 *
 * The home is the user database's, as in trace-build.sh: a repository can set variables. --home is for tests.
 */
'use strict';
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const { userInfo } = require('node:os');
const { join } = require('node:path');

/** Of `extra`, by event: what src/harness/hermes/exact.ts reads. */
const KEPT = {
  post_api_request: ['api_request_id', 'started_at', 'ended_at', 'model', 'response_model', 'provider', 'finish_reason'],
  post_tool_call: ['tool_call_id', 'duration_ms', 'status'],
  subagent_start: ['child_session_id'],
};
const COUNTS = ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'reasoning_tokens'];
/** More than ten thousand calls. A session of more has exact times up to there. */
const MAX_BYTES = 8 * 1024 * 1024;
/** Of a name or id: one that is longer is none. */
const MAX_CHARS = 300;

try {
  const { TRACE_BUILD_DISABLED: disabled = '0' } = process.env;
  if (/^(?:0|false)$/i.test(disabled) || disabled === '') spool(JSON.parse(fs.readFileSync(0, 'utf8')));
} catch {
  // An agent's work must not suffer from it.
}

function spool({ hook_event_name: event, session_id: id, extra }) {
  if (!isShort(id) || id === '' || !Object.hasOwn(KEPT, event)) return;
  const kept = only(KEPT[event], extra);
  if (event === 'post_api_request' && typeof extra.usage === 'object' && extra.usage !== null) kept.usage = only(COUNTS, extra.usage);
  const at = process.argv.indexOf('--home');
  const folder = join(at < 0 ? userInfo().homedir : process.argv[at + 1], '.local', 'state', 'trace-build', 'spool', 'hermes');
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(id) ? id : createHash('sha256').update(id).digest('hex');
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
  const file = fs.openSync(join(folder, `${name}.jsonl`), O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0o600);
  const stats = fs.fstatSync(file);
  // One write: lines of hooks that run at the same time don't mix.
  if (stats.isFile() && stats.size < MAX_BYTES)
    fs.writeSync(file, `${JSON.stringify({ hook_event_name: event, session_id: id, extra: kept })}\n`);
}

/** Of an object, the fields that hold a number or a short text. */
function only(names, from) {
  return Object.fromEntries(
    names.flatMap((name) => (typeof from[name] === 'number' || isShort(from[name]) ? [[name, from[name]]] : [])),
  );
}

function isShort(value) {
  return typeof value === 'string' && value.length <= MAX_CHARS;
}
