/**
 * Opens an address in the user's browser.
 *
 * in:   an address, platform, environment
 * out:  undefined, or why it could not be; what the browser says goes nowhere
 */
import { spawn } from 'node:child_process';

export async function openBrowser(address: string, platform: NodeJS.Platform, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const command = browserCommand(address, platform, env);
  if (command === undefined) return 'there is no display';
  const [program, ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program!, args, { detached: true, stdio: 'ignore', env });
    child.once('error', (error) => resolve(error.message));
    child.once('spawn', () => {
      child.unref();
      resolve(undefined);
    });
  });
}

/** @returns undefined where nobody could see it */
export function browserCommand(address: string, platform: NodeJS.Platform, env: NodeJS.ProcessEnv): readonly string[] | undefined {
  if (platform === 'darwin') return ['open', address];
  // `start` takes its first argument for a title; in cmd an address without & or % needs no quotes.
  if (platform === 'win32') return ['cmd', '/c', 'start', '', address];
  const browser =
    env['BROWSER']
      ?.split(':')[0]
      ?.split(/\s+/)
      .filter((word) => word !== '') ?? [];
  if (browser.length > 0)
    return browser.some((word) => word.includes('%s')) ? browser.map((word) => word.replaceAll('%s', address)) : [...browser, address];
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] ? ['xdg-open', address] : undefined;
}
