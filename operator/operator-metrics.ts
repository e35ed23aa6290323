import { Gauge, Registry } from 'prom-client';
import { conditionTypes } from './api/conditions.ts';
import type { Condition } from './api/generated.ts';
import { controllerMeter } from './runtime/controller-metrics.ts';
import type { ControllerMeter } from './runtime/controller-metrics.ts';

/** What the operator measures. */
export type OperatorMeter = ControllerMeter & {
  /** `losses` is how many more signers may go before nothing can be signed; -1 where it cannot be now. */
  wallet(name: string, conditions: readonly Readonly<Condition>[], losses: number): void;
  walletGone(name: string): void;
};

export type OperatorMetrics = { readonly registry: Registry; readonly meter: OperatorMeter };

/** The operator's series: controller-runtime's and client-go's by their names, and the wallets'. */
export function operatorMetrics(): OperatorMetrics {
  const registry = new Registry();
  const registers = [registry];
  const controllers = controllerMeter(registry);
  const conditions = new Gauge({
    name: 'holdfast_wallet_condition',
    help: '1 while the condition of the wallet is True, else 0.',
    labelNames: ['wallet', 'condition'],
    registers,
  });
  const losses = new Gauge({
    name: 'holdfast_wallet_tolerable_losses',
    help: 'Signers that may be lost before nothing can be signed; -1 where nothing can be.',
    labelNames: ['wallet'],
    registers,
  });
  return {
    registry,
    meter: {
      ...controllers,
      wallet(wallet, found, tolerable) {
        for (const condition of conditionTypes.Wallet)
          conditions.set(
            { wallet, condition },
            found.find(({ type }) => type === condition)?.status === 'True' ? 1 : 0,
          );
        losses.set({ wallet }, tolerable);
      },
      walletGone(wallet) {
        for (const condition of conditionTypes.Wallet) conditions.remove({ wallet, condition });
        losses.remove({ wallet });
      },
    },
  };
}
