/**
 * Private keys and signed tokens, also in base64.
 *
 * in:   nothing      out: rules
 *
 * A key is found as tools show it: with `\n` for line feeds, line numbers before each line, as strings that are joined
 * by `+`, cut off at either end.
 */
import { ALNUM, BASE64, type Draw, type Rule, URLSAFE } from '../rule.ts';
import { fromBase64 } from '../secrecy.ts';
import { orMore, shaped } from '../shape.ts';

/** What stands between two lines of base64: line feeds, escaped or not, quotes, line numbers, a diff's plus. */
const BETWEEN = '[\\s\\\\nrt"\'+,→|>:0-9]{1,24}?';
const LINE = `[${BASE64}=]{16,}`;
const LINES = `(?:${BETWEEN}${LINE})`;

export const keys: readonly Rule[] = [
  {
    id: 'private-key',
    pack: 'credentials',
    description: 'Private key: PEM, OpenSSH, PGP, PuTTY; whole or cut off',
    anchors: ['-----BEGIN ', '-----END ', 'b3BlbnNzaC1rZXktdjE', 'Private-Lines: '],
    pattern: new RegExp(
      [
        // Anything but another mark, up to the end; or as many lines as there are.
        `-----BEGIN (?:[A-Z0-9]{2,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:(?:[^-]|-(?!----)){16,}-----END [A-Z0-9 ]{0,60}PRIVATE KEY(?: BLOCK)?-----|${LINES}+)`,
        `(?<=((?:${LINE}[\\s\\\\nrt"'+,→|>:0-9]{1,24}){1,200}))-----END (?:[A-Z0-9]{2,20} ){0,3}PRIVATE KEY`,
        `b3BlbnNzaC1rZXktdjE[${BASE64}=]{20,}${LINES}*`,
        `Private-Lines: \\d+(${LINES}+)`,
      ].join('|'),
    ),
    accepts: ({ secret }) => /[A-Za-z0-9+/=]{16}/.test(secret.replace(/-----[^-]*-----/g, '')) && !/x{8}|\.{3}|…/i.test(secret),
    hides: (draw) => [
      pem(draw, 'RSA PRIVATE KEY', '\n'),
      pem(draw, 'PRIVATE KEY', '\\n'),
      pem(draw, 'ENCRYPTED PRIVATE KEY', '\r\n'),
      pem(draw, 'OPENSSH PRIVATE KEY', '\n     2→'),
      pem(draw, 'EC PRIVATE KEY', '\\n" +\n  "'),
      pem(draw, 'PGP PRIVATE KEY BLOCK', '\n+'),
      ['head: ', lines(draw, 'RSA PRIVATE KEY'), '\n...'],
    ],
    keeps: (draw) => [
      `${mark('BEGIN', 'PUBLIC KEY')}\n${draw(BASE64, 64)}\n${mark('END', 'PUBLIC KEY')}`,
      `${mark('BEGIN', 'CERTIFICATE')}\n${draw(BASE64, 64)}\n${mark('END', 'CERTIFICATE')}`,
      `${mark('BEGIN', 'RSA PRIVATE KEY')}\n...\n${mark('END', 'RSA PRIVATE KEY')}`,
      `A key starts with ${mark('BEGIN', 'PRIVATE KEY')} and ends with ${mark('END', 'PRIVATE KEY')}.`,
    ],
  },
  {
    id: 'encoded-private-key',
    pack: 'credentials',
    description: 'Private key, or service account with one, in base64',
    anchors: ['LS0tLS1CRUdJTi', 'ewogIC', 'eyJ0eXBlIj'],
    pattern: new RegExp(`(?<![+/${URLSAFE}])(?:LS0tLS1CRUdJTi|ewogIC|eyJ0eXBlIj)[${BASE64}=_-]{40,}${LINES}*`),
    accepts: ({ secret }) => /PRIVATE KEY/.test(fromBase64(secret)),
    hides: (draw) => [
      ['client-key-data: ', btoa(pem(draw, 'RSA PRIVATE KEY', '\n'))],
      btoa(`{\n  "type": "service_account",\n  "private_key": "${pem(draw, 'PRIVATE KEY', '\\n')}"}`),
    ],
    keeps: (draw) => [`certificate-authority-data: ${btoa(`${mark('BEGIN', 'CERTIFICATE')}\n${draw(BASE64, 640)}`)}`],
  },
  {
    id: 'jwt',
    pack: 'credentials',
    description: 'JSON Web Token, signed or encrypted; also in base64',
    anchors: ['eyJ', 'ZXlK'],
    pattern: new RegExp(
      `(?<![${ALNUM}])(?:eyJ[${URLSAFE}]{10,600}={0,2}\\.(?:eyJ[${URLSAFE}]{8,}={0,2}\\.[${URLSAFE}]*|[${URLSAFE}]{0,1000}\\.[${URLSAFE}]{8,1000}\\.[${URLSAFE}]{8,}\\.[${URLSAFE}]{8,})|ZXlK[${BASE64}_-]{60,}={0,2})`,
    ),
    accepts: ({ secret }) => !secret.startsWith('ZXlK') || /^eyJ[\w-]{10,}\.eyJ/.test(fromBase64(secret)),
    hides: (draw) => [jwt(draw), ['token: ', btoa(jwt(draw))], ['Bearer ', jwt(draw)]],
    keeps: (draw) => [`eyJ${draw(ALNUM, 40)}`, `ZXlK${draw(ALNUM, 80)}`, 'eyJ.eyJ.abc'],
  },
  shaped({ id: 'age-key', description: 'Secret key of age', shape: ['AGE-SECRET-KEY-', orMore('A-Z0-9-', 58)] }),
];

const mark = (edge: string, kind: string): string => `-----${edge} ${kind}-----`;

function lines(draw: Draw, kind: string, between = '\n'): string {
  return [mark('BEGIN', kind), draw(BASE64, 64), draw(BASE64, 64), `${draw(BASE64, 38)}==`].join(between);
}

const pem = (draw: Draw, kind: string, between: string): string => `${lines(draw, kind, between)}${between}${mark('END', kind)}`;

const jwt = (draw: Draw): string => {
  const part = (json: string): string => btoa(json).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_');
  return `${part('{"alg":"HS256","typ":"JWT"}')}.${part(`{"sub":"${draw(ALNUM, 12)}"}`)}.${draw(URLSAFE, 43)}`;
};
