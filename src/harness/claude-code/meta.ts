/**
 * The file beside a sub-agent's transcript: what kind of agent it is, and which call started it.
 *
 * in:   text of an `agent-<id>.meta.json`
 * out:  `AgentMeta`, or a problem
 */
import { isObject } from '../../json.ts';
import { type Complain, flagAt, textAt, whyNotJson } from '../fields.ts';
import type { AddProblem } from './reader.ts';

export interface AgentMeta {
  readonly agentType: string | undefined;
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly toolUseId: string | undefined;
  readonly parentAgentId: string | undefined;
  readonly taskKind: string | undefined;
  readonly spawnedAgentType: string | undefined;
  readonly isFork: boolean;
  readonly finished: boolean;
}

export function readMeta(json: string, add: AddProblem): AgentMeta | undefined {
  const complain: Complain = (detail) => add(0, 'bad-meta', detail);
  let meta: unknown;
  try {
    meta = JSON.parse(json);
  } catch (error) {
    complain(`its .meta.json is not JSON: ${whyNotJson(error)}`);
    return undefined;
  }
  if (!isObject(meta)) {
    complain('its .meta.json is no JSON object');
    return undefined;
  }
  return {
    agentType: textAt(meta, 'agentType', complain),
    name: textAt(meta, 'name', complain),
    description: textAt(meta, 'description', complain),
    toolUseId: textAt(meta, 'toolUseId', complain),
    parentAgentId: textAt(meta, 'parentAgentId', complain),
    taskKind: textAt(meta, 'taskKind', complain),
    spawnedAgentType: textAt(meta, 'spawnedAgentType', complain),
    isFork: flagAt(meta, 'isFork', complain),
    finished: flagAt(meta, 'finished', complain),
  };
}
