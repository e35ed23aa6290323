import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { hex } from '../../common/bytes.ts';
import { parseStatement } from '../../statement/statements.ts';
import { SimulatedWallet } from '../../test/simulation/simulated-wallet.ts';
import { frostScheme, inlineEngine } from '../scheme/frost-scheme.ts';
import type { Scheme } from '../scheme/scheme.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };

/** SHA-256 over a tag and what follows it, each after its length in four bytes. */
function tagged(tag: string, text: string): string {
  const hash = createHash('sha256');
  for (const part of [tag, text]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(part));
    hash.update(length).update(part);
  }
  return hash.digest('hex');
}

it.each(['EdDSA', 'Schnorr'] as const)(
  'a new %s key signs nothing before it is certified but a tagged hash of its transcript',
  async (name) => {
    const engine = inlineEngine();
    const messages: string[] = [];
    const watched: Scheme = {
      ...frostScheme(name, engine),
      async open(share) {
        const key = await frostScheme(name, engine).open(share);
        const sign: typeof key.sign = (nonce, input) => {
          messages.push(hex(input.message));
          return key.sign(nonce, input);
        };
        return {
          sign,
          commit: (count) => key.commit(count),
          discard: (nonces) => key.discard(nonces),
          aggregate: (input, shares) => key.aggregate(input, shares),
          close: () => key.close(),
        };
      },
    };
    const wallet = new SimulatedWallet({ policy, scheme: () => watched });
    await wallet.startAll([{ name: 'key', scheme: name }]);
    await wallet.keyActive('key');
    const [certificate] = wallet.signer('client').facts().certificates;
    const statement = parseStatement('holdfast/certificate/v1', certificate?.statement ?? new Uint8Array());
    const expected = tagged('holdfast/keygen-test/v1', statement.transcript);
    // Two quorums of two cover three holders: four shares.
    expect(messages).toEqual([expected, expected, expected, expected]);
  },
);
