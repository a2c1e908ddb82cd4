/**
 * Every harness we can read. The list exists once, here: help, lookups and the contract tests
 * are derived from it.
 *
 * in:   the harnesses' folders      out: `harnesses`
 */
import { claudeCode } from './claude-code/index.ts';
import { codex } from './codex/index.ts';
import type { Harness } from './harness.ts';
import { hermes } from './hermes/index.ts';
import { openclaw, pi } from './openclaw/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: each harness has its own type of a parsed file; nobody looks inside.
export const harnesses: readonly Harness<any>[] = [claudeCode, codex, openclaw, hermes, pi];
