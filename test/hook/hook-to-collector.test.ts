/** The whole way, as Claude Code begins it: a payload on stdin of the plugin's command, the committed worker, a collector. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { type Collector, startCollector } from '../support/collector.ts';
import { aMachine, ended, idsTaken, type Machine, spanIdsOf, transcriptsIn } from '../support/machine.ts';

const { hooks } = JSON.parse(readFileSync('hooks/hooks.json', 'utf8')) as {
  hooks: Record<string, { hooks: { command: string }[] }[]>;
};

let collector: Collector;
let machine: Machine;
afterEach(async () => {
  await machine.remove();
  await collector.stop();
});

async function fire(event: string, transcript: string): Promise<void> {
  const command = `${hooks[event]![0]!.hooks[0]!.command} --home '${machine.home}' --managed '${machine.paths.managed}'`;
  const payload = {
    session_id: /([^/]+)\.jsonl$/.exec(transcript)![1],
    transcript_path: transcript,
    cwd: '/home/dev',
    hook_event_name: event,
  };
  // Not spawnSync: the collector is in this process, and a hook may wait for it.
  const child = spawn('/bin/sh', ['-c', command], {
    env: { PATH: process.env['PATH'], CLAUDE_PLUGIN_ROOT: resolve('.'), CLAUDE_PROJECT_DIR: '/home/dev' },
  });
  child.stdin.end(`${JSON.stringify(payload)}\n`);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect({ code: await ended(child), stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
}

test.each([{ wait: false }, { wait: true }])('every span arrives once and no process remains; wait: $wait', async ({ wait }) => {
  collector = await startCollector();
  machine = aMachine({ endpoint: collector.url, wait });
  const projects = machine.bring('nest');
  const transcripts = transcriptsIn(projects);
  for (const transcript of transcripts) for (const event of ['Stop', 'SessionEnd', 'SessionEnd']) await fire(event, transcript);
  if (wait) expect(idsTaken(collector)).toEqual(spanIdsOf(projects));
  await machine.quiet();
  expect(idsTaken(collector)).toEqual(spanIdsOf(projects));
  expect(machine.queued()).toEqual([]);
  expect(readFileSync(join(machine.paths.state, 'node'), 'utf8')).toMatch(/^\/.*node\n$/);
});
