/**
 * OpenClaw, and pi, the coding agent it grew from: everything vendor-specific is in this folder. Format: README.md here.
 *
 * in:   the files, or rows, of one session
 * out:  `openclaw`, `pi`
 */
import type { Harness, Wants } from '../harness.ts';
import { database, files, piFiles } from './layout.ts';
import { normaliserFor } from './normalise.ts';
import { type ParsedFile, parseFile } from './records.ts';
import { recount } from './recount.ts';

const common = {
  parse: parseFile,
  wants: ({ header }: ParsedFile): Wants => ({
    agents: [],
    sessionPrefixes: [],
    ...(header?.directory !== undefined && { directory: header.directory }),
  }),
  // A session is small, and rows may be rewritten: it is read whole.
  resume: () => undefined,
  recount,
};

export const openclaw: Harness<ParsedFile> = {
  name: 'openclaw',
  layouts: [database, files],
  normalise: normaliserFor('openclaw'),
  ...common,
};

export const pi: Harness<ParsedFile> = { name: 'pi', layouts: [piFiles], normalise: normaliserFor('pi'), ...common };
