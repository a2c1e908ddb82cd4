/**
 * Command line in, exit code out. The one place where errors end.
 *
 * in:   argv without the program's name; the outside world
 * out:  0 all well, 1 spans not delivered, 2 the user must change something, 70 a bug
 */
import { UserError } from '../errors.ts';
import { parseOptions } from './options.ts';
import { run, type World } from './run.ts';

const EXIT_USER = 2;
const EXIT_BUG = 70;

export async function cli(argv: readonly string[], world: World): Promise<number> {
  const { out, version } = world;
  try {
    const options = await parseOptions(argv, version, out);
    return options === 'done' ? 0 : await run(options, world);
  } catch (error) {
    if (error instanceof UserError) {
      out.complain(`${error.message}\n${error.hint}`);
      return EXIT_USER;
    }
    out.complain(`This is a bug in trace-build ${version}; please report it with what follows.\n${(error as Error).stack ?? error}`);
    return EXIT_BUG;
  }
}
