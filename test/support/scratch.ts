/**
 * Folders for what tests write.
 *
 * in:   what they are for, to be seen in their names
 * out:  `scratch`, a folder of a file of tests, gone when they are done; `scratches`, a new empty one within it each time
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export function scratch(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `trace-build-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function scratches(name: string): () => string {
  const top = scratch(name);
  let made = 0;
  return () => {
    const folder = join(top, `case-${made++}`);
    mkdirSync(folder);
    return folder;
  };
}
