/**
 * Prints, as JSON, the bytes that a wallet's signers keep of each request once it is over: what live objects grew by over
 * many requests, less what is on their simulated disks. Needs node --expose-gc.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Dice } from './dice.ts';
import { SimulatedWallet } from './simulated-wallet.ts';
import { VirtualWorld } from './virtual-world.ts';

/** Caches of recent requests are full, and code is compiled, after as many. */
const WARM_UP = 1_500;
const MEASURED = 3_000;
const BATCH = 50;
/** By then every message has arrived, every timer has fired or is forgotten, and every window has passed. */
const QUIET_MS = 120_000;

const { gc } = globalThis;
if (gc === undefined) throw new Error('want node --expose-gc');

const world = new VirtualWorld(new Dice(1));
const wallet = new SimulatedWallet({
  world,
  // The rest of a batch is denied, which ends otherwise than being signed; then the window passes.
  policy: {
    rules: [
      { name: 'any', verdict: 'Allow', match: { kinds: ['Digest'] }, limits: [{ count: (BATCH * 4) / 5, per: '1m' }] },
    ],
  },
});
const started = wallet.startAll([{ name: 'solana', scheme: 'EdDSA' }]);
const isActive = ({ name }: { readonly name: string }): boolean =>
  wallet.running(name) && wallet.signer(name).describe().keys[0]?.state === 'Active';
if (!(await world.until(() => wallet.holders.every(isActive), 60_000)))
  throw new Error('the key did not become active');
await started;

let last = 0;
const ended: Record<string, number> = {};
async function batch(): Promise<void> {
  let open = BATCH;
  for (let i = 0; i < BATCH; i++) {
    void wallet.sign('infrastructure', wallet.request({ id: `request-${++last}` })).then(({ outcome }) => {
      ended[outcome] = (ended[outcome] ?? 0) + 1;
      open--;
    });
  }
  if (!(await world.until(() => open === 0, 60_000))) throw new Error(`${open} requests did not end`);
  await world.pass(QUIET_MS);
  for (const { name } of wallet.holders) empty(name);
}

/** Takes everything off a disk but what a signer needs to go on; numbers of records and releases stay. */
function empty(holder: string): void {
  const { requests, ledger, nonces, releases, audit } = wallet.disk(holder);
  requests.clear();
  ledger.clear();
  nonces.clear();
  audit.splice(0, audit.length - 1);
  const [first] = releases;
  if (first !== undefined) releases.fill(first, 0, -1);
}

async function live(): Promise<number> {
  await nextTurn();
  await gc?.({ type: 'major', execution: 'async' });
  await gc?.({ type: 'major', execution: 'async' });
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

while (last < WARM_UP) await batch();
const before = await live();
while (last < WARM_UP + MEASURED) await batch();
const after = await live();
process.stdout.write(`${JSON.stringify({ ended, bytesPerRequest: Math.round((after - before) / MEASURED) })}\n`);
