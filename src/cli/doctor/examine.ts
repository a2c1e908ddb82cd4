/**
 * Everything that is asked, in the order in which one thing needs the other.
 *
 * in:   World, the directory; whether the endpoint may be asked
 * out:  `Report`. Changes nothing on this machine
 */
import { UserError } from '../../errors.ts';
import { type Destination, shownUrl, withoutSecrets } from '../../export/destination.ts';
import { type KnownDestination, keyOf, knownDestinations } from '../../export/outlet.ts';
import { when } from '../age.ts';
import { type Live, liveState, queueWords, workerWords } from '../live.ts';
import type { World } from '../run.ts';
import { count } from '../summary.ts';
import { deliveriesCheck, endpointCheck, knockAt } from './endpoint.ts';
import { type Facts, factsOf, tilde } from './facts.ts';
import { otherHarnesses } from './harnesses.ts';
import { nodeCheck, ownTracingCheck, pluginCheck, recordedNode } from './hooks.ts';
import { type Programs, programs } from './programs.ts';
import {
  clockCheck,
  ledgerCheck,
  leftOut,
  logCheck,
  MEND_FOLDER,
  newestSessionCheck,
  problemsCheck,
  type Recorded,
  recorded,
  sessionsCheck,
  transcriptsCheck,
} from './record.ts';
import { type Check, type CheckName, failure, ok, type Report, type Versions, warning } from './report.ts';
import { configCheck, disabledCheck, placesCheck, scopeCheck, settingsOf } from './setup.ts';

export async function examine(world: World, directory: string, options: { readonly offline: boolean }): Promise<Report> {
  const facts = factsOf(world, directory);
  const destination = facts.destination instanceof UserError ? undefined : facts.destination;
  const key = destination === undefined ? undefined : keyOf(destination);
  const { live, known, past, broken } = stateOf(facts, destination);
  const ledger = broken ?? ledgerCheck(facts);
  const lastHookMs = latest(past.lastHookMs, live.queue.newestAtMs);
  const others = otherHarnesses(facts);
  const left = leftOut(facts, key);
  const [found, endpoint] = await Promise.all([
    programs(world, recordedNode(facts.hooks.paths.state)),
    endpointCheck(facts, options.offline ? undefined : knockAt),
  ]);
  const answers = options.offline ? undefined : endpoint.status === 'ok';
  const checks: readonly (Check | undefined)[] = [
    placesCheck(facts),
    configCheck(facts),
    scopeCheck(facts),
    disabledCheck(facts),
    pluginCheck(facts, lastHookMs, others.installed),
    ...others.checks,
    nodeCheck(facts, found),
    endpoint,
    ledger,
    deliveriesCheck(facts, known, answers),
    queueCheck(live, facts.nowMs),
    ok('worker', sentence(workerWords(live.worker, facts.nowMs))),
    newestSessionCheck(facts, key),
    sessionsCheck(past, facts.nowMs),
    transcriptsCheck(left, facts),
    problemsCheck(past, left),
    logCheck(past, live.lastDeliveryMs, facts),
    ownTracingCheck(facts),
    clockCheck(Math.max(past.latestMs, live.lastDeliveryMs ?? 0, live.worker.lastRanMs ?? 0, live.queue.newestAtMs ?? 0), facts.nowMs),
    versionsCheck(world, found),
  ];
  const asked = checks.filter((check) => check !== undefined);
  const report: Report = {
    directory,
    verdict: verdictOf(asked, facts, destination, live, lastHookMs),
    checks: asked,
    versions: versionsOf(facts, found),
    ...(!(facts.config instanceof UserError) && { settings: settingsOf(facts.config) }),
    live,
    destinations: known.map(({ key: own, ...rest }: KnownDestination) => ({ ...rest, current: own === key })),
    sessions: past.sessions,
    problems: past.problems,
    errors: past.errors,
  };
  return destination === undefined ? report : withTexts(report, (text) => withoutSecrets(text, destination));
}

interface Kept {
  readonly live: Live;
  readonly known: readonly KnownDestination[];
  readonly past: Recorded;
  /** What keeps it from being read. */
  readonly broken?: Check;
}

function stateOf(facts: Facts, destination: Destination | undefined): Kept {
  const { state } = facts.paths;
  try {
    return {
      live: liveState(state, destination),
      known: knownDestinations(state),
      past: recorded(facts, destination === undefined ? undefined : keyOf(destination)),
    };
  } catch (error) {
    return {
      live: NO_LIVE,
      known: [],
      past: NOTHING_RECORDED,
      broken: failure(
        'ledger',
        `${tilde(state, facts.world)} can't be read, so nothing is sent: ${(error as Error).message}.`,
        MEND_FOLDER,
      ),
    };
  }
}

/** What a failure of these holds up comes later; of the others it was never written down, or for nobody. */
const HOLDS_UP: readonly CheckName[] = ['node', 'endpoint', 'ledger', 'deliveries'];

function verdictOf(
  checks: readonly Check[],
  { directory, nowMs, world }: Facts,
  destination: Destination | undefined,
  live: Live,
  lastHookMs: number | undefined,
): Report['verdict'] {
  const where = directory === world.cwd ? `this directory (${directory})` : directory;
  const first = checks.find(({ status }) => status === 'failure');
  if (first !== undefined) {
    const { name, sentence: reason, todo } = first;
    return { status: 'failure', sentence: [...effectOf(name, where), reason].join(' '), ...(todo !== undefined && { todo }) };
  }
  const newest = checks.find(({ name, status }) => name === 'newest session' && status === 'warning');
  const warnings = checks.filter(({ status }) => status === 'warning').length;
  const parts = [
    `Sessions of ${where} are exported to ${shownUrl(destination!.url)}; ${lastWords(live, lastHookMs, nowMs)}`,
    ...(newest === undefined ? [] : [`But not the newest one, ${newest.sentence}`]),
    ...(newest === undefined && warnings > 0 ? [`${count(warnings, 'warning')} below.`] : []),
  ];
  return {
    status: warnings === 0 ? 'ok' : 'warning',
    sentence: parts.join(' '),
    ...(newest?.todo !== undefined && { todo: newest.todo }),
  };
}

function effectOf(name: CheckName, where: string): readonly string[] {
  // Hooks go by files that were not looked at.
  if (name === 'places') return [];
  return HOLDS_UP.includes(name)
    ? [`Sessions of ${where} are not delivered at the moment; they wait, and nothing is lost.`]
    : [`Nothing is exported from ${where}.`];
}

function lastWords({ lastDeliveryMs }: Live, lastHookMs: number | undefined, nowMs: number): string {
  if (lastDeliveryMs !== undefined) return `the last delivery was ${when(lastDeliveryMs, nowMs)}.`;
  if (lastHookMs !== undefined) return `nothing was delivered yet. The last hook came ${when(lastHookMs, nowMs)}.`;
  return 'nothing was delivered yet, for no hook has come. Claude Code loads hooks when a session starts: start a new one.';
}

/** A worker starts at once; one that waits for the queue's lock, within a minute. */
const PROMPT_MS = 60_000;

function queueCheck({ queue, worker }: Live, nowMs: number): Check {
  const words = sentence(queueWords(queue, nowMs));
  return queue.oldestAtMs !== undefined && nowMs - queue.oldestAtMs > PROMPT_MS && worker.pid === undefined
    ? warning('queue', `${words} No worker is at it.`, 'trace-build sync takes them up')
    : ok('queue', words);
}

const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;

const versionsCheck = ({ version }: World, { claude }: Programs): Check =>
  ok('versions', `trace-build ${version}, Node.js ${process.versions.node}, Claude Code ${claude ?? 'not found on the PATH'}.`);

function versionsOf({ world, claude }: Facts, found: Programs): Versions {
  const { hooksNode } = found;
  return {
    traceBuild: world.version,
    node: process.versions.node,
    hooksNode: hooksNode && { path: hooksNode.path, version: hooksNode.version },
    claude: found.claude,
    plugin: claude.plugin.kind === 'enabled' ? claude.plugin.version : undefined,
  };
}

const NO_LIVE: Live = {
  queue: { jobs: 0, oldestAtMs: undefined, newestAtMs: undefined, dropped: 0 },
  worker: { pid: undefined, lastRanMs: undefined },
  lastDeliveryMs: undefined,
};

const NOTHING_RECORDED: Recorded = {
  sessions: {
    known: 0,
    settled: 0,
    unsettled: 0,
    withPending: 0,
    pendingSpans: 0,
    withOpen: 0,
    openSpans: 0,
    refusedSpans: 0,
    lost: 0,
    failures: [],
  },
  problems: {},
  errors: [],
  lastHookMs: undefined,
  latestMs: 0,
};

const latest = (...times: readonly (number | undefined)[]): number | undefined =>
  times.reduce((last, atMs) => (last === undefined || (atMs !== undefined && atMs > last) ? atMs : last), undefined);

/** Every text in it, wherever it came from. */
function withTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T;
  if (Array.isArray(value)) return value.map((item) => withTexts(item, change)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withTexts(item, change)])) as T;
}
