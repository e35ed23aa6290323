import { beforeAll, describe, expect, test } from 'vitest';
import { conditionOf } from '../../operator/api/conditions.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { kill, partition, victim, workers } from './node.ts';
import { SmallVolume } from './small-volume.ts';
import { Told } from './told.ts';
import { Unharmed } from './unharmed.ts';

/*
 * What an SRE sees when signers are lost: the wallet says who is away and why, signs again by itself, and has its keys.
 */

describe('a wallet of two in three outlives', () => {
  let treasury: ClusterWallet;
  let volume: SmallVolume;
  let unharmed: Unharmed;
  const told = new Told();

  beforeAll(async () => {
    const [node = ''] = await workers();
    treasury = await ClusterWallet.prepare('signer-faults', { hsm: true });
    volume = await SmallVolume.of(treasury, 'client', node);
    await treasury.apply();
    // Ready would be later: nothing is lost in the very moment after.
    await treasury.kubectl('wait', 'wallet/treasury', '--for=condition=KeysGenerated', '--timeout=180s');
    unharmed = await Unharmed.since(treasury);
  });

  /** The wallet says of a holder why it is away. */
  const isAway = async (holder: string, why: RegExp): Promise<void> => {
    const said = async (): Promise<string> =>
      (await treasury.resource()).status?.holders?.find(({ name }) => name === holder)?.message ?? '';
    await expect.poll(said).toMatch(why);
    told.expect('SignerUnavailable', new RegExp(`${holder}: .*${why.source}`));
    told.expect('SignerRestored', new RegExp(`${holder} answers and serves again`));
  };

  const isSigned = async (id: string): Promise<boolean> =>
    conditionOf((await treasury.request(id)).status?.conditions, 'Succeeded')?.status === 'True';

  test('the loss of all pods at once, straight after its keys', async () => {
    await treasury.kubectl('delete', 'pods', '-l', 'holdfast.dev/wallet=treasury');
    await treasury.signs('all', 180);
    await treasury.ready();
    await treasury.kubectl('wait', 'signers', '--all', '--for=condition=Ready', '--timeout=120s');
    await unharmed.holds('all');
    for (const holder of ['infrastructure', 'client', 'backup']) {
      told.expect('SignerUnavailable', new RegExp(`${holder}: `));
      told.expect('SignerRestored', new RegExp(`${holder} answers and serves again`));
    }
  });

  test.each(['infrastructure', 'client', 'backup'])('the loss of %s’s pod', async (holder) => {
    await treasury.kubectl('delete', 'pod', `treasury-${holder}-0`);
    await treasury.signs(`without-${holder}`, 120);
    await treasury.kubectl('wait', `signer/treasury-${holder}`, '--for=condition=Ready', '--timeout=120s');
    await unharmed.holds('all', `without-${holder}`);
  });

  test('the loss of its HSM’s sidecar', async () => {
    const ready = async (status: string): Promise<string> =>
      treasury.kubectl('wait', 'signer/treasury-backup', `--for=condition=Ready=${status}`, '--timeout=60s');
    // Kubelet starts it again at once the first time, and then after 10 s.
    const pod = [treasury.namespace, 'treasury-backup-0', 'hsm'] as const;
    const first = await victim(...pod);
    await kill(first);
    await expect
      .poll(async () => (await victim(...pod).catch(() => first)).container, { timeout: 60_000 })
      .not.toBe(first.container);
    await expect
      .poll(async () =>
        kill(await victim(...pod)).then(
          () => 'killed',
          () => 'not yet',
        ),
      )
      .toBe('killed');
    await ready('False');
    await isAway('backup', /Sidecar/);
    await treasury.signs('without-hsm');
    await ready('True');
    await unharmed.holds('all', 'without-hsm');
  });

  test('a full volume of a holder that has to sign', async () => {
    await volume.fill();
    await treasury.askMessage('while-full');
    await isAway('client', /disk/);
    expect(await isSigned('while-full')).toBe(false);
    await volume.empty();
    await treasury.signedMessage('while-full', 60);
    await treasury.signs('after-full');
    await unharmed.holds('all', 'while-full');
  });

  test('a holder that the network keeps from the others', async () => {
    const heal = await partition(treasury.namespace, 'treasury-client');
    try {
      await isAway('client', /no answer/);
      await treasury.askMessage('while-apart');
      const reason = async (): Promise<string> =>
        conditionOf((await treasury.request('while-apart')).status?.conditions, 'Finished')?.reason ?? '';
      // Who is asked before the silence is noticed may have let its shares go, for all that the others know.
      await expect.poll(reason).toMatch(/QuorumUnavailable|SignatureMayExist/);
      expect(await isSigned('while-apart')).toBe(false);
    } finally {
      await heal();
    }
    await treasury.signedMessage('while-apart', 60);
    await treasury.ready(60);
    await unharmed.holds('all', 'while-apart');
  });

  test('and its events tell of each', async () => {
    await told.by(treasury);
  });
});
