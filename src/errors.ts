/**
 * The one error that is meant for the user: something only they can change. Caught once, in
 * cli/cli.ts, and shown without a stack; exit code 2. Every other throw is a bug.
 */
export class UserError extends Error {
  /** What to do about it. */
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = 'UserError';
    this.hint = hint;
  }
}
