/**
 * Is there somewhere to deliver to, does it answer, and did it take what it got.
 *
 * in:   Facts; the network, for one request without a span
 * out:  Checks
 */
import { UserError } from '../../errors.ts';
import { requestWithoutSpans } from '../../export/batches.ts';
import { type Destination, shownUrl } from '../../export/destination.ts';
import { type Health, healthOf, type KnownDestination, keyOf } from '../../export/outlet.ts';
import { type Answer, openPost } from '../../export/post.ts';
import { urlFromEnv } from '../../export/variables.ts';
import { scopeOf } from '../../sync/settings.ts';
import { age, when } from '../age.ts';
import { count } from '../summary.ts';
import { type Facts, orUserError } from './facts.ts';
import { type Check, failure, ok, warning } from './report.ts';

/** @param knock  undefined: it was not to be asked */
export async function endpointCheck(facts: Facts, knock: typeof knockAt | undefined): Promise<Check> {
  const { destination, config, world } = facts;
  if (destination instanceof UserError) return failure('endpoint', destination.message, destination.hint);
  if (destination === undefined || config instanceof UserError) return unset(facts);
  const url = shownUrl(destination.url);
  const elsewhere = otherOfShell(facts, destination);
  if (knock === undefined) return ok('endpoint', `${url} was not asked (--offline).${elsewhere}`);
  const { answer, ms } = await knock(destination, config.config.semconv, world.version);
  switch (answer.kind) {
    case 'accepted':
      return ok('endpoint', `${answer.message === '' ? `${url} answered in ${ms} ms` : answer.message.replace(/\.?$/, '')}.${elsewhere}`);
    case 'refused':
      return warning(
        'endpoint',
        `${answer.message.replace(/\.?$/, '.')} That was to a request without spans: whether it takes spans a delivery tells.${elsewhere}`,
      );
    case 'busy':
      return warning('endpoint', `${answer.message} Deliveries wait, and nothing is lost.${elsewhere}`);
    case 'failed':
    case 'unusable':
      return failure('endpoint', answer.message, mend(facts, answer.message));
    case 'unreachable':
      return failure('endpoint', answer.message, `Start what should listen there, or: ${mend(facts, answer.message)}`);
    default:
      return answer satisfies never;
  }
}

function unset({ world }: Facts): Check {
  const inShell = shellUrl(world.env);
  if (typeof inShell !== 'string')
    return failure(
      'endpoint',
      'No endpoint is set, so there is nowhere to deliver to.',
      'trace-build config set endpoint http://localhost:4318',
    );
  return failure(
    'endpoint',
    `No endpoint is set for hooks. This shell's variables name ${shownUrl(inShell)}, but hooks do not see them.`,
    'trace-build init --from-env',
  );
}

/** What runs here by hand goes there. */
function otherOfShell({ world }: Facts, { url }: Destination): string {
  const inShell = shellUrl(world.env);
  return typeof inShell !== 'string' || shownUrl(inShell) === shownUrl(url)
    ? ''
    : ` In this shell, trace-build and its sync send to ${shownUrl(inShell)} instead, for OTEL_* variables say so.`;
}

const shellUrl = (env: NodeJS.ProcessEnv): string | UserError | undefined => orUserError(() => urlFromEnv(env));

/** @param message  of an answer, in the words of export/post.ts */
function mend({ config, paths }: Facts, message: string): string {
  if (config instanceof UserError) return config.hint;
  const key = /answered 40[13]/.test(message) ? 'headers' : /answered 415/.test(message) ? 'protocol' : 'endpoint';
  if (config.origins[key] === 'managed') return `Ask whoever manages ${paths.managed}: ${key} is set there.`;
  const [header = 'authorization'] = Object.keys(config.config.headers);
  return `trace-build config set ${{ headers: `headers.${header} …`, protocol: 'protocol …', endpoint: 'endpoint …' }[key]}`;
}

/** Shorter than the first wait of OTel's transport before it tries again, so that what refuses at once is told at once. */
const FIRST_PATIENCE_MS = 700;
const PATIENCE_MAX_MS = 10_000;

/** A request without a span, as a delivery would send it. */
export async function knockAt(
  destination: Destination,
  semconv: Parameters<typeof scopeOf>[0],
  version: string,
): Promise<{ readonly answer: Answer; readonly ms: number }> {
  const post = await openPost(destination, `trace-build/${version}`);
  const bytes = requestWithoutSpans(destination.protocol, scopeOf(semconv, version));
  try {
    for (const patienceMs of [FIRST_PATIENCE_MS, Math.min(destination.timeoutMs, PATIENCE_MAX_MS)]) {
      const beganMs = performance.now();
      const answer = await post.post(bytes, patienceMs);
      const ms = Math.round(performance.now() - beganMs);
      if (answer.kind !== 'unreachable' || ms < FIRST_PATIENCE_MS || patienceMs > FIRST_PATIENCE_MS) return { answer, ms };
    }
    throw new Error('the second answer counts');
  } finally {
    post.close();
  }
}

/** @param answers  whether it does now; undefined: it was not asked */
export function deliveriesCheck(
  { destination, paths, nowMs }: Facts,
  known: readonly KnownDestination[],
  answers: boolean | undefined,
): Check | undefined {
  if (destination === undefined || destination instanceof UserError) return undefined;
  const { failing, lastAcknowledgedMs } = healthOf(destination, paths.state);
  const key = keyOf(destination);
  const spans = known.find((one) => one.key === key)?.spans ?? 0;
  const others = known
    .filter((one) => one.key !== key && one.spans > 0)
    .map(
      ({ url, spans: sent, lastAcknowledgedMs: atMs }) =>
        `${count(sent, 'span')} by ${url ?? 'another destination'} earlier${atMs === undefined ? '' : `, the last ${when(atMs, nowMs)}`}`,
    );
  const taken =
    lastAcknowledgedMs === undefined
      ? 'Nothing was delivered there yet.'
      : `${count(spans, 'span')} acknowledged, the last ${when(lastAcknowledgedMs, nowMs)}.`;
  if (failing === undefined) return ok('deliveries', taken, others);
  const sentence = `${taken} ${failingWords(failing, nowMs)}`;
  return answers === true
    ? warning('deliveries', `${sentence} It answers again now.`, 'trace-build sync delivers at once', others)
    : failure('deliveries', sentence, 'Mend what it says, then: trace-build sync');
}

function failingWords({ sinceMs, times, message, retryAtMs }: NonNullable<Health['failing']>, nowMs: number): string {
  const next = retryAtMs > nowMs ? `wait for another ${age(retryAtMs - nowMs)} before they try again` : 'try again when the next one comes';
  return `Deliveries have failed for ${age(Math.max(0, nowMs - sinceMs))} (${count(times, 'time')}): ${message.replace(/\.?$/, '.')} Hooks ${next}.`;
}
