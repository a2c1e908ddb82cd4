/**
 * Small and read-only disks: what only the kernel can say no to, for root may write everywhere else.
 *
 * in:   a folder      out: a tmpfs in its place; gone after the test
 *
 * Mounting needs root, or sudo without a password, as CI machines have it. Without either the test fails: a skipped one
 * proves nothing.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';

export interface Disk {
  /** Leaves so many pages of 4 KiB free. */
  readonly fillBut: (pages: number) => void;
  readonly makeRoom: () => void;
  readonly becomeReadOnly: () => void;
  readonly becomeWritable: () => void;
}

const PAGE_BYTES = 4096;
const mounted: string[] = [];

function asRoot(...command: readonly string[]): void {
  const { status, stderr } = spawnSync(
    process.getuid?.() === 0 ? 'env' : 'sudo',
    [...(process.getuid?.() === 0 ? [] : ['-n']), ...command],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
}

/** Call it once in a file of tests. */
export function disks(): (folder: string) => Disk {
  afterEach(() => {
    for (const folder of mounted.splice(0)) asRoot('umount', folder);
  });
  return (folder) => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const owner = `uid=${process.getuid!()},gid=${process.getgid!()},mode=700`;
    asRoot('mount', '-t', 'tmpfs', '-o', `size=1m,${owner}`, 'trace-build-test', folder);
    mounted.push(folder);
    const ballast = join(folder, 'ballast');
    const remount = (how: 'ro' | 'rw'): void => asRoot('mount', '-o', `remount,${how}`, folder);
    return {
      fillBut: (pages) => {
        rmSync(ballast, { force: true });
        const { bavail, bsize } = statfsSync(folder);
        writeFileSync(ballast, Buffer.alloc(bavail * bsize - pages * PAGE_BYTES));
      },
      makeRoom: () => rmSync(ballast, { force: true }),
      becomeReadOnly: () => remount('ro'),
      becomeWritable: () => remount('rw'),
    };
  };
}
