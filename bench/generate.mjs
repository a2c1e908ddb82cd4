/**
 * Synthetic Claude Code sessions, the same bytes on every machine: a seed decides everything.
 *
 *   node bench/generate.mjs <recent|old> <megabytes> <folder>
 *
 * in:   which mix, how large in all, where to
 * out:  <folder>/<session>.jsonl and <folder>/<session>/subagents/agent-*.jsonl with their .meta.json
 *
 * Kinds of lines, their keys and the order of keys are those of the recordings in fixtures/claude-code,
 * which are short, and cut where the vendor's text stood. So how large and how frequent things are is an
 * ASSUMPTION about long sessions of people who program, not a measurement:
 *
 * - a turn is a prompt and 4 to 24 responses; a response is 60 % thinking (a signature), 40 % text,
 *   and 1 to 3 tool calls, each block a line of its own that repeats the usage
 * - tool results: Read 30 %, Bash 34 %, Grep 14 %, Edit 14 %, Write 5 %, the rest MCP. Most hold 0.5 to 5 KB;
 *   8 % of Read, Bash and MCP 20 to 200 KB; an Edit repeats the whole file it changed; toolUseResult says all of it once more
 * - `recent` (2.1.329): each API attempt has its api-request line, and every new message is stored a second
 *   time as an api-request-blob; one api-request-shape and one full prompt_snapshot a file (60 KB each), else
 *   small ones; some 2 to 6 lines of bookkeeping a response
 * - `old` (2.1.150): none of that, so nearly every byte lies in user and assistant lines
 * - sub-agents hold about 8 % of the bytes, one in four of them starts another
 * - one text in eight holds characters outside Latin-1, which doubles what a string of it takes in memory
 */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const [mix, megabytes, folder] = process.argv.slice(2);
const recent = mix === 'recent';
const targetBytes = Number(megabytes) * 1e6;
const AGENT_SHARE = 0.08;

// ---------------------------------------------------------------------------------------------
// Chance. mulberry32: small, fast, the same everywhere.

let state = 0x5eed + targetBytes + (recent ? 1 : 0);
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const chance = (p) => random() < p;
const between = (low, high) => low + Math.floor(random() * (high - low + 1));
/** Small ones often, large ones rarely. */
const skewed = (low, high) => Math.round(low * (high / low) ** random());
const pick = (list) => list[Math.floor(random() * list.length)];
const hex = (length) => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('');
const uuid = () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
const base62 = (length) => Array.from({ length }, () => pick('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')).join('');

// ---------------------------------------------------------------------------------------------
// Text: slices of a long stretch of something like source code, so that quotes, tabs and line feeds need escapes.

const WORDS =
  'const return await span trace batch export session turn record value index line byte offset parse build status error result input output the of and to is in for not when then with from queue worker config path file read write'.split(
    ' ',
  );
const FAR_WORDS = ['“quoted”', 'naïve→done', '✓', '─┬─', 'größer', 'вывод', '日本語', '🚀', '…'];

function stretch(far) {
  let text = '';
  while (text.length < 600_000) {
    const words = Array.from({ length: between(3, 12) }, () => (far && chance(0.1) ? pick(FAR_WORDS) : pick(WORDS)));
    const form = random();
    if (form < 0.3) text += `${'\t'.repeat(between(0, 3))}const ${words.join('_')} = "${pick(WORDS)}";\n`;
    else if (form < 0.6) text += `${'  '.repeat(between(0, 4))}if (${words.join('.')} === ${between(0, 9999)}) { // ${words.at(-1)}\n`;
    else if (form < 0.8) text += `${words.join(' ')}.\n`;
    else text += `/src/${words.slice(0, 4).join('/')}.ts:${between(1, 2000)}: ${words.join(' ')}\n`;
  }
  return text;
}
const near = stretch(false);
const far = stretch(true);

function textOf(chars) {
  const source = chance(1 / 8) ? far : near;
  const start = Math.floor(random() * (source.length - 220_000));
  return source.slice(start, start + chars).toWellFormed();
}

// ---------------------------------------------------------------------------------------------
// Files.

const sessionId = uuid();
const cwd = '/home/dev/acme-payments';
const version = recent ? '2.1.329' : '2.1.150';
const mainModel = recent ? 'claude-opus-5-5' : 'claude-opus-4-7';
const entrypoint = 'cli';
let now = Date.parse('2026-11-02T08:00:00.000Z');
let written = 0;
let writtenByAgents = 0;
let agentCount = 0;

const passed = (ms) => {
  now += ms;
  return new Date(now).toISOString();
};

class Transcript {
  constructor(path, agent) {
    this.fd = openSync(path, 'w');
    this.agent = agent;
    this.model = agent === undefined ? mainModel : pick([mainModel, 'claude-haiku-4-5']);
    this.pending = [];
    this.pendingBytes = 0;
    this.leaf = null;
    this.promptId = uuid();
    this.lastPrompt = '';
    this.contextTokens = between(12_000, 20_000);
    this.request = undefined;
    this.messages = 0;
    this.newMessages = [];
    this.shapeHash = hex(64);
    this.toolsUsed = new Set();
  }

  line(object) {
    const text = `${JSON.stringify(object)}\n`;
    const bytes = Buffer.byteLength(text);
    this.pending.push(text);
    this.pendingBytes += bytes;
    written += bytes;
    if (this.agent !== undefined) writtenByAgents += bytes;
    if (this.pendingBytes > 1 << 20) this.flush();
  }

  flush() {
    writeSync(this.fd, this.pending.join(''));
    this.pending = [];
    this.pendingBytes = 0;
  }

  close() {
    this.flush();
    closeSync(this.fd);
  }

  head() {
    return { parentUuid: this.leaf, isSidechain: this.agent !== undefined };
  }

  who() {
    return this.agent === undefined ? {} : { agentId: this.agent.id };
  }

  tail() {
    return { userType: 'external', entrypoint, cwd, sessionId, version, gitBranch: 'main' };
  }

  id() {
    this.leaf = uuid();
    return this.leaf;
  }

  attachment(attachment, rendered) {
    this.line({
      ...this.head(),
      ...this.who(),
      attachment,
      type: 'attachment',
      uuid: this.id(),
      timestamp: passed(1),
      ...(rendered !== undefined && recent && { rendered, renderedRole: 'system' }),
      ...this.tail(),
    });
  }

  /** What is sent anew with the next request. */
  said(message) {
    if (recent) this.newMessages.push(message);
  }

  bookkeeping() {
    if (!recent || this.agent !== undefined) return;
    this.line({ type: 'last-prompt', lastPrompt: this.lastPrompt, leafUuid: this.leaf, sessionId });
    if (chance(0.9)) this.line({ type: 'atis-latch', atis: '', sessionId });
    if (chance(0.4)) this.line({ type: 'tools-used', tools: [...this.toolsUsed], sessionId });
    if (chance(0.3)) this.line({ type: 'mode', mode: 'default', sessionId });
    if (chance(0.3)) this.line({ type: 'permission-mode', permissionMode: 'acceptEdits', sessionId });
  }

  context() {
    const listing = textOf(between(4_000, 12_000));
    if (!recent) return this.attachment({ type: 'skill_listing', content: listing, skillCount: 14, isInitial: true });
    this.attachment({ type: 'environment', environment: { platform: 'linux', shell: 'bash', cwd } }, textOf(700));
    this.attachment(
      { type: 'model', identity: { modelId: this.model, marketingName: 'a model', knowledgeCutoff: 'June 2026' } },
      textOf(120),
    );
    this.attachment({ type: 'deferred_tools_delta', added: textOf(3_000).split('\n') }, textOf(3_000));
    this.attachment({ type: 'agent_listing_delta', added: textOf(2_000).split('\n') }, textOf(2_000));
    this.attachment({ type: 'skill_listing', content: listing, skillCount: 14, isInitial: true }, listing);
    this.attachment({ type: 'session_context', context: {} });
    this.attachment({ type: 'date', date: '2026-11-02' }, 'Today is 2026-11-02.');
    this.attachment({ type: 'prompt_snapshot', system: [{ type: 'text', text: textOf(25_000) }], tools: textOf(35_000).split('\n') });
  }

  prompt(words) {
    this.lastPrompt = words.slice(0, 200);
    this.promptId = uuid();
    this.line({
      ...this.head(),
      promptId: this.promptId,
      ...this.who(),
      type: 'user',
      message: { role: 'user', content: words },
      uuid: this.id(),
      timestamp: passed(between(2_000, 60_000)),
      ...(this.agent === undefined && {
        permissionMode: 'acceptEdits',
        ...(recent && { promptSource: 'typed', turnOrigin: 'human', turnPosition: { promptIndex: turns, turnIndex: turns + 1 } }),
      }),
      ...this.tail(),
    });
    this.said({ role: 'user', content: [{ type: 'text', text: words }] });
  }

  apiRequest() {
    if (!recent) return;
    if (this.request === undefined) {
      const shape = { system: [{ type: 'text', text: textOf(25_000) }], tools: textOf(35_000).split('\n') };
      this.line({ type: 'api-request-shape', sessionId, ...this.who(), shapeHash: this.shapeHash, timestamp: passed(1), version, shape });
    }
    const tail = this.newMessages.map((message) => {
      const hash = hex(64);
      this.line({ type: 'api-request-blob', sessionId, ...this.who(), hash, message });
      return hash;
    });
    const id = uuid();
    this.line({
      type: 'api-request',
      sessionId,
      ...this.who(),
      id,
      timestamp: passed(between(5, 60)),
      version,
      querySource: this.agent === undefined ? 'repl_main_thread' : 'agent:custom',
      shapeHash: this.shapeHash,
      params: {
        model: this.model,
        betas: ['claude-code-20250219', 'interleaved-thinking-2025-05-14', 'context-management-2025-06-27', 'effort-2025-11-24'],
        max_tokens: 128_000,
        thinking: { type: 'adaptive', display: 'updates' },
        context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
        output_config: { effort: 'medium' },
      },
      ...(this.request !== undefined && { base: this.request }),
      keep: this.messages,
      tail,
      cacheControl: [
        { path: ['system', 0], value: { type: 'ephemeral' } },
        { path: ['messages', this.messages + tail.length - 1, 'content', 0], value: { type: 'ephemeral' } },
      ],
      requestDigest: hex(64),
    });
    this.messages += tail.length;
    this.newMessages = [];
    this.request = id;
  }

  /** @returns whether the agent goes on */
  response(last) {
    this.apiRequest();
    const message = {
      id: `msg_01${base62(22)}`,
      requestId: `req_011${base62(21)}`,
      output: skewed(60, 2_500),
      stopReason: last ? 'end_turn' : 'tool_use',
    };
    const blocks = [];
    if (chance(0.6))
      blocks.push({ type: 'thinking', thinking: recent ? '' : textOf(skewed(200, 3_000)), signature: base62(skewed(300, 3_000)) });
    if (last || chance(0.4)) blocks.push({ type: 'text', text: textOf(last ? skewed(300, 4_000) : skewed(80, 600)) });
    const uses = last ? [] : Array.from({ length: pick([1, 1, 1, 1, 2, 2, 3]) }, () => toolUse(this));
    const cacheWrite = between(300, 2_000);
    const usage = usageOf(this.contextTokens - cacheWrite, cacheWrite, message.output);
    passed(between(900, 4_000));
    for (const [at, block] of blocks.entries()) this.assistant(message, block, usage, at);
    const streamed = recent && chance(0.5);
    const results = [];
    const answer = (use) => results.push(...this.result(use, use.run()));
    for (const [at, use] of uses.entries()) {
      this.assistant(message, use.block, usage, blocks.length + at);
      use.assistant = this.leaf;
      if (streamed) answer(use);
    }
    if (!streamed) uses.forEach(answer);
    this.said({ role: 'assistant', content: [...blocks, ...uses.map(({ block }) => block)] });
    if (results.length > 0) this.said({ role: 'user', content: results });
    this.contextTokens += message.output + results.reduce((sum, { content }) => sum + Math.ceil(content.length / 3.5), 0);
    if (recent && results.length > 0 && chance(0.7))
      this.attachment({ type: 'prompt_snapshot', delta: { removed: [], added: [textOf(between(100, 900))] } });
    if (recent && chance(0.3)) this.attachment({ type: 'total_tokens_reminder', used: this.contextTokens, total: 1_000_000 }, textOf(120));
    this.bookkeeping();
    if (this.contextTokens > 160_000) this.compact();
  }

  assistant(message, block, usage, at) {
    this.line({
      ...this.head(),
      ...this.who(),
      message: {
        id: message.id,
        type: 'message',
        role: 'assistant',
        model: this.model,
        content: [block],
        stop_reason: message.stopReason,
        stop_sequence: null,
        usage,
        stop_details: null,
      },
      ...(recent && { ...(block.type === 'tool_use' && { toolInputStreamMs: between(1, 900) }), apiBlockIndex: at }),
      requestId: message.requestId,
      ...(recent && { requestRef: this.request, requestedModel: this.model, promptCacheRequested: '5m' }),
      ...(this.agent !== undefined && recent && { attributionAgent: this.agent.type }),
      type: 'assistant',
      uuid: this.id(),
      timestamp: passed(between(200, 1_500)),
      ...(recent && { effort: 'medium', perTurnEffort: 'medium', madeBy: 'model' }),
      ...this.tail(),
    });
  }

  result(use, { content, toolUseResult, failed }) {
    const block = { tool_use_id: use.block.id, type: 'tool_result', content, ...(failed !== undefined && { is_error: failed }) };
    this.line({
      ...this.head(),
      promptId: this.promptId,
      ...this.who(),
      type: 'user',
      message: { role: 'user', content: [block] },
      uuid: this.id(),
      timestamp: passed(skewed(20, 8_000)),
      toolUseResult,
      ...(recent && use.block.name === 'Bash' && { sandboxed: false }),
      sourceToolAssistantUUID: use.assistant,
      ...(recent && { permissionDecision: { decision: 'accept', source: 'config', reasonType: 'mode' } }),
      ...this.tail(),
    });
    return [block];
  }

  compact() {
    const preTokens = this.contextTokens;
    this.contextTokens = between(15_000, 25_000);
    this.line({
      ...this.head(),
      parentUuid: null,
      ...this.who(),
      type: 'system',
      subtype: 'compact_boundary',
      content: 'Conversation compacted',
      level: 'info',
      compactMetadata: { trigger: 'auto', preTokens, postTokens: this.contextTokens, durationMs: 24_000 },
      uuid: this.id(),
      timestamp: passed(24_000),
      ...this.tail(),
    });
    const summary = textOf(between(6_000, 14_000));
    this.line({
      ...this.head(),
      promptId: this.promptId,
      ...this.who(),
      type: 'user',
      message: { role: 'user', content: summary },
      isCompactSummary: true,
      uuid: this.id(),
      timestamp: passed(3),
      ...this.tail(),
    });
    this.said({ role: 'user', content: [{ type: 'text', text: summary }] });
  }

  turnEnd() {
    this.line({
      ...this.head(),
      type: 'system',
      subtype: 'stop_hook_summary',
      hookCount: 1,
      hookInfos: [{ command: 'sh hook.sh Stop', durationMs: 12 }],
      hookErrors: [],
      preventedContinuation: false,
      stopReason: '',
      hasOutput: false,
      level: 'suggestion',
      timestamp: passed(15),
      uuid: this.id(),
      ...this.tail(),
    });
    this.line({
      ...this.head(),
      type: 'system',
      subtype: 'turn_duration',
      durationMs: 60_000,
      timestamp: passed(2),
      uuid: this.id(),
      isMeta: false,
      ...this.tail(),
    });
    this.line({ type: 'last-prompt', lastPrompt: this.lastPrompt, leafUuid: this.leaf, sessionId });
    if (recent)
      this.line({
        type: 'cost-state',
        sessionId,
        totalCostUSD: 1.25,
        totalAPIDuration: 912_000,
        modelUsage: { [this.model]: { inputTokens: 4_160, outputTokens: 12_160, costUSD: 1.25 } },
      });
  }
}

const usageOf = (cacheRead, cacheWrite, output) => ({
  input_tokens: between(2, 12),
  cache_creation_input_tokens: cacheWrite,
  cache_read_input_tokens: Math.max(0, cacheRead),
  output_tokens: output,
  ...(recent && { output_tokens_details: { thinking_tokens: Math.floor(output / 4) } }),
  server_tool_use: { web_search_requests: 0, web_fetch_requests: 0 },
  service_tier: 'standard',
  cache_creation: { ephemeral_1h_input_tokens: 0, ephemeral_5m_input_tokens: cacheWrite },
  inference_geo: '',
  iterations: [],
  speed: 'standard',
});

// ---------------------------------------------------------------------------------------------
// Tools.

const usualSize = () => (chance(0.08) ? skewed(20_000, 200_000) : skewed(300, 5_000));
const pathOf = () => `${cwd}/src/${pick(WORDS)}/${pick(WORDS)}-${pick(WORDS)}.ts`;
const numbered = (text) =>
  text
    .split('\n')
    .map((line, at) => `${at + 1}\t${line}`)
    .join('\n');

const TOOLS = {
  Read: () => {
    const [file_path, content] = [pathOf(), textOf(usualSize())];
    const numLines = content.split('\n').length;
    return {
      input: { file_path },
      run: () => ({
        content: numbered(content),
        toolUseResult: { type: 'text', file: { filePath: file_path, content, numLines, startLine: 1, totalLines: numLines } },
      }),
    };
  },
  Bash: () => ({
    input: { command: textOf(skewed(20, 400)), description: textOf(40) },
    run: () => {
      const failed = chance(0.07);
      const out = textOf(usualSize());
      if (failed) return { content: `Exit code 1\n${out}`, toolUseResult: `Error: Exit code 1\n${out}`, failed };
      // Larger output goes to a file: 2 KB of it stay in the content, 30,000 characters in the result.
      const shown =
        out.length > 30_000 ? `<persisted-output>\nOutput too large. Full output saved to: /home/dev/x.txt\n${out.slice(0, 2_000)}` : out;
      return {
        content: shown.toWellFormed(),
        toolUseResult: {
          stdout: out.slice(0, 30_000).toWellFormed(),
          stderr: '',
          interrupted: false,
          isImage: false,
          noOutputExpected: false,
        },
        failed,
      };
    },
  }),
  Grep: () => ({
    input: { pattern: pick(WORDS), path: cwd, output_mode: 'content' },
    run: () => {
      const content = textOf(skewed(100, 8_000));
      return { content, toolUseResult: { mode: 'content', numFiles: 0, filenames: [], content, numLines: content.split('\n').length } };
    },
  }),
  Edit: () => {
    const [file_path, originalFile] = [pathOf(), textOf(skewed(2_000, 60_000))];
    const oldString = originalFile.slice(200, 200 + skewed(40, 1_200)).toWellFormed();
    const newString = textOf(skewed(40, 1_500));
    const patchLines = [...oldString.split('\n').map((line) => `-${line}`), ...newString.split('\n').map((line) => `+${line}`)];
    return {
      input: { file_path, old_string: oldString, new_string: newString, replace_all: false },
      run: () => ({
        content: `The file ${file_path} has been updated successfully.`,
        toolUseResult: {
          filePath: file_path,
          oldString,
          newString,
          originalFile,
          structuredPatch: [{ oldStart: 9, oldLines: 3, newStart: 9, newLines: 5, lines: patchLines }],
          userModified: false,
          replaceAll: false,
        },
      }),
    };
  },
  Write: () => {
    const [file_path, content] = [pathOf(), textOf(skewed(800, 20_000))];
    return {
      input: { file_path, content },
      run: () => ({
        content: `File created successfully at: ${file_path}`,
        toolUseResult: { type: 'create', filePath: file_path, content, structuredPatch: [], originalFile: null, userModified: false },
      }),
    };
  },
  mcp__github__search_code: () => ({
    input: { query: textOf(40) },
    run: () => {
      const blocks = [{ type: 'text', text: textOf(usualSize()) }];
      return { content: blocks, toolUseResult: blocks };
    },
  }),
};

function toolUse(transcript) {
  const mayStart =
    (transcript.agent?.depth ?? 0) < 2 && writtenByAgents < AGENT_SHARE * written && (transcript.agent === undefined || chance(0.03));
  const chosen = random();
  const name = mayStart
    ? 'Agent'
    : chosen < 0.3
      ? 'Read'
      : chosen < 0.64
        ? 'Bash'
        : chosen < 0.78
          ? 'Grep'
          : chosen < 0.92
            ? 'Edit'
            : chosen < 0.97
              ? 'Write'
              : 'mcp__github__search_code';
  transcript.toolsUsed.add(name);
  const id = `toolu_01${base62(22)}`;
  const { input, run } = name === 'Agent' ? agentCall(transcript, id) : TOOLS[name]();
  return { block: { type: 'tool_use', id, name, input }, run };
}

function agentCall(transcript, toolUseId) {
  const type = pick(['Explore', 'general-purpose', 'code-reviewer']);
  const [description, prompt] = [textOf(40), textOf(skewed(200, 3_000))];
  const depth = (transcript.agent?.depth ?? 0) + 1;
  return {
    input: { description, prompt, subagent_type: type },
    run: () => {
      const agentId = `a${hex(16)}`;
      const path = join(agentsFolder, `agent-${agentId}.jsonl`);
      const agent = new Transcript(path, { id: agentId, type, depth });
      agentCount++;
      agent.prompt(prompt);
      agent.context();
      const responses = between(6, 24);
      for (let at = 1; at <= responses; at++) agent.response(at === responses);
      agent.close();
      const meta = {
        agentType: type,
        isBuiltIn: true,
        description,
        toolUseId,
        ...(transcript.agent !== undefined && { parentAgentId: transcript.agent.id }),
        spawnDepth: depth,
        model: agent.model,
        finished: true,
      };
      writeFileSync(path.replace(/\.jsonl$/, '.meta.json'), JSON.stringify(meta));
      const content = [{ type: 'text', text: textOf(skewed(400, 4_000)) }];
      return {
        content,
        toolUseResult: {
          status: 'completed',
          prompt,
          agentId,
          agentType: type,
          content,
          totalDurationMs: 60_000,
          totalTokens: agent.contextTokens,
          totalToolUseCount: responses,
          usage: usageOf(agent.contextTokens, 100, 200),
        },
      };
    },
  };
}

// ---------------------------------------------------------------------------------------------

const agentsFolder = join(folder, sessionId, 'subagents');
mkdirSync(agentsFolder, { recursive: true });
const main = new Transcript(join(folder, `${sessionId}.jsonl`), undefined);
let turns = 0;
while (written < targetBytes) {
  main.prompt(textOf(skewed(30, 1_500)));
  if (turns === 0) main.context();
  if (chance(0.7))
    main.line({
      type: 'file-history-snapshot',
      messageId: uuid(),
      snapshot: { messageId: main.leaf, trackedFileBackups: {}, timestamp: passed(1) },
      isSnapshotUpdate: false,
    });
  const responses = between(4, 24);
  for (let at = 1; at <= responses; at++) main.response(at === responses || written >= targetBytes);
  main.turnEnd();
  turns++;
}
main.close();
const digest = createHash('sha256').update(`${written} ${turns} ${sessionId}`).digest('hex').slice(0, 8);
process.stdout.write(
  `${mix} ${(written / 1e6).toFixed(1)} MB: ${turns} turns, ${agentCount} sub-agents with ${((100 * writtenByAgents) / written).toFixed(0)} % of the bytes (${digest})\n`,
);
