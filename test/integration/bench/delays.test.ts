import { expect, it } from 'vitest';
import { startBenchWallet } from '../../bench/bench-wallet.ts';

const delayMs = 40;

it.each([false, true])(
  "signers that are apart sign over links that take their time both ways, the client's too: %s",
  async (delayClient) => {
    const wallet = await startBenchWallet({ t: 2, n: 3, delayMs, delayClient }, ['EdDSA', 'Schnorr']);
    try {
      for (const scheme of ['EdDSA', 'Schnorr'] as const) {
        const start = performance.now();
        const { durations } = await wallet.pay(scheme);
        const whole = performance.now() - start;
        // A lower bound holds on any machine: nothing goes round the proxies.
        expect(durations['round']).toBeGreaterThanOrEqual(2 * delayMs);
        if (delayClient) expect(whole).toBeGreaterThanOrEqual(4 * delayMs);
      }
    } finally {
      await wallet.close();
    }
  },
);
