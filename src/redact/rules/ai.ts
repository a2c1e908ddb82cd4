/**
 * Keys of model providers and of what is built around them.
 *
 * in:   nothing      out: rules
 */
import { ALNUM, HEX, type Rule, URLSAFE, WORD } from '../rule.ts';
import { orMore, run, shaped } from '../shape.ts';

export const ai: readonly Rule[] = [
  shaped({
    id: 'anthropic-key',
    description: 'Anthropic API key, admin key, OAuth token or session key',
    shape: ['sk-ant-', ['api03', 'admin01', 'oat01', 'ort01', 'sid01', 'sid02'], '-', orMore(URLSAFE, 20)],
    or: [['sk-ant-', orMore(URLSAFE, 40)]],
  }),
  shaped({
    id: 'openai-key',
    description: 'OpenAI key: project, service account, admin or classic; and those of the providers that copied its shape',
    shape: [['sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-None-'], orMore(URLSAFE, 40)],
    or: [
      ['sk-or-v1-', orMore(HEX, 64)],
      ['sk-lf-', run(HEX, 8), '-', run(HEX, 4), '-', run(HEX, 4), '-', run(HEX, 4), '-', run(HEX, 12)],
      ['sk-', orMore(ALNUM, 32)],
    ],
    notAfter: 'A-Za-z0-9',
  }),
  shaped({ id: 'hugging-face-token', description: 'Hugging Face token', shape: [['hf_', 'api_org_'], orMore(ALNUM, 34)], notAfter: ALNUM }),
  shaped({ id: 'groq-key', description: 'Groq API key', shape: ['gsk_', orMore(ALNUM, 40)], notAfter: ALNUM }),
  shaped({ id: 'xai-key', description: 'API key of xAI', shape: ['xai-', orMore(ALNUM, 60)], notAfter: ALNUM }),
  shaped({ id: 'perplexity-key', description: 'Perplexity API key', shape: ['pplx-', orMore(ALNUM, 40)], notAfter: ALNUM }),
  shaped({ id: 'replicate-token', description: 'Replicate API token', shape: ['r8_', orMore(ALNUM, 37)], notAfter: ALNUM }),
  shaped({ id: 'nvidia-key', description: 'NVIDIA API key', shape: ['nvapi-', orMore(URLSAFE, 60)], notAfter: ALNUM }),
  shaped({
    id: 'langsmith-key',
    description: 'LangSmith API key',
    shape: [['lsv2_pt_', 'lsv2_sk_'], run(HEX, 32), '_', orMore(HEX, 10)],
  }),
  shaped({
    id: 'tavily-key',
    description: 'Tavily API key',
    shape: [['tvly-dev-', 'tvly-prod-', 'tvly-'], orMore(URLSAFE, 30)],
    notAfter: ALNUM,
  }),
  shaped({ id: 'e2b-key', description: 'E2B API key', shape: ['e2b_', orMore(HEX, 40)], notAfter: ALNUM }),
  shaped({ id: 'firecrawl-key', description: 'Firecrawl API key', shape: ['fc-', orMore(HEX, 32)], notAfter: WORD }),
];
