import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { messageOf, Refused } from '../../common/errors.ts';
import type { Reason } from '../../common/reasons.ts';
import { databaseFile, GroupWriter, type WriterOptions } from './group-writer.ts';
import { explainFault } from './sqlite-fault.ts';
import type { Change, Head } from './store.ts';

/** A change under the number that its result carries. */
export type WriteRequest = { readonly id: number; readonly change: Change };
/** `error` is "" for a change that is on disk; `reason` is there for one that was refused. */
export type WriteResult = { readonly id: number; readonly error: string; readonly reason?: Reason };
/** What callers see of the writer: the head on disk, and why only spends and bans are written now, or "". */
export type WriterState = { readonly head: Head; readonly problem: string };

export type ToWorker = readonly WriteRequest[] | 'close';
export type FromWorker =
  | ({ readonly kind: 'opened' } & WriterState)
  /** Without results where only the state changed. */
  | ({ readonly kind: 'written'; readonly results: readonly WriteResult[] } & WriterState)
  /** The last message: nothing more is written, and what was under way may or may not be on disk. */
  | { readonly kind: 'broken'; readonly message: string; readonly hints: readonly string[] };

/** Between two looks for room on a full disk: who knows of it asks for nothing to be written. Milliseconds. */
const LOOK_EVERY = 1_000;

if (parentPort === null) throw new Error('the database worker runs as a thread of a signer');
serve(parentPort, workerData as WriterOptions);

function serve(port: MessagePort, options: WriterOptions): void {
  const say = (message: FromWorker): void => port.postMessage(message);
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearInterval(timer);
    port.close();
  };
  const guard = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      const { message, hints } = explainFault(error, databaseFile(options.folder));
      say({ kind: 'broken', message, hints });
      end();
    }
  };
  guard(() => {
    const writer = new GroupWriter(options);
    const state = (): WriterState => ({ head: writer.head, problem: writer.problem });
    say({ kind: 'opened', ...state() });
    timer = setInterval(
      () =>
        guard(() => {
          if (writer.problem === '') return;
          writer.look();
          if (writer.problem === '') say({ kind: 'written', results: [], ...state() });
        }),
      LOOK_EVERY,
    );
    port.on('message', (first: ToWorker) =>
      guard(() => {
        const { requests, closing } = drain(port, first);
        if (requests.length > 0) say({ kind: 'written', results: write(writer, requests), ...state() });
        if (!closing) return;
        writer.close();
        end();
      }),
    );
  });
}

function write(writer: GroupWriter, requests: readonly WriteRequest[]): WriteResult[] {
  const errors = writer.write(requests.map(({ change }) => change));
  return requests.map(({ id }, i) => {
    const error = errors[i];
    if (error === undefined) return { id, error: '' };
    return { id, error: messageOf(error), ...(error instanceof Refused && { reason: error.reason }) };
  });
}

/** Everything that queued up while the last transaction ran: it goes into one. */
function drain(
  port: MessagePort,
  first: ToWorker,
): { readonly requests: readonly WriteRequest[]; readonly closing: boolean } {
  const requests: WriteRequest[] = [];
  for (
    let message: ToWorker | undefined = first;
    message !== undefined;
    message = receiveMessageOnPort(port)?.message
  ) {
    if (message === 'close') return { requests, closing: true };
    requests.push(...message);
  }
  return { requests, closing: false };
}
