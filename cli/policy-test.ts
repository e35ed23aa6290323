import { base58 } from '@scure/base';
import { Address } from '@scure/btc-signer';
import { fromHex, quote } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { ethereumAddressProblem } from '../policy/decode/ethereum-address.ts';
import { bitcoinNetworks } from '../policy/decode/networks.ts';
import { atPath } from '../policy/decode-at.ts';
import { decode } from '../policy/decode/decode.ts';
import { parsePolicy, policyDocument } from '../policy/document.ts';
import type { Policy } from '../policy/document.ts';
import type { Payload, PublicKey } from '../policy/effect.ts';
import { PolicyInvalid } from '../policy/policy-invalid.ts';
import { checkChild, childPath } from './child-path.ts';
import { exitCodes } from './exit-codes.ts';
import { judgementLines } from './inspect.ts';
import { judge } from './judgement.ts';
import { problemsOf, readManifestFile } from './manifest-file.ts';
import { noPayload, readPayload } from './payload.ts';
import type { PayloadOptions } from './payload-options.ts';
import type { Session } from './session.ts';

export type PolicyTestOptions = PayloadOptions & {
  readonly address?: string;
  readonly path?: string;
  readonly filename?: string;
  readonly initiator?: string;
  readonly output?: 'json';
};

/** Gives a verdict without a wallet. */
export async function policyTest(session: Session, file: string, options: PolicyTestOptions): Promise<void> {
  const policy = await readPolicyFile(file);
  const request =
    options.filename === undefined ? undefined : await readManifestFile('SigningRequest', options.filename);
  const initiator = options.initiator ?? request?.spec.initiator.name ?? policy.initiators[0]?.name ?? '';
  if (!policy.initiators.some(({ name }) => name === initiator))
    throw new UserError(`${file}: the policy has no initiator ${quote(initiator)}`, [
      `it has ${policy.initiators.map(({ name }) => name).join(', ')}`,
    ]);
  const { transaction, psbt, message, digest } = options;
  if (request === undefined && [transaction, psbt, message, digest].every((given) => given === undefined))
    throw noPayload('judge', ', or a request: -f FILE');
  const path = childPath(options.path ?? request?.spec.path);
  const publicKey = publicKeyOf(options, request?.spec.payload.format, path);
  checkChild(path, publicKey.scheme, 'the address');
  const payload: Payload =
    request === undefined ? await readPayload(options, publicKey, session.signal) : payloadOf(request.spec.payload);
  const judgement = judge({
    policy,
    decode: () => atPath(decode(payload, publicKey), path),
    key: request?.spec.key ?? '',
    initiator,
  });
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
function publicKeyOf(
  { address, psbt, digest }: PolicyTestOptions,
  format: Payload['format'] | undefined,
  path: string,
): PublicKey {
  if (address === undefined) {
    if (digest !== undefined || format === 'Digest')
      return { scheme: path === '' ? 'EdDSA' : 'ECDSA', bytes: new Uint8Array(path === '' ? 32 : 33) };
    throw new UserError(
      '--address: say of which key, since effects depend on it',
      [
        psbt !== undefined || format === 'PSBT'
          ? 'like bc1p..., or the public key of an ECDSA key in hex'
          : 'the address that pays',
        'holdfast address WALLET KEY shows it',
      ],
      exitCodes.usage,
    );
  }
  // An ECDSA key signs transactions alike whosever they are; what change returns to follows from the key alone.
  if (ethereumAddressProblem(address) === undefined) return { scheme: 'ECDSA', bytes: new Uint8Array(33) };
  if (/^0[23][0-9a-f]{64}$/.test(address)) return { scheme: 'ECDSA', bytes: fromHex(address) };
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
    `--address: want an address of Solana or Ethereum, a taproot address of Bitcoin, or an ECDSA public key, got ${quote(address)}`,
    address.startsWith('0x') ? [ethereumAddressProblem(address) ?? ''] : [],
    exitCodes.usage,
  );
}
