/**
 * Config → what a delivery needs, where no flag and no variable counts.
 *
 * in:   LoadedConfig, the state folder
 * out:  `Tools`; undefined without an endpoint; UserError for a config that can't be used
 */
import { destinationConfig } from '../config/destination.ts';
import type { LoadedConfig } from '../config/load.ts';
import { redactorsFor } from '../config/packs.ts';
import type { Config } from '../config/schema.ts';
import { destinationFrom } from '../export/destination.ts';
import { type OutletOptions, openOutlet } from '../export/outlet.ts';
import type { Scope } from '../export/readable.ts';
import type { BuildOptions } from '../pipeline.ts';
import type { SessionRef } from '../read/find.ts';
import { profiles, type SemconvVersion } from '../trace/semconv.ts';
import type { Tools } from './deliver-session.ts';
import { scopeDecider, startDirectoryOf } from './in-scope.ts';

export interface Here {
  readonly home: string;
  readonly stateFolder: string;
  readonly version: string;
  readonly now: () => number;
}

export function openTools(
  loaded: LoadedConfig,
  { home, stateFolder, version, now }: Here,
  options: Partial<OutletOptions>,
): Tools | undefined {
  const destination = destinationFrom({ env: {}, config: destinationConfig(loaded, home) });
  if (destination === undefined) return undefined;
  const { config } = loaded;
  const outlet = openOutlet(destination, { ...options, scope: scopeOf(config.semconv, version), stateFolder, now });
  return { stateFolder, outlet, build: buildOptionsOf(loaded), version, marks: true, sinceMs: rootTimes(config, home, stateFolder), now };
}

/** When the root of a session was added: what was said before is not for hooks. Undefined where the config does not say. */
export function rootTimes(config: Config, home: string, stateFolder: string): (ref: SessionRef) => number | undefined {
  const decide = scopeDecider(config, home, stateFolder);
  return (ref) => {
    const decision = decide(startDirectoryOf(ref, stateFolder));
    return decision.inScope ? decision.root.addedMs : undefined;
  };
}

export function buildOptionsOf(loaded: LoadedConfig): BuildOptions {
  const { content, semconv, agent_usage, resource } = loaded.config;
  return { content, redactorFor: redactorsFor(loaded), semconv, agentUsage: agent_usage, resource };
}

export function scopeOf(semconv: SemconvVersion, version: string): Scope {
  const { schemaUrl } = profiles[semconv];
  return { name: 'trace-build', version, ...(schemaUrl !== undefined && { schemaUrl }) };
}
