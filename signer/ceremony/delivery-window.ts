/** Messages under way to one peer. */
const MOST = 256;
/** Half of what may wait for a peer's link (signer/peers/outbox.ts): a backlog never fills it. */
const MOST_BYTES = 4 << 20;

/**
 * What one side has sent and the other has not yet said to be on disk, in order of its numbers. Both sides hold to the
 * same bounds, so that whoever receives more than fits has a peer that breaks them.
 */
export class DeliveryWindow {
  #items: { readonly sequence: bigint; readonly bytes: number }[] = [];
  #bytes = 0;

  /** How many more may be under way. */
  get room(): number {
    return MOST - this.#items.length;
  }

  fits(bytes: number): boolean {
    return this.room > 0 && this.#bytes + bytes <= MOST_BYTES;
  }

  add(sequence: bigint, bytes: number): void {
    this.#items.push({ sequence, bytes });
    this.#bytes += bytes;
  }

  /** Everything numbered up to `sequence` has arrived for good. */
  arrived(sequence: bigint): void {
    const left = this.#items.findIndex((item) => item.sequence > sequence);
    const gone = this.#items.splice(0, left === -1 ? this.#items.length : left);
    this.#bytes -= gone.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
