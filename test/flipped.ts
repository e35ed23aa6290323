/** `bytes` with one bit changed; none where there are no bytes. */
export const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const at = (bit >> 3) % Math.max(1, bytes.length);
  return bytes.map((byte, i) => (i === at ? byte ^ (1 << (bit & 7)) : byte));
};
