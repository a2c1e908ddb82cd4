/**
 * Every rule that comes with trace-build. The list exists once, here; its order decides which of two that hide the same
 * gives the name: what has a shape of its own before what has a name, before what only looks random.
 *
 * in:   the rules' files      out: `builtInRules`
 */
import type { Rule } from '../rule.ts';
import { ai } from './ai.ts';
import { assignments } from './assignments.ts';
import { cloud } from './cloud.ts';
import { code } from './code.ts';
import { entropyRules } from './entropy.ts';
import { headers } from './headers.ts';
import { keys } from './keys.ts';
import { pii } from './pii.ts';
import { services } from './services.ts';
import { urls } from './urls.ts';

export const builtInRules: readonly Rule[] = [
  ...ai,
  ...code,
  ...cloud,
  ...services,
  ...keys,
  ...urls,
  ...headers,
  ...assignments,
  ...entropyRules,
  ...pii,
];
