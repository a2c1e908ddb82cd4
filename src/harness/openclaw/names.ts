/**
 * Ids that providers gave to several calls: in a trace the first has it, the others are told apart by their entries.
 *
 * in:   a turn or agent whose calls have ids of their own, and `callId`, the provider's
 * out:  the same with the provider's ids where no other call has them; `Names` knows the new id of each
 *
 * First is who began first: what comes later changes no name.
 */
import type { AgentRun, Run, ToolCall } from '../../session/types.ts';

export class Names {
  readonly #given = new Map<string, string>();

  named<R extends Run>(run: R): R {
    const taken = new Set<string | undefined>();
    for (const { id, callId } of callsIn(run).toSorted((one, other) => one.startedAtMs - other.startedAtMs)) {
      if (callId === undefined || taken.has(callId)) continue;
      taken.add(callId);
      this.#given.set(id, callId);
    }
    return this.#run(run);
  }

  of = (id: string): string => this.#given.get(id) ?? id;

  #run<R extends Run>(run: R): R {
    return {
      ...run,
      toolCalls: run.toolCalls.map(({ callId, ...call }): ToolCall => {
        const id = this.of(call.id);
        return { ...call, id, ...(id !== callId && { callId }), ...(call.agent !== undefined && { agent: this.#run(call.agent) }) };
      }),
      unclaimedAgents: run.unclaimedAgents.map((agent) => this.#run(agent)),
    };
  }
}

const callsIn = ({ toolCalls, unclaimedAgents }: Run): readonly ToolCall[] => [
  ...toolCalls.flatMap((call) => [call, ...agentsOf(call).flatMap(callsIn)]),
  ...unclaimedAgents.flatMap(callsIn),
];

const agentsOf = ({ agent }: ToolCall): readonly AgentRun[] => (agent === undefined ? [] : [agent]);
