/**
 * A session → the same session without its secrets: same turns, calls, ids, times and tokens.
 *
 * in:   Session, Redactor
 * out:  Session; each turn tells how often each rule hid something in it, its sub-agents included
 *
 * Everything that came from people, models and tools goes through the redactor: what was said and done, and names, for a
 * branch or an agent may be called anything. What is no free text (ids, models, versions, times) stays as it is.
 */
import type { AgentRun, ModelCall, Run, RunOutcome, Session, ToolCall, ToolOutcome, Turn } from '../session/types.ts';
import { type Counts, type Redactor, sumOfCounts } from './redact.ts';

export function redactSession(session: Session, redactor: Redactor): Session {
  return {
    ...session,
    agentName: redactor.text(session.agentName).value,
    turns: session.turns.map((turn) => redactTurn(turn, redactor)),
    strays: session.strays.map((agent) => new Redaction(redactor).agent(agent)),
  };
}

function redactTurn(turn: Turn, redactor: Redactor): Turn {
  const redaction = new Redaction(redactor);
  const clean: Turn = { ...turn, ...redaction.run(turn), command: redaction.text(turn.command) };
  const counts = redaction.counts();
  return Object.keys(counts).length === 0 ? clean : { ...clean, redactions: counts };
}

/** Of one turn with all that is below it. */
class Redaction {
  readonly #redactor: Redactor;
  readonly #found: Counts[] = [];

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  counts(): Counts {
    return sumOfCounts(this.#found);
  }

  text<T extends string | undefined>(text: T): T {
    if (text === undefined) return text;
    const { value, counts } = this.#redactor.text(text);
    this.#found.push(counts);
    return value as T;
  }

  agent(agent: AgentRun): AgentRun {
    return {
      ...agent,
      ...this.run(agent),
      name: this.text(agent.name),
      type: this.text(agent.type),
      description: this.text(agent.description),
      respawns: agent.respawns.map((respawn) => this.agent(respawn)),
    };
  }

  run(run: Run) {
    return {
      branch: this.text(run.branch),
      prompt: this.#value(run.prompt),
      // The next call is given the same, and there it is counted.
      steering: run.steering.map(({ atMs, prompt }) => ({ atMs, ...(prompt && { prompt: this.#redactor.value(prompt).value }) })),
      answer: this.#value(run.answer),
      outcome: this.#outcome(run.outcome),
      modelCalls: run.modelCalls.map((call) => this.#modelCall(call)),
      toolCalls: run.toolCalls.map((call) => this.#toolCall(call)),
      unclaimedAgents: run.unclaimedAgents.map((agent) => this.agent(agent)),
    };
  }

  #modelCall(call: ModelCall): ModelCall {
    return { ...call, input: this.#value(call.input), output: this.#value(call.output) };
  }

  #toolCall(call: ToolCall): ToolCall {
    return {
      ...call,
      name: this.text(call.name),
      mcp: call.mcp && { server: this.text(call.mcp.server), tool: this.text(call.mcp.tool) },
      skill: this.text(call.skill),
      teammate: this.text(call.teammate),
      input: this.#value(call.input),
      output: this.#value(call.output),
      files: this.#value(call.files),
      outcome: this.#outcome(call.outcome),
      agent: call.agent && this.agent(call.agent),
      agents: call.agents.map((agent) => this.agent(agent)),
      toolCalls: call.toolCalls?.map((inside) => this.#toolCall(inside)),
    };
  }

  #outcome<T extends RunOutcome | ToolOutcome>(outcome: T): T {
    return 'message' in outcome ? { ...outcome, message: this.text(outcome.message) } : outcome;
  }

  #value<T>(value: T): T {
    if (value === undefined) return value;
    const { value: clean, counts } = this.#redactor.value(value);
    this.#found.push(counts);
    return clean;
  }
}
