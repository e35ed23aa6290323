import { secretCopy } from '../../common/bytes.ts';
import { FrostKeygen } from './frost-keygen.ts';
import { FrostSigning } from './frost-signing.ts';
import {
  BadCommitment,
  Culprit,
  type FreshCommitment,
  type FrostScheme,
  type KeygenResult,
  type KeyShare,
  type Round1,
  type SigningInput,
} from './scheme.ts';

/** What can be asked of the arithmetic, as values that cross to a thread. `target` names the keygen or key meant. */
export type FrostCall =
  | { op: 'keygen'; scheme: FrostScheme; identifier: number; threshold: number; parties: number }
  | { op: 'round1' }
  | { op: 'round2'; others: ReadonlyMap<number, Round1> }
  | { op: 'round3'; shares: ReadonlyMap<number, Uint8Array> }
  | { op: 'open'; scheme: FrostScheme; key: KeyShare }
  | { op: 'commit'; count: number }
  | { op: 'sign'; nonce: number; input: SigningInput }
  | { op: 'discard'; nonces: readonly number[] }
  | { op: 'aggregate'; input: SigningInput; shares: ReadonlyMap<number, Uint8Array> }
  | { op: 'close' };

export type FrostOp = FrostCall['op'];

export type FrostResults = {
  keygen: undefined;
  round1: Round1;
  round2: ReadonlyMap<number, Uint8Array>;
  round3: KeygenResult;
  open: undefined;
  commit: readonly FreshCommitment[];
  sign: Uint8Array;
  discard: undefined;
  aggregate: Uint8Array;
  close: undefined;
};

export type FrostResult = FrostResults[FrostOp];

/** The keygens and keys of a process, where their arithmetic runs. */
export class FrostHost {
  readonly #keygens = new Map<number, FrostKeygen>();
  readonly #keys = new Map<number, FrostSigning>();

  /** Answers `call` with {@link FrostResults} of its op; throws what the engine throws. */
  run(target: number, call: FrostCall): FrostResult {
    switch (call.op) {
      case 'keygen':
        this.#keygens.set(target, new FrostKeygen(call.scheme, call.identifier, call.threshold, call.parties));
        return undefined;
      case 'round1':
        return this.#keygen(target).round1();
      case 'round2':
        return this.#keygen(target).round2(call.others);
      case 'round3':
        return this.#keygen(target).round3(call.shares);
      case 'open':
        this.#keys.set(target, new FrostSigning(call.scheme, call.key));
        return undefined;
      case 'commit':
        return this.#key(target).commit(call.count);
      case 'sign':
        return this.#key(target).sign(call.nonce, call.input);
      case 'discard':
        this.#key(target).discard(call.nonces);
        return undefined;
      case 'aggregate':
        return this.#key(target).aggregate(call.input, call.shares);
      case 'close':
        this.#keygens.get(target)?.close();
        this.#keys.get(target)?.close();
        this.#keygens.delete(target);
        this.#keys.delete(target);
        return undefined;
    }
  }

  #keygen(target: number): FrostKeygen {
    const run = this.#keygens.get(target);
    if (run === undefined) throw new Error('keygen is closed');
    return run;
  }

  #key(target: number): FrostSigning {
    const key = this.#keys.get(target);
    if (key === undefined) throw new Error('key share is closed');
    return key;
  }
}

/** The secret byte arrays of a call and of a result: moved to the other thread, not copied, and erased here. */
export function secretsOfCall(call: FrostCall): Uint8Array[] {
  if (call.op === 'open') return [call.key.share];
  if (call.op === 'round3') return [...call.shares.values()];
  return [];
}

export function secretsOfResult(op: FrostOp, result: FrostResult): Uint8Array[] {
  if (op === 'round2') return [...(result as FrostResults['round2']).values()];
  if (op === 'round3') return [(result as FrostResults['round3']).key.share];
  return [];
}

/** A deep copy whose byte arrays own exactly their memory: a view would take its whole buffer along when posted. */
export function compact<T>(value: T): T {
  const copy = (v: unknown): unknown => {
    if (v instanceof Uint8Array) return secretCopy(v);
    if (v instanceof Map) return new Map([...v].map(([key, entry]) => [key, copy(entry)]));
    if (Array.isArray(v)) return v.map(copy);
    if (typeof v === 'object' && v !== null)
      return Object.fromEntries(Object.entries(v).map(([key, entry]) => [key, copy(entry)]));
    return v;
  };
  return copy(value) as T;
}

export type FrostRequest = { readonly id: number; readonly target: number; readonly call: FrostCall };
export type FrostReply =
  | { readonly id: number; readonly result: FrostResult }
  | { readonly id: number; readonly error: ErrorParts };

/** An error as it crosses threads: structured cloning keeps neither class nor `identifiers`. */
export type ErrorParts = { readonly name: string; readonly message: string; readonly identifiers: readonly number[] };

export function errorParts(error: unknown): ErrorParts {
  const identifiers = error instanceof Culprit || error instanceof BadCommitment ? error.identifiers : [];
  if (error instanceof Error) return { name: error.name, message: error.message, identifiers };
  return { name: 'Error', message: String(error), identifiers };
}

export function errorOf({ name, message, identifiers }: ErrorParts): Error {
  if (name === 'Culprit') return new Culprit(identifiers, message);
  if (name === 'BadCommitment') return new BadCommitment(identifiers);
  return new Error(message);
}
