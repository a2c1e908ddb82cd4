/**
 * Credentials in HTTP headers, written as headers, as entries of an object, or as arguments of curl.
 *
 * in:   nothing      out: rules
 */
import { ALNUM, BASE64, HEX, type Rule, URLSAFE } from '../rule.ts';
import { fromBase64, isStandIn, standsForAnother, strangeness } from '../secrecy.ts';

/** Between a name and its value: `:`, `=`, `=>`, or a comma between two arguments; then perhaps a quote. */
const IS = '["\'`\\]]{0,2}[ \\t]{0,4}(?::|=>|=|,)[ \\t]{0,4}["\'`]?[ \\t]?';
const SCHEMES = 'Bearer|Basic|Token|ApiKey|Api-Key|Bot|Splunk|GenieKey|SSWS|Negotiate|Key|Apikey';

const isCredential = (secret: string): boolean =>
  !standsForAnother(secret) && (strangeness(secret) >= 0.3 || (secret.length >= 8 && isPairInBase64(secret)));

/** user:password, as basic authentication has it. */
const isPairInBase64 = (secret: string): boolean => /^[\x20-\x7e]*[^\s:]:[\x20-\x7e]+$/.test(fromBase64(secret));

export const headers: readonly Rule[] = [
  {
    id: 'authorization',
    pack: 'credentials',
    description: 'Value of an Authorization header, or what follows Bearer',
    anchors: ['uthorization', 'UTHORIZATION', 'earer ', 'EARER '],
    pattern: new RegExp(
      `uthorization${IS}(?:(?:${SCHEMES})[ \\t]{1,4})?([\\w.~+/:=-]{7,}[\\w~+/=-])(?![\\w(\\[{$])|(?<=\\b[Bb])earer[ \\t]{1,4}([\\w.~+/:-]{15,}[\\w~+/-]={0,2})(?![\\w(\\[{$])`,
      'i',
    ),
    // Without a scheme it could be any word.
    accepts: ({ secret, text, at }) => isCredential(secret) && (secret.length >= 16 || /[A-Za-z][ \t]$/.test(text.slice(at - 2, at))),
    hides: (draw) => [
      ['Authorization: Bearer ', draw(URLSAFE, 40), '\r\nAccept: */*'],
      ["curl -H 'authorization: Basic ", btoa(`me:${draw(ALNUM, 12)}`), "' https://api.example.com"],
      ['{"Authorization": "token ', draw(HEX, 40), '"}'],
      ['{\\"authorization\\":\\"Bearer ', draw(ALNUM, 32), '\\"}'],
      ['headers.set("Authorization", "', draw(ALNUM, 24), '")'],
      ['--header "Proxy-Authorization: Bearer ', draw(ALNUM, 24), '"'],
      ['send it as bearer ', draw(ALNUM, 32), '.'],
    ],
    keeps: () => [
      'Authorization: Bearer $TOKEN',
      'Authorization: Bearer <token>',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what code says
      'headers: { Authorization: `Bearer ${token}` }',
      'Authorization: Bearer your-api-key',
      'authorization: options.authorization',
      'Authorization: Bearer ...',
      'the bearer authentication scheme',
      "('Binary Authorization', 'k8s_util'),",
      'authorization: string | undefined;',
    ],
  },
  {
    id: 'cookie',
    pack: 'credentials',
    description: 'Value of a Cookie or Set-Cookie header that holds something random',
    anchors: ['ookie', 'OOKIE'],
    pattern: new RegExp(
      `ookies?2?${IS}([^\\s;="'\`<>{}()\\\\,]{1,128}=[^\\s;"'\`\\\\]{0,4096}(?:;[ \\t]?[^\\s;="'\`<>{}()\\\\,]{1,128}=[^\\s;"'\`\\\\]{0,4096}){0,200})`,
      'i',
    ),
    accepts: ({ secret }) =>
      secret.split(/;\s?/).some((pair) => {
        const value = pair.slice(pair.indexOf('=') + 1);
        return value.length >= 12 && !standsForAnother(value) && strangeness(value) >= 0.3;
      }),
    hides: (draw) => [
      ['Cookie: ', `theme=dark; sessionid=${draw(ALNUM, 32)}`, '\r\n'],
      ['Set-Cookie: ', `connect.sid=s%3A${draw(ALNUM, 32)}.${draw(ALNUM, 40)}`, '; HttpOnly'],
      ["curl -H 'cookie: ", `_gh_sess=${draw(`${BASE64}%`, 60)}`, "'"],
      ['{"Cookie": "', `a=1; auth=${draw(HEX, 32)}`, '"}'],
    ],
    keeps: () => [
      'Cookie: theme=dark; lang=en',
      'Set-Cookie: session=<value>; Path=/',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what code says
      'cookie: `session=${id}`',
      'cookie = serialize(name, value)',
      'const cookies = parse(header)',
    ],
  },
  {
    id: 'command-password',
    pack: 'credentials',
    description: 'Password given to curl, wget, mysql, sshpass or docker login',
    anchors: ['curl ', 'mysql', 'sshpass ', 'docker login ', 'wget ', 'redis-cli '],
    pattern: new RegExp(
      [
        'curl [^\\n]{0,300}?(?<=\\s)(?:-u|--user|--proxy-user|-U)(?:[ =]|(?<=-u))["\']?[^\\s:"\'$]{1,128}:([^\\s"\'`\\\\]{1,256})',
        'curl [^\\n]{0,300}?(?<=\\s)(?:-b|--cookie)[ =]["\']?([^\\s"\'`\\\\=]{1,64}=[^\\s"\'`\\\\]{12,4096})',
        '(?:mysql(?:dump|admin|import)? [^\\n|;]{0,200}?(?<=\\s)-p|sshpass -p ?|docker login [^\\n|;]{0,200}?(?<=\\s)-p[ =]?|redis-cli [^\\n|;]{0,200}?(?<=\\s)-a )["\']?([^\\s"\'`\\\\]{4,256})',
        'wget [^\\n]{0,300}?--(?:http-|ftp-|proxy-)?password[ =]["\']?([^\\s"\'`\\\\]{1,256})',
      ].join('|'),
    ),
    accepts: ({ secret }) => !isStandIn(secret) && !/^(?:PASS\w*|[$-].*|[\d:.]+)$/.test(secret),
    hides: (draw) => [
      ['curl -s -u admin:', draw(ALNUM, 10), ' https://example.com'],
      ['mysql -h db -u root -p', draw(ALNUM, 10), ' shop'],
      ["sshpass -p '", draw(ALNUM, 10), "' ssh host"],
      ['curl -b ', `session=${draw(ALNUM, 32)}`, ' https://x.example'],
    ],
    keeps: () => [
      'curl -u $USER:$PASS https://example.com',
      'mysql -u root -p shop',
      'curl -u user:password https://example.com',
      'docker run -u 1000:1000 image',
      'mysql --port 3306',
    ],
  },
];
