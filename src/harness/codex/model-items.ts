/**
 * An item of the conversation, as the Responses API has it → what it is to a turn.
 *
 * in:   payload of a `response_item`
 * out:  `ResponseItem`; undefined for what neither the model nor a tool nor another agent said
 */
import { isObject, parsedJson } from '../../json.ts';
import type { FileChange, Part } from '../../session/types.ts';
import type { Fields } from '../fields.ts';
import type { CallStart } from './calls.ts';
import { word } from './meta.ts';
import { partsOf, reasoningParts } from './parts.ts';
import { filesOfPatch } from './patch.ts';
import type { ModelItem } from './rounds.ts';

export type ResponseItem =
  | { readonly kind: 'model'; readonly item: ModelItem; readonly call: Omit<CallStart, 'atMs' | 'round'> | undefined }
  | { readonly kind: 'output'; readonly callId: string }
  /** From another agent. */
  | { readonly kind: 'mail' };

export function responseItem(payload: Fields, content: boolean): ResponseItem | undefined {
  switch (payload['type']) {
    case 'message':
      return payload['role'] === 'assistant' ? said(payload, content ? partsOf(payload['content']) : []) : undefined;
    case 'reasoning':
      return said(payload, content ? reasoningParts(payload) : []);
    case 'function_call':
      return called(payload, parsedArguments(payload['arguments']), payload['arguments'], content);
    case 'custom_tool_call':
      return called(payload, payload['input'], payload['input'], content);
    case 'local_shell_call':
      return called({ name: 'local_shell', ...payload }, payload['action'], payload['action'], content);
    case 'tool_search_call':
      return word(payload, 'call_id') === undefined
        ? served(payload, 'tool_search', content)
        : called({ name: 'tool_search', ...payload }, payload['arguments'], undefined, content);
    case 'web_search_call':
      return served(payload, 'web_search', content);
    case 'image_generation_call':
      return served(payload, 'image_generation', content);
    case 'function_call_output':
    case 'custom_tool_call_output':
    case 'local_shell_call_output':
    case 'tool_search_output': {
      const callId = word(payload, 'call_id');
      return callId === undefined ? undefined : { kind: 'output', callId };
    }
    case 'agent_message':
      return { kind: 'mail' };
    default:
      return undefined;
  }
}

const said = (payload: Fields, parts: readonly Part[]): ResponseItem => ({
  kind: 'model',
  item: { id: word(payload, 'id'), callId: undefined, kind: 'other', isWebSearch: false, parts },
  call: undefined,
});

/** The API's own server ran it. */
function served(payload: Fields, name: string, content: boolean): ResponseItem {
  const id = word(payload, 'id');
  const part: Part = {
    kind: 'server_tool_call',
    ...(id !== undefined && { id }),
    name,
    arguments: payload['action'] ?? payload['arguments'],
  };
  return {
    kind: 'model',
    item: { id, callId: undefined, kind: 'server_call', isWebSearch: name === 'web_search', parts: content ? [part] : [] },
    call: undefined,
  };
}

function called(payload: Fields, input: unknown, raw: unknown, content: boolean): ResponseItem {
  const id = word(payload, 'call_id') ?? word(payload, 'id');
  const { name, mcp } = nameOf(word(payload, 'name') ?? 'unknown', word(payload, 'namespace'));
  const item: ModelItem = {
    id: word(payload, 'id'),
    callId: id,
    kind: 'call',
    isWebSearch: false,
    parts: content ? [{ kind: 'tool_call', id: id ?? '', name, arguments: input }] : [],
  };
  if (id === undefined) return { kind: 'model', item, call: undefined };
  const isProgram = payload['type'] === 'custom_tool_call' && name === 'exec';
  const files = isProgram ? undefined : patchIn(name, input, raw, content);
  const call = { id, name, mcp, input: content ? input : undefined, files, isProgram, after: afterOf(name, input) };
  return { kind: 'model', item, call };
}

/** Namespaces of the harness's own tools add nothing to their names. */
const OWN_NAMESPACES: ReadonlySet<string> = new Set(['functions', 'multi_agent_v1', 'collaboration']);

function nameOf(name: string, namespace: string | undefined): { name: string; mcp: CallStart['mcp'] } {
  const full =
    namespace === undefined || OWN_NAMESPACES.has(namespace)
      ? name
      : namespace.startsWith('mcp__')
        ? `${namespace}__${name}`
        : `${namespace}.${name}`;
  const mcp = /^mcp__(.+?)__(.+)$/s.exec(full);
  return { name: full, mcp: mcp === null ? undefined : { server: mcp[1]!, tool: mcp[2]! } };
}

/** A process, or a program of code mode, that this call looks after. */
function afterOf(name: string, input: unknown): string | undefined {
  const id = !isObject(input) ? undefined : name === 'write_stdin' ? input['session_id'] : name === 'wait' ? input['cell_id'] : undefined;
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;
}

/** Older models hand patches to the shell. */
function patchIn(name: string, input: unknown, raw: unknown, content: boolean): readonly FileChange[] | undefined {
  if (typeof raw !== 'string' || !raw.includes('*** Begin Patch')) return undefined;
  const texts = typeof input === 'string' ? [input] : textsIn(input);
  if (name !== 'apply_patch' && !texts.some((text) => /^\s*apply_patch\b/m.test(text))) return undefined;
  const files = texts.flatMap((text) => filesOfPatch(text, content));
  return files.length === 0 ? undefined : files;
}

const textsIn = (value: unknown): readonly string[] =>
  typeof value === 'string'
    ? [value]
    : Array.isArray(value)
      ? value.flatMap(textsIn)
      : isObject(value)
        ? Object.values(value).flatMap(textsIn)
        : [];

/** JSON text; what a model wrote may be none. */
function parsedArguments(text: unknown): unknown {
  const value = typeof text === 'string' ? parsedJson(text) : undefined;
  return value === undefined ? text : value;
}
