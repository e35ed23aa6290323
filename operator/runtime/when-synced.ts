/** Keeps a copy of what a server has. */
type Copy = {
  /** Resolves once all that is there is known. */
  readonly synced: Promise<unknown>;
  close(): Promise<void>;
};

/** Resolves with `copy` once it knows what is there; closes it where `signal` aborts before, or it fails, and rejects. */
export async function whenSynced<T extends Copy>(copy: T, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  try {
    signal.throwIfAborted();
    await Promise.race([copy.synced, aborted]);
    return copy;
  } catch (error) {
    await copy.close();
    throw error;
  }
}
