/**
 * What the page shows one of at a time: the list, or a session. Types only.
 *
 * in:   nothing
 * out:  read by main.ts
 */
export interface View {
  readonly element: HTMLElement;
  readonly title: string;
  /** Puts the focus where the arrow keys work. */
  focus(): void;
  /** Puts it where one types what to search for. */
  search(): void;
  /** A key that nothing else took. @returns whether it meant something here */
  key(key: string): boolean;
  /** Nothing is waited for any more. */
  close(): void;
}
