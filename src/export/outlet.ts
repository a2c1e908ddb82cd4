/**
 * Spans → a collector, each once: delivery and ledger together.
 *
 * in:   the spans of one session after another, a destination, the state folder
 * out:  OutletReport: built = acknowledged + before + refused + pending + open, always
 *
 * What the ledger knows is not sent again, whatever changed about it, but for a span whose end has moved later; not for a
 * copy's either, whose lines may have times of their own. What may still change is not sent. Of totals that grow only what
 * the destination was not told yet is. Between a look at the ledger and its last entry nobody else sends to the same
 * destination.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere, writePrivate } from '../disk/files.ts';
import { holderOf, lock } from '../disk/lock.ts';
import { UserError } from '../errors.ts';
import { copiedTraces } from '../trace/copied.ts';
import type { Span } from '../trace/span.ts';
import { createDelivery, type DeliveryOptions, type DeliveryReport } from './deliver.ts';
import { type Destination, shownUrl } from './destination.ts';
import { openLedger, settledSpans } from './ledger.ts';
import { tellingsOf } from './tellings.ts';

export interface OutletReport extends DeliveryReport {
  /** Acknowledged by the destination before this call. */
  readonly before: number;
  /** Sent again because their end had moved; counted where they ended up, too. */
  readonly updated: number;
  /** Held back: they may still change. */
  readonly open: number;
  /** Traces with spans that will have to be sent. */
  readonly unsettled: ReadonlySet<string>;
}

export interface OutletOptions extends Omit<DeliveryOptions, 'record'> {
  readonly stateFolder: string;
  /** Send what was acknowledged before, too. */
  readonly resend?: boolean;
  /** Send what is open, too. */
  readonly final?: boolean;
}

export interface Outlet {
  /** Key of the destination, as in the ledger. */
  readonly key: string;
  /**
   * @param session  key of the session: its conversation id
   * @param onWire   see `Delivery`
   * @throws UserError when it can't be written down what is sent, or another process does not stop sending: then nothing is
   */
  readonly send: (spans: readonly Span[], session: string, onWire?: (span: Span) => Span) => Promise<OutletReport>;
  /** What of it `send` would send; touches nothing. */
  readonly unsent: (spans: readonly Span[]) => readonly Span[];
  readonly health: () => Health;
  readonly prune: (isGone: (session: string) => boolean) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** How a destination did the last times. Kept between runs. */
export interface Health {
  /** For people, without credentials. */
  readonly url: string;
  readonly lastAcknowledgedMs?: number;
  /** Set while deliveries fail. */
  readonly failing?: {
    readonly sinceMs: number;
    readonly times: number;
    /** Whoever is not asked by the user waits until then. */
    readonly retryAtMs: number;
    readonly message: string;
    readonly unusable: boolean;
  };
}

/** A session is sent in less, but to a collector in trouble. */
const PATIENCE_MS = 60_000;
/** A collector that is restarted is back within this time. */
const RETRY_FIRST_MS = 30_000;
/** An hour's delay is nothing for a trace, and a hook an hour is nothing for a collector. */
const RETRY_MAX_MS = 60 * 60_000;

/** @throws UserError when the ledger can't be used */
export function openOutlet(destination: Destination, options: OutletOptions): Outlet {
  const { stateFolder, now = Date.now } = options;
  const key = keyOf(destination);
  const ledger = onDisk(stateFolder, () => openLedger(stateFolder, key));
  // Patience is measured by a clock that nobody can set.
  const delivery = createDelivery(destination, { ...options, now: () => performance.now() });
  const health = healthFile(destination, stateFolder, key);
  const alone = oneAtATime(stateFolder, key, options.deadlineMs);
  let hasStopped = false;
  const wantedOf = (spans: readonly Span[], ends: ReadonlyMap<string, number>): readonly Span[] => {
    const copied = copiedTraces(spans);
    return spans.filter(({ spanId, traceId, endMs }) => {
      const sentEndMs = ends.get(spanId);
      return sentEndMs === undefined || (endMs > sentEndMs && !copied.has(traceId));
    });
  };
  const maySend = ({ open }: Span): boolean => options.final === true || !open;
  return {
    key,
    send: (spans, session, onWire) =>
      alone(async () => {
        const ends = options.resend ? new Map<string, number>() : onDisk(stateFolder, () => ledger.acknowledged(spans, session));
        const wanted = wantedOf(spans, ends);
        const sent = wanted.filter(maySend);
        const told = tellingsOf(
          sent,
          onDisk(stateFolder, () => ledger.told(session)),
        );
        const settled = new Set<Span>();
        const report = await delivery.send(
          sent,
          {
            intend: (batch) => ledger.intend(batch, session, told.of),
            settle: (answered) => {
              ledger.settle(answered.spans);
              for (const span of answered.spans) settled.add(span);
            },
          },
          told.of.size === 0 ? onWire : (span) => (onWire ?? same)(told.onWire(span)),
        );
        // After it has stopped, sessions are not tried any more: that is no further failure.
        if (sent.length > 0 && !hasStopped) health.note(report, now());
        hasStopped ||= report.stopped !== undefined;
        return {
          ...report,
          ...(told.isTooMuch && { messages: [...report.messages, tooMuch(session)] }),
          built: spans.length,
          before: spans.length - wanted.length,
          open: wanted.length - sent.length,
          updated: [...settled].filter(({ spanId }) => ends.has(spanId)).length,
          unsettled: new Set(wanted.filter((span) => !settled.has(span)).map(({ traceId }) => traceId)),
        };
      }),
    unsent: (spans) => wantedOf(spans, options.resend ? new Map() : ledger.acknowledged(spans)).filter(maySend),
    health: health.read,
    prune: (isGone) => alone(() => ledger.prune(isGone)),
    close: delivery.close,
  };
}

const same = (span: Span): Span => span;

const tooMuch = (session: string): string =>
  `Session ${session} has used less than was told of it before, so its last turn tells no more: its database was replaced, or counts were corrected.`;

/** Somebody at a terminal may have stopped a process that sends: nobody waits for it for ever, nor once more for each session. */
function oneAtATime(stateFolder: string, key: string, patienceMs = PATIENCE_MS) {
  const folder = join(stateFolder, `delivery-${key}.lock`);
  let waitsMs = patienceMs;
  return async <T>(act: () => T): Promise<Awaited<T>> => {
    const held = await lock(folder, waitsMs).catch(unwritable(stateFolder));
    if (held === undefined) {
      waitsMs = 0;
      throw new UserError(
        `Process ${holderOf(folder)?.pid ?? ''} is sending to the same destination, so this one does not.`,
        'Wait for it, or end it; what is left is sent the next time.',
      );
    }
    try {
      return await act();
    } finally {
      held.release();
    }
  };
}

function onDisk<T>(folder: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    return unwritable(folder)(error);
  }
}

/** A full or read-only disk is for the user to mend. */
const unwritable =
  (folder: string) =>
  (error: unknown): never => {
    if (error instanceof UserError || (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new UserError(
      `${folder} can't be written, so nothing is sent: ${(error as Error).message}.`,
      'Make room on the disk, or mend the permissions.',
    );
  };

/** How it stands with a destination, without opening it. */
export const healthOf = (destination: Destination, stateFolder: string): Health =>
  healthFile(destination, stateFolder, keyOf(destination)).read();

export interface KnownDestination {
  /** As in the ledger. */
  readonly key: string;
  /** For people. Undefined when what is known of it is damaged. */
  readonly url: string | undefined;
  readonly lastAcknowledgedMs: number | undefined;
  /** Acknowledged, or refused for good. */
  readonly spans: number;
}

/** Every one that was ever sent to. Reads only. */
export const knownDestinations = (stateFolder: string): readonly KnownDestination[] =>
  namesIn(join(stateFolder, 'ledger')).map((key) => {
    const { url, lastAcknowledgedMs } = storedHealth(healthPath(stateFolder, key)).health ?? {};
    return { key, url, lastAcknowledgedMs, spans: settledSpans(stateFolder, key) };
  });

/** Of folders. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return []; // Nothing was ever sent.
  }
}

/** May somebody whom no user asked try now? */
export const mayTry = ({ failing }: Health, nowMs: number): boolean =>
  // A clock that was set back must not stop us for longer than we meant to wait.
  failing === undefined || nowMs >= failing.retryAtMs || failing.retryAtMs - nowMs > RETRY_MAX_MS;

/** What tells one tenant of a collector from another; what only lets us in does not. */
const CREDENTIAL = /auth|cookie|credential|dsn|honeycomb-team|key|pass|secret|signature|token/i;

/** The same for whatever only lets us in: a new token does not make another destination. */
export function keyOf({ url, headers }: Destination): string {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  for (const name of [...bare.searchParams.keys()]) if (CREDENTIAL.test(name)) bare.searchParams.delete(name);
  const tenant = Object.entries(headers)
    .filter(([name]) => !CREDENTIAL.test(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return hashOf(JSON.stringify([bare.href, tenant])).slice(0, 16);
}

/** Anything about a destination that, changed by the user, makes it worth another try. */
const fingerprintOf = ({ url, headers, protocol, compression, tls }: Destination): string =>
  hashOf(JSON.stringify([url, headers, protocol, compression, Object.values(tls).map((pem) => hashOf(pem))])).slice(0, 16);

const hashOf = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

const healthPath = (stateFolder: string, key: string): string => join(stateFolder, 'ledger', key, 'destination.json');

function storedHealth(path: string): { readonly health?: Partial<Health>; readonly fingerprint?: string } {
  try {
    return JSON.parse(readIfThere(path) ?? '{}') ?? {};
  } catch {
    return {}; // Damaged: then it is simply tried.
  }
}

/** It has stopped, or it took nothing of what it was given: a 500 to the few spans of a turn is no reason to ask at every hook. */
const failureOf = ({ stopped, pending, acknowledged, refused, messages }: DeliveryReport): string | undefined =>
  stopped ?? (pending > 0 && acknowledged + refused === 0 ? (messages.at(-1) ?? 'The collector took nothing.') : undefined);

function healthFile(destination: Destination, stateFolder: string, key: string) {
  const path = healthPath(stateFolder, key);
  const fingerprint = fingerprintOf(destination);
  const read = (): Health => {
    const { health, fingerprint: known } = storedHealth(path);
    const { lastAcknowledgedMs, failing } = health ?? {};
    return {
      url: shownUrl(destination.url),
      ...(Number.isFinite(lastAcknowledgedMs) && { lastAcknowledgedMs: lastAcknowledgedMs! }),
      ...(known === fingerprint && Number.isFinite(failing?.retryAtMs) && { failing: failing! }),
    };
  };
  const note = (report: DeliveryReport, nowMs: number): void => {
    const { lastAcknowledgedMs, failing } = read();
    const times = (failing?.times ?? 0) + 1;
    const failure = failureOf(report);
    const waitMs = Math.max(RETRY_FIRST_MS * 2 ** (times - 1), report.retryAfterMs ?? 0);
    const health: Health = {
      url: shownUrl(destination.url),
      ...(report.acknowledged > 0 ? { lastAcknowledgedMs: nowMs } : lastAcknowledgedMs !== undefined && { lastAcknowledgedMs }),
      ...(failure !== undefined && {
        failing: {
          sinceMs: failing?.sinceMs ?? nowMs,
          times,
          retryAtMs: nowMs + Math.min(waitMs, RETRY_MAX_MS),
          message: failure,
          unusable: report.unusable !== undefined,
        },
      }),
    };
    try {
      writePrivate(path, `${JSON.stringify({ health, fingerprint })}\n`);
    } catch {
      // What arrived has arrived, and is written down. The next delivery finds out how it stands.
    }
  };
  return { read, note };
}
