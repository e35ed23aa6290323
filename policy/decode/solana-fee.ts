import { Refused } from '../../common/errors.ts';
import { BytesReader } from './bytes-reader.ts';
import type { SolanaInstruction, SolanaMessage } from './solana-message.ts';

export const computeBudgetProgram = 'ComputeBudget111111111111111111111111111111';

const lamportsPerSignature = 5_000n;
// Without a limit each instruction is given this much. Built-in programs are given less since 2025: the worst case counts.
const defaultUnits = 200_000n;
const mostUnits = 1_400_000n;
const microLamports = 1_000_000n;

// Programs that check further signatures, each at the price of one; their data begins with how many.
const signaturePrograms: ReadonlySet<string> = new Set([
  'Ed25519SigVerify111111111111111111111111111',
  'KeccakSecp256k11111111111111111111111111111',
  'Secp256r1SigVerify1111111111111111111111111',
]);

/** The most lamports that whoever pays for `message` pays: for its signatures, and for priority. */
export function worstFee({ signers, instructions }: SolanaMessage): bigint {
  const { units, price } = readBudget(instructions);
  const limit = units ?? defaultUnits * BigInt(instructions.length);
  const bounded = limit < mostUnits ? limit : mostUnits;
  const checked = instructions
    .filter(({ program }) => signaturePrograms.has(program))
    .reduce((sum, { data }) => sum + (data[0] ?? 0), 0);
  const priority = (price * bounded + microLamports - 1n) / microLamports;
  return BigInt(signers.length + checked) * lamportsPerSignature + priority;
}

/** Units of computation asked for, if any, and the price in micro-lamports a unit. */
function readBudget(instructions: readonly SolanaInstruction[]): { units: bigint | undefined; price: bigint } {
  const values = new Map<number, bigint>();
  for (const { program, data, index } of instructions) {
    if (program !== computeBudgetProgram) continue;
    const at = `instruction ${index} (compute budget)`;
    const reader = new BytesReader(data);
    const kind = reader.u8(at);
    if (kind === 0 || kind > setLoadedAccounts)
      throw new Refused('Unsupported', `${at}: want instruction 1 to ${setLoadedAccounts}, got ${kind}`);
    const value = kind === setPrice ? reader.u64(at) : BigInt(reader.u32(at));
    reader.end(at);
    // The chain refuses a second one of a kind.
    if (values.has(kind)) throw new Refused('Malformed', `${at}: sets what another instruction has set`);
    values.set(kind, value);
  }
  return { units: values.get(setLimit), price: values.get(setPrice) ?? 0n };
}

// 1 is RequestHeapFrame, which costs nothing.
const setLimit = 2;
const setPrice = 3;
const setLoadedAccounts = 4;
