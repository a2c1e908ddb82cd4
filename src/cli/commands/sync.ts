/**
 * `trace-build sync`: delivers what hooks could not, or never told of.
 *
 * in:   argv, World; the queue, states and transcripts on disk
 * out:  spans at the collector; a line a session, and the sum
 */
import { destinationConfig } from '../../config/destination.ts';
import { UserError } from '../../errors.ts';
import { describe, destinationFrom, resourceOverrides } from '../../export/destination.ts';
import { keyOf, openOutlet } from '../../export/outlet.ts';
import { writeNotice } from '../../hook/notice.ts';
import { waitingSessions } from '../../hook/waiting.ts';
import { takeUpQueue } from '../../hook/worker.ts';
import { traceSession } from '../../pipeline.ts';
import { findSessions, obstacleIn, type Places, placeOf, type SessionRef } from '../../read/find.ts';
import { begunSince, deliverSession, nameOf, sinceOf, type Tools } from '../../sync/deliver-session.ts';
import { scopeDecider, sessionsInScope, startDirectoryOf } from '../../sync/in-scope.ts';
import { originalsFirst } from '../../sync/order.ts';
import { buildOptionsOf, rootTimes, scopeOf } from '../../sync/settings.ts';
import { standingOf } from '../../sync/standing.ts';
import { readState, type SessionState, unsettledSessions } from '../../sync/state.ts';
import { unplacedIn } from '../../sync/undelivered.ts';
import { Account } from '../account.ts';
import { placesOf } from '../places.ts';
import { progressBar } from '../progress.ts';
import type { World } from '../run.ts';
import { configOf, traceparentIn } from '../settings.ts';
import { sinceMs } from '../since.ts';
import { count } from '../summary.ts';
import { harmless } from '../terminal.ts';
import { unplacedWords } from '../unplaced.ts';
import { type CliCommand, commandLine } from './command.ts';

interface SyncOptions {
  readonly since?: string;
  readonly session: readonly string[];
  readonly dryRun: boolean;
  readonly final: boolean;
  readonly resend: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly endpoint?: string;
  readonly header: readonly string[];
  readonly protocol?: string;
}

const OFF = { session: [], dryRun: false, final: false, resend: false, quiet: false, verbose: false, header: [] };

const NOTES = `
Without --since: sessions in scope that were begun after their root was added, as hooks do. Environment: the OTEL_*
variables, as in trace-build itself; what neither they nor flags tell is the config's.`;

const all = (value: string, before: string[] = []): string[] => [...before, value];

export const sync: CliCommand = {
  name: 'sync',
  summary: 'deliver what is not delivered yet, of the sessions in scope',
  async run(argv, world) {
    const { command, parse } = commandLine(
      'trace-build sync',
      'Delivers the spans of sessions in scope that the collector does not have yet, the newest project first.',
    );
    command
      .option('--since <when>', 'sessions begun since then, whenever their root was added: 7d, 12h, or a date')
      .option('--session <id>', 'this session, wherever it was begun; may be repeated', all)
      .option('--dry-run', 'tell what would be sent, send nothing')
      .option('--final', 'send what may still change, too: the last turn of a session that may go on')
      .option('--resend', 'send what was delivered before, too')
      .option('--endpoint <url>', 'OTLP/HTTP endpoint')
      .option('--header <name=value>', 'header for the endpoint; may be repeated', all)
      .option('--protocol <protocol>', 'http/protobuf or http/json')
      .option('--quiet', 'say only what went wrong')
      .option('--verbose', 'list every problem of a transcript')
      .addHelpText('after', NOTES);
    let code = 0;
    command.action(async () => {
      code = await synchronise({ ...OFF, ...command.opts() }, world);
    });
    await parse(argv, world.out);
    return code;
  },
};

async function synchronise(options: SyncOptions, world: World): Promise<number> {
  const { env, home, out, version, now = Date.now } = world;
  const loaded = configOf(world);
  const { config, paths } = loaded;
  const configured = destinationConfig(loaded, home);
  const destination = destinationFrom({
    env,
    endpoint: options.endpoint,
    headers: options.header,
    protocol: options.protocol,
    config: configured,
  });
  if (destination === undefined)
    throw new UserError(
      'No endpoint is set, so there is nowhere to send to.',
      'Set one: trace-build init, --endpoint, or OTEL_EXPORTER_OTLP_ENDPOINT.',
    );
  const overrides = resourceOverrides(env, configured);
  for (const warning of overrides.warnings) out.note(warning);
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  if (!options.dryRun) await takeUpQueue({ paths, home, version, awaited: true, now, wait });
  const places = placesOf(world);
  const refs = sessionsFor(options, places, world, keyOf(destination));
  const { final, resend } = options;
  const outlet = openOutlet(destination, { scope: scopeOf(config.semconv, version), stateFolder: paths.state, final, resend, now });
  const build = { ...buildOptionsOf(loaded), resource: overrides.attributes };
  const hooks = destinationFrom({ env: {}, config: configured });
  const marks = hooks !== undefined && keyOf(hooks) === outlet.key;
  const isNamed = options.since !== undefined || options.session.length > 0;
  const tools: Tools = {
    stateFolder: paths.state,
    outlet,
    build,
    version,
    marks,
    final,
    resend,
    traceparent: traceparentIn(env),
    now,
    ...(!isNamed && { sinceMs: rootTimes(config, home, paths.state) }),
  };
  try {
    if (options.dryRun) return await foretell(refs, tools, describe(destination), world);
    const code = await deliverAll(refs, tools, options, world);
    if (marks) {
      const pending = waitingSessions({ stateFolder: paths.state, config, places, key: outlet.key, nowMs: now() });
      writeNotice(paths.state, config.notice, { health: outlet.health(), pending });
    }
    return code;
  } finally {
    await outlet.close();
  }
}

async function deliverAll(refs: readonly SessionRef[], tools: Tools, options: SyncOptions, world: World): Promise<number> {
  const { out, version } = world;
  const account = new Account({ ...options, check: false }, out, version);
  const bar = refs.length > 1 && out.watched && !options.quiet ? progressBar(refs.length) : undefined;
  const tell =
    bar !== undefined && out.width !== undefined ? async (text: string) => bar.log(text) : (text: string) => out.write(`${text}\n`);
  let [tried, asTheyWere] = [0, 0];
  let stopped = false;
  try {
    for (const ref of refs) {
      tried++;
      try {
        const delivery = await deliverSession(ref, tools);
        if (delivery.kind === 'not sampled') account.notSampled();
        if (delivery.kind === 'as it was') asTheyWere++;
        if (delivery.kind === 'sent') {
          const session = { ...delivery.traced, ref, repeated: 0 };
          account.problems(session);
          const line = account.session(session, delivery.report);
          if (delivery.report.acknowledged + delivery.report.refused + delivery.report.pending === 0) asTheyWere++;
          else if (!options.quiet) await tell(line);
          stopped = delivery.report.stopped !== undefined;
        }
      } catch (error) {
        if (refs.length === 1) throw error;
        if (error instanceof UserError) out.note(harmless(`${error.message} Skipped.`));
        else account.bug(ref, error);
      }
      bar?.step();
      if (stopped) break;
    }
  } finally {
    bar?.stop();
  }
  const code = await account.close(true, true, async (text) => out.write(`${text}\n`));
  if (!options.quiet && asTheyWere > 0) out.note(`${count(asTheyWere, 'session')} had nothing new to send.`);
  if (tried < refs.length) out.complain(`${count(refs.length - tried, 'session')} not tried, for the collector takes nothing.`);
  return code;
}

async function foretell(refs: readonly SessionRef[], tools: Tools, where: string, { out }: World): Promise<number> {
  const { outlet, stateFolder, build, now } = tools;
  let [sessions, spans] = [0, 0];
  for (const ref of refs) {
    const state = readState(stateFolder, nameOf(ref));
    const standing = tools.final ? { ended: true } : standingOf(ref, state, now());
    const { spans: all } = traceSession(ref, build, standing);
    const unsent = outlet.unsent(begunSince(all, sinceOf(ref, state, tools) ?? 0)).length;
    if (unsent === 0) continue;
    [sessions, spans] = [sessions + 1, spans + unsent];
    await out.write(`${harmless(ref.sessionId)}  ${count(unsent, 'span')}\n`);
  }
  await out.write(`${count(spans, 'span')} of ${count(sessions, 'session')} would be sent to ${where}. Dry run: nothing was sent.\n`);
  return 0;
}

/** Each once. */
function sessionsFor(options: SyncOptions, places: Places, world: World, key: string): readonly SessionRef[] {
  if (options.session.length > 0) return options.session.flatMap((id) => findSessions(id, places));
  const loaded = configOf(world);
  const { config, paths } = loaded;
  const nowMs = (world.now ?? Date.now)();
  const begunSinceMs = options.since === undefined ? undefined : sinceMs(options.since, nowMs);
  if (config.trace_roots.length === 0 && config.include.length === 0)
    throw new UserError(
      'No directory is opted in, so nothing is exported.',
      'Add one: trace-build roots add. Or name a session: --session.',
    );
  const decide = scopeDecider(config, places.home, paths.state);
  const isInScope = (ref: SessionRef): boolean => decide(startDirectoryOf(ref, paths.state)).inScope;
  const unsettled = unsettledSessions(paths.state)
    .filter(({ disabled }) => !disabled)
    .flatMap((state) => existing(state, places))
    .filter(isInScope);
  const isUnplaced = unplacedIn({ config, home: places.home, stateFolder: paths.state, key, nowMs }, begunSinceMs);
  let unplaced = 0;
  const onUnplaced = (ref: SessionRef): void => {
    if (isUnplaced(ref)) unplaced++;
  };
  const search = { config, places, stateFolder: paths.state, writtenSinceMs: begunSinceMs ?? 0, begunSinceMs, nowMs, onUnplaced };
  const found = sessionsInScope(search).filter((ref) => !readState(paths.state, nameOf(ref)).disabled);
  const words = unplacedWords(unplaced, config);
  if (words !== undefined && !options.quiet) world.out.note(harmless(words));
  const refs = new Map([...found, ...unsettled].map((ref) => [placeOf(ref), ref]));
  return originalsFirst([...refs.values()]);
}

/** What was remembered may be gone. */
function existing({ path, sessionId }: SessionState, places: Places): readonly SessionRef[] {
  try {
    return findSessions(path ?? sessionId, places).filter((ref) => ref.path !== undefined && ref.sessionId === sessionId);
  } catch (error) {
    const obstacle = obstacleIn(error);
    if (obstacle !== undefined) places.onUnreadable?.(obstacle);
    return [];
  }
}
