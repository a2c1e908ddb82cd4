/**
 * `trace-build view [session]`: sessions in the browser, or one of them as a file.
 *
 * in:   argv, World; the page, built beside the program
 * out:  a server on 127.0.0.1 until Ctrl-C, its address on stdout; or a file: the page, or what other viewers read
 */
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { Option } from 'commander';
import { redactorsFor } from '../../config/packs.ts';
import { UserError } from '../../errors.ts';
import type { Content } from '../../pipeline.ts';
import { allSessions, findSessions, lastSession, type Places, type SessionRef } from '../../read/find.ts';
import { htmlFile } from '../../view/file.ts';
import type { PageFiles } from '../../view/html.ts';
import { counted } from '../../view/page/format.ts';
import { perfettoJson } from '../../view/perfetto.ts';
import { withoutPlaces } from '../../view/places.ts';
import { serve } from '../../view/server.ts';
import type { Shown } from '../../view/session.ts';
import { openSession } from '../../view/sessions.ts';
import { speedscopeJson } from '../../view/speedscope.ts';
import { EXIT } from '../account.ts';
import { openBrowser } from '../browser.ts';
import { writeOut } from '../out-file.ts';
import { placesOf } from '../places.ts';
import type { World } from '../run.ts';
import { configOf, settled } from '../settings.ts';
import { asItIs, keyOf, shelfOf, shownOf, type ViewOptions } from '../shelf.ts';
import { harmless, harmlessJson } from '../terminal.ts';
import { type CliCommand, commandLine } from './command.ts';

const FORMATS = ['html', 'speedscope', 'perfetto'] as const;
type Format = (typeof FORMATS)[number];

interface Flags {
  readonly last?: true;
  readonly open: boolean;
  readonly port?: string;
  readonly out?: string;
  readonly format?: Format;
  readonly content?: Content;
}

export const view: CliCommand = {
  name: 'view',
  summary: 'look at sessions in the browser, or make a page of one',
  async run(argv, world) {
    const { command, parse } = commandLine(
      'trace-build view',
      'Shows sessions in the browser: what the agent did, how long it took, what it cost.',
    );
    command
      .argument(
        '[session]',
        'a transcript or database, a session id or its beginning, or a directory of sessions; default: all of this machine',
      )
      .option('--last', 'the newest session of the current directory')
      .option('--no-open', 'print the address, open no browser')
      .option('--port <number>', 'of the server (default: any that is free)')
      .option('--out <file>', 'write one session to a file instead, to look at without a server; - is stdout')
      .addOption(
        new Option('--format <format>', 'of that file: the page, or what speedscope.app or ui.perfetto.dev open (default: html)').choices([
          ...FORMATS,
        ]),
      )
      .addOption(
        new Option('--content <policy>', 'prompts, answers, arguments and results (default: full, in a file redacted)').choices([
          'none',
          'redacted',
          'full',
        ]),
      );
    if (!(await parse(argv, world.out))) return EXIT.ok;
    const flags = command.opts<Flags>();
    const writes = flags.out !== undefined || flags.format !== undefined;
    if (writes && flags.port !== undefined)
      throw new UserError('--port is of the server, and a file needs none.', 'Leave one of them out.');
    const places = placesOf(world);
    const chosen = chosenBy(command.args[0], flags, places, world.cwd);
    const options = optionsOf(flags, writes, world);
    if (writes) await write(chosen, flags, options, world);
    else await show(chosen, flags, options, places, world);
    return EXIT.ok;
  },
};

/** One session, or a way to find those of the list. */
type Chosen =
  | { readonly kind: 'one'; readonly ref: SessionRef }
  /** @field place  what holds them; absent: this machine */
  | { readonly kind: 'list'; readonly place?: string; find(): readonly SessionRef[] };

function chosenBy(given: string | undefined, { last }: Flags, places: Places, cwd: string): Chosen {
  if (given !== undefined && last) throw new UserError('Both a session and --last were given.', 'Leave one of them out.');
  if (last) return { kind: 'one', ref: lastSession(cwd, places) };
  if (given === undefined) return { kind: 'list', find: () => allSessions(places) };
  const found = findSessions(given, places);
  // A database holds many, too.
  if (found.length > 1 || statSync(given, { throwIfNoEntry: false })?.isDirectory())
    return { kind: 'list', place: given, find: () => findSessions(given, places) };
  return { kind: 'one', ref: found[0]! };
}

/** What stays on this machine is shown whole; a file is there to be given away. */
function optionsOf({ content }: Flags, writes: boolean, world: World): ViewOptions {
  const loaded = configOf(world);
  const { content: allowed, semconv, agent_usage } = settled(writes && content !== undefined ? { content } : {}, loaded, world.env);
  const inFile = loaded.locked.has('content') ? allowed : 'redacted';
  return {
    content: content ?? (writes ? inFile : 'full'),
    redactorFor: redactorsFor(loaded),
    semconv,
    agentUsage: agent_usage,
  };
}

async function show(chosen: Chosen, { open, port }: Flags, options: ViewOptions, places: Places, world: World): Promise<void> {
  const { out } = world;
  const find = chosen.kind === 'one' ? () => [asItIs(chosen.ref, places)] : chosen.find;
  const shelf = shelfOf(pageOf(world), find, options, places, world);
  // Built before the page asks for it: what is wrong with it is told here, and the page has it at once.
  if (chosen.kind === 'one') shelf.session(keyOf(chosen.ref), true);
  const server = await serve(shelf, portFrom(port), (error) =>
    out.complain(harmless(error instanceof Error ? (error.stack ?? error.message) : String(error))),
  );
  const stopped = world.stopped ?? stopSignal();
  try {
    const address = chosen.kind === 'one' ? `${server.address}#/s/${keyOf(chosen.ref)}` : server.address;
    await out.write(`${address}\n`);
    const failure = open ? await openBrowser(address, world.platform ?? process.platform, world.env) : undefined;
    if (failure !== undefined) out.note(`No browser was opened: ${harmless(failure)}. Open the address above.`);
    out.note('Ctrl-C ends it.');
    await stopped;
  } finally {
    await server.close();
  }
}

async function write(chosen: Chosen, { out: path, format }: Flags, options: ViewOptions, world: World): Promise<void> {
  if (chosen.kind === 'list') throw ofOne(chosen);
  const texts = textsOf(shownOf(chosen.ref, options, world), format, options, world);
  if (path !== undefined && path !== '-') await writeOut(path, texts);
  // The page has nothing in it that a terminal obeys, and its policy knows it letter by letter.
  else for (const text of texts) await world.out.write(format === undefined || format === 'html' ? text : harmlessJson(text));
}

function ofOne({ place, find }: Extract<Chosen, { kind: 'list' }>): UserError {
  const advice = 'Name a transcript or a session id, or use --last.';
  if (place === undefined) return new UserError('A file is of one session.', advice);
  const ids = find().map(({ sessionId }) => sessionId);
  const some = `${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ' …' : ''}`;
  return new UserError(`A file is of one session, and ${place} holds ${counted(ids.length, 'session')}: ${some}.`, advice);
}

function textsOf(shown: Shown, format: Format = 'html', options: ViewOptions, world: World): Iterable<string> {
  const withPlaces = options.content === 'full';
  switch (format) {
    case 'html': {
      const opened = openSession(shown);
      return htmlFile(withPlaces ? opened : withoutPlaces(opened, projectName(shown, options)), pageOf(world));
    }
    case 'perfetto':
      return perfettoJson(shown);
    case 'speedscope':
      return speedscopeJson(shown);
    default:
      return format satisfies never;
  }
}

/** What its directory is called, without what a rule hides. */
const projectName = ({ project }: Shown, { content, redactorFor }: ViewOptions): string | undefined =>
  project === undefined || content === 'none' ? undefined : redactorFor(project).text(basename(project)).value;

/** @throws UserError when it was not built */
function pageOf({ dist }: World): PageFiles {
  const read = (name: string): string => {
    if (dist === undefined) throw new Error('run from its sources');
    return readFileSync(new URL(name, dist), 'utf8');
  };
  try {
    return { script: read('page.js'), style: read('page.css') };
  } catch (error) {
    throw new UserError(
      `The page is missing: ${(error as Error).message}.`,
      'Install trace-build again; in a clone of it, run npm run build.',
    );
  }
}

function portFrom(text: string | undefined): number {
  if (text === undefined) return 0;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new UserError(`--port ${text} is no port.`, 'Give a number up to 65535, or leave it out.');
}

/** Once: whoever is in a hurry and asks again ends the process at once. */
const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
