/**
 * Synthetic sessions for the benches, made once for each version of the generator and kept in bench/.data.
 *
 * in:   which mix, how many megabytes      out: the folder that holds the session
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const data = fileURLToPath(new URL('.data', import.meta.url));

export function sessionsOf(mix, megabytes) {
  const generator = fileURLToPath(import.meta.resolve('./generate.mjs'));
  const version = createHash('sha256').update(readFileSync(generator)).digest('hex').slice(0, 8);
  const folder = join(data, `${mix}-${megabytes}-${version}`);
  if (!existsSync(folder)) {
    const unfinished = `${folder}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    process.stdout.write(execFileSync(process.execPath, [generator, mix, megabytes, unfinished]));
    renameSync(unfinished, folder);
  }
  return folder;
}
