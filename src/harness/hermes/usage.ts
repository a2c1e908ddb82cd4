/**
 * What Hermes counted: per session, and per model within a session; never per call.
 *
 * in:   SessionMeta
 * out:  totals; the model that answered, where there is only one it can have been
 */
import type { SessionUsage } from '../../session/types.ts';
import type { Row } from '../harness.ts';
import { usageOf } from './exact.ts';
import { COUNTS, type SessionMeta } from './layout.ts';

/** @param rows  how many were read: totals of another moment tell nothing of them */
export function totalsOf({ sessions, messages }: SessionMeta, rows: number): SessionUsage | undefined {
  const modelCalls = sum(sessions, 'api_call_count');
  if (messages !== rows || modelCalls === 0) return undefined;
  // What was paid, where that is known; each session has its own account.
  const cost = sessions.reduce((total, row) => total + (numberOf(row['actual_cost_usd']) || numberOf(row['estimated_cost_usd'])), 0);
  return {
    usage: usageOf(Object.fromEntries(COUNTS.map((name) => [name, sum(sessions, name)]))),
    modelCalls,
    ...(cost > 0 && { costUsd: Number(cost.toPrecision(12)) }),
  };
}

/** Of a model that was switched to, the database tells that it answered, not which calls. */
const UNKNOWN_MODEL = 'unknown';

export function modelOf({ sessions, models }: SessionMeta, sessionId: string): { readonly model: string; readonly provider: string } {
  const own = sessions.find(({ id }) => id === sessionId) ?? sessions[0];
  const used = models.filter((row) => row['session_id'] === sessionId && textOf(row['model']) !== '');
  const names = new Set(used.map(({ model }) => textOf(model)));
  const providers = new Set(used.map((row) => textOf(row['billing_provider'])));
  if (names.size > 1) return { model: UNKNOWN_MODEL, provider: providerOf(providers.size === 1 ? [...providers][0]! : '', '') };
  const model = [...names][0] ?? (textOf(own?.['model']) || UNKNOWN_MODEL);
  return { model, provider: providerOf([...providers][0] ?? textOf(own?.['billing_provider']), model) };
}

const PROVIDERS: Readonly<Record<string, string>> = {
  anthropic: 'anthropic',
  openai: 'openai',
  'openai-codex': 'openai',
  google: 'gcp.gemini',
  gemini: 'gcp.gemini',
  xai: 'x_ai',
  deepseek: 'deepseek',
  mistral: 'mistral_ai',
  mistralai: 'mistral_ai',
  bedrock: 'aws.bedrock',
  azure: 'azure.ai.openai',
  moonshotai: 'moonshot_ai',
};

/** A gateway is named as Hermes names it; whoever is behind an address of the user's own, the model's name may tell. */
function providerOf(billed: string, model: string): string {
  if (billed !== '' && billed !== 'custom') return PROVIDERS[billed] ?? billed;
  return PROVIDERS[/^([\w-]+)\//.exec(model)?.[1] ?? ''] ?? '_OTHER';
}

const sum = (rows: readonly Row[], name: string): number => rows.reduce((total, row) => total + numberOf(row[name]), 0);
const numberOf = (value: Row[string] | undefined): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
const textOf = (value: Row[string] | undefined): string => (typeof value === 'string' ? value : '');
