/**
 * A thread of threads.ts: one session after another, as it is asked.
 *
 * in:   the task and the world, at the start; a session by message
 * out:  a message that it is there, then one `Outcome` a session
 */
import { parentPort, workerData } from 'node:worker_threads';
import { sessionWorker } from './session-task.ts';
import { type Assignment, refFrom, type ThreadMessage, type ThreadStart } from './threads.ts';

const { task, world } = workerData as ThreadStart;
const port = parentPort!;
const work = sessionWorker(task, world);
const tell = (message: ThreadMessage): void => port.postMessage(message);

port.on('message', ({ index, ref }: Assignment) => tell({ index, outcome: work(refFrom(ref)) }));
tell('ready');
