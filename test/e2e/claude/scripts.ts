/**
 * What the model says in these tests. Imports types only.
 *
 * out:  scripts by name; a prompt that holds `script:tools` is answered by `tools`
 *
 * A tool that waits makes a file beside the project, NAME.started, and ends when there is a NAME.go (`waits`).
 */
import type { Say, Script } from '../../support/model-server.ts';

type Tool = NonNullable<Say['tools']>[number];

const bash = (command: string): Tool => ({ name: 'Bash', input: { command, description: 'a command' } });

/** It ends by itself when the test says so, also where nobody is left to end it. */
const waits = (name: string): Tool => bash(`touch ../${name}.started; while [ ! -e ../${name}.go ]; do sleep 0.05; done; echo done`);

const agent = (script: string, more: Readonly<Record<string, unknown>> = { run_in_background: false }): Tool => ({
  name: 'Agent',
  input: { description: `a ${script}`, prompt: `Do it. script:${script}`, subagent_type: 'general-purpose', ...more },
});

export const SCRIPTS: Readonly<Record<string, Script>> = {
  plain: [{ text: 'A plain answer.' }],
  second: [{ text: 'A second answer.' }],
  third: [{ text: 'A third answer.' }],

  tools: [
    { text: 'Two at once.', tools: [bash('sleep 0.2; echo one'), bash('echo two')] },
    { tools: [bash('echo out; echo wrong >&2; exit 3')] },
    { text: 'Used all tools.' },
  ],

  agents: [{ text: 'Asking two.', tools: [agent('outer'), agent('inner')] }, { text: 'Both have answered.' }],
  outer: [{ text: 'Asking another.', tools: [agent('inner')] }, { text: 'The outer one is done.' }],
  inner: [{ tools: [bash('echo inside')] }, { text: 'The inner one is done.' }],

  background: [{ tools: [agent('worker', { run_in_background: true })] }, { text: 'It is at work.' }, { text: 'I see it is done.' }],
  worker: [{ tools: [waits('worker')] }, { text: 'The work is done.' }],

  terminated: [{ text: 'This takes long.', tools: [waits('terminated')] }, { text: 'Never said.' }],
  killed: [{ text: 'This takes long.', tools: [waits('killed')] }, { text: 'Never said.' }],
  /** The agent in the background is at work when this turn ends. */
  deserted: [{ tools: [agent('deserter', { run_in_background: true })] }, { text: 'It is at work.' }],
  deserter: [{ tools: [waits('deserter')] }, { text: 'Never said.' }],
  hanging: [{ text: 'I begin to say', hangs: true }],
  closed: [{ text: 'This takes long.', tools: [waits('closed')] }, { text: 'Never said.' }],
};
