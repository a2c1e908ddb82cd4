/**
 * The plugin as each harness loads it, copied out of the package: a package manager may remove or move its own copy.
 *
 * in:   the package's folder; the data folder
 * out:  <data>/plugin/<version>/, and <data>/plugin/current/, of the same version, where a harness must not be told of another
 *       folder with each: whole at any moment, for hooks of running sessions may be reading it
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Plugin {
  /** Folder of the package. */
  readonly source: string;
  readonly version: string;
  /** Folder that a harness is told of. */
  readonly target: string;
}

const PARTS = ['.agents', '.claude-plugin', '.codex-plugin', 'hooks'];
const MANIFEST = join('.claude-plugin', 'plugin.json');

export function pluginOf(source: string, data: string): Plugin {
  const { version } = JSON.parse(readFileSync(join(source, MANIFEST), 'utf8')) as { version: string };
  return { source, version, target: join(data, 'plugin', version) };
}

/** The copy that stays in its place whatever the version. */
export const currentOf = (plugin: Plugin): Plugin => ({ ...plugin, target: join(dirname(plugin.target), 'current') });

/** The folder of the package that this program is a part of, wherever in it the code was bundled to. */
export function packageFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, MANIFEST))) return folder;
    if (folder === dirname(folder)) throw new Error(`${MANIFEST} is not in the package`);
  }
}

/** File by file by name and rename, so that none is ever missing or torn; then what an earlier copy had more is removed. */
export function copyPlugin({ source, target }: Plugin): void {
  const files = PARTS.flatMap((part) => filesIn(source, part));
  for (const file of files) {
    const path = join(target, file);
    // Hermes remembers when a script was changed.
    if (isSame(join(source, file), path)) continue;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const temporary = `${path}.${process.pid}.tmp`;
    copyFileSync(join(source, file), temporary);
    // Not what the package manager left: a copy that can't be written over would be in the way of the next one.
    chmodSync(temporary, file.endsWith('.sh') ? 0o700 : 0o600);
    renameSync(temporary, path);
  }
  for (const part of PARTS) for (const file of filesIn(target, part)) if (!files.includes(file)) rmSync(join(target, file));
}

/** @param needed  folders that a harness was told of */
export function removeCopies(data: string, needed: readonly string[]): void {
  const folder = join(data, 'plugin');
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (!needed.includes(join(folder, name))) rmSync(join(folder, name), { recursive: true, force: true });
  removeIfEmpty(folder);
  removeIfEmpty(data);
}

export function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not empty, or not there: both are as they should be.
  }
}

const filesIn = (folder: string, part: string): readonly string[] =>
  readdirSync(join(folder, part), { recursive: true, encoding: 'utf8' })
    .map((file) => join(part, file))
    .filter((file) => statSync(join(folder, file)).isFile());

function isSame(source: string, copy: string): boolean {
  const stats = statSync(copy, { throwIfNoEntry: false });
  return stats?.isFile() === true && stats.size === statSync(source).size && readFileSync(source).equals(readFileSync(copy));
}
