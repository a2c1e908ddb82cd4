/**
 * Spans → a collector, with an account of every one of them.
 *
 * in:   the spans of one session after another, a destination
 * out:  DeliveryReport: built = acknowledged + refused + pending, always; does not throw on a collector's doings
 *
 * - acknowledged: the collector said it has them. Only a 2xx answer that is an ExportTraceServiceResponse counts.
 * - refused: it said it will never take them. Sending them again would change nothing.
 * - pending: everything else. They may be sent again, with the same ids.
 *
 * A collector in trouble is not made to suffer: one request at a time, and when one ends for good (no answer,
 * deadline, a fault only the user can mend) this delivery makes no further requests, for later sessions neither.
 */
import type { Span } from '../trace/span.ts';
import { BATCH_LIMITS, type Batch, batches, type Limits, serializerFor } from './batches.ts';
import type { Destination } from './destination.ts';
import { type Answer, openPost, type Post } from './post.ts';
import type { Scope } from './readable.ts';

export interface DeliveryReport {
  readonly built: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly pending: number;
  /** HTTP requests made, retries included. */
  readonly requests: number;
  /** Those of them that repeated an earlier one byte for byte. */
  readonly retried: number;
  /** For the user, each once: why spans are refused or pending, and what else to know of them. */
  readonly messages: readonly string[];
  /** Set when nothing will ever get through until the user changes something; also one of the messages. */
  readonly unusable?: string;
  /** Why no more is sent, by this delivery: it is unusable, or there was no answer in time. Also one of the messages. */
  readonly stopped?: string;
  /** How long it then asked to be left alone. */
  readonly retryAfterMs?: number;
}

export interface DeliveryOptions {
  readonly scope: Scope;
  /** How long to wait for a collector that is busy or away: from the start of a session, and anew from any other answer. */
  readonly deadlineMs?: number;
  /** The first wait of our own, after OTel's retries; it doubles. */
  readonly backoffMs?: number;
  readonly limits?: Limits;
  readonly record?: Recorder;
  readonly now?: () => number;
  readonly wait?: (ms: number) => Promise<void>;
}

/** Whoever writes down what need not be sent again. */
export interface Recorder {
  /** Before spans leave. When it throws they stay, and so does everything after them. */
  readonly intend: (spans: readonly Span[]) => void;
  /** When an answer has settled spans that were intended. */
  readonly settle: (settled: Settled) => void;
}

/** Spans that were answered for. With a partial success it is not known which of them were refused. */
export interface Settled {
  readonly spans: readonly Span[];
  readonly acknowledged: number;
  readonly refused: number;
}

export interface Delivery {
  /**
   * Several calls are carried out one after another.
   *
   * @param record  for these spans, in place of the one in the options
   * @param onWire  what becomes of a span just before it is serialized; reports and records are about the span as given
   */
  readonly send: (spans: readonly Span[], record?: Recorder, onWire?: (span: Span) => Span) => Promise<DeliveryReport>;
  /** Ends the kept-alive connections. Call it when no `send` is under way. */
  readonly close: () => Promise<void>;
}

/** A user who waits at a terminal gives a restarting collector about this long. */
const DEADLINE_MS = 60_000;
/** OTel's five retries took some 7 s: a collector that needs longer is not helped by a shorter wait. */
const BACKOFF_MS = 5_000;
const BACKOFF_MAX_MS = 30_000;
/** Of a wait, at random, so that many laptops do not come back at the same instant. As in OTel's retries. */
const JITTER = 0.2;

/**
 * Splitting finds one bad span among 512 in 10 refused requests. So when this many spans are refused each on its
 * own, and the collector never took anything, the fault is the collector's: some 15 requests, not a thousand.
 */
const LONE_REFUSALS_MAX = 4;
/** With good spans between, refusals stay below 20 in a row; this many mean some 30 bad ones side by side. */
const REFUSALS_IN_A_ROW_MAX = 64;
/** A 500 may be due to one batch; three batches in a row are the collector. */
const FAILURES_IN_A_ROW_MAX = 3;

/** Some collectors name the span in their message. The last say why it stopped. */
const MESSAGES_MAX = 20;

export function createDelivery(destination: Destination, options: DeliveryOptions): Delivery {
  const post = openPost(destination, `${options.scope.name}/${options.scope.version}`);
  const course = courseOf(options);
  let previous: Promise<unknown> = Promise.resolve();
  return {
    send: (spans, record, onWire) => {
      const parts = fixedParts(destination, options, record, onWire);
      const report = previous.then(async () => sendSession(spans, { ...parts, post: await post, course }));
      // Whoever called for it is told of an error; the next session is not concerned.
      previous = report.catch(() => undefined);
      return report;
    },
    close: async () => (await post).close(),
  };
}

/** What a delivery has learnt of its collector. The only thing here that changes over sessions. */
interface Course {
  /** Any answer at all, to anything. */
  answered: boolean;
  /** It took a request: whatever goes wrong later, the address is right. */
  accepted: boolean;
  refusalsInARow: number;
  loneRefusals: number;
  failuresInARow: number;
  /** `maxBytes` falls when the collector says 413. */
  limits: { maxSpans: number; maxBytes: number };
  /** By `now`: when patience ends. */
  giveUpAt: number;
  stopped?: { readonly message: string; readonly unusable: boolean; readonly retryAfterMs?: number };
}

const courseOf = ({ limits = BATCH_LIMITS }: DeliveryOptions): Course => ({
  answered: false,
  accepted: false,
  refusalsInARow: 0,
  loneRefusals: 0,
  failuresInARow: 0,
  limits: { ...limits },
  giveUpAt: 0,
});

function fixedParts(
  destination: Destination,
  options: DeliveryOptions,
  record: Recorder | undefined,
  onWire: ((span: Span) => Span) | undefined,
) {
  const serialize = serializerFor(destination.protocol, options.scope);
  return {
    timeoutMs: destination.timeoutMs,
    serialize: onWire === undefined ? serialize : (spans: readonly Span[]) => serialize(spans.map(onWire)),
    deadlineMs: options.deadlineMs ?? DEADLINE_MS,
    backoffMs: options.backoffMs ?? BACKOFF_MS,
    limits: options.limits ?? BATCH_LIMITS,
    record: record ?? options.record ?? NO_RECORD,
    now: options.now ?? Date.now,
    wait: options.wait ?? ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))),
  };
}

const NO_RECORD: Recorder = { intend: () => undefined, settle: () => undefined };

type Parts = ReturnType<typeof fixedParts> & { readonly post: Post; readonly course: Course };

/** What became of one session's spans so far. */
interface Account {
  acknowledged: number;
  refused: number;
  /** Requests but for retries. */
  posts: number;
  readonly messages: Set<string>;
  /** Refused each on its own while the collector has taken nothing yet: its fault or theirs is not known. */
  suspects: Span[];
}

async function sendSession(spans: readonly Span[], parts: Parts): Promise<DeliveryReport> {
  const { course, post } = parts;
  const account: Account = { acknowledged: 0, refused: 0, posts: 0, messages: new Set(), suspects: [] };
  const requestsBefore = post.requests();
  course.giveUpAt = parts.now() + parts.deadlineMs;
  await sendBatches(spans, course.limits, account, parts);
  return reportOf(spans.length, post.requests() - requestsBefore, account, course);
}

async function sendBatches(spans: readonly Span[], limits: Limits, account: Account, parts: Parts): Promise<void> {
  if (parts.course.stopped !== undefined) return;
  for (const batch of batches(spans, parts.serialize, limits)) {
    await settle(batch, account, parts);
    if (parts.course.stopped !== undefined) return;
  }
}

async function settle(batch: Batch, account: Account, parts: Parts): Promise<void> {
  const { course } = parts;
  try {
    parts.record.intend(batch.spans);
  } catch (error) {
    // Sent and not written down, they would be sent again and again.
    course.stopped = { message: `Nothing is sent, for it can't be written down: ${(error as Error).message}`, unusable: false };
    return;
  }
  account.posts += 1;
  const answer = await answerWithPatience(batch, parts);
  if (answer.kind !== 'busy' && answer.kind !== 'unreachable') course.giveUpAt = parts.now() + parts.deadlineMs;
  if (answer.message !== '') account.messages.add(answer.message);
  switch (answer.kind) {
    case 'accepted':
      return acknowledge(batch, answer.rejectedSpans, account, parts);
    case 'refused':
      return split(batch, answer, account, parts);
    case 'failed':
      course.failuresInARow += 1;
      if (course.failuresInARow >= FAILURES_IN_A_ROW_MAX) course.stopped = { message: answer.message, unusable: true };
      return;
    case 'unusable':
      course.stopped = { message: answer.message, unusable: true };
      return;
    case 'busy':
      course.stopped = { message: answer.message, unusable: false, retryAfterMs: answer.retryAfterMs };
      return;
    case 'unreachable':
      course.stopped = { message: answer.message, unusable: false };
      return;
    default:
      answer satisfies never;
  }
}

/**
 * The answer to a batch, asked for again while the collector is busy or away and there is time left.
 * One that never gave any answer is not waited for: it is most likely not running.
 */
async function answerWithPatience(batch: Batch, parts: Parts): Promise<Answer> {
  const { course, now } = parts;
  for (let round = 0; ; round += 1) {
    const answer = await parts.post.post(batch.bytes, Math.max(1, Math.min(parts.timeoutMs, course.giveUpAt - now())));
    course.answered ||= answer.kind !== 'unreachable';
    if (answer.kind !== 'busy' && answer.kind !== 'unreachable') return answer;
    if (!course.answered) return answer;
    const waitMs = Math.max(answer.kind === 'busy' ? answer.retryAfterMs : 0, backoffMs(parts.backoffMs, round));
    if (now() + waitMs >= course.giveUpAt) {
      return { ...answer, message: `${answer.message} Gave up: the next try would be after the deadline of ${parts.deadlineMs / 1000} s.` };
    }
    await parts.wait(waitMs);
  }
}

const backoffMs = (firstMs: number, round: number): number =>
  Math.min(firstMs * 2 ** round, BACKOFF_MAX_MS) * (1 + JITTER * (2 * Math.random() - 1));

function acknowledge(batch: Batch, rejectedSpans: number, account: Account, parts: Parts): void {
  const { course } = parts;
  course.accepted = true;
  course.refusalsInARow = 0;
  course.failuresInARow = 0;
  const refused = Math.min(rejectedSpans, batch.spans.length);
  note({ spans: batch.spans, acknowledged: batch.spans.length - refused, refused }, account, parts);
  // It takes other spans, so what it refused before was the spans' fault.
  note({ spans: account.suspects, acknowledged: 0, refused: account.suspects.length }, account, parts);
  account.suspects = [];
}

/** Finds out which part of a refused batch is refused, by sending its halves. */
async function split(batch: Batch, { status, message }: Answer & { kind: 'refused' }, account: Account, parts: Parts): Promise<void> {
  const { course } = parts;
  course.refusalsInARow += 1;
  if (batch.spans.length === 1) {
    course.loneRefusals += 1;
    if (course.accepted) note({ spans: batch.spans, acknowledged: 0, refused: 1 }, account, parts);
    else account.suspects.push(...batch.spans);
  }
  if (status === 413) course.limits.maxBytes = maxBytesAfter413(batch, parts);
  if (course.refusalsInARow >= REFUSALS_IN_A_ROW_MAX || (!course.accepted && course.loneRefusals >= LONE_REFUSALS_MAX)) {
    const extent = course.accepted ? `refused ${course.refusalsInARow} requests in a row` : 'refuses everything, even single spans';
    course.stopped = { message: `${message}. It ${extent}, so nothing more was sent.`, unusable: true };
    account.messages.delete(message);
    return;
  }
  if (batch.spans.length === 1) return;
  const halves: Limits = {
    maxSpans: Math.ceil(batch.spans.length / 2),
    // The first half may teach a lower one.
    get maxBytes() {
      return course.limits.maxBytes;
    },
  };
  await sendBatches(batch.spans, halves, account, parts);
}

/**
 * What to take for the collector's limit: half of what it refused, so that the batches to come are cut to size
 * before they are sent. When it was one span, that span was the reason and not the size of the batches it was in.
 */
const maxBytesAfter413 = (batch: Batch, { limits }: Parts): number =>
  batch.spans.length === 1 ? limits.maxBytes : Math.ceil(batch.bytes.length / 2);

function note(settled: Settled, account: Account, parts: Parts): void {
  if (settled.spans.length === 0) return;
  account.acknowledged += settled.acknowledged;
  account.refused += settled.refused;
  parts.record.settle(settled);
}

function reportOf(built: number, requests: number, account: Account, { stopped }: Course): DeliveryReport {
  const { acknowledged, refused, posts } = account;
  const messages = [...new Set([...account.messages, ...(stopped === undefined ? [] : [stopped.message])])];
  const more = messages.length - MESSAGES_MAX;
  return {
    built,
    acknowledged,
    refused,
    pending: built - acknowledged - refused,
    requests,
    retried: Math.max(0, requests - posts),
    messages: more > 0 ? [...messages.slice(-MESSAGES_MAX), `… and ${more} more`] : messages,
    ...(stopped?.unusable ? { unusable: stopped.message } : {}),
    ...(stopped === undefined ? {} : { stopped: stopped.message }),
    ...(stopped?.retryAfterMs ? { retryAfterMs: stopped.retryAfterMs } : {}),
  };
}
