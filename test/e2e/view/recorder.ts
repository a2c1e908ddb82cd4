/**
 * Writes transcripts of Claude Code as a CLI would have: prompts, responses, tools side by side, sub-agents.
 *
 * in:   what happened, in order; its own clock
 * out:  files under `<home>/.claude/projects`
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Json = Record<string, unknown>;

export interface Call {
  readonly name: string;
  readonly input: Json;
  readonly ms?: number;
  readonly result?: unknown;
  /** What the CLI keeps beside the result. */
  readonly kept?: unknown;
  readonly error?: true;
  /** What the sub-agent did that this call started. */
  readonly agent?: (recorder: Recorder) => void;
  /** The sub-agent goes on while the caller does. */
  readonly background?: true;
}

export interface Response {
  readonly thinking?: string;
  readonly text?: string;
  readonly ms?: number;
  readonly output?: number;
  readonly cached?: number;
  readonly input?: number;
  readonly model?: string;
  readonly calls?: readonly Call[];
}

export interface SessionOf {
  readonly home: string;
  readonly project: string;
  readonly id: string;
  readonly startMs: number;
  readonly branch?: string;
}

export class Recorder {
  nowMs: number;
  private readonly lines: Json[] = [];
  private readonly agents: { readonly id: string; readonly call: Call; readonly callId: string; readonly recorder: Recorder }[] = [];
  private last: string | null = null;
  private turns = 0;

  constructor(
    private readonly of: SessionOf,
    private readonly agentId: string | undefined = undefined,
    private readonly ids: { next: number } = { next: 1 },
  ) {
    this.nowMs = of.startMs;
  }

  /** Starts a turn. */
  prompt(text: string, own: Json = {}): this {
    this.turns++;
    this.line({
      type: 'user',
      message: { role: 'user', content: text },
      ...(this.agentId === undefined && { turnOrigin: 'human', turnPosition: { promptIndex: this.turns - 1, turnIndex: this.turns } }),
      ...own,
    });
    return this;
  }

  wait(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  /** A response, and the tools it called, side by side. */
  respond({ thinking, text, ms = 4000, output = 400, input = 12, cached = 20_000, model = 'claude-opus-5-5', calls = [] }: Response): this {
    this.nowMs += ms;
    const id = `msg_${this.next()}`;
    const started = calls.map((call) => ({ call, callId: `toolu_${this.next()}` }));
    const parts = [
      ...(thinking === undefined ? [] : [{ type: 'thinking', thinking, signature: '' }]),
      ...(text === undefined ? [] : [{ type: 'text', text }]),
      ...started.map(({ call, callId }) => ({ type: 'tool_use', id: callId, name: call.name, input: call.input })),
    ];
    const usage = {
      input_tokens: input,
      output_tokens: output,
      cache_read_input_tokens: cached,
      cache_creation_input_tokens: Math.round(cached / 20),
    };
    for (const part of parts)
      this.line({
        type: 'assistant',
        requestId: `req_${id}`,
        message: {
          id,
          type: 'message',
          role: 'assistant',
          model,
          content: [part],
          stop_reason: calls.length > 0 ? 'tool_use' : 'end_turn',
          usage,
        },
      });
    const begunMs = this.nowMs;
    const ended = started.map(({ call, callId }) => ({ call, callId, agentId: undefined as string | undefined, ms: call.ms ?? 800 }));
    for (const end of ended) {
      if (end.call.agent === undefined) continue;
      end.agentId = `a${this.next().padStart(16, '0')}`;
      const child = new Recorder({ ...this.of, startMs: begunMs + 120 }, end.agentId, this.ids);
      child.prompt(String(end.call.input['prompt']));
      end.call.agent(child);
      this.agents.push({ id: end.agentId, call: end.call, callId: end.callId, recorder: child });
      end.ms = end.call.background ? 150 : child.nowMs - begunMs + 60;
    }
    for (const end of ended.toSorted((a, b) => a.ms - b.ms)) {
      this.nowMs = begunMs + end.ms;
      this.result(end.call, end.callId, end.agentId);
    }
    return this;
  }

  compact(tokensBefore: number, tokensAfter: number): this {
    this.line({
      type: 'system',
      subtype: 'compact_boundary',
      content: 'Conversation compacted',
      compactMetadata: { trigger: 'auto', preTokens: tokensBefore, postTokens: tokensAfter, durationMs: 8000 },
    });
    this.wait(8000).line({ type: 'user', isCompactSummary: true, message: { role: 'user', content: 'This session is being continued.' } });
    return this;
  }

  /** @returns the session's file */
  write(): string {
    const folder = join(this.of.home, '.claude', 'projects', this.of.project.replace(/[^a-zA-Z0-9]/g, '-'));
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${this.of.id}.jsonl`);
    writeFileSync(file, this.text());
    this.writeAgents(join(folder, this.of.id, 'subagents'));
    return file;
  }

  private writeAgents(folder: string): void {
    for (const { id, call, callId, recorder } of this.agents) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `agent-${id}.jsonl`), recorder.text());
      const { subagent_type, description } = call.input;
      writeFileSync(join(folder, `agent-${id}.meta.json`), JSON.stringify({ agentType: subagent_type, description, toolUseId: callId }));
      recorder.writeAgents(folder);
    }
  }

  private text(): string {
    return this.lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  }

  private result({ result = 'ok', kept, error, background, input, agent }: Call, callId: string, agentId: string | undefined): void {
    const content = agent === undefined ? result : [{ type: 'text', text: String(result) }];
    const agentResult = {
      status: background ? 'async_launched' : 'completed',
      agentId,
      prompt: input['prompt'],
      isAsync: background === true,
    };
    this.line({
      type: 'user',
      message: {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: callId, content, ...(error && { is_error: true }) }],
      },
      toolUseResult: agentId === undefined ? (kept ?? result) : agentResult,
    });
  }

  private line(own: Json): void {
    const uuid = `00000000-0000-4000-8000-${this.next().padStart(12, '0')}`;
    this.lines.push({
      parentUuid: this.last,
      isSidechain: this.agentId !== undefined,
      ...(this.agentId !== undefined && { agentId: this.agentId }),
      ...own,
      uuid,
      timestamp: new Date(this.nowMs).toISOString(),
      cwd: this.of.project,
      sessionId: this.of.id,
      version: '2.1.329',
      gitBranch: this.of.branch ?? 'main',
    });
    this.last = uuid;
  }

  private next(): string {
    return `${this.of.id.slice(0, 4)}${this.ids.next++}`;
  }
}
