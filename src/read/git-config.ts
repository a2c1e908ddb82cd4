/**
 * The text of a git config file → its remotes.
 *
 * in:   text, in the syntax of git-config(1)
 * out:  URLs as written; pure and total
 */

/** `url` and `pushurl` of every remote. */
export function remoteUrls(text: string): string[] {
  let section = '';
  return logicalLines(text).flatMap((line) => {
    // [remote "name"], or [remote.name] as old versions wrote it; a key may stand on the same line.
    const header = /^\s*\[\s*([\w.-]+)(?:\s+"(?:[^"\\]|\\.)*")?\s*\]/.exec(line);
    if (header !== null) section = header[1]!.toLowerCase();
    if (section.split('.')[0] !== 'remote') return [];
    const url = /^\s*(?:push)?url\s*=\s*(.*)$/i.exec(line.slice(header?.[0].length ?? 0))?.[1];
    return url === undefined ? [] : [unquoted(url)];
  });
}

/** Whether other files belong to it: their remotes count too. */
export const includesFiles = (text: string): boolean => /^\s*\[\s*include(?:if)?\b/im.test(text);

/** A backslash at the end of a line joins the next one to it, but for a comment's. */
const logicalLines = (text: string): string[] =>
  text
    .replaceAll(/^\s*[#;].*$/gm, '')
    .replaceAll(/\\\r?\n/g, '')
    .split(/\r?\n/);

/** Without quotes, escapes, and a comment behind it. */
function unquoted(written: string): string {
  const value = /^(?:"(?:[^"\\]|\\.)*"|\\.|[^"\\#;])*/.exec(written)![0].trim();
  return value.replaceAll(/\\(.)|"/g, (_, escaped: string | undefined) => escaped ?? '');
}
