import { vi } from 'vitest';
import type { ClusterWallet } from './cluster-wallet.ts';

/** What a wallet's events have to say in the end. What follows a first within a minute is told at that minute's end. */
export class Told {
  readonly #expected: { readonly reason: string; readonly words: RegExp }[] = [];

  expect(reason: string, words: RegExp): void {
    this.#expected.push({ reason, words });
  }

  async by(wallet: ClusterWallet): Promise<void> {
    for (const { reason, words } of this.#expected)
      await vi.waitFor(
        async () => {
          const messages = (await wallet.events(wallet.name, reason)).map(({ message }) => message);
          if (!messages.some((message) => words.test(message)))
            throw new Error(`want an event ${reason} like ${words}, got ${messages.join(' | ') || 'none'}`);
        },
        { timeout: 90_000, interval: 500 },
      );
  }
}
