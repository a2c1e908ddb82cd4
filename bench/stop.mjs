/**
 * What a Stop costs late in a long session, as a ratio to one late in a short session.
 *
 *   node bench/stop.mjs [rounds]          default 15, after 2 that do not count
 *
 * in:   sessions of 1 MB and of 100 MB, of which all but the last turn is delivered; then the same turn is added to both
 * out:  rows for bench/run.mjs; alone: a table, exit code 1 when the bar is missed
 *
 * A time is that of hooks/worker.cjs, a cold process, from spawn to exit; the two sizes run in turn. Before each, the
 * session and the state folder are put back as they were. The collector is this process, and has to get the turn's spans.
 */
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sessionsOf } from './sessions.mjs';

const BAR = 1.5;
const WARM_UP = 2;
const SIZES = [1, 100];
const WORKER = fileURLToPath(new URL('../hooks/worker.cjs', import.meta.url));

export async function stopRows(rounds) {
  let requests = 0;
  const collector = createServer((message, response) => {
    requests++;
    message.resume().on('end', () => response.end());
  });
  await new Promise((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const machines = SIZES.map((megabytes) => prepared(megabytes, `http://127.0.0.1:${collector.address().port}`));
  const times = machines.map(() => []);
  try {
    for (const machine of machines) await machine.deliverAllBut();
    for (let round = -WARM_UP; round < rounds; round++) {
      for (const [at, machine] of machines.entries()) {
        machine.putBack();
        machine.addTurn();
        const before = requests;
        const ms = await machine.work();
        if (requests !== before + 1) throw new Error(`${requests - before} requests for one turn`);
        if (round >= 0) times[at].push(ms);
      }
    }
  } finally {
    collector.close();
    for (const machine of machines) machine.remove();
  }
  const [small, large] = times;
  const ratio = median(large.map((ms, round) => ms / small[round]));
  return [
    [
      `Stop at the end of ${SIZES[1]} MB, floor: of ${SIZES[0]} MB`,
      spread(large),
      spread(small),
      ratio.toFixed(2),
      '',
      `≤ ${BAR.toFixed(2)}`,
      ratio <= BAR,
    ],
  ];
}

function prepared(megabytes, endpoint) {
  const home = mkdtempSync(join(tmpdir(), 'trace-build-stop-'));
  const project = join(home, '.claude', 'projects', 'bench');
  const state = join(home, '.local', 'state', 'trace-build');
  const saved = join(home, 'saved');
  mkdirSync(join(home, '.config', 'trace-build'), { recursive: true });
  writeFileSync(join(home, '.config', 'trace-build', 'config.json'), JSON.stringify({ trace_roots: ['*'], endpoint }));
  cpSync(sessionsOf('recent', megabytes), project, { recursive: true });
  const transcript = join(
    project,
    readdirSync(project).find((name) => name.endsWith('.jsonl')),
  );
  const sessionId = /([^/]+)\.jsonl$/.exec(transcript)[1];
  const bytes = statSync(transcript).size;
  const last = lastLinesOf(transcript, bytes);
  const work = async () => {
    const start = performance.now();
    const child = spawn(process.execPath, [WORKER, '--managed', join(home, 'none')], {
      env: { HOME: home, PATH: process.env.PATH },
      stdio: 'ignore',
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    if (code !== 0) throw new Error(`the worker left with ${code}`);
    return performance.now() - start;
  };
  const queue = (event) => {
    const payload = {
      session_id: sessionId,
      transcript_path: transcript,
      cwd: '/',
      hook_event_name: event,
      last_assistant_message: ANSWER,
    };
    mkdirSync(join(state, 'queue'), { recursive: true });
    writeFileSync(join(state, 'queue', '1.job'), `trace-build job 1\nevent=${event}\n\n${JSON.stringify(payload)}`);
  };
  return {
    work,
    // What the generated session leaves open is closed by one more turn, the same that is measured.
    deliverAllBut: async () => {
      appendFileSync(transcript, turn(last, 1));
      queue('Stop');
      await work();
      const states = join(state, 'sessions', 'claude-code', `${sessionId}.json`);
      const [delivered] = Object.values(JSON.parse(readFileSync(states, 'utf8')).delivered);
      if (delivered.pending > 0 || delivered.resume === undefined)
        throw new Error(`not delivered: ${JSON.stringify(delivered).slice(0, 200)}`);
      cpSync(state, saved, { recursive: true });
    },
    putBack: () => {
      truncateSync(transcript, bytes + turn(last, 1).length);
      rmSync(state, { recursive: true });
      cpSync(saved, state, { recursive: true });
    },
    addTurn: () => {
      appendFileSync(transcript, turn({ ...last, uuid: uuidOf(1, 3) }, 2));
      queue('Stop');
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

const ANSWER = 'That is done: the tests pass.';

/** What the next line hangs on, and when it was. */
function lastLinesOf(transcript, bytes) {
  const tail = readFileSync(transcript)
    .subarray(Math.max(0, bytes - 1e6))
    .toString('utf8');
  const lines = tail
    .split('\n')
    .slice(1)
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  const linked = lines.findLast(({ uuid, timestamp }) => uuid !== undefined && timestamp !== undefined);
  return {
    uuid: linked.uuid,
    sessionId: linked.sessionId,
    version: linked.version,
    atMs: Math.max(...lines.flatMap(({ timestamp }) => Date.parse(timestamp ?? '') || [])),
  };
}

const uuidOf = (number, line) => `00000000-0000-4000-8000-${String(number * 10 + line).padStart(12, '0')}`;

/** A prompt, a tool call, its result, an answer, and what the CLI writes when all is over. */
function turn({ uuid, sessionId, version, atMs }, number) {
  const at = (ms) => new Date(atMs + number * 60_000 + ms).toISOString();
  const common = (line, parentUuid, ms) => ({
    parentUuid,
    isSidechain: false,
    uuid: uuidOf(number, line),
    timestamp: at(ms),
    userType: 'external',
    entrypoint: 'cli',
    cwd: '/',
    sessionId,
    version,
  });
  const usage = { input_tokens: 10, output_tokens: 20, cache_read_input_tokens: 30, cache_creation_input_tokens: 0 };
  const answer = (id, content, stop_reason) => ({ id, role: 'assistant', model: 'claude-opus-5-5', content, stop_reason, usage });
  const tool = `toolu_bench${number}`;
  return [
    {
      ...common(0, uuid, 0),
      type: 'user',
      turnPosition: { promptIndex: number, turnIndex: 1 },
      turnOrigin: 'human',
      message: { role: 'user', content: 'go on' },
    },
    {
      ...common(1, uuidOf(number, 0), 900),
      type: 'assistant',
      message: answer(`msg_bench${number}a`, [{ type: 'tool_use', id: tool, name: 'Bash', input: { command: 'npm test' } }], 'tool_use'),
    },
    {
      ...common(2, uuidOf(number, 1), 1900),
      type: 'user',
      message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: tool, content: 'ok' }] },
    },
    {
      ...common(3, uuidOf(number, 2), 2900),
      type: 'assistant',
      message: answer(`msg_bench${number}b`, [{ type: 'text', text: ANSWER }], 'end_turn'),
    },
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

const spread = (values) => `${median(values).toFixed(0)} ms (${Math.min(...values).toFixed(0)}-${Math.max(...values).toFixed(0)})`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await stopRows(Number(process.argv[2] ?? 15));
  for (const row of rows) console.log([...row.slice(0, -1), row.at(-1) ? 'ok' : 'MISSED'].filter((cell) => cell !== '').join('  '));
  process.exitCode = rows.every((row) => row.at(-1)) ? 0 : 1;
}
