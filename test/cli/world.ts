/**
 * The command line in this process: arguments in; exit code, output and messages out.
 */
import pc from 'picocolors';
import { cli } from '../../src/cli/cli.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function trace(
  args: readonly string[],
  world: { env?: NodeJS.ProcessEnv; home?: string; cwd?: string; width?: number; managed?: string; answers?: readonly string[] } = {},
): Promise<Ran> {
  let [stdout, stderr] = ['', ''];
  const answers = world.answers?.values();
  const code = await cli(args, {
    env: world.env ?? {},
    home: world.home ?? '/nowhere',
    cwd: world.cwd ?? process.cwd(),
    version: '1.2.3',
    platform: 'linux',
    // What this machine's administrator says is none of the tests' business.
    managed: world.managed ?? '/nowhere/managed.json',
    ...(answers !== undefined && {
      ask: async (question: string) => {
        stderr += question;
        return answers.next().value ?? '';
      },
    }),
    out: {
      colors: pc.createColors(false),
      width: world.width,
      watched: false,
      write: async (text) => {
        stdout += text;
      },
      note: (text) => {
        stderr += `${text}\n`;
      },
      complain: (text) => {
        stderr += `trace-build: ${text}\n`;
      },
    },
  });
  return { code, stdout, stderr };
}
