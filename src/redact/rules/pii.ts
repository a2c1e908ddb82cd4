/**
 * What tells of people: off until somebody wants it.
 *
 * in:   nothing      out: rules
 */
import type { Rule } from '../rule.ts';

export const pii: readonly Rule[] = [
  {
    id: 'email',
    pack: 'pii',
    description: 'E-mail address',
    // Not icon@2x.png, nor git@host:path.
    pattern:
      /(?<![\w.+%/-])(?!git@)[\w.+%-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}(?!(?:png|jpe?g|gif|webp|svg|avif|js|ts|css|json)\b)[A-Za-z]{2,24}(?![\w-])/,
    hides: () => ['jane.doe+x@mail.example.org', ['Author: Jane <', 'jane@example.com', '>']],
    keeps: () => ['git@github.com:acme/app.git', 'icon@2x.png', 'react@18.2.0', '@scope/name', 'a @ b.c'],
  },
  {
    id: 'phone',
    pack: 'pii',
    description: 'Telephone number, international or of North America',
    pattern: /(?<![\w.+/-])(?:\+[1-9]\d{0,2}(?:[ .-]?\(?\d{1,4}\)?){2,5}|(?:\(\d{3}\) ?|\d{3}-)\d{3}-\d{4})(?![\w-])/,
    accepts: ({ secret }) => secret.replace(/\D/g, '').length >= 9,
    hides: () => ['+49 30 1234567', '+1 (555) 010-1234', ['call ', '555-010-1234', ' now']],
    keeps: () => ['2026-01-02', '1.2.3', '+1', '+12 lines', '192.168.100.200', '1234567890'],
  },
  {
    id: 'home-directory',
    pack: 'pii',
    description: 'Home directory, which names its user: becomes ~',
    pattern:
      /(?<![\w.~-])(?:\/(?:home|Users)\/(?!Shared\b|runner\b)[^\s/\\"'`:;,<>|()[\]{}]{1,64}|[A-Za-z]:(?:\\{1,4}|\/)Users(?:\\{1,4}|\/)(?!Public\b)[^\s/\\"'`:;,<>|()[\]{}]{1,64})/,
    replacement: '~',
    hides: () => [
      ['cd ', '/home/jane', '/work'],
      ['', '/Users/jane', ''],
      ['open ', 'C:\\Users\\jane', '\\x.txt'],
    ],
    keeps: () => ['/usr/home', '/home', 'https://example.com/home/page', '~/work', '/Users/Shared/x'],
  },
];
