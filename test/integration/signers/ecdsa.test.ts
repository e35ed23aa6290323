import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromHex } from '../../../common/bytes.ts';
import { keyAt } from '../../../policy/child-key.ts';
import { parseStatement } from '../../../statement/statements.ts';
import { verifyEcdsa } from '../../../statement/secp256k1.ts';
import { ProcessWallet } from './processes.ts';

describe('an ECDSA key of signer processes', () => {
  let wallet: ProcessWallet;
  beforeAll(async () => {
    wallet = await ProcessWallet.start({ keys: [{ name: 'ethereum', scheme: 'ECDSA' }] });
  });
  afterAll(() => wallet.close());

  it.each(['', 'm/0/7'])('signs at path %j', async (path) => {
    const reply = await wallet.sign('infrastructure', wallet.request(`at-${path.length}`, { path }));
    expect(reply, reply.message).toMatchObject({ outcome: 'signed', participants: ['infrastructure', 'client'] });
    const [certificate] = (await (await wallet.client('client')).getWallet()).certificates;
    const { publicKey, chainCode } = parseStatement(
      'holdfast/certificate/v1',
      certificate?.statement ?? new Uint8Array(),
    );
    const root = { scheme: 'ECDSA', bytes: fromHex(publicKey), chainCode: fromHex(chainCode) } as const;
    const [signed] = reply.signatures;
    expect(
      verifyEcdsa(keyAt(root, path).bytes, signed?.message ?? new Uint8Array(), signed?.signature ?? new Uint8Array()),
    ).toBe(true);
  });
});
