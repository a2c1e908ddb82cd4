/** Rules that people wrote reach what is sent: from the config, from packs, from a repository. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { trace } from '../cli/world.ts';
import { type Collector, startCollector } from '../support/collector.ts';
import { assistant, user } from '../support/lines.ts';
import { aMachine, type Machine } from '../support/machine.ts';

let collector: Collector;
let machine: Machine;
let transcript: string;
const CODENAME = 'project-heron';

beforeEach(async () => {
  collector = await startCollector();
  machine = aMachine();
  const repository = join(machine.home, 'repository');
  mkdirSync(join(repository, '.git'), { recursive: true });
  const project = join(machine.home, '.claude', 'projects', 'p');
  mkdirSync(project, { recursive: true });
  transcript = join(project, '5e551017-0000-4000-8000-000000000001.jsonl');
  const lines = [
    user(1, 0, `tell me of ${CODENAME}`, { cwd: repository }),
    assistant(2, 100, 'msg_1', [{ type: 'text', text: `${CODENAME} it is` }]),
  ];
  writeFileSync(transcript, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
});
afterEach(async () => {
  await machine.remove();
  await collector.stop();
});

const rule = { id: 'codename', pattern: 'project-[a-z]+' };
const pack = `name: ours\nrules:\n  - id: ${rule.id}\n    pattern: ${rule.pattern}\n`;
const put = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};

test.each([
  { where: 'the config', give: () => machine.configure({ endpoint: collector.url, content: 'redacted', redact_custom: [rule] }) },
  { where: "the user's packs", give: () => put(join(dirname(machine.paths.config), 'redactors', 'ours.yaml'), pack) },
  { where: "the repository's packs", give: () => put(join(machine.home, 'repository', '.trace-build', 'redactors', 'ours.yaml'), pack) },
])('$where: by hooks and by hand', async ({ give }) => {
  machine.configure({ endpoint: collector.url, content: 'redacted' });
  give();
  machine.hook('SessionEnd', transcript);
  await machine.work();
  await trace([transcript, '--resend'], { home: machine.home, managed: machine.paths.managed });
  expect(collector.requests.length).toBe(2);
  for (const { spans } of collector.requests) {
    expect(JSON.stringify(spans)).not.toContain(CODENAME);
    expect(JSON.stringify(spans)).toContain('[REDACTED:codename]');
    expect(spans.find(({ parentSpanId }) => !parentSpanId)!.attributes).toMatchObject({
      'trace_build.redactions.codename': expect.anything(),
    });
  }
});

test('a pack that can not be used: nothing leaves, and it is said', async () => {
  machine.configure({ endpoint: collector.url, content: 'redacted' });
  put(join(machine.home, 'repository', '.trace-build', 'redactors', 'ours.yaml'), pack.replace('project-', '(?=project)'));
  machine.hook('SessionEnd', transcript);
  await machine.work();
  const { code, stderr } = await trace([transcript], { home: machine.home, managed: machine.paths.managed });
  expect(collector.requests).toEqual([]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/ours\.yaml: rule codename: pattern: lookaheads/);
  expect(readFileSync(join(machine.paths.state, 'log'), 'utf8')).toMatch(/lookaheads/);
});
