/**
 * `trace-build doctor [dir]`: why is there no trace?
 *
 * in:   argv, World
 * out:  the answer in the first lines, then every check; the same as JSON. Changes nothing
 */
import { resolve } from 'node:path';
import { expanded } from '../../config/paths.ts';
import { EXIT } from '../account.ts';
import { examine } from '../doctor/examine.ts';
import { reportText } from '../doctor/text.ts';
import type { World } from '../run.ts';
import { jsonText } from '../terminal.ts';
import { type CliCommand, commandLine } from './command.ts';

interface Flags {
  readonly json?: true;
  readonly offline?: true;
}

export const doctor: CliCommand = {
  name: 'doctor',
  summary: 'why is there no trace? Tells what stands in the way, and what to do',
  async run(argv, world) {
    const { command, parse } = commandLine(
      'trace-build doctor',
      'Why is there no trace? Looks at all that a trace needs, and changes nothing.',
    );
    let code: number = EXIT.ok;
    command
      .argument('[dir]', 'sessions of which directory; without it, of the current one')
      .option('--json', 'as JSON')
      .option('--offline', 'do not ask the endpoint')
      .addHelpText('after', '\nExit codes: 0 nothing stands in the way, 1 something does')
      .action(async (dir: string | undefined, flags: Flags) => {
        code = await tell(dir, flags, world);
      });
    await parse(argv, world.out);
    return code;
  },
};

async function tell(dir: string | undefined, { json, offline }: Flags, world: World): Promise<number> {
  const directory = dir === undefined ? world.cwd : resolve(world.cwd, expanded(dir, world.home));
  const report = await examine(world, directory, { offline: offline === true });
  await world.out.write(json === true ? jsonText(report) : reportText(report, world.out));
  return report.verdict.status === 'failure' ? EXIT.undelivered : EXIT.ok;
}
