/**
 * Command line in, exit code out. The one place where errors end.
 *
 * in:   argv without the program's name; the outside world
 * out:  `EXIT`
 */
import { UserError } from '../errors.ts';
import { EXIT } from './account.ts';
import { commands } from './commands/index.ts';
import { parseOptions } from './options.ts';
import { run, type World } from './run.ts';
import { harmless } from './terminal.ts';

export async function cli(argv: readonly string[], world: World): Promise<number> {
  const { out, version } = world;
  try {
    // A file of that name can still be named: ./roots
    const command = commands.find(({ name }) => name === argv[0]);
    if (command !== undefined) return await command.run(argv.slice(1), world);
    const options = await parseOptions(argv, version, out);
    return options === 'done' ? EXIT.ok : await run(options, world);
  } catch (error) {
    if (error instanceof UserError) {
      out.complain(`${harmless(error.message)}\n${error.hint}`);
      return EXIT.user;
    }
    out.complain(`This is a bug in trace-build ${version}; please report it with what follows.\n${(error as Error).stack ?? error}`);
    return EXIT.bug;
  }
}
