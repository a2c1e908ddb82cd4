/**
 * A JSON value → a copy of it whose texts went through somebody's hands.
 *
 * in:   any JSON value, what to do with texts
 * out:  the copy; structure, numbers and ids as they were
 *
 * Some texts are pieces of one: text blocks of a message, lines of a file, a name and its value. They are handed over
 * together. No recursion: JSON may be nested deeper than the stack is.
 */

export interface Hands {
  readonly text: (text: string) => string;
  /** Several that follow each other, to be read as one with that between them. */
  readonly pieces: (texts: readonly string[], between: string) => readonly string[];
  /** What stands under a name. */
  readonly named: (name: string, text: string) => string;
}

type Container = unknown[] | Record<string, unknown>;

interface Task {
  readonly source: Container;
  readonly target: Container;
  /** Texts of the source that were dealt with together with those of its neighbours. */
  readonly given?: Readonly<Record<string, string>>;
}

export function handled<T>(value: T, hands: Hands): T {
  const root: { value?: T } = {};
  const tasks: Task[] = [{ source: { value }, target: root }];
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
    if (Array.isArray(task.source)) copyList(task.source, task.target as unknown[], tasks, hands);
    else copyEntries(task.source, task.target as Record<string, unknown>, task.given, tasks, hands);
  }
  return root.value as T;
}

function copyList(source: readonly unknown[], target: unknown[], tasks: Task[], hands: Hands): void {
  for (let from = 0; from < source.length; ) {
    const block = blockOf(source[from]);
    let to = from + 1;
    if (typeof source[from] === 'string') {
      while (typeof source[to] === 'string') to++;
      const texts = source.slice(from, to) as string[];
      for (const text of hands.pieces(texts, '\n')) target.push(text);
    } else if (block !== undefined) {
      const blocks = [block];
      for (let next = blockOf(source[to]); next?.kind === block.kind; next = blockOf(source[++to])) blocks.push(next);
      const texts = hands.pieces(
        blocks.map(({ text }) => text),
        '',
      );
      for (const [index, { field, item }] of blocks.entries()) target.push(copyOf(item, tasks, { [field]: texts[index]! }));
    } else target.push(copyOf(source[from], tasks));
    from = to;
  }
}

function copyEntries(
  source: Readonly<Record<string, unknown>>,
  target: Record<string, unknown>,
  given: Task['given'],
  tasks: Task[],
  hands: Hands,
): void {
  for (const key of Object.keys(source)) {
    const value = source[key];
    const copy = typeof value === 'string' ? (given?.[key] ?? textUnder(key, value, source, hands)) : copyOf(value, tasks);
    put(target, newKey(key, target, hands), copy);
  }
}

function textUnder(key: string, value: string, source: Readonly<Record<string, unknown>>, hands: Hands): string {
  if (ID_KEYS.has(key) && ID.test(value)) return value;
  return hands.named(key === 'value' ? nameIn(source) : key, value);
}

/** Of {name, value}, {key, value}. */
function nameIn({ name, key }: Readonly<Record<string, unknown>>): string {
  if (typeof name === 'string') return name;
  return typeof key === 'string' ? key : 'value';
}

function copyOf(value: unknown, tasks: Task[], given?: Task['given']): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const target: Container = Array.isArray(value) ? [] : {};
  tasks.push({ source: value as Container, target, ...(given !== undefined && { given }) });
  return target;
}

/** Shorter than any secret that a key could be. */
const SHORT_KEY = 16;

function newKey(key: string, target: Readonly<Record<string, unknown>>, hands: Hands): string {
  if (key.length < SHORT_KEY) return key;
  const clean = hands.text(key);
  if (clean === key) return key;
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? clean : `${clean} (${number})`;
    if (!Object.hasOwn(target, candidate)) return candidate;
  }
}

/** JSON may have an entry of that name. */
function put(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

/** What tells spans and calls apart must not change, whatever a rule makes of it: by name, if it has the form of one. */
const ID_KEYS: ReadonlySet<string> = new Set([
  ...['id', 'uuid', 'parentUuid', 'timestamp', 'session_id', 'sessionId', 'message_id', 'messageId', 'request_id', 'requestId'],
  ...['tool_use_id', 'toolUseId', 'toolUseID', 'tool_call_id', 'toolCallId', 'call_id', 'agent_id', 'agentId', 'parent_tool_use_id'],
]);
const ID =
  /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{6,40}|(?:toolu|srvtoolu|mcptoolu|msg|req|call|fc|rs|resp|chatcmpl|agent|run|task|item)[_-][\w-]{1,80}|\d{4}-\d\d-\d\dT[\d:.]{5,18}(?:Z|[+-]\d\d:\d\d)|\d{1,20})$/;

interface Block {
  readonly kind: string;
  readonly field: 'text' | 'content' | 'thinking';
  readonly text: string;
  readonly item: object;
}

/** A block of text in a message: ours, the provider's, or the convention's. */
function blockOf(item: unknown): Block | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const { kind, type = kind, text, content, thinking } = item as Readonly<Record<string, unknown>>;
  if (typeof type !== 'string') return undefined;
  if (typeof text === 'string') return { kind: type, field: 'text', text, item };
  if (typeof content === 'string') return { kind: type, field: 'content', text: content, item };
  return typeof thinking === 'string' ? { kind: type, field: 'thinking', text: thinking, item } : undefined;
}
