/**
 * Each call and agent of a turn once, whatever the files say: a copied line must not count a second time.
 *
 * in:   a turn or stray agent with all that is below it
 * out:  the same without what was there before, and how many were left out
 */
import type { AgentRun, Run, ToolCall } from '../session/types.ts';

export class Once {
  readonly #seen = new Set<string>();
  repeated = 0;

  run<R extends Run>(run: R): R {
    return {
      ...run,
      modelCalls: run.modelCalls.filter(({ id }) => this.#isNew('chat', id)),
      toolCalls: this.#calls(run.toolCalls),
      unclaimedAgents: this.#agents(run.unclaimedAgents),
    };
  }

  #calls(calls: readonly ToolCall[]): readonly ToolCall[] {
    return calls
      .filter(({ id }) => this.#isNew('call', id))
      .map((call) => ({
        ...call,
        ...(call.agent !== undefined && { agent: this.run(call.agent) }),
        ...(call.toolCalls !== undefined && { toolCalls: this.#calls(call.toolCalls) }),
      }));
  }

  #agents = (agents: readonly AgentRun[]): readonly AgentRun[] =>
    agents.filter(({ id }) => this.#isNew('agent', id)).map((agent) => this.run(agent));

  #isNew(kind: string, id: string): boolean {
    const key = `${kind} ${id}`;
    if (this.#seen.has(key)) {
      this.repeated++;
      return false;
    }
    this.#seen.add(key);
    return true;
  }
}
