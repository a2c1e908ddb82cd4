/**
 * Which addresses a stranger's link may have.
 *
 * in:   the address as written
 * out:  the address as a browser takes it, or undefined
 */

const SCHEME = /^(?:https?:\/\/|mailto:)/i;
/** Blanks and controls, which browsers skip, and marks that would turn around the address shown. */
const TRICKS = /[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/u;

export function safeHref(address: string): string | undefined {
  if (!SCHEME.test(address) || TRICKS.test(address) || address.length > 4096) return undefined;
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  return ALLOWED.has(url.protocol) ? url.href : undefined;
}

const ALLOWED = new Set(['http:', 'https:', 'mailto:']);
