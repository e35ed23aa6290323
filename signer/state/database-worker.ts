import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../common/errors.ts';
import { databaseFile, GroupWriter, type WriterOptions } from './group-writer.ts';
import { explainFault } from './sqlite-fault.ts';
import type { Change, Head } from './store.ts';

/** A change under the number that its result carries. */
export type WriteRequest = { readonly id: number; readonly change: Change };
/** `error` is "" for a change that is on disk. */
export type WriteResult = { readonly id: number; readonly error: string };

export type ToWorker = readonly WriteRequest[] | 'close';
export type FromWorker =
  | { readonly kind: 'opened'; readonly head: Head }
  | { readonly kind: 'written'; readonly results: readonly WriteResult[]; readonly head: Head }
  /** The last message: nothing more is written, and what was under way may or may not be on disk. */
  | { readonly kind: 'broken'; readonly message: string; readonly hints: readonly string[] };

if (parentPort === null) throw new Error('the database worker runs as a thread of a signer');
serve(parentPort, workerData as WriterOptions);

function serve(port: MessagePort, options: WriterOptions): void {
  const say = (message: FromWorker): void => port.postMessage(message);
  const guard = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      const { message, hints } = explainFault(error, databaseFile(options.folder));
      say({ kind: 'broken', message, hints });
      port.close();
    }
  };
  guard(() => {
    const writer = new GroupWriter(options);
    say({ kind: 'opened', head: writer.head });
    port.on('message', (first: ToWorker) =>
      guard(() => {
        const { requests, closing } = drain(port, first);
        if (requests.length > 0) say({ kind: 'written', results: write(writer, requests), head: writer.head });
        if (!closing) return;
        writer.close();
        port.close();
      }),
    );
  });
}

function write(writer: GroupWriter, requests: readonly WriteRequest[]): WriteResult[] {
  const errors = writer.write(requests.map(({ change }) => change));
  return requests.map(({ id }, i) => ({ id, error: errors[i] === undefined ? '' : messageOf(errors[i]) }));
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
