/** Which rules hold for a session: those of ours that are on, of the config, and of the packs around it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { redactionFor, redactorsFor, unknownRules } from '../../src/config/packs.ts';
import { pathsFor } from '../../src/config/paths.ts';
import { UserError } from '../../src/errors.ts';
import { scratches } from '../support/scratch.ts';
import { drawFrom } from './draw.ts';

const aFolder = scratches('packs');

const MANAGED = 'managed/config.json';
const CONFIG = 'home/.config/trace-build/config.json';
const PACKS = 'home/.config/trace-build/redactors';

/** Files by their paths below a folder of their own: objects as JSON, texts as they are. */
function machine(files: Readonly<Record<string, unknown>>) {
  const root = aFolder();
  const at = (path: string): string => join(root, path);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  mkdirSync(at('repo/.git'), { recursive: true });
  mkdirSync(at('repo/src/deep'), { recursive: true });
  return { at, load: () => loadConfig(pathsFor({ home: at('home'), env: {}, platform: 'linux', managed: at(MANAGED) })) };
}

const pack = (pattern: string, id = 'mine'): string => `name: acme\nrules:\n  - id: ${id}\n    pattern: '${pattern}'\n`;

describe('rules of ours', () => {
  const jwt = `${btoa('{"alg":"HS256"}')}.${btoa(`{"sub":"${drawFrom(1)('A-Za-z', 9)}"}`)}.${drawFrom(2)('A-Za-z0-9', 43)}`;
  const text = `${jwt} jane@example.org`;

  test.each<{ what: string; files: Record<string, unknown>; hidden: readonly string[] }>([
    { what: 'by default', files: {}, hidden: ['jwt'] },
    { what: 'the user switches one off', files: { [CONFIG]: { redact_rules: { jwt: false } } }, hidden: [] },
    { what: 'the user switches a pack on', files: { [CONFIG]: { redact_rules: { pii: true } } }, hidden: ['email', 'jwt'] },
    { what: 'one of a pack stays off', files: { [CONFIG]: { redact_rules: { pii: true, email: false } } }, hidden: ['jwt'] },
    {
      what: 'managed wins, rule by rule',
      files: { [CONFIG]: { redact_rules: { jwt: false, email: true } }, [MANAGED]: { redact_rules: { jwt: true } } },
      hidden: ['email', 'jwt'],
    },
    {
      what: 'locked: nothing of the user counts',
      files: { [CONFIG]: { redact_rules: { jwt: false } }, [MANAGED]: { lock: ['redact_rules'] } },
      hidden: ['jwt'],
    },
  ])('$what', ({ files, hidden }) => {
    const { load } = machine(files);
    expect(Object.keys(redactionFor(load(), undefined).redactor.text(text).counts).toSorted()).toEqual(hidden);
  });

  test('a name that no rule has is told', () => {
    expect(unknownRules(machine({ [CONFIG]: { redact_rules: { jwt: false, pii: true, entropy: true, jtw: false } } }).load())).toEqual([
      'jtw',
    ]);
  });
});

describe('rules of others', () => {
  test('of all files and packs, each by its source', () => {
    const { at, load } = machine({
      [MANAGED]: { redact_custom: [{ id: 'a', pattern: 'AA+' }], lock: ['redact_custom'] },
      [CONFIG]: { redact_custom: [{ id: 'b', pattern: 'bb+', flags: 'i', description: 'Bees' }] },
      'managed/redactors/c.yaml': pack('CC+', 'c'),
      [`${PACKS}/d.yaml`]: pack('DD+', 'd'),
      [`${PACKS}/notes.txt`]: 'no pack',
      'repo/.trace-build/redactors/e.yml': pack('EE+', 'e'),
      'repo/src/.trace-build/redactors/f.yaml': pack('FF+', 'f'),
      'repo/src/deep/er/.trace-build/redactors/g.yaml': pack('GG+', 'g'),
      '.trace-build/redactors/h.yaml': pack('HH+', 'h'),
    });
    const { redactor, rules } = redactionFor(load(), at('repo/src/deep'));
    const counts = { a: 1, b: 1, c: 1, d: 1, e: 1, f: 1 };
    expect(redactor.text('AAA BBB CCC DDD EEE FFF GGG HHH')).toEqual({
      value: '[REDACTED:a] [REDACTED:b] [REDACTED:c] [REDACTED:d] [REDACTED:e] [REDACTED:f] GGG HHH',
      counts,
    });
    expect(rules.filter(({ source }) => source !== 'built in')).toEqual([
      { id: 'a', description: '', on: true, source: at(MANAGED) },
      { id: 'b', description: 'Bees', on: true, source: at(CONFIG) },
      { id: 'c', description: '', on: true, source: at('managed/redactors/c.yaml') },
      { id: 'd', description: '', on: true, source: at(`${PACKS}/d.yaml`) },
      { id: 'f', description: '', on: true, source: at('repo/src/.trace-build/redactors/f.yaml') },
      { id: 'e', description: '', on: true, source: at('repo/.trace-build/redactors/e.yml') },
    ]);
  });

  test('without a repository only the directory itself counts; one that is gone has those above it', () => {
    const { at, load } = machine({
      '.trace-build/redactors/x.yaml': pack('XX+', 'x'),
      'plain/.trace-build/redactors/y.yaml': pack('YY+', 'y'),
      'repo/.trace-build/redactors/z.yaml': pack('ZZ+', 'z'),
    });
    const redactorFor = redactorsFor(load());
    expect(redactorFor(at('plain')).text('XXX YYY').counts).toEqual({ y: 1 });
    expect(redactorFor(at('repo/no/longer/there')).text('ZZZ').counts).toEqual({ z: 1 });
    expect(redactorFor(undefined).text('XXX YYY ZZZ').counts).toEqual({});
  });

  test('a linked directory is where it really is', () => {
    const { at, load } = machine({ 'repo/.trace-build/redactors/z.yaml': pack('ZZ+', 'z') });
    symlinkSync(at('repo/src'), at('link'));
    expect(redactionFor(load(), at('link')).redactor.text('ZZZ').counts).toEqual({ z: 1 });
  });

  test('a set of packs is read once', () => {
    const { at, load } = machine({ 'repo/.trace-build/redactors/z.yaml': pack('ZZ+', 'z') });
    const redactorFor = redactorsFor(load());
    expect(redactorFor(at('repo/src'))).toBe(redactorFor(at('repo')));
    expect(redactorFor(at('repo'))).not.toBe(redactorFor(undefined));
  });
});

describe('what is wrong with a pack', () => {
  test.each<{ what: string; yaml: string; message: RegExp }>([
    { what: 'no YAML', yaml: 'rules: [', message: /p\.yaml is no YAML: line 1: unexpected end/ },
    { what: 'nothing in it', yaml: '', message: /p\.yaml is no YAML: expected a document/ },
    { what: 'no rules', yaml: 'name: x', message: /p\.yaml: rules: expected a list of rules/ },
    { what: 'a key too many', yaml: `${pack('a')}    hide: [a]\n`, message: /p\.yaml: rules\[0\]: expected \{"id": …, "pattern": …\}/ },
    { what: 'an id that is none', yaml: pack('a', 'Not an id'), message: /p\.yaml: rules\[0\]\.id: expected lower case/ },
    { what: 'a pattern that is not linear', yaml: pack('a(?!b)'), message: /p\.yaml: rule mine: pattern: lookaheads/ },
    {
      what: 'an example that fails',
      yaml: `${pack('abc')}    hides: [xabcx, ab]\n`,
      message: /p\.yaml: rule mine: it does not hide anything in hides\[1\]/,
    },
    { what: 'too large', yaml: `# ${'x'.repeat(300_000)}\n${pack('a')}`, message: /p\.yaml can't be read: it has more than 256 KB/ },
    {
      what: 'too many rules',
      yaml: `name: x\nrules:\n${'  - {id: a, pattern: b}\n'.repeat(201)}`,
      message: /201 rules of your own are more than 200/,
    },
  ])('$what', ({ yaml, message }) => {
    const { load } = machine({ [`${PACKS}/p.yaml`]: yaml });
    expect(() => redactionFor(load(), undefined)).toThrow(UserError);
    expect(() => redactionFor(load(), undefined)).toThrow(message);
  });

  test('a pipe, where a pack should be: nobody waits for it', () => {
    const { at, load } = machine({ [`${PACKS}/p.yaml`]: pack('a') });
    execFileSync('mkfifo', [at(`${PACKS}/q.yaml`)]);
    expect(() => redactionFor(load(), undefined)).toThrow(/q\.yaml can't be read: it is no file/);
  });

  test('a folder that is no folder has no packs', () => {
    const { load } = machine({ [PACKS]: 'a file' });
    expect(redactionFor(load(), undefined).rules.every(({ source }) => source === 'built in')).toBe(true);
  });

  test('a rule of the config names that file', () => {
    const { at, load } = machine({ [CONFIG]: { redact_custom: [{ id: 'mine', pattern: '(a' }] } });
    expect(() => redactionFor(load(), undefined)).toThrow(`${at(CONFIG)}: rule mine: pattern: missing closing )`);
  });

  test('a folder that leads nowhere', () => {
    const { at, load } = machine({ [CONFIG]: {} });
    symlinkSync(at(PACKS), at(PACKS));
    expect(() => redactionFor(load(), undefined)).toThrow(/redactors can't be read: ELOOP/);
  });
});
