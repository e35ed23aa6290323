import { keyString } from '../api/resource.ts';
import type { Key } from '../api/resource.ts';

type Subscriber = { readonly pending: Map<string, Key>; wake: () => void };

/** Tells any number of readers which keys changed. A reader that is slow misses states, never a key. */
export class ChangeFeed {
  readonly #subscribers = new Set<Subscriber>();
  readonly #end = new AbortController();

  publish(keys: readonly Key[]): void {
    for (const { pending, wake } of this.#subscribers) {
      for (const key of keys) pending.set(keyString(key), key);
      wake();
    }
  }

  /** What `first` says, then what is published, until `signal` aborts or the feed is closed. */
  async *subscribe(first: () => readonly Key[], signal: AbortSignal): AsyncGenerator<Key, void, undefined> {
    const subscriber: Subscriber = { pending: new Map(first().map((key) => [keyString(key), key])), wake: () => {} };
    const ended = AbortSignal.any([signal, this.#end.signal]);
    const onEnd = (): void => subscriber.wake();
    ended.addEventListener('abort', onEnd);
    this.#subscribers.add(subscriber);
    try {
      while (!ended.aborted) {
        const [next] = subscriber.pending;
        if (next) {
          subscriber.pending.delete(next[0]);
          yield next[1];
        } else
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve;
          });
      }
    } finally {
      this.#subscribers.delete(subscriber);
      ended.removeEventListener('abort', onEnd);
    }
  }

  close(): void {
    this.#end.abort();
  }
}
