/**
 * Passwords, tokens and signatures in URLs.
 *
 * in:   nothing      out: rules
 *
 * Only the secret goes: user, host and path tell what the agent was talking to.
 */
import { ALNUM, HEX, type Rule, URLSAFE } from '../rule.ts';
import { isPlaceholder, isStandIn, strangeness } from '../secrecy.ts';

const DATABASES =
  'postgres(?:ql)?|mysqlx?|mariadb|mongodb|rediss?|valkeys?|amqps?|kafka|nats|mssql|sqlserver|oracle|db2|clickhouse|cockroachdb|crdb|neo4j|bolt|cassandra|couchdb|influxdb|snowflake|ldaps?|tds|jdbc:[a-z:]{1,40}';
const PART = '[^\\s"\'`<>\\\\@]';

export const urls: readonly Rule[] = [
  {
    id: 'database-url',
    pack: 'credentials',
    description: 'Password in the URL of a database or a broker',
    anchors: ['://'],
    // Passwords are often pasted as they are, with the characters that a URL would have to escape.
    pattern: new RegExp(
      `(?<=\\b(?:${DATABASES})(?:\\+[a-z0-9]{1,20})?)://[^\\s:@/?#"'\`<>\\\\]{0,128}:(${PART}{1,256}(?:@[^\\s"'\`<>\\\\@/?#]{1,256}){0,3})@(?=[\\w[$%{.-])`,
      'i',
    ),
    accepts: ({ secret }) => !isStandIn(secret),
    hides: (draw) => [
      ['postgres://app:', draw(ALNUM, 12), '@db.internal:5432/shop'],
      ['mongodb+srv://root:', `${draw(ALNUM, 8)}@${draw(ALNUM, 6)}`, '@cluster0.example.net/?retryWrites=true'],
      ['redis://:', draw(ALNUM, 10), '@10.0.0.7:6379/0'],
      ['DATABASE_URL="mysql+pymysql://u:', `${draw(ALNUM, 6)}/#${draw(ALNUM, 6)}`, '@localhost/x"'],
    ],
    keeps: () => [
      'postgres://localhost:5432/shop',
      'postgres://user:password@localhost/db',
      'mysql://$USER:$PASS@host/db',
      'mongodb://<user>:<password>@host',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what code says
      'redis://:${REDIS_PASSWORD}@redis:6379',
      'postgres://app@db.internal/shop',
    ],
  },
  {
    id: 'sentry-dsn',
    pack: 'credentials',
    description: 'Key in the DSN of Sentry',
    anchors: ['://'],
    pattern: /:\/\/([0-9a-f]{32}(?::[0-9a-f]{32})?)@(?=[\w.-]{1,200}\/\d)/,
    hides: (draw) => [['https://', draw(HEX, 32), '@o447951.ingest.sentry.io/5429219']],
    keeps: () => ['https://<key>@o0.ingest.sentry.io/0'],
  },
  {
    id: 'url-password',
    pack: 'credentials',
    description: 'Password or token before the host of a URL',
    anchors: ['://'],
    pattern: new RegExp(
      [
        // user:password@, user:@ and token:x-oauth-basic@, token@
        `://[^\\s:@/?#"'\`<>\\\\]{0,128}:(?!x-oauth-basic@)([^\\s"'\`<>\\\\@/?#]{1,512}(?:@[^\\s"'\`<>\\\\@/?#:]{1,256}){0,3})@(?=[\\w[$%{.-])`,
        `://([^\\s:@/?#"'\`<>\\\\]{16,512})(?::(?:x-oauth-basic)?)?@(?=[\\w[.-])`,
      ].join('|'),
    ),
    accepts: ({ secret, text, at, anchorAt }) =>
      !isStandIn(secret) && (text[at - 1] === ':' ? text.slice(anchorAt + 3, at - 1) !== 'anonymous' : strangeness(secret) >= 0.3),
    hides: (draw) => [
      ['https://ci:', draw(ALNUM, 20), '@git.example.com/acme/app.git'],
      ['git remote add origin https://', draw(`${ALNUM}`, 40), '@github.com/acme/app'],
      ['git clone https://', draw(`${ALNUM}`, 40), ':x-oauth-basic@github.com/acme/app'],
      ['http://proxy:', `${draw(ALNUM, 5)}%40${draw(ALNUM, 5)}`, '@10.1.1.1:3128'],
    ],
    keeps: () => [
      'https://user:pass@example.com/',
      'https://abc:xyz@example.com/',
      'ftp://anonymous:guest@ftp.example.com/',
      'https://git@github.com/acme/app',
      'ssh://git@github.com:22/acme/app',
      'http://localhost:3000/@vite/client',
      'https://esm.sh/react@18.2.0',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what code says
      'https://${user}:${password}@host/',
      'https://x-access-token:$GITHUB_TOKEN@github.com/acme/app',
      'https://medium.com/@some-long-name-of-an-author/post',
    ],
  },
  {
    id: 'signed-url',
    pack: 'credentials',
    description: 'Signature or session token that makes a URL a key: AWS, Azure SAS, Google Cloud, CloudFront',
    anchors: ['ignature=', 'sig=', 'Security-Token='],
    pattern: /(?<=[?&;](?:X-Amz-|X-Goog-)?[Ss]?)(?:ignature|sig|Security-Token)=([\w%+/=~-]{24,})/,
    accepts: ({ secret }) => !isPlaceholder(secret) && strangeness(secret) >= 0.3,
    hides: (draw) => [
      ['https://b.s3.amazonaws.com/k?X-Amz-Expires=300&X-Amz-Signature=', draw(HEX, 64), '&x=1'],
      ['https://shop.blob.core.windows.net/c/b?sv=2024-11-04&se=2026-01-01&sig=', `${draw(ALNUM, 41)}%3D`],
      ['https://cdn.example.com/f?Expires=1&Signature=', draw(`~${URLSAFE}`, 80), '&Key-Pair-Id=K'],
    ],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what code says
    keeps: () => ['?sig=${signature}', '?X-Amz-Signature=...', 'sig=abc'],
  },
];
