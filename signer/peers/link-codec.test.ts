import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeerBatch } from '../../proto/gen/signer/v1/peer.ts';
import { decodeBatch, encodeBatch, encodeBody, MAX_BATCH_BYTES, MAX_BODY_BYTES, MAX_SEQUENCE } from './link-codec.ts';
import type { PeerBody } from './peers.ts';

const head = fc.record({
  sequence: fc.bigInt(0n, MAX_SEQUENCE),
  hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});
const body: fc.Arbitrary<PeerBody> = fc.oneof(
  fc
    .record({ stamp: fc.bigInt(0n, (1n << 64n) - 1n), answer: fc.boolean() })
    .map((value): PeerBody => ({ $case: 'heartbeat', value })),
  fc.uint8Array({ maxLength: 300 }).map((digest): PeerBody => ({ $case: 'ask', value: { digest } })),
  fc
    .record({ session: fc.uint8Array(), shares: fc.array(fc.uint8Array({ maxLength: 32 })) })
    .map((value): PeerBody => ({ $case: 'signShares', value })),
);
const bodies = fc.array(body, { minLength: 1, maxLength: 8 });

describe('a batch', () => {
  it('reads back as what was sent, each message with the head', () => {
    fc.assert(
      fc.property(head, bodies, (head, bodies) => {
        expect(decodeBatch(encodeBatch(head, bodies.map(encodeBody)))).toEqual(bodies.map((body) => ({ head, body })));
      }),
    );
  });

  it('is the PeerBatch of the proto file', () => {
    fc.assert(
      fc.property(head, bodies, (head, bodies) => {
        const messages = bodies.map((body) => ({ head, body }));
        expect(PeerBatch.decode(Uint8Array.from(encodeBatch(head, bodies.map(encodeBody)))).messages).toEqual(messages);
        expect(decodeBatch(PeerBatch.encode({ messages }).finish())).toEqual(messages);
      }),
    );
  });

  it('that is damaged is refused or read as messages with heads and bodies, and nothing else happens', () => {
    fc.assert(
      fc.property(
        head,
        bodies,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        fc.nat(),
        (head, bodies, edits, cut) => {
          const bytes = encodeBatch(head, bodies.map(encodeBody));
          for (const [at, value] of edits) bytes[at % bytes.length] = value;
          readsOrThrows(bytes.subarray(0, bytes.length - (cut % bytes.length)));
        },
      ),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), readsOrThrows));
  });

  it('gives byte arrays whose slice is a copy, also from a Buffer', () => {
    const [message] = decodeBatch(
      encodeBatch({ sequence: 1n, hash: new Uint8Array(32) }, [
        encodeBody({ $case: 'ask', value: { digest: Uint8Array.of(7) } }),
      ]),
    );
    if (message?.body.$case !== 'ask') throw new Error('want an ask');
    const { digest } = message.body.value;
    digest.slice().fill(0);
    expect([...digest]).toEqual([7]);
  });

  it('holds the largest body', () => {
    const digest = new Uint8Array(MAX_BODY_BYTES - 10);
    const largest = encodeBody({ $case: 'ask', value: { digest } });
    expect(largest.length).toBeLessThanOrEqual(MAX_BODY_BYTES);
    const sequence = (1n << 64n) - 1n;
    expect(encodeBatch({ sequence, hash: new Uint8Array(32) }, [largest]).length).toBeLessThanOrEqual(MAX_BATCH_BYTES);
  });
});

function readsOrThrows(bytes: Uint8Array): void {
  let messages;
  try {
    messages = decodeBatch(bytes);
  } catch (error) {
    // No RangeError or TypeError, which would look like a mistake of ours.
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
    return;
  }
  expect(messages.length).toBeGreaterThan(0);
  expect(messages.length).toBeLessThanOrEqual(8);
  for (const { head, body } of messages) expect([typeof head, typeof body]).toEqual(['object', 'object']);
}
