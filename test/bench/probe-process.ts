/**
 * Looks at signers once a second, apart from the client and its load: their resident memory, and how long their
 * event loops make a caller of /healthz wait. Answers each message with what it saw since the last.
 */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setInterval } from 'node:timers';
import { median, percentiles } from './percentiles.ts';
import { residentBytes } from './resident-bytes.ts';

export type ProbeOrder =
  | { readonly kind: 'watch'; readonly signers: readonly { readonly pid: number; readonly metricsPort: number }[] }
  | { readonly kind: 'tell' };

/** One signer since the last answer; times in ms. */
export type Probed = {
  readonly rssBytes: number;
  readonly mostRssBytes: number;
  readonly answerMs: number;
  readonly mostAnswerMs: number;
};

type Watched = { readonly pid: number; readonly metricsPort: number; resident: number[]; answers: number[] };

let watched: readonly Watched[] = [];

async function look(signer: Watched): Promise<void> {
  signer.resident.push(residentBytes(signer.pid));
  const start = performance.now();
  // A connection of its own: one that was kept is closed by the signer just as a late probe uses it again.
  const request = get({ port: signer.metricsPort, host: '127.0.0.1', path: '/healthz', agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  await once(response.resume(), 'end');
  signer.answers.push(performance.now() - start);
}

function tell(signer: Watched): Probed {
  const rssBytes = residentBytes(signer.pid);
  const { resident, answers } = signer;
  [signer.resident, signer.answers] = [[], []];
  return {
    rssBytes,
    mostRssBytes: Math.max(rssBytes, ...resident),
    answerMs: answers.length === 0 ? 0 : median(answers),
    mostAnswerMs: answers.length === 0 ? 0 : percentiles(answers).p99,
  };
}

process.on('message', (order: ProbeOrder) => {
  switch (order.kind) {
    case 'watch':
      watched = order.signers.map((signer) => ({ ...signer, resident: [], answers: [] }));
      setInterval(() => {
        for (const signer of watched) void look(signer);
      }, 1_000);
      process.send?.([]);
      return;
    case 'tell':
      process.send?.(watched.map(tell));
  }
});
process.on('disconnect', () => process.exit(0));
