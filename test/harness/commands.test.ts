/** Which commands made commits and pull requests: the command must run the program, and the output must tell of it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { madeBy } from '../../src/harness/commands.ts';

const LINE = '[main 1a2b3c4] fix the parser\n 1 file changed, 2 insertions(+)';
const TWO = `${LINE}\n[main 5d6e7f8] and the tests\n 1 file changed, 1 insertion(+)`;

test.each<[what: string, command: string, output: string, commits: number]>([
  ['a commit', 'git commit -m "fix the parser"', LINE, 1],
  ['of everything', 'git commit -am x', LINE, 1],
  ['the first one', 'git commit -m x', '[main (root-commit) 1a2b3c4] x', 1],
  ['on no branch', 'git commit -m x', '[detached HEAD 1a2b3c4] x', 1],
  ['on a branch with a slash', 'git commit -m x', '[feature/a-b_c 1a2b3c4d5e] x', 1],
  ['with carriage returns', 'git commit -m x', '[main 1a2b3c4] x\r\n 1 file changed\r\n', 1],
  ['elsewhere', 'git -C packages/a -c user.name=x --no-pager commit -m x', LINE, 1],
  ['by a path, with variables', 'GIT_AUTHOR_NAME=x /usr/bin/git commit -m x', LINE, 1],
  ['behind a wrapper', 'sudo timeout 30 git commit -m x', LINE, 1],
  ['in a chain', 'cd app && git add -A && git commit -m x && git push', `${LINE}\nTo github.com:o/r.git`, 1],
  ['though what follows fails', 'git commit -m x; npm test', `Exit code 1\n${LINE}\nfailed`, 1],
  ['two', 'git commit -m a a.ts && git commit -m b b.ts', TWO, 2],
  ['a loop', 'for f in a b; do git add $f; git commit -m "$f"; done', TWO, 2],
  ['in a subshell', '(cd app; git commit -m x)', LINE, 1],
  ['conditionally', 'if ! git diff --quiet; then git commit -m x; fi', LINE, 1],
  ['in a shell', `bash -lc 'git add . && git commit -m "x y"'`, LINE, 1],
  ['message from a here-document', `git commit -m "$(cat <<'EOF'\nfix: it's (half) done\n\nCo-authored-by: x\nEOF\n)"`, LINE, 1],
  ['message from standard input', 'git commit -F - <<EOF\nfix\nEOF', LINE, 1],
  ['of a file that was written first', 'cat > a.txt <<-EOF\n\ttext\n\tEOF\ngit add a.txt\ngit commit -m x', LINE, 1],
  ['a message that speaks of git commit', 'git commit -m "git commit; git commit"', LINE, 1],
  ['picked', 'git cherry-pick abc1234', LINE, 1],
  ['reverted', 'git revert --no-edit HEAD', '[main 1a2b3c4] Revert "x"', 1],
  ['output into a pipe', 'git commit -m x 2>&1 | tail -3', LINE, 1],

  ['amended: it was one before', 'git commit --amend --no-edit', LINE, 0],
  ['made and amended', 'git commit -m x && git commit --amend -m y', TWO, 1],
  ['a dry run', 'git commit --dry-run -m x', 'On branch main\nChanges to be committed:', 0],
  ['a dry run, with a line as if', 'git commit --dry-run -m x', LINE, 0],
  ['nothing to commit', 'git commit -m x', 'On branch main\nnothing to commit, working tree clean', 0],
  ['refused by a hook', 'git commit -m x', 'Exit code 1\nlint failed', 0],
  ['quiet: nobody tells', 'git commit -qm x', '', 0],
  ['only spoken of', 'echo "git commit -m x"', `git commit -m x\n${LINE}`, 0],
  ['echo without quotes', 'echo git commit -m x', LINE, 0],
  ['in a here-document', 'cat <<EOF\ngit commit -m x\nEOF', LINE, 0],
  ['in a comment', '# git commit -m x\ncat log.txt', LINE, 0],
  ['searched for', 'grep -rn "git commit" . | head', LINE, 0],
  ['help', 'git help commit', LINE, 0],
  ['another subcommand', 'git log --grep commit', LINE, 0],
  ['git commit-tree', 'git commit-tree abc', LINE, 0],
  ['the name of a file', 'cat git commit', LINE, 0],
  ['a line of its body only', 'git commit -m x', 'hint: [main 1a2b3c4] x', 0],
  ['a list', 'git commit -m x', '[1/4 done] x\n[main zzzzzzz] x', 0],
])('%s', (_, command, output, commits) => {
  expect(madeBy(command, output).commits).toBe(commits);
});

const URL = 'https://github.com/o/r/pull/12';

test.each<[what: string, command: string, output: string, pullRequests: number]>([
  ['a pull request', 'gh pr create --fill', URL, 1],
  [
    'after a push',
    'git push -u origin x && gh pr create --title a --body "$(cat <<\'EOF\'\nwhat (and why)\nEOF\n)"',
    `remote: \n${URL}\n`,
    1,
  ],
  ['of a company’s own server', 'gh pr create -f', 'https://git.example.com/o/r/pull/3', 1],
  ['elsewhere', 'gh pr -R o/r create -f', URL, 1],
  ['elsewhere, named behind', 'gh pr create -R o/r -f', URL, 1],
  ['a merge request', 'glab mr create --fill --yes', '!7 x (main)\n\nhttps://gitlab.com/g/s/r/-/merge_requests/7', 1],
  ['two', 'gh pr create -f; cd ../b; gh pr create -f', `${URL}\nhttps://github.com/o/b/pull/1`, 2],

  ['there was one', 'gh pr create -f', `a pull request for branch "x" into branch "main" already exists:\n${URL}`, 0],
  ['a dry run', 'gh pr create -f --dry-run', URL, 0],
  ['in the browser', 'gh pr create --web', URL, 0],
  ['a list', 'gh pr list', URL, 0],
  ['one is looked at', 'gh pr view 12', URL, 0],
  ['one of two is looked at', 'gh pr create -f; gh pr list', `${URL}\nhttps://github.com/o/r/pull/9`, 1],
  ['an issue', 'gh issue create', 'https://github.com/o/r/issues/3', 0],
  ['the server’s hint after a push', 'git push && gh pr create', 'https://github.com/o/r/pull/new/x', 0],
  ['only spoken of', 'echo gh pr create', URL, 0],
  ['failed', 'gh pr create -f', 'Exit code 1\npull request create failed: no commits between main and x', 0],
])('%s', (_, command, output, pullRequests) => {
  expect(madeBy(command, output).pullRequests).toBe(pullRequests);
});

test('whatever the text, it comes to an end, and makes no more than the output tells', () => {
  const piece = fc.constantFrom(
    ...[
      'git',
      ' commit',
      ' -m',
      ' "',
      "'",
      '$(',
      ')',
      '`',
      '<<EOF',
      '\n',
      'EOF',
      '\\',
      ';',
      '&&',
      '|',
      '(',
      '{',
      '#',
      ' ',
      'x',
      '>',
      '<<<',
      'sh -c ',
    ],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      expect(madeBy(pieces.join(''), TWO).commits).toBeLessThanOrEqual(2);
    }),
    { numRuns: 2000 },
  );
});

test('a long command takes no longer than its length', () => {
  for (const piece of ['git commit "', '$(', '<<EOF ', '`', "'\\''", '(((('])
    expect(madeBy(`git commit ${piece.repeat(100_000)}`, LINE).commits).toBeLessThanOrEqual(1);
});
