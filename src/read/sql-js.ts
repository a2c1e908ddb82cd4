/**
 * sql.js, SQLite as WebAssembly, made ready without a promise: whoever reads a database reads files around it, too, and all
 * that is synchronous here.
 *
 * in:   `sql-wasm.js` and `sql-wasm.wasm`, beside the bundle or in node_modules
 * out:  `sqlJs`, which opens the bytes of a database
 *
 * Read when the first database is: who has none pays nothing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';

export interface SqlJs {
  readonly Database: new (bytes: Uint8Array) => SqlJsDatabase;
}

export interface SqlJsDatabase {
  prepare(sql: string): SqlJsStatement;
  close(): void;
}

export interface SqlJsStatement {
  bind(values: readonly (string | number)[]): boolean;
  step(): boolean;
  get(): (string | number | Uint8Array | null)[];
  getColumnNames(): string[];
  getBlob(column: number): Uint8Array;
  free(): boolean;
}

/** The part of WebAssembly used here; its types come with those of browsers. */
interface Wasm {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}
const { Module, Instance } = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly;

let ready: SqlJs | undefined;

export function sqlJs(): SqlJs {
  ready ??= load(folderOf());
  return ready;
}

/** Its last step waits for a promise that is already kept: all before it was done at once, so it can follow at once, too. */
const LAST_STEP = /\)\(\)\.then\(\(\)=>(\w+)\(\)\);/;

function load(folder: string): SqlJs {
  const source = readFileSync(join(folder, 'sql-wasm.js'), 'utf8');
  if (!LAST_STEP.test(source)) throw new Error(`${join(folder, 'sql-wasm.js')} ends otherwise than in the pinned version`);
  const wasm = new Module(readFileSync(join(folder, 'sql-wasm.wasm')));
  const module = { exports: {} as (config: object) => Promise<unknown> };
  const run = compileFunction(source.replace(LAST_STEP, ')();$1();'), ['module', 'exports', 'require', '__dirname', '__filename']);
  run(module, module.exports, createRequire(import.meta.url), folder, join(folder, 'sql-wasm.js'));
  const config: { Database?: SqlJs['Database'] } & Record<string, unknown> = {
    useOldExtensionFunctions: false,
    instantiateWasm: (imports: object, done: (instance: object) => void) => {
      const instance = new Instance(wasm, imports);
      done(instance);
      return instance.exports;
    },
  };
  void module.exports(config);
  if (config.Database === undefined) throw new Error('sql.js was not ready at once');
  return config as SqlJs;
}

/** A bundle may lie in a folder of chunks below the one that has the files. */
function folderOf(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const beside = [here, dirname(here)].find((folder) => existsSync(join(folder, 'sql-wasm.wasm')));
  return beside ?? dirname(createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm'));
}
