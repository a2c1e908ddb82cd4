/**
 * Hermes Agent as a harness: everything vendor-specific is in this folder. Format: README.md here.
 *
 * in:   the rows of one session
 * out:  `hermes`
 */
import type { Harness } from '../harness.ts';
import { layout } from './layout.ts';
import { normalise } from './normalise.ts';
import { type ParsedFile, parseFile } from './records.ts';
import { recount } from './recount.ts';

export const hermes: Harness<ParsedFile> = {
  name: 'hermes',
  layouts: [layout],
  parse: parseFile,
  wants: ({ meta }) => {
    const directory = meta.sessions.find(({ cwd }) => typeof cwd === 'string' && cwd !== '')?.['cwd'];
    return { agents: [], sessionPrefixes: [], ...(typeof directory === 'string' && { directory }) };
  },
  normalise,
  // Rows are written anew, marked and deleted: there is no line up to which nothing changes.
  resume: () => undefined,
  recount,
};
