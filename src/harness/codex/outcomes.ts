/**
 * How calls and turns ended. Outputs have no flag that tells it: items do, and else the text has to.
 *
 * in:   output of a call; error of a turn
 * out:  `Ending`, `ErrorType`
 */
import { isObject, parsedJson } from '../../json.ts';
import type { ErrorType } from '../../session/types.ts';
import type { Fields } from '../fields.ts';
import { textOf } from './parts.ts';

export interface Ending {
  readonly kind: 'ok' | 'error' | 'denied' | 'interrupted';
  readonly errorType?: ErrorType;
  readonly message?: string;
  readonly exitCode?: number;
  /** The process goes on under this number; later calls look after it. */
  readonly session?: string;
  /** The program goes on under this name. */
  readonly cell?: string;
  /** How long the call took, as its output tells. */
  readonly wallMs?: number;
}

const UNKNOWN_TOOL = /^(?:unsupported (?:custom tool )?call|unknown tool|tool not found)\b/i;
const BAD_ARGUMENTS = /^(?:failed to parse function arguments|invalid (?:function )?arguments|invalid patch\b)/i;
const TIMEOUT = /^(?:command timed out|.{0,80}\btimed out after \d)/i;
const ABORTED = /^(?:aborted(?: by user)?|Wall time: [\d.]+ seconds\naborted by user)/;
const DENIED = /^(?:.{0,40}\b(?:rejected|denied) by (?:the )?user\b|user (?:rejected|denied))/i;
const FAILED =
  /^(?:apply_patch verification failed|exec_command failed|failed in sandbox|execution error|write_stdin failed|tool call error|error:|Script failed)/i;
const EXIT_CODE = /^(?:Process exited with code|Exit code:) (-?\d+)$/m;
const SESSION = /^Process running with session ID (\S+)$/m;
const CELL = /^Script running with cell ID (\S+)/m;
const WALL = /^Wall time:? ([\d.]+) seconds$/m;
const LEGACY_METADATA = /"metadata":\{"exit_code":(-?\d+),"duration_seconds":([\d.]+)\}\}\s*$/;

export function endingOf(output: unknown): Ending {
  const text = textOf(isObject(output) && 'content' in output ? output['content'] : output);
  const legacy = LEGACY_METADATA.exec(text);
  // What the command printed stands below, and may say anything.
  const top = text.split(/^Output:$/m, 1)[0]!.slice(0, 1000);
  const exit = legacy?.[1] ?? EXIT_CODE.exec(top)?.[1];
  const seconds = legacy?.[2] ?? WALL.exec(top)?.[1];
  const session = SESSION.exec(top)?.[1];
  const cell = CELL.exec(top)?.[1];
  const common = {
    ...(exit !== undefined && { exitCode: Number(exit) }),
    ...(seconds !== undefined && { wallMs: Math.round(Number(seconds) * 1000) }),
    ...(session !== undefined && { session }),
    ...(cell !== undefined && { cell }),
  };
  const error = (errorType: ErrorType): Ending => ({ kind: 'error', errorType, message: text, ...common });
  if (UNKNOWN_TOOL.test(top)) return error('unknown_tool');
  if (BAD_ARGUMENTS.test(top)) return error('invalid_arguments');
  if (ABORTED.test(top)) return { kind: 'interrupted', ...common };
  if (DENIED.test(top)) return { kind: 'denied', ...common };
  if (TIMEOUT.test(top)) return error('timeout');
  if (/^Script terminated/.test(top)) return { kind: 'interrupted', ...common };
  if (FAILED.test(top)) return error('tool_error');
  if (exit !== undefined && exit !== '0') return error('tool_error');
  if (isObject(output) && output['success'] === false) return error('tool_error');
  return { kind: 'ok', ...common };
}

/** `codex_error_info` is a word, or an object with one key and perhaps a status; the message may be the API's own JSON. */
export function turnErrorType(error: Fields): ErrorType {
  const info = error['codex_error_info'];
  const [name, detail] = isObject(info) ? (Object.entries(info)[0] ?? []) : [info, undefined];
  const status = isObject(detail) ? detail['http_status_code'] : undefined;
  if (Number.isSafeInteger(status)) return `api_${status as number}`;
  if (isName(name) && name !== 'other') return `api_${name}`;
  const type = apiErrorType(error['message']);
  return isName(type) ? `api_${type}` : 'api_error';
}

function apiErrorType(message: unknown): unknown {
  if (typeof message !== 'string') return undefined;
  const status = /\bstatus (\d{3})\b/.exec(message)?.[1];
  const value = parsedJson(message);
  return isObject(value) && isObject(value['error']) ? (value['error']['type'] ?? value['error']['code']) : status;
}

const isName = (value: unknown): value is string => typeof value === 'string' && /^[a-z0-9_]{1,60}$/.test(value);
