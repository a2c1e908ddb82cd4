/** A pager for what is longer than the terminal: real ones, that write what they were given to a file. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createColors } from 'picocolors';
import { describe, expect, test } from 'vitest';
import { withPager } from '../../src/cli/pager.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { scratch } from '../support/scratch.ts';

const folder = scratch('pager');
const { PATH } = process.env;
let made = 0;

interface Outcome {
  /** On the terminal itself. */
  readonly plain: string;
  /** What the pager got; undefined when none was started. */
  readonly paged: string | undefined;
  /** Terminal and pager, in the order things came. */
  readonly order: readonly string[];
  readonly isLeft: boolean;
}

async function shown(
  texts: readonly string[],
  options: { pager?: string; env?: NodeJS.ProcessEnv; height?: number | undefined } = {},
): Promise<Outcome> {
  const file = join(folder, `paged-${made++}`);
  let plain = '';
  const order: string[] = [];
  const out: Terminal = {
    colors: createColors(false),
    width: 80,
    height: 'height' in options ? options.height : 10,
    watched: false,
    write: async (text) => {
      plain += text;
      order.push('plain');
    },
    note: (text) => void order.push(`note ${text}, pager ${existsSync(file) ? 'done' : 'not there'}`),
    complain: () => undefined,
  };
  const env = { PATH, PAGER: (options.pager ?? 'cat > FILE').replaceAll('FILE', file), ...options.env };
  const isLeft = await withPager(out, env, async (pages) => {
    for (const text of texts) await pages.write(text);
    pages.note('all built');
    return pages.isLeft?.() ?? false;
  });
  return { plain, paged: existsSync(file) ? readFileSync(file, 'utf8') : undefined, order, isLeft };
}

const lines = (n: number): string[] => Array.from({ length: n }, (_, at) => `line ${at}\n`);

describe('what is longer than the terminal', () => {
  test('goes through the pager, whole and in order, and nowhere else', async () => {
    const { plain, paged } = await shown(lines(5000));
    expect(paged).toBe(lines(5000).join(''));
    expect(plain).toBe('');
  });

  test('in one piece, too: larger than any pipe', async () => {
    const text = 'x'.repeat(79).concat('\n').repeat(100_000);
    expect((await shown([text])).paged).toBe(text);
  });

  test('notes wait until the pager is left', async () => {
    expect((await shown(lines(50), { pager: 'cat > FILE.part; mv FILE.part FILE' })).order).toEqual(['note all built, pager done']);
  });

  test('the value of PAGER is a command of the shell', async () => {
    expect((await shown(lines(50), { pager: "sed 's/line/LINE/' | tail -n 1 > FILE" })).paged).toBe('LINE 49\n');
  });

  test('LESS is FRX unless the user set it', async () => {
    expect((await shown(lines(50), { pager: 'printenv LESS LESSCHARSET > FILE; cat > /dev/null' })).paged).toBe('FRX\nutf-8\n');
    const env = { LESS: 'i', LESSCHARSET: 'latin1' };
    expect((await shown(lines(50), { pager: 'printenv LESS LESSCHARSET > FILE; cat > /dev/null', env })).paged).toBe('i\nlatin1\n');
  });
});

describe('plain', () => {
  test('what fits, without starting anything', async () => {
    expect(await shown(lines(9))).toMatchObject({ plain: lines(9).join(''), paged: undefined });
  });

  test.each(['', 'cat', ' cat '])('PAGER="%s" means none', async (pager) => {
    expect(await shown(lines(50), { pager })).toMatchObject({ plain: lines(50).join(''), paged: undefined });
  });

  test('where there is no terminal', async () => {
    expect(await shown(lines(50), { height: undefined })).toMatchObject({ plain: lines(50).join(''), paged: undefined });
  });

  test('on a terminal that is dumb', async () => {
    expect(await shown(lines(50), { env: { TERM: 'dumb' } })).toMatchObject({ plain: lines(50).join(''), paged: undefined });
  });

  test.each([50, 50_000])('%i lines, nothing lost, when the pager is not there', async (n) => {
    const { plain, isLeft } = await shown(lines(n), { pager: 'no-such-pager-anywhere 2> /dev/null' });
    expect(plain).toBe(lines(n).join(''));
    expect(isLeft).toBe(false);
  });

  test('when it can not be run, or there is no less', async () => {
    expect((await shown(lines(50), { pager: '/dev/null 2> /dev/null' })).plain).toBe(lines(50).join(''));
    const { plain } = await shown(lines(50), { env: { PATH: '/nowhere', PAGER: undefined } });
    expect(plain).toBe(lines(50).join(''));
  });
});

test('a pager left early is no error, and the rest is not written elsewhere', async () => {
  const { plain, paged, isLeft } = await shown(lines(100_000), { pager: 'head -n 3 > FILE' });
  expect(paged).toBe(lines(3).join(''));
  expect(plain).toBe('');
  expect(isLeft).toBe(true);
});

test('what the work throws comes out, once the pager has shown what there was', async () => {
  const file = join(folder, 'thrown');
  const out: Terminal = {
    colors: createColors(false),
    width: 80,
    height: 5,
    watched: false,
    write: async () => undefined,
    note: () => undefined,
    complain: () => undefined,
  };
  const work = withPager(out, { PATH, PAGER: `cat > ${file}` }, async (pages) => {
    await pages.write('line\n'.repeat(20));
    throw new Error('broken');
  });
  await expect(work).rejects.toThrow('broken');
  expect(readFileSync(file, 'utf8')).toBe('line\n'.repeat(20));
});
