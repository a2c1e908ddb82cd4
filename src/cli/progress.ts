/**
 * How far a long run is, for somebody who waits.
 *
 * in:   number of sessions
 * out:  a bar on stderr, with lines scrolling above it
 */
import { MultiBar, Presets } from 'cli-progress';

export interface ProgressBar {
  step(): void;
  log(line: string): void;
  stop(): void;
}

export function progressBar(total: number): ProgressBar {
  const bars = new MultiBar(
    { format: '{bar} {value}/{total} sessions, {eta_formatted} to go', hideCursor: true, stream: process.stderr },
    Presets.shades_classic,
  );
  const bar = bars.create(total, 0);
  return { step: () => bar.increment(), log: (line) => bars.log(`${line}\n`), stop: () => bars.stop() };
}
