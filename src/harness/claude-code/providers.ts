/**
 * Whose model answered: the Messages API is spoken by several clouds and, through gateways, by models of other vendors.
 *
 * in:   the model's name, the id of its response
 * out:  `gen_ai.provider.name`
 */
const PROVIDERS: readonly (readonly [RegExp, string])[] = [
  [/^(?:arn:aws:bedrock|(?:[a-z]{2,6}\.)?anthropic\.)/, 'aws.bedrock'],
  [/^claude-[\w.-]+@/, 'gcp.vertex_ai'],
  [/claude/i, 'anthropic'],
  [/(?:^|\/)(?:gpt-|o\d|chatgpt|codex)/i, 'openai'],
  [/gemini/i, 'gcp.gemini'],
  [/deepseek/i, 'deepseek'],
  [/grok/i, 'x_ai'],
  [/(?:mi|mag|dev|pix)stral|codestral/i, 'mistral_ai'],
  [/kimi/i, 'moonshot_ai'],
];

/** OpenTelemetry's word for a value that is not in the list. */
const OTHER = '_OTHER';

export function providerOf(model: string, messageId: string): string {
  if (messageId.startsWith('msg_bdrk_')) return 'aws.bedrock';
  if (messageId.startsWith('msg_vrtx_')) return 'gcp.vertex_ai';
  return PROVIDERS.find(([pattern]) => pattern.test(model))?.[1] ?? OTHER;
}
