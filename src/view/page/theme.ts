/**
 * Light or dark: as the system has it, until the reader says otherwise.
 *
 * in:   the system's setting, what was chosen before
 * out:  `data-theme` of the document, which tokens.css reads
 */

const KEY = 'trace-build-theme';

export function followTheme(): void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const apply = (): void => set(chosen() ?? (system.matches ? 'dark' : 'light'));
  system.addEventListener('change', apply);
  apply();
}

/** @returns the theme from now on */
export function switchTheme(): 'light' | 'dark' {
  const next = document.documentElement.dataset['theme'] === 'dark' ? 'light' : 'dark';
  set(next);
  remember(KEY, next);
  return next;
}

const set = (theme: string): void => void document.documentElement.setAttribute('data-theme', theme);

function chosen(): string | undefined {
  const before = remembered(KEY);
  return before === 'light' || before === 'dark' ? before : undefined;
}

/** A page out of a file may have no storage: then nothing is remembered. */
export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {}
}

export function remembered(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}
