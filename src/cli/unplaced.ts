/**
 * Sessions that tell no directory, and so go nowhere: what is said of them.
 *
 * in:   how many there are, the config
 * out:  a sentence, and what to do; undefined when there are none
 */
import type { Config } from '../config/schema.ts';
import { count } from './summary.ts';

export function unplacedWords(sessions: number, { exclude }: Config): string | undefined {
  if (sessions === 0) return undefined;
  const [it, tells] = sessions === 1 ? ['it', 'tells'] : ['them', 'tell'];
  const why = exclude.length > 0 ? `so it can't be told whether ${exclude[0]} excludes ${it}` : `so no root has ${it}`;
  const wider = exclude.length > 0 ? '' : ', or trace-build roots add "*"';
  return `${count(sessions, 'session')} ${tells} no directory, ${why}: trace-build sync --session <id>${wider}.`;
}
