/**
 * What the config says of the destination, in the exporter's words.
 *
 * in:   LoadedConfig; the home that `~` in paths of certificates stands for
 * out:  settings as export/ takes them, and which of them are locked; pure
 */
import type { LoadedConfig } from './load.ts';
import { expanded } from './paths.ts';
import type { ConfigKey } from './schema.ts';

/** The exporter's name of a key → ours. */
export const KEYS = {
  endpoint: 'endpoint',
  headers: 'headers',
  protocol: 'protocol',
  compression: 'compression',
  timeoutMs: 'timeout_ms',
  certificate: 'certificate',
  clientCertificate: 'client_certificate',
  clientKey: 'client_key',
  resource: 'resource',
} as const satisfies Record<string, ConfigKey>;

type Name = keyof typeof KEYS;

export function destinationConfig({ config, locked, paths }: LoadedConfig, home: string) {
  const { endpoint, certificate, client_certificate, client_key } = config;
  return {
    ...(endpoint !== undefined && { endpoint }),
    headers: config.headers,
    protocol: config.protocol,
    compression: config.compression,
    timeoutMs: config.timeout_ms,
    ...(certificate !== undefined && { certificate: expanded(certificate, home) }),
    ...(client_certificate !== undefined && { clientCertificate: expanded(client_certificate, home) }),
    ...(client_key !== undefined && { clientKey: expanded(client_key, home) }),
    resource: config.resource,
    locked: new Set((Object.keys(KEYS) as Name[]).filter((name) => locked.has(KEYS[name]))),
    lockedBy: paths.managed,
  };
}
