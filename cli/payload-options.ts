import { Option } from 'commander';
import type { Command } from 'commander';
import { chainNames } from './chains.ts';

export type PayloadOptions = {
  readonly transaction?: string;
  readonly psbt?: string;
  readonly message?: string;
  readonly digest?: string;
  readonly chain?: string;
};

/** The options that say what to sign. */
export const withPayload = (command: Command): Command =>
  command
    .addOption(
      new Option('--transaction <file|hex>', 'a transaction, for Ethereum the unsigned one').conflicts([
        'psbt',
        'message',
        'digest',
      ]),
    )
    .addOption(new Option('--psbt <file|hex>', 'a Bitcoin PSBT').conflicts(['message', 'digest']))
    .addOption(
      new Option('--message <text|@file>', 'a message: off-chain on Solana, personal (EIP-191) on Ethereum').conflicts([
        'digest',
      ]),
    )
    .option('--digest <hex>', 'raw bytes, which only a rule that names Digest allows')
    .option('--chain <chain>', `${Object.keys(chainNames).join(', ')}, or CAIP-2 (default: the main network)`);
