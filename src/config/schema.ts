/**
 * Every key of config.json: its type, what it is for, its default.
 *
 * in:   nothing
 * out:  zod schemas (config.schema.json is made of them), `Config`, `DEFAULTS`
 *
 * The messages never repeat a value: it may be a secret. zod/mini, for the worker loads this at every hook.
 */
import * as z from 'zod/mini';

/** Absolute, or from the home directory: a hook has no directory of its own that others could be relative to. */
const PATH = /^(?:~(?:$|[\\/])|\/|[A-Za-z]:[\\/])/;
const ROOT = /^(?:\*$|~(?:$|[\\/])|\/|[A-Za-z]:[\\/])/;
const PATTERN = /^(?:~(?:$|[\\/])|\/|[A-Za-z]:[\\/]|(?![A-Za-z+]+:\/\/)[^\s.~@][^\s@]*$)/;
const HTTP = /^https?:\/\//;
/** RFC 9110 §5.6.2 "token" and §5.5 "field-value", as node:http checks them. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t -~\u0080-\u00ff]*$/;

const oneOf = <const T extends readonly string[]>(...values: T) =>
  z.enum(values, `expected ${values.map((value) => JSON.stringify(value)).join(' or ')}`);

const text = (expected: string, form: RegExp) => z.string(expected).check(z.regex(form, expected));

const path = text('expected a path that begins with / or ~/', PATH);
const rootPath = text('expected a directory that begins with / or ~/, or "*"', ROOT);

const root = z.union(
  [rootPath, z.object({ path: rootPath, added: z.optional(z.iso.datetime({ offset: true })) })],
  'expected a directory that begins with / or ~/, or "*", or {"path": directory, "added": ISO 8601 time}',
);

const pattern = text(
  'expected a remote without scheme and user, such as "github.com/acme/**", or a directory that begins with / or ~/',
  PATTERN,
);

const RULE_EXPECTED = 'expected {"id": …, "pattern": …}, and at most flags, description, hides and keeps beside them';
const texts = z.array(z.string('expected a list of texts'), 'expected a list of texts');

/** A rule somebody wrote, in a config or a pack. A key too many is a typing error: it could have meant an example. */
export const ruleSchema = z.strictObject(
  {
    id: text('expected lower case letters, digits and hyphens, 64 at most', /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/),
    pattern: text('expected a pattern of at most 4096 characters', /^[\s\S]{1,4096}$/),
    flags: z.optional(text('expected any of i, m and s', /^(?!.*(.).*\1)[ims]*$/)),
    description: z.optional(z.string('expected a text')),
    hides: z.optional(texts),
    keeps: z.optional(texts),
  },
  RULE_EXPECTED,
);

/** A file of rules. */
export const packSchema = z.strictObject(
  { name: z.string('expected a text'), rules: z.array(ruleSchema, 'expected a list of rules') },
  'expected {"name": …, "rules": […]}, and nothing beside them',
);

const URL_EXPECTED = 'expected a URL with http:// or https://, such as "http://localhost:4318"';
const HEADERS = 'expected an object of HTTP headers, such as {"authorization": "Bearer …"}';
const RESOURCE = 'expected an object of texts, such as {"service.name": "my-agents"}';

const values = {
  trace_roots: z
    .array(root, 'expected a list of directories')
    .check(
      z.describe(
        'Directories whose sessions are exported: as text, or with the time they were added, from which hooks catch up. "*" is every directory. Empty: only what include names. `trace-build roots add` writes this.',
      ),
    ),
  include: z
    .array(pattern, 'expected a list of patterns')
    .check(
      z.describe(
        'Besides trace_roots: sessions in repositories with such a remote ("github.com/acme/**"; * stays within one segment, ** does not), or in such a directory.',
      ),
    ),
  exclude: z
    .array(pattern, 'expected a list of patterns')
    .check(
      z.describe('Sessions that are never exported, by the same patterns as in include. Wins over everything; those of all files count.'),
    ),
  endpoint: text(URL_EXPECTED, HTTP).check(
    z.refine((url: string) => URL.canParse(url), URL_EXPECTED),
    z.describe('OTLP/HTTP endpoint: the base URL, or the whole one when it ends in /v1/traces.'),
  ),
  headers: z
    .record(text(HEADERS, HEADER_NAME), text(HEADERS, HEADER_VALUE), HEADERS)
    .check(z.describe('Headers for the endpoint, such as authorization. Their values are never shown.')),
  protocol: oneOf('http/protobuf', 'http/json').check(z.describe('Encoding of what is sent.')),
  compression: oneOf('gzip', 'none').check(z.describe('Compression of what is sent.')),
  timeout_ms: z
    .number('expected milliseconds above 0')
    .check(z.positive('expected milliseconds above 0'), z.describe('Milliseconds for one request with its retries.')),
  certificate: path.check(z.describe('PEM file of the authorities the endpoint is trusted by.')),
  client_certificate: path.check(z.describe('PEM file of our certificate, where the endpoint asks for one.')),
  client_key: path.check(z.describe('PEM file of the key of client_certificate.')),
  resource: z
    .record(z.string(RESOURCE), z.string(RESOURCE), RESOURCE)
    .check(z.describe('Attributes of the resource, over those that the transcript tells: service.name, deployment.environment.name …')),
  content: oneOf('none', 'redacted', 'full').check(
    z.describe('Prompts, answers, arguments and results: whether they leave the machine, and whether as they are or without secrets.'),
  ),
  redact_rules: z
    .record(z.string(), z.boolean('expected true or false'), 'expected rules and whether they are on, such as {"pii": true, "jwt": false}')
    .check(
      z.describe(
        'Rules that hide secrets, on or off by their ids, and the packs "pii" (e-mail addresses, telephone numbers, home directories) and "entropy" (whatever looks random), which are off unless switched on here. `trace-build redact list` shows them.',
      ),
    ),
  redact_custom: z
    .array(ruleSchema, 'expected a list of rules')
    .check(
      z.describe(
        'Rules of your own: what their patterns match is hidden too. Those of all files count. Patterns are those of RE2; of one with a group named "secret" only that is hidden.',
      ),
    ),
  semconv: oneOf('1.41', 'latest').check(z.describe('Names of the attributes: those that backends of today read, or the newest ones.')),
  agent_usage: oneOf('own', 'off').check(z.describe("Whether an agent's span sums the tokens of its own calls.")),
  when: oneOf('turn', 'session').check(z.describe('Whether hooks deliver after each turn, or when the session has ended.')),
  notice: oneOf('failures', 'always', 'off').check(z.describe('When the start of a session shows a line about the delivery before it.')),
  wait: z
    .boolean('expected true or false')
    .check(z.describe('Whether the hook itself delivers before it returns: for containers whose processes die with the agent.')),
};

const valuesSchema = z.partial(z.object(values, 'expected an object'));

/** A whole file; `lock` counts in the managed one. Keys that are not in here are a newer version's. */
export const fileSchema = z.extend(valuesSchema, {
  $schema: z.optional(z.string('expected the address of a JSON Schema').check(z.describe('For editors.'))),
  lock: z.optional(
    z
      .array(z.string('expected the name of a key'), 'expected a list of names of keys')
      .check(
        z.describe(
          'Only in the managed file: keys that no file below, no flag and no variable can set. What it does not set itself stays at its default.',
        ),
      ),
  ),
});

/** What a file sets. */
export type Values = z.infer<typeof valuesSchema>;

type Unset = 'endpoint' | 'certificate' | 'client_certificate' | 'client_key';

/** What holds, with defaults for all that has one. */
export type Config = Readonly<{ [K in Exclude<keyof Values, Unset>]-?: NonNullable<Values[K]> } & Pick<Values, Unset>>;
export type ConfigKey = keyof Config;

export const CONFIG_KEYS = Object.keys(values) as readonly ConfigKey[];
export const isConfigKey = (name: string): name is ConfigKey => Object.hasOwn(values, name);

export const DEFAULTS: Config = {
  trace_roots: [],
  include: [],
  exclude: [],
  headers: {},
  protocol: 'http/protobuf',
  compression: 'gzip',
  timeout_ms: 10_000,
  resource: {},
  content: 'none',
  redact_rules: {},
  redact_custom: [],
  semconv: '1.41',
  agent_usage: 'own',
  when: 'turn',
  notice: 'failures',
  wait: false,
};
