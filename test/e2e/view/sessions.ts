/**
 * Sessions to look at: one worth a picture, a home full of recorded ones, one of any size.
 *
 * in:   a folder that stands for a home
 * out:  transcripts in it
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Call, Recorder } from './recorder.ts';

const FIXTURES = join('fixtures', 'claude-code');
const BEGUN = Date.parse('2026-11-20T09:26:00.000Z');

/** Stories that look like work, and the directories they are said to have run in. */
const PROJECTS: Readonly<Record<string, string>> = {
  bg: '/home/me/code/shop',
  compact: '/home/me/code/search',
  errors: '/home/me/code/billing',
  plan: '/home/me/code/shop',
  team: '/home/me/code/website',
  tools: '/home/me/code/search',
  nest: '/home/me/code/billing',
};

/** What the prompts of the recorded stories are said to have been. */
const TITLES: Readonly<Record<string, string>> = {
  BG: 'Start the dev server in the background and watch its log',
  COMPACTME: 'Go on with the search index, where we stopped',
  DIE: 'Rotate the keys of the invoice service',
  E400: 'Explain the attached invoice',
  E529: 'Round totals half to even everywhere',
  E529T: 'Add VAT numbers to the customer form',
  MAXTOK: 'Write the whole billing handbook in one go',
  MIDERR: 'Move the tax tables out of the code',
  NEST: 'Review the billing module, each package with an agent of its own',
  PLAN: 'Plan the migration of the cart to the new API',
  REFUSE: 'Explain how the fraud filter decides',
  TEAM: 'Two of you: one writes the landing page, one reviews it',
  TOOLS: 'Index the titles, too, and measure what it costs',
};

/** When each is said to have run: all were recorded on one day. */
const DAYS: Readonly<Record<string, string>> = {
  bg: '2026-11-17',
  compact: '2026-11-19',
  errors: '2026-11-16',
  nest: '2026-11-19',
  plan: '2026-11-18',
  team: '2026-11-18',
  tools: '2026-11-12',
};

/** A home worth a picture. */
export function shop(home: string): void {
  recordedHome(home);
  longerSessions(home);
  shopSession(home);
}

/** Recorded sessions as if they had run in other directories. */
function recordedHome(home: string): void {
  for (const [story, project] of Object.entries(PROJECTS)) {
    const folder = join(home, '.claude', 'projects', project.replace(/[^a-zA-Z0-9]/g, '-'));
    mkdirSync(folder, { recursive: true });
    const recorded = join(FIXTURES, story, 'projects', `-home-dev-${story}`);
    cpSync(recorded, folder, { recursive: true });
  }
  for (const path of filesUnder(home)) {
    const text = readFileSync(path, 'utf8');
    const story = /\/home\/dev\/([a-z]+)/.exec(text)?.[1] ?? '';
    const moved = text
      .replace(/2026-11-2\d(?=T)/g, DAYS[story] ?? '$&')
      .replace(/\/home\/dev\/([a-z]+)/g, (whole, story: string) => PROJECTS[story] ?? whole)
      .replace(/go \[\[(\w+)\]\]/g, (whole, name: string) => TITLES[name] ?? whole)
      .replaceAll('"gitBranch":"HEAD"', '"gitBranch":"main"');
    writeFileSync(path, moved);
    const seconds = Date.parse(/"timestamp":"([^"]+)"/.exec(moved)?.[1] ?? '2026-01-01') / 1000;
    utimesSync(path, seconds, seconds);
  }
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && path.endsWith('.jsonl'));
}

const grep = (pattern: string, ms: number): Call => ({ name: 'Grep', input: { pattern, path: 'src' }, ms, result: 'Found 14 files' });
const read = (path: string, ms = 300): Call => ({
  name: 'Read',
  input: { file_path: `/home/me/code/shop/${path}` },
  ms,
  result: '1\timport { db } from "./db.ts";\n2\t',
});

/** A session such as people have: a question, a search by three agents side by side, a fix with a failing test, a commit. */
function shopSession(home: string): string {
  const session = new Recorder({
    home,
    project: '/home/me/code/shop',
    id: '5b0f3c1e-7d2a-4c65-9a10-3f6c0b7e2d41',
    startMs: BEGUN,
    branch: 'checkout-retries',
  });
  session
    .prompt('Orders are sometimes charged twice when the payment provider times out. Find out why, and fix it.')
    .respond({
      thinking: 'A timeout, then a retry: is there an idempotency key? The code that charges has to be found first.',
      text: "I'll look at the checkout, the payment client and the job queue at the same time.",
      ms: 6200,
      cached: 18_400,
      output: 610,
      calls: [
        {
          name: 'Task',
          input: {
            description: 'Trace the checkout',
            subagent_type: 'Explore',
            prompt: 'Follow an order from the cart to the charge. Where can it be charged again?',
          },
          result: 'The charge is made in `checkout/charge.ts`; a retry makes a new idempotency key each time.',
          agent: (agent) =>
            agent
              .respond({
                ms: 3100,
                cached: 6200,
                output: 210,
                calls: [grep('chargeOrder', 420), read('checkout/charge.ts'), read('checkout/cart.ts', 510)],
              })
              .respond({ ms: 4800, cached: 9100, output: 340, calls: [grep('idempotencyKey', 610)] })
              .respond({ ms: 5200, cached: 10_900, output: 520, text: 'A retry makes a new idempotency key each time.' }),
        },
        {
          name: 'Task',
          input: {
            description: 'Read the payment client',
            subagent_type: 'Explore',
            prompt: 'How does the payment client time out and retry?',
          },
          result: 'It retries twice on a timeout of 5 s.',
          agent: (agent) =>
            agent
              .respond({ ms: 2600, cached: 6200, output: 180, calls: [read('payments/client.ts'), read('payments/retry.ts', 420)] })
              .respond({
                ms: 3900,
                cached: 8800,
                output: 260,
                calls: [
                  {
                    name: 'WebFetch',
                    input: { url: 'https://docs.example.com/idempotency', prompt: 'How long is a key kept?' },
                    ms: 5400,
                    result: 'A key is kept for 24 hours.',
                  },
                ],
              })
              .respond({ ms: 4100, cached: 10_200, output: 390, text: 'It retries twice on a timeout of 5 s.' }),
        },
        {
          name: 'Task',
          input: { description: 'Look for jobs that charge', subagent_type: 'Explore', prompt: 'Which jobs of the queue charge an order?' },
          result: 'None.',
          agent: (agent) =>
            agent
              .respond({
                ms: 2900,
                cached: 6200,
                output: 150,
                calls: [
                  grep('queue.add', 380),
                  {
                    name: 'Bash',
                    input: { command: 'rg -l "charge" jobs | xargs wc -l', description: 'Jobs that charge' },
                    ms: 900,
                    result: 'rg: jobs: No such file or directory',
                    error: true,
                  },
                ],
              })
              .respond({ ms: 3300, cached: 7900, output: 240, calls: [grep('process\\(', 460)] })
              .respond({ ms: 2700, cached: 8600, output: 210, text: 'No job charges an order.' }),
        },
      ],
    })
    .respond({
      text: [
        'Found it. Every retry makes a **new** idempotency key, so the provider can not tell that it is the same charge.',
        '',
        '| where | key | effect of a timeout |',
        '| --- | --- | --- |',
        '| `checkout/charge.ts` | new for every attempt | charged twice |',
        '| `payments/refund.ts` | the order id | none |',
        '',
        'I make the key once an order, and write a test that times out.',
      ].join('\n'),
      ms: 7400,
      cached: 24_900,
      output: 720,
      calls: [
        {
          name: 'Edit',
          input: {
            file_path: '/home/me/code/shop/checkout/charge.ts',
            old_string: '  const key = randomUUID();\n  return client.charge(order.total, { key });',
            new_string:
              '  // One key an order: a retry is the same charge.\n  const key = chargeKey(order.id);\n  return client.charge(order.total, { key });',
          },
          ms: 180,
          result: 'The file /home/me/code/shop/checkout/charge.ts has been updated successfully.',
          kept: {
            filePath: '/home/me/code/shop/checkout/charge.ts',
            oldString: '  const key = randomUUID();\n  return client.charge(order.total, { key });',
            newString:
              '  // One key an order: a retry is the same charge.\n  const key = chargeKey(order.id);\n  return client.charge(order.total, { key });',
            originalFile: null,
            structuredPatch: [
              {
                oldStart: 14,
                oldLines: 4,
                newStart: 14,
                newLines: 5,
                lines: [
                  ' export async function chargeOrder(order: Order): Promise<Charge> {',
                  '-  const key = randomUUID();',
                  '+  // One key an order: a retry is the same charge.',
                  '+  const key = chargeKey(order.id);',
                  '   return client.charge(order.total, { key });',
                  ' }',
                ],
              },
            ],
            userModified: false,
            replaceAll: false,
          },
        },
      ],
    })
    .respond({
      ms: 5100,
      cached: 27_300,
      output: 880,
      calls: [
        {
          name: 'Bash',
          input: { command: 'npm test -- checkout', description: 'Run the tests of the checkout' },
          ms: 11_800,
          result: 'Exit code 1\n FAIL checkout/charge.test.ts > charges once after a timeout\n  expected 1, got 2',
          error: true,
        },
      ],
    })
    .respond({
      thinking: 'The test starts a client of its own. Its retries do not go through chargeOrder.',
      ms: 8200,
      cached: 29_800,
      output: 1140,
      calls: [
        {
          name: 'Bash',
          input: { command: 'npm test -- checkout', description: 'Run the tests of the checkout' },
          ms: 10_900,
          result: ' Test Files  4 passed (4)\n      Tests  31 passed (31)',
        },
      ],
    })
    .respond({
      text: 'An order is now charged once, however often the provider times out. All 31 tests of the checkout pass.',
      ms: 4600,
      cached: 31_200,
      output: 420,
    })
    .wait(95_000)
    .prompt('Good. Look for the same mistake in the refunds, in the background, while you write the changelog.')
    .respond({
      ms: 3800,
      cached: 33_000,
      output: 350,
      calls: [
        {
          name: 'Task',
          input: {
            description: 'Check the refunds',
            subagent_type: 'general-purpose',
            prompt: 'Does a retried refund keep its key?',
            run_in_background: true,
          },
          background: true,
          result: 'Async agent launched successfully.',
          agent: (agent) =>
            agent
              .respond({ ms: 6400, cached: 7400, output: 410, calls: [read('payments/refund.ts', 520)] })
              .respond({
                ms: 14_200,
                cached: 9800,
                output: 950,
                calls: [{ name: 'Bash', input: { command: 'npm test -- refunds' }, ms: 13_500, result: '12 passed' }],
              })
              .respond({ ms: 7100, cached: 11_300, output: 480, text: 'Refunds keep their key.' }),
        },
        { name: 'Read', input: { file_path: '/home/me/code/shop/CHANGELOG.md' }, ms: 240, result: '# Changes' },
      ],
    })
    .respond({
      ms: 5900,
      cached: 35_100,
      output: 730,
      calls: [
        {
          name: 'mcp__github__create_pull_request',
          input: { title: 'Charge an order once', base: 'main' },
          ms: 2300,
          result: 'https://github.com/me/shop/pull/218',
        },
      ],
    })
    .respond({ text: 'The changelog is written, the pull request is open.', ms: 3900, cached: 36_300, output: 260 })
    .wait(240_000)
    .compact(38_000, 9_400)
    .prompt('Does the Arabic storefront show the right total? العربية: المجموع الكلي للطلب')
    .respond({ ms: 4700, cached: 11_800, output: 300, calls: [grep('formatTotal', 510), read('storefront/ar/total.ts', 380)] })
    .respond({ text: 'Yes.', ms: 3100, cached: 13_900, output: 90 });
  return touched(session.write(), session.nowMs);
}

/** Two that went on for longer, so that a list has figures of every size. */
function longerSessions(home: string): void {
  const sessions = [
    {
      project: '/home/me/code/search',
      id: '2c9d7e10-41aa-4a6b-b8f2-90f3d1c5a7e2',
      prompt: 'Make the index build in parallel, and keep the order of the results',
      steps: 60,
      day: 19,
    },
    {
      project: '/home/me/code/website',
      id: '91e4b0aa-6f3d-4d18-8c57-0d2f7a9b6c34',
      prompt: 'Port the stylesheets to the new design tokens, page by page',
      steps: 140,
      day: 17,
    },
  ];
  for (const { steps, day, prompt, ...of } of sessions) {
    const session = new Recorder({ home, ...of, startMs: Date.parse(`2026-11-${day}T13:40:00.000Z`), branch: 'main' });
    session.prompt(prompt);
    for (let step = 0; step < steps; step++) {
      if (step % 20 === 19) session.wait(600_000).prompt('Go on.');
      session.respond({
        ms: 5000 + (step % 7) * 900,
        cached: 22_000 + step * 900,
        output: 380 + (step % 11) * 90,
        calls: [grep(`step ${step}`, 400), read(`src/part-${step}.ts`)],
      });
    }
    touched(session.respond({ text: 'Done.' }).write(), session.nowMs);
  }
}

/** A session of so many spans, in one turn, as deep as agents go. */
export function longSession(home: string, spans: number): string {
  const session = new Recorder({ home, project: '/home/me/code/long', id: '77777777-7777-4777-8777-777777777777', startMs: BEGUN });
  session.prompt('Rename every module.');
  let made = 1;
  while (made < spans) {
    const inner = (agent: Recorder): void => {
      for (let step = 0; step < 8; step++)
        agent.respond({ ms: 700, output: 40, calls: [grep(`module ${made + step}`, 90), read(`src/module-${made + step}.ts`, 70)] });
    };
    session.respond({
      ms: 900,
      output: 120,
      text: `Module ${made}`,
      calls: [
        read(`src/module-${made}.ts`, 60),
        { name: 'Bash', input: { command: `git mv module-${made}.ts ${'very-long-name-'.repeat(8)}${made}.ts` }, ms: 150, result: 'ok' },
        {
          name: 'Task',
          input: { description: `Module ${made}`, subagent_type: 'Explore', prompt: `Rename module ${made}` },
          agent: inner,
          result: 'done',
        },
      ],
    });
    made += 4 + 8 * 3;
  }
  return session.respond({ text: 'Done.' }).write();
}

/** Moves a session's time, so that lists are in a known order. */
function touched(file: string, ms: number): string {
  utimesSync(file, ms / 1000, ms / 1000);
  return file;
}
