import { compact, type FrostCall, FrostHost, type FrostOp, type FrostResults } from './frost-calls.ts';
import type { FrostScheme, KeygenRun, KeyShare, Scheme, SigningKey } from './scheme.ts';
import { verifySignature } from './verify.ts';

/** Where FROST's arithmetic runs. Keeps nothing of the caller's: arguments are copied before `call` returns. */
export type FrostEngine = {
  call<Op extends FrostOp>(target: number, call: Extract<FrostCall, { op: Op }>): Promise<FrostResults[Op]>;
};

/** Nonces made in one piece of work: more would make signatures wait behind a refill. */
const COMMIT_CHUNK = 8;

let lastTarget = 0;

/** `name` over an engine. */
export function frostScheme(name: FrostScheme, engine: FrostEngine): Scheme {
  return {
    name,
    engine: 'noble',
    keygen: (identifier, threshold, parties) =>
      keygenRun(engine, { op: 'keygen', scheme: name, identifier, threshold, parties }),
    async open(key: KeyShare): Promise<SigningKey> {
      const target = ++lastTarget;
      await engine.call<'open'>(target, { op: 'open', scheme: name, key });
      return signingKey(engine, target);
    },
    verify: (publicKey, message, signature) => verifySignature(name, publicKey, message, signature),
  };
}

function keygenRun(engine: FrostEngine, start: Extract<FrostCall, { op: 'keygen' }>): KeygenRun {
  const target = ++lastTarget;
  const started = engine.call<'keygen'>(target, start);
  ignore(started); // round1 reports it
  return {
    async round1() {
      await started;
      return engine.call<'round1'>(target, { op: 'round1' });
    },
    round2: (others) => engine.call<'round2'>(target, { op: 'round2', others }),
    round3: (shares) => engine.call<'round3'>(target, { op: 'round3', shares }),
    close: () => close(engine, target),
  };
}

function signingKey(engine: FrostEngine, target: number): SigningKey {
  return {
    async commit(count) {
      const chunks = Array.from({ length: Math.ceil(count / COMMIT_CHUNK) }, (_, i) =>
        Math.min(COMMIT_CHUNK, count - i * COMMIT_CHUNK),
      );
      const made = await Promise.all(chunks.map((n) => engine.call<'commit'>(target, { op: 'commit', count: n })));
      return made.flat();
    },
    sign: (nonce, input) => engine.call<'sign'>(target, { op: 'sign', nonce, input }),
    discard(nonces) {
      if (nonces.length > 0) ignore(engine.call<'discard'>(target, { op: 'discard', nonces }));
    },
    aggregate: (input, shares) => engine.call<'aggregate'>(target, { op: 'aggregate', input, shares }),
    close: () => close(engine, target),
  };
}

const close = (engine: FrostEngine, target: number): void => ignore(engine.call<'close'>(target, { op: 'close' }));

/** Leaves a failure to others: where the engine itself failed, its owner is told. */
function ignore(done: Promise<unknown>): void {
  done.catch(() => {});
}

/** An engine on the caller's own thread: for tests and tools, as a share blocks the event loop for milliseconds. */
export function inlineEngine(): FrostEngine {
  const host = new FrostHost();
  return {
    async call<Op extends FrostOp>(target: number, call: Extract<FrostCall, { op: Op }>) {
      return host.run(target, compact(call)) as FrostResults[Op];
    },
  };
}
