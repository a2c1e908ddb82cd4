/**
 * Values that stand under a name which says that they are secret: `.env` files, exports, JSON, YAML, code, flags.
 *
 * in:   nothing      out: rules
 *
 * The name decides how random the value has to look. A password may be a word with a digit, a key may not; and of
 * bare names like `token` code is full, so a value under one has to be plainly random.
 */
import { ALNUM, BASE64, type Found, HEX, type Rule, URLSAFE } from '../rule.ts';
import { isStandIn, standsForAnother, strangeness } from '../secrecy.ts';

const KEYWORD = /^(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|key|credentials?|auth)/i;

/** What may follow the keyword in a name: SECRET_KEY_BASE, TOKEN_2. */
const SUFFIX = '(?:[_-]?(?:base64|base|b64|value|data|text|\\d{1,2}))?';
const QUOTES = '"\'`';
/** Not in a value without quotes: quotes, brackets, and what separates it from the next one. */
const BARE = `[^\\s${QUOTES}<>(){}\\[\\],;&|\\\\]`;

/** Also in a diff, in a list, and after the line numbers that tools show. */
const LINE_START = '(?:^|[\\n\\r])[ \\t\\d→|>+-]{0,16}';

const QUOTED = [...QUOTES].map((quote) => `[bBrRfFuU]?${quote}((?:[^${quote}\\\\\\s]|\\\\\\S){4,})${quote}`).join('|');
const PATTERN = new RegExp(
  [
    `(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|key|credentials?|auth)${SUFFIX}`,
    '(?:',
    [
      // A line of its own, as in .env files, where a value goes on up to the end of the line.
      `=(?<=${LINE_START}(?:(?:export|declare -x|typeset -x|set|ENV|ARG) |\\$env:)?[\\w.-]{1,64}=)(?!\\S*&[\\w.-]+=)((?![$(<{\\[])(?:[^\\s${QUOTES}\\\\]|\\\\(?![${QUOTES}/nrtbfux])){4,})(?=[ \\t]*(?:[\\n\\r#]|$))`,
      // name = value, "name": "value", name := value, name: string = value, name == value, is
      `[${QUOTES}\\]]{0,2}(?:[ \\t]{0,8}(?::[ \\t]{0,2}[A-Za-z]{1,20}[ \\t]{0,2}=|=>|:=|={1,3}|:)[ \\t]{0,8})(?:${QUOTED}|(${BARE}{4,})(?!${BARE}|[(\\[{${QUOTES}]))`,
      // the name is value.
      `[${QUOTES}]? is:?[ \\t]{1,2}(?:${QUOTED}|(${BARE}{7,}[\\w=+/~-])(?![(\\[{${QUOTES}]))`,
      // set("name", "value")
      `[${QUOTES}],(?<=[${QUOTES}][\\w.-]{1,64}[${QUOTES}],)[ \\t]{0,2}(?:${QUOTED})`,
      // --name value, ENV name value
      `[ \\t]{1,4}(?<=(?:--[\\w-]{1,48}|\\b(?:ENV|setx|setenv|set -x|set -gx)[ \\t]{1,4}\\w{1,60})[ \\t]{1,4})(?:${QUOTED}|(${BARE}{4,})(?!${BARE}|[(\\[{${QUOTES}]))`,
      // <name>value</name>
      `>(?<=<[\\w:.-]{1,48}>)([^\\s<>${QUOTES}]{4,})<\\/`,
    ].join('|'),
    ')',
  ].join(''),
  'i',
);

/** The word before `key` or `token` that makes it the name of a secret. */
const SECRET_WORDS = new Set(
  (
    'access account admin anthropic api app application auth aws azure bearer bot ci client consumer csrf datadog dd deploy encryption gh github ' +
    'gitlab hf hmac id job jwt licence license management master npm oauth openai personal private project publish read refresh registry root ' +
    'runner secret secure security sentry service session shared signing slack ssh storage stripe subscription upload user vault webhook write'
  ).split(' '),
);
/** And what makes it anything but that. */
const OTHER_WORDS = new Set(
  (
    'anon cache continuation cursor dedupe foreign group hash hot i18n idempotency index map next object page partition primary pub public ' +
    'publishable row search shortcut sort sync translation'
  ).split(' '),
);

type Kind = 'password' | 'secret' | 'weak';

function kindOf({ text, at, anchorAt }: Found): Kind | undefined {
  const keyword = KEYWORD.exec(text.slice(anchorAt, anchorAt + 12))![0];
  const before = /[\w.-]{0,40} ?$/.exec(text.slice(Math.max(0, anchorAt - 41), anchorAt))![0];
  const word = (/(?:[A-Z]?[a-z0-9]+|[A-Z0-9]+)(?=[-_. ]?$)/.exec(before)?.[0] ?? '').toLowerCase();
  const env = /^[A-Z]+$/.test(keyword) && /(?:^|[^A-Za-z])[A-Z0-9_]*_$/.test(before);
  switch (keyword.toLowerCase()) {
    case 'pass':
    case 'pwd':
      // `bypass`, `compass`, and `PWD`, where one is.
      return /[A-Za-z]$/.test(before) || (keyword === 'PWD' && !env) ? undefined : 'password';
    case 'password':
    case 'passwd':
    case 'passphrase':
    case 'passcode':
      return 'password';
    case 'secret':
      return 'secret';
    case 'credential':
    case 'credentials':
    case 'auth':
      return env || before.endsWith('_') ? 'secret' : 'weak';
    case 'key':
      if (OTHER_WORDS.has(word)) return undefined;
      if (SECRET_WORDS.has(word)) return 'secret';
      // STORAGE_KEY = "…" is code; STORAGE_KEY=… stands in an environment.
      if (env) return /=["'`]?$/.test(text.slice(at - 2, at)) ? 'secret' : 'weak';
      return undefined;
    default:
      if (OTHER_WORDS.has(word)) return undefined;
      return env || SECRET_WORDS.has(word) ? 'secret' : 'weak';
  }
}

function isSecret(found: Found): boolean {
  const value = found.secret.replace(/[.,:;!?]+$/, '');
  const kind = kindOf(found);
  if (kind === undefined || standsForAnother(value) || isUrl(value)) return false;
  const quoted = QUOTES.includes(found.text[found.at - 1] ?? ' ');
  if (isNumber(value) || isRepeated(value) || (!quoted && isMember(value))) return false;
  if (kind === 'password') return isPassword(value, quoted);
  if (isUuid(value)) return kind === 'secret';
  if ((value.match(/[A-Za-z]/g) ?? []).length < 3) return false;
  return kind === 'secret'
    ? value.length >= 8 && strangeness(value) >= (value.length < 16 && !/\d/.test(value) ? 0.5 : 0.3)
    : value.length >= 16 && /\d/.test(value) && strangeness(value) >= 0.45;
}

/** A password is short, and nobody names it as they name things in code. */
function isPassword(value: string, quoted: boolean): boolean {
  if (/^(?:true|false|string)$/i.test(value) || isStandIn(value)) return false;
  if (value.length >= 8 && strangeness(value) >= 0.4) return true;
  const isMixed = /\d/.test(value) && /[A-Za-z]/.test(value);
  const hasSigns = /[!@#$%^&*+~=?]/.test(value) && /[A-Za-z0-9]/.test(value);
  return hasSigns || (isMixed && (quoted || strangeness(value) > 0) && !/[.[\]()]/.test(value));
}

const isUrl = (value: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
const isNumber = (value: string): boolean => /^(?:0x[0-9a-f]{1,16}|[\d._+-]+)$/i.test(value);
const isRepeated = (value: string): boolean => /^(.)\1*$/.test(value);
/** user.password2, result?.pass */
const isMember = (value: string): boolean =>
  /^[A-Za-z_$][\w$]*!?(?:(?:\?\.|\.|::|->)[A-Za-z_$][\w$]*!?)+$/.test(value) && strangeness(value) < 0.4;
const isUuid = (value: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);

const cases = (word: string): readonly string[] => [word, `${word[0]!.toUpperCase()}${word.slice(1)}`, word.toUpperCase()];

export const assignments: readonly Rule[] = [
  {
    id: 'netrc-password',
    pack: 'credentials',
    description: 'Password in a .netrc',
    anchors: ['password '],
    pattern: /(?<=\b(?:machine\s{1,4}\S{1,200}|default)\s{1,4}login\s{1,4}\S{1,100}\s{1,4})password\s{1,4}["']?([^\s"'\\]{1,256})/,
    accepts: ({ secret }) => !isStandIn(secret),
    hides: (draw) => [['machine api.example.com login me password ', draw(ALNUM, 12), '\n']],
    keeps: () => ['containing login and password for each machine', 'machine h login me password <password>'],
  },
  {
    id: 'secret-value',
    pack: 'credentials',
    description: 'Value under a name such as API_KEY, password, client_secret, access token',
    anchors: ['key', 'token', 'secret', 'pass', 'pwd', 'credential', 'auth'].flatMap(cases),
    pattern: PATTERN,
    accepts: isSecret,
    hides: (draw) => [
      ['export PAYMENTS_API_KEY=', draw(ALNUM, 24)],
      ['NODE_ENV=production\nDB_PASSWORD=', `${draw(ALNUM, 5)}7!=(${draw(ALNUM, 3)}`, '\nPORT=3000'],
      ['+SESSION_SECRET="', draw(URLSAFE, 43), '"'],
      ['{"api_key": "', draw(ALNUM, 32), '", "model": "x"}'],
      ['{\\"client_secret\\":\\"', draw(ALNUM, 40), '\\"}'],
      ['const apiKey: string = "', draw(HEX, 32), '";'],
      ['      - name: x\n        password: ', `${draw('a-z', 5)}9${draw('a-z', 2)}!`, '\n'],
      ['Server=db;User Id=sa;Password=', `${draw(ALNUM, 9)}1`, ';Encrypt=true'],
      ['tool --auth-token ', draw(ALNUM, 32), ' --verbose'],
      ['ENV SIGNING_KEY ', draw(BASE64, 44), '\n'],
      ['client.set("x-api-key", "', draw(ALNUM, 28), '")'],
      ['<password>', `${draw('a-z', 6)}4x`, '</password>'],
      ['?access_token=', draw(ALNUM, 30), '&page=2'],
      ['//registry.npmjs.org/:_authToken=', `${draw(HEX, 8)}-${draw(HEX, 4)}-${draw(HEX, 4)}-${draw(HEX, 4)}-${draw(HEX, 12)}`],
      ['The API key is ', draw(ALNUM, 24), '.'],
      ['"auth": "', btoa(`me:${draw(ALNUM, 20)}`), '"'],
    ],
    keeps: (draw) => [
      'API_KEY=<your-api-key>',
      'export API_KEY=$OTHER',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what workflows say
      'api_key: ${{ secrets.API_KEY }}',
      'const apiKey = process.env.API_KEY;',
      'apiKey: string;',
      'password: z.string().min(8)',
      'const token = await getAccessToken(options1);',
      'password = form.password2',
      'secret: xxxxxxxxxxxx',
      'API_KEY=your-api-key-here',
      'if (token === SyntaxKind.OpenBraceToken) {',
      `"key": "${draw(HEX, 32)}"`,
      `cacheKey: "${draw(HEX, 40)}"`,
      `"commit": "${draw(HEX, 40)}"`,
      `"integrity": "sha512-${draw(BASE64, 86)}=="`,
      `"id": "${draw(HEX, 8)}-${draw(HEX, 4)}-${draw(HEX, 4)}-${draw(HEX, 4)}-${draw(HEX, 12)}"`,
      `-----BEGIN PUBLIC KEY-----`,
      'publicKey: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"',
      'max_tokens: 4096',
      'Next page token: eav1OzQB0OM8rLdGXOEsyQWSG',
      "'gss_krb5_lucid_key', 'gss_krb5_rfc1964_keydata'",
      'CLOUD_CREDENTIALS: T1098.001',
      'user_pass = "%s:%s"',
      'PWD=/home/me/work-2',
      '"password": "Passwort"',
      'secretName: my-app-tls',
      '--password-file /run/secrets/db2',
    ],
  },
];
