/**
 * What the first lines of a transcript tell: when and where its session began.
 *
 * in:   a path, the harness's layout
 * out:  `Beginning`; empty for a file that can't be read
 */
import { statSync } from 'node:fs';
import type { LineFacts } from '../harness/harness.ts';
import { linesOf } from './lines.ts';
import { isPacked } from './transcript.ts';
import { linesOfZstd } from './zstd.ts';

export interface Beginning {
  /** Of the first line that has a time. Unix ms. */
  readonly atMs?: number;
  /** Of the first line that names one. */
  readonly directory?: string;
}

/** A prompt with pictures is a line of megabytes, and time and directory may stand at its end. */
const MAX_BYTES = 16 * 1024 * 1024;

export function beginningOf(path: string, layout: LineFacts): Beginning {
  let [atMs, directory]: [number?, string?] = [];
  try {
    // A pipe would be waited for without end.
    if (!statSync(path).isFile()) return {};
    for (const bytes of isPacked(path) ? linesOfZstd(path, MAX_BYTES) : linesOf(path, 0, [], MAX_BYTES)) {
      const line = bytes.toString();
      atMs ??= layout.timeOf(line);
      directory ??= layout.directoryOf(line);
      if (atMs !== undefined && directory !== undefined) break;
    }
  } catch {
    // Whoever opens it for good tells why it can't be read.
  }
  return { ...(atMs !== undefined && { atMs }), ...(directory !== undefined && { directory }) };
}
