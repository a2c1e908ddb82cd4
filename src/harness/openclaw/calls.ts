/**
 * The entries of a run → its model calls.
 *
 * in:   RawRun
 * out:  ModelCall[]; pure and total
 */
import type { Message, ModelCall, Part } from '../../session/types.ts';
import type { AssistantEntry } from './records.ts';
import { keyOf, type RawRun } from './runs.ts';

/** But for failed ones: these end the run with an error, and had no answer. */
export function modelCallsOf(run: RawRun, content: boolean): readonly ModelCall[] {
  const failedMs = retriedAtMs(run);
  const compactedMs = run.compactions.map(({ atMs }) => atMs);
  const answered = run.calls.filter((call) => call.error === undefined && (call.stopReason !== 'aborted' || hasAnswer(call)));
  const inputs = content ? inputsOf(run, answered) : [];
  return answered.map((call, at) => {
    const previousMs = answered[at - 1]?.atMs ?? 0;
    return {
      // Some providers count their responses from 0 again, some call them all the same.
      id: keyOf(call),
      idIsOurs: true,
      ...(call.responseId !== undefined && { responseId: call.responseId }),
      provider: call.provider,
      model: call.model,
      startedAtMs: call.startedMs,
      endedAtMs: call.atMs,
      finishReason: call.stopReason,
      usage: call.usage,
      costUsd: call.costUsd,
      retries: failedMs.filter((atMs) => previousMs < atMs && atMs <= call.startedMs).length,
      afterCompaction: compactedMs.some((atMs) => previousMs < atMs && atMs <= call.startedMs),
      serverToolCalls: 0,
      ...(content && {
        input: inputs[at]!,
        output: { role: 'assistant', parts: call.parts ?? [] } satisfies Message,
      }),
    };
  });
}

/** When the run began anew because an attempt had failed. What came of that attempt is in no transcript. */
function retriedAtMs({ events }: RawRun): readonly number[] {
  const retried: number[] = [];
  let hasFailed = false;
  for (const event of events) {
    if (event.kind === 'attempt') {
      if (hasFailed) retried.push(event.atMs);
      hasFailed = true;
    } else if (event.kind === 'attempted') hasFailed = event.status !== 'success';
  }
  return retried;
}

const hasAnswer = ({ usage, isEmpty }: AssistantEntry): boolean => (usage?.output ?? 0) > 0 || !isEmpty;

/** Of each call, what is new since the one before: the prompt, what the user added, what tools said. */
function inputsOf({ prompt, steering, results }: RawRun, calls: readonly AssistantEntry[]): readonly (readonly Message[])[] {
  const users = prompt === undefined ? steering : [prompt, ...steering];
  let [said, given] = [0, 0];
  return calls.map((call) => {
    const input: Message[] = [];
    for (; said < users.length && users[said]!.sentMs <= call.startedMs; said++)
      input.push({ role: 'user', parts: users[said]!.parts ?? [] });
    for (; given < results.length && results[given]!.atMs <= call.atMs; given++) {
      const { callId, output } = results[given]!;
      input.push({ role: 'tool', parts: [{ kind: 'tool_result', id: callId, result: output } satisfies Part] });
    }
    return input;
  });
}
