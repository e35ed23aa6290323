/** Messages under way to one peer. */
const MOST = 256;
/** Half of what may wait for a peer's link (signer/peers/outbox.ts): a backlog never fills it. */
const MOST_BYTES = 4 << 20;

/**
 * What one side has sent and the other has not yet said to be on disk, by its number. Both sides hold to the same
 * bounds, so that whoever receives more than fits has a peer that breaks them.
 */
export class DeliveryWindow {
  readonly #items = new Map<bigint, number>();
  #bytes = 0;

  /** How many more may be under way. */
  get room(): number {
    return MOST - this.#items.size;
  }

  fits(bytes: number): boolean {
    return this.room > 0 && this.#bytes + bytes <= MOST_BYTES;
  }

  has(sequence: bigint): boolean {
    return this.#items.has(sequence);
  }

  add(sequence: bigint, bytes: number): void {
    this.#items.set(sequence, bytes);
    this.#bytes += bytes;
  }

  remove(sequence: bigint): void {
    this.#bytes -= this.#items.get(sequence) ?? 0;
    this.#items.delete(sequence);
  }

  /** Removes everything numbered up to `sequence`. */
  removeTo(sequence: bigint): void {
    for (const known of this.#items.keys()) if (known <= sequence) this.remove(known);
  }
}
