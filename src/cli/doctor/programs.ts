/**
 * Programs that hooks and users have: which, and of what version.
 *
 * in:   World; the node that hooks know
 * out:  `Programs`. Runs each with --version, for some seconds at most
 */
import { accessSync, constants, statSync } from 'node:fs';
import { claudePrograms } from '../install/claude.ts';
import type { World } from '../run.ts';

export interface Programs {
  /** As it says itself: `2.1.329`; undefined when there is none. */
  readonly claude: string | undefined;
  readonly hooksNode: HooksNode | undefined;
}

export interface HooksNode {
  readonly path: string;
  readonly isThere: boolean;
  readonly version: string | undefined;
}

const LIMIT_MS = 5_000;

export async function programs({ env, home }: World, hooksNode: string | undefined): Promise<Programs> {
  // Loaded here: no other command has to wait for it.
  const { execa } = await import('execa');
  const version = async (program: string, variables: NodeJS.ProcessEnv): Promise<string | undefined> => {
    const { failed, stdout } = await execa(program, ['--version'], {
      env: variables,
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
      timeout: LIMIT_MS,
    });
    return failed ? undefined : /\d+\.\d+\.\d\S*/.exec(stdout)?.[0];
  };
  const claude = async (): Promise<string | undefined> => {
    for (const program of claudePrograms(home)) {
      const said = await version(program, env);
      if (said !== undefined) return said;
    }
    return undefined;
  };
  const node = async (path: string): Promise<HooksNode> => {
    const isThere = isExecutable(path);
    if (path === process.execPath) return { path, isThere, version: process.versions.node };
    // As hooks start it: without any variable that could change it.
    return { path, isThere, version: isThere ? await version(path, { HOME: home, PATH: '/usr/bin:/bin' }) : undefined };
  };
  const [claudeVersion, found] = await Promise.all([claude(), hooksNode === undefined ? undefined : node(hooksNode)]);
  return { claude: claudeVersion, hooksNode: found };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
