import { type FaultReason, TokenFault } from './token-fault.ts';

/** What the token's thread can be asked. */
export type TokenCall =
  | { readonly op: 'check' }
  | { readonly op: 'prepare'; readonly nothingSealed: boolean }
  | { readonly op: 'wrap'; readonly dataKey: Uint8Array; readonly associated: readonly string[] }
  | { readonly op: 'unwrap'; readonly wrapped: Uint8Array; readonly associated: readonly string[] }
  | { readonly op: 'sign'; readonly message: Uint8Array }
  | { readonly op: 'random'; readonly length: number };

/** `made` names keys that `prepare` made; `bytes` is then the audit key. */
export type TokenResult = { readonly bytes: Uint8Array; readonly made: readonly string[] };

export type TokenRequest = { readonly id: number; readonly call: TokenCall };
export type TokenReply = { readonly id: number } & (
  | { readonly result: TokenResult }
  | { readonly fault: { readonly reason: FaultReason; readonly message: string } }
);

const KEY_BYTES = 32;
const WRAPPED_BYTES = 1 + 12 + KEY_BYTES + 16;
const MOST_WORDS = 16;
const MOST_WORD_LENGTH = 256;
const MOST_BYTES = 1024;

/** Throws Malformed where `call` is not one that the sidecar answers. */
export function checkCall(call: TokenCall): void {
  const want = (holds: boolean, message: string): void => {
    if (!holds) throw new TokenFault('Malformed', message);
  };
  if (call.op === 'wrap')
    want(call.dataKey.length === KEY_BYTES, `want a data key of ${KEY_BYTES} bytes, got ${call.dataKey.length}`);
  if (call.op === 'unwrap')
    want(
      call.wrapped.length === WRAPPED_BYTES && call.wrapped[0] === 1,
      `want ${WRAPPED_BYTES} bytes of version 1, got ${call.wrapped.length} of version ${call.wrapped[0] ?? 'none'}`,
    );
  if (call.op === 'wrap' || call.op === 'unwrap') {
    const { associated } = call;
    want(
      associated.length > 0 && associated.length <= MOST_WORDS,
      `want 1 to ${MOST_WORDS} words, got ${associated.length}`,
    );
    want(
      associated.every((word) => word.length <= MOST_WORD_LENGTH),
      `want words of at most ${MOST_WORD_LENGTH} characters`,
    );
  }
  if (call.op === 'sign')
    want(
      call.message.length > 0 && call.message.length <= MOST_BYTES,
      `want a head of 1 to ${MOST_BYTES} bytes, got ${call.message.length}`,
    );
  if (call.op === 'random')
    want(call.length > 0 && call.length <= MOST_BYTES, `want 1 to ${MOST_BYTES} bytes, got ${call.length}`);
}
