/**
 * A model that says what a script tells it to: OpenAI's Responses API, streamed, on a free port of 127.0.0.1.
 *
 * in:   scripts by name; a prompt names its script (`script:tools`)
 * out:  what it served, in order: ids and usage
 *
 * The script is the last one that a text of the user, or of another agent, names; its answers come one after another.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Say {
  readonly text?: string;
  readonly tools?: readonly Tool[] | ((input: string) => readonly Tool[]);
}

export interface Tool {
  readonly name: string;
  readonly namespace?: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export type Script = readonly Say[];

export interface Served {
  readonly script: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface ResponsesServer {
  readonly url: string;
  readonly served: readonly Served[];
  readonly stop: () => Promise<void>;
}

export async function startResponsesServer(scripts: Readonly<Record<string, Script>>): Promise<ResponsesServer> {
  const served: Served[] = [];
  const answer = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(message);
    if (message.method !== 'POST' || !message.url!.endsWith('/responses')) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"not found"}}');
      return;
    }
    const { model, input } = JSON.parse(body) as { model: string; input: readonly Item[] };
    const script = scriptNamedIn(input);
    const step = served.filter((one) => one.script === script).length;
    const say = scripts[script]?.[step] ?? { text: 'I have no words for that.' };
    const number = served.length + 1;
    const usage = { inputTokens: 1000 * number, outputTokens: 10 * number };
    served.push({ script, ...usage });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const [type, data] of events(`resp_${number}`, model, itemsOf(say, number, body), usage))
      response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
    response.end();
  };
  const server = createServer((message, response) => {
    answer(message, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    served,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Item {
  readonly type?: string;
  readonly role?: string;
}

const scriptNamedIn = (input: readonly Item[]): string => {
  const prompts = input.filter(({ type, role }) => type === 'agent_message' || (type === 'message' && role === 'user'));
  return [...JSON.stringify(prompts).matchAll(/script:(\w+)/g)].at(-1)?.[1] ?? '';
};

const itemsOf = ({ text, tools = [] }: Say, number: number, body: string): readonly object[] => [
  ...(text === undefined
    ? []
    : [
        {
          type: 'message',
          id: `msg_${number}`,
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text, annotations: [] }],
        },
      ]),
  ...(typeof tools === 'function' ? tools(body) : tools).map(({ name, namespace, input }, index) => ({
    type: 'function_call',
    id: `fc_${number}_${index}`,
    call_id: `call_${number}_${index}`,
    name,
    ...(namespace !== undefined && { namespace }),
    arguments: JSON.stringify(input),
    status: 'completed',
  })),
];

function events(
  id: string,
  model: string,
  output: readonly object[],
  { inputTokens, outputTokens }: Omit<Served, 'script'>,
): readonly (readonly [string, object])[] {
  const usage = {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  };
  return [
    ['response.created', { response: { id, object: 'response', status: 'in_progress', model } }],
    ...output.map((item, index) => ['response.output_item.done', { output_index: index, item }] as const),
    ['response.completed', { response: { id, object: 'response', status: 'completed', model, output, usage } }],
  ];
}

async function bodyOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
