/**
 * A model that says what a script tells it to: Anthropic's Messages API, streamed or not, on a free port of 127.0.0.1.
 *
 * in:   scripts by name; a prompt names its script (`script:plain`)
 * out:  what it served, in order: ids, usage, and when the whole of it was sent
 *
 * It keeps no state of a conversation: the script is the last one that a text of the user names, the step is the number
 * of answers after that text. So a resumed session, a retry and two agents at once all get what they should.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Say {
  readonly text?: string;
  readonly tools?: readonly { readonly name: string; readonly input: Readonly<Record<string, unknown>> }[];
  /** Sends the text, then neither the tools nor an end, as long as the client listens. */
  readonly hangs?: boolean;
}

/** What the model says, answer after answer. */
export type Script = readonly Say[];

export interface Served {
  readonly responseId: string;
  readonly requestId: string;
  /** Absent where no script has words for the request: what the CLI asks for itself, e.g. a title or a summary. */
  readonly script?: string;
  readonly step: number;
  readonly sessionId?: string;
  /** Absent for the main agent. */
  readonly agentId?: string;
  readonly toolIds: readonly string[];
  readonly usage: Usage;
  /** When the answer was sent to its end, by `performance.now()`; absent as long as it is on its way. */
  readonly wholeAtMs?: number;
}

export interface Usage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly output_tokens: number;
}

export interface ModelServer {
  readonly url: string;
  readonly served: readonly Served[];
  /** Requests it had no answer for, as `method path`. */
  readonly unknown: readonly string[];
  readonly stop: () => Promise<void>;
}

/** What no model does: the CLI writes what was said some 100 ms later. */
export const AT_ONCE_MS = 0;
const LIKE_A_MODEL_MS = 200;

/** @param latencyMs  from a request to the beginning of its answer */
export async function startModelServer(scripts: Readonly<Record<string, Script>>, latencyMs = LIKE_A_MODEL_MS): Promise<ModelServer> {
  const served: Served[] = [];
  const unknown: string[] = [];

  const answer = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(message);
    const path = new URL(message.url ?? '/', 'http://127.0.0.1').pathname;
    if (path === '/v1/messages/count_tokens') return json(response, 200, { input_tokens: Math.ceil(body.length / 4) });
    if (message.method === 'POST' && path === '/v1/messages') return say(JSON.parse(body), message, response);
    unknown.push(`${message.method} ${path}`);
    json(response, message.method === 'HEAD' ? 200 : 404, {});
  };

  const say = async (request: MessagesRequest, message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const place = placeOf(request, scripts);
    const number = served.length + 1;
    const words = wordsOf(request, place, scripts);
    const reply: Reply = {
      id: idOf('msg', number),
      model: request.model,
      content: contentOf(words, number),
      usage: usageOf(number),
      hangs: words.hangs === true,
    };
    const index = served.push({
      responseId: reply.id,
      requestId: idOf('req', number),
      ...place,
      ...headerOf(message, 'x-claude-code-session-id', 'sessionId'),
      ...headerOf(message, 'x-claude-code-agent-id', 'agentId'),
      toolIds: reply.content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : [])),
      usage: reply.usage,
    });
    // Not `close`: that also comes when the client hangs up.
    response.on('finish', () => {
      served[index - 1] = { ...served[index - 1]!, wholeAtMs: performance.now() };
    });
    response.setHeader('request-id', idOf('req', number));
    await sleep(latencyMs);
    if (request.stream === true) stream(response, reply);
    else json(response, 200, { ...messageOf(reply), content: reply.content, stop_reason: stopReason(reply), usage: reply.usage });
  };

  const server = createServer((message, response) => {
    answer(message, response).catch((error: unknown) => json(response, 400, { type: 'error', error: { message: String(error) } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    served,
    unknown,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface MessagesRequest {
  readonly model: string;
  readonly stream?: boolean;
  readonly tools?: readonly { readonly name: string }[];
  readonly messages: readonly { readonly role: string; readonly content: string | readonly Block[] }[];
}

interface Block {
  readonly type: string;
  readonly text?: string;
}

interface Place {
  readonly script?: string;
  readonly step: number;
}

type Content =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: Readonly<Record<string, unknown>> };

interface Reply {
  readonly id: string;
  readonly model: string;
  readonly content: readonly Content[];
  readonly usage: Usage;
  readonly hangs: boolean;
}

function placeOf({ messages, tools = [] }: MessagesRequest, scripts: Readonly<Record<string, Script>>): Place {
  // Without tools it is the CLI that asks, e.g. for a title, and it quotes the prompt.
  if (tools.length === 0) return { step: 0 };
  let named: string | undefined;
  let step = 0;
  for (const { role, content } of messages) {
    if (role === 'assistant') step += 1;
    if (role !== 'user') continue;
    const texts = typeof content === 'string' ? [content] : content.flatMap(({ type, text = '' }) => (type === 'text' ? [text] : []));
    const name = texts
      .flatMap((text) => [...text.matchAll(/\bscript:([\w-]+)/g)])
      .map((match) => match[1]!)
      .filter((known) => scripts[known] !== undefined)
      .at(-1);
    if (name !== undefined) [named, step] = [name, 0];
  }
  return scripts[named ?? '']?.[step] === undefined ? { step } : { script: named!, step };
}

function wordsOf({ tools = [] }: MessagesRequest, { script, step }: Place, scripts: Readonly<Record<string, Script>>): Say {
  // What asks without tools may want an object; a title is the only one known.
  if (script === undefined) return { text: tools.length > 0 ? 'The script is silent on this.' : '{"title":"A title"}' };
  return scripts[script]![step]!;
}

const contentOf = ({ text, tools = [] }: Say, number: number): readonly Content[] => [
  ...(text === undefined ? [] : [{ type: 'text' as const, text }]),
  ...tools.map(({ name, input }, index) => ({ type: 'tool_use' as const, id: `${idOf('toolu', number)}${index}`, name, input })),
];

/** Different for every answer, so that none can stand for another. */
const usageOf = (number: number): Usage => ({
  input_tokens: 10 + number,
  cache_creation_input_tokens: 200 + number,
  cache_read_input_tokens: 3000 + number,
  output_tokens: 40_000 + number,
});

const idOf = (kind: string, number: number): string => `${kind}_scripted${String(number).padStart(6, '0')}`;
const stopReason = ({ content }: Reply): string => (content.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn');
const messageOf = ({ id, model }: Reply) => ({ id, type: 'message', role: 'assistant', model, stop_sequence: null });

/** As the API does it: output tokens are a placeholder at first, the real number comes last. */
function stream(response: ServerResponse, reply: Reply): void {
  const send = (type: string, data: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  send('message_start', {
    message: { ...messageOf(reply), content: [], stop_reason: null, usage: { ...reply.usage, output_tokens: 1 } },
  });
  for (const [index, block] of reply.content.entries()) {
    send('content_block_start', { index, content_block: emptied(block) });
    send('content_block_delta', { index, delta: deltaOf(block) });
    if (reply.hangs) return;
    send('content_block_stop', { index });
  }
  send('message_delta', { delta: { stop_reason: stopReason(reply), stop_sequence: null }, usage: reply.usage });
  send('message_stop', {});
  response.end();
}

const emptied = (block: Content): Content => (block.type === 'text' ? { ...block, text: '' } : { ...block, input: {} });
const deltaOf = (block: Content): object =>
  block.type === 'text'
    ? { type: 'text_delta', text: block.text }
    : { type: 'input_json_delta', partial_json: JSON.stringify(block.input) };

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function bodyOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function headerOf<Name extends string>(message: IncomingMessage, header: string, name: Name): Partial<Record<Name, string>> {
  const value = message.headers[header];
  return typeof value === 'string' ? ({ [name]: value } as Record<Name, string>) : {};
}
