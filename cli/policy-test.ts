import { base58 } from '@scure/base';
import { Address } from '@scure/btc-signer';
import { Option } from 'commander';
import type { Command } from 'commander';
import { fromHex, quote } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { bitcoinNetworks } from '../policy/decode/networks.ts';
import { parsePolicy, policyDocument } from '../policy/document.ts';
import type { Policy } from '../policy/document.ts';
import type { Payload, PublicKey } from '../policy/effect.ts';
import { PolicyInvalid } from '../policy/policy-invalid.ts';
import { examples } from './examples.ts';
import { exitCodes } from './exit-codes.ts';
import { judgementLines } from './inspect.ts';
import { judge } from './judgement.ts';
import { problemsOf, readManifestFile } from './manifest-file.ts';
import { readPayload, withPayload } from './payload.ts';
import type { PayloadOptions } from './payload.ts';
import type { Session } from './session.ts';

type Options = PayloadOptions & {
  readonly address?: string;
  readonly filename?: string;
  readonly initiator?: string;
  readonly output?: 'json';
};

/** `holdfast policy test`: a verdict without a wallet. */
export function addPolicyTest(program: Command, session: Session): void {
  withPayload(program.command('test'))
    .summary('say what a policy makes of a payload, offline')
    .description(
      'Says whether a SigningPolicy allows a payload, and why, by the code that signers run. Needs no wallet. Limits are ' +
        'judged as if nothing had been spent. Exit code 0: allowed, 3: denied, 4: allowed once more is there.',
    )
    .argument('<file>', 'manifest with one SigningPolicy')
    .option(
      '--address <address>',
      "address of the key that would sign: the transaction's payer, or where change returns to",
    )
    .option('-f, --filename <file>', 'take the payload of a SigningRequest manifest')
    .option('--initiator <name>', 'who would ask (default: the first of the policy)')
    .addOption(new Option('-o, --output <format>', 'for scripts').choices(['json']))
    .addHelpText(
      'after',
      examples(
        'holdfast policy test policy.yaml --transaction payment.bin --address 9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin',
        'holdfast policy test policy.yaml -f request.yaml --address 9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin -o json',
        'holdfast policy test policy.yaml --digest 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff',
      ),
    )
    .action((file: string, options: Options) => policyTest(session, file, options));
}

async function policyTest(session: Session, file: string, options: Options): Promise<void> {
  const policy = await readPolicyFile(file);
  const request =
    options.filename === undefined ? undefined : await readManifestFile('SigningRequest', options.filename);
  const initiator = options.initiator ?? request?.spec.initiator.name ?? policy.initiators[0]?.name ?? '';
  if (!policy.initiators.some(({ name }) => name === initiator))
    throw new UserError(`${file}: the policy has no initiator ${quote(initiator)}`, [
      `it has ${policy.initiators.map(({ name }) => name).join(', ')}`,
    ]);
  const publicKey = publicKeyOf(options, request?.spec.payload.format);
  const payload: Payload =
    request === undefined ? await readPayload(options, publicKey) : payloadOf(request.spec.payload);
  const judgement = judge({ policy, payload, publicKey, key: request?.spec.key ?? '', initiator });
  if (options.output === 'json') session.print(JSON.stringify(judgement, undefined, 2));
  else for (const [name, text] of judgementLines(session, judgement)) session.print(`${name.padEnd(10)} ${text}`);
  session.exitWith(judgement.verdict === 'Allow' ? exitCodes.ok : exitCodes.denied);
}

const payloadOf = ({
  chain = '',
  format,
  data,
}: {
  readonly chain?: string;
  readonly format: Payload['format'];
  readonly data: string;
}): Payload => ({
  chain,
  format,
  data: fromHex(data.slice(2), 'data'),
});

async function readPolicyFile(file: string): Promise<Policy> {
  const { spec } = await readManifestFile('SigningPolicy', file);
  try {
    return parsePolicy(policyDocument(spec));
  } catch (error) {
    if (!(error instanceof PolicyInvalid)) throw error;
    throw problemsOf(
      file,
      error.problems.map(({ path, message }) => ({ path: `spec.${path}`, message })),
    );
  }
}

/** The key that an address is of. Digests are judged alike whosever they are. */
function publicKeyOf({ address, psbt, digest }: Options, format: Payload['format'] | undefined): PublicKey {
  if (address === undefined) {
    if (digest !== undefined || format === 'Digest') return { scheme: 'EdDSA', bytes: new Uint8Array(32) };
    throw new UserError(
      '--address: say of which key, since effects depend on it',
      [
        psbt !== undefined || format === 'PSBT' ? 'like bc1p...' : 'the address that pays',
        'holdfast address WALLET KEY shows it',
      ],
      exitCodes.usage,
    );
  }
  for (const network of bitcoinNetworks.values()) {
    try {
      const decoded = Address(network).decode(address);
      if (decoded.type === 'tr') return { scheme: 'Schnorr', bytes: decoded.pubkey };
    } catch {
      // Of another network, or of none.
    }
  }
  try {
    const bytes = base58.decode(address);
    if (bytes.length === 32) return { scheme: 'EdDSA', bytes };
  } catch {
    // Not base58 either.
  }
  throw new UserError(
    `--address: want an address of Solana or a taproot address of Bitcoin, got ${quote(address)}`,
    [],
    exitCodes.usage,
  );
}
