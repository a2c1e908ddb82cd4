/**
 * The page around the program: what the server sends, and what a file holds.
 *
 * in:   the built page, as texts
 * out:  HTML; the policy that a browser enforces on it
 */
import { createHash } from 'node:crypto';

/** The built page: `dist/page.js` and `dist/page.css`. */
export interface PageFiles {
  readonly script: string;
  readonly style: string;
}

/** Whoever gets markup into the page still can't run anything, nor reach anybody with it. */
export const SERVER_POLICY = policy("'self'", "'self'", ["connect-src 'self'", "frame-ancestors 'none'"]);

export const SERVER_HTML = `${head('<link rel="stylesheet" href="page.css">\n<script src="page.js" defer></script>')}${end('')}`;

/** The self-contained page, up to its data and from there on. */
export function filePage({ script, style }: PageFiles): { readonly before: string; readonly after: string } {
  const [code, rules] = [inScript(script), inStyle(style)];
  // A policy in a page must come before what it is about, and can't speak of frames.
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy(hashOf(code), hashOf(rules), [])}">`;
  return {
    before: `${head(`${meta}\n<meta name="referrer" content="no-referrer">\n<style>${rules}</style>`)}<script type="application/json" id="trace-build-data">`,
    after: `</script>\n${end(`<script>${code}</script>\n`)}`,
  };
}

/** Text of JSON → the same JSON, which ends no script, means the same to every parser, and gives no orders to a terminal. */
export const inJsonScript = (json: string): string =>
  json.replace(
    /[<\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function policy(script: string, style: string, more: readonly string[]): string {
  return [
    "default-src 'none'",
    `script-src ${script}`,
    `style-src ${style}`,
    'img-src data:',
    ...more,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Where these stand in a program, they stand in strings and patterns: there the escaped letter is the same one. */
const inScript = (code: string): string => code.replace(/<\/(?=script)/gi, '<\\/').replaceAll('<!--', '<\\x21--');

function inStyle(style: string): string {
  if (/<\/style/i.test(style)) throw new Error('the style of the page ends itself');
  return style;
}

function head(more: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${more}
<link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>trace-build</title>
</head>
<body>
<noscript>This page needs JavaScript. Its own, nobody else's.</noscript>
`;
}

function end(more: string): string {
  return `${more}</body>\n</html>\n`;
}
