import { amountPattern } from './amount.ts';
import { durationForm, listOf, recordOf, textOf, wholeOf, wordOf } from './document-forms.ts';
import type { Form } from './document-forms.ts';
import { effectKinds } from './effect.ts';

/*
 * The shape of a policy document: what crds/signingpolicies.yaml asks of a spec, bound by bound, checked again by
 * every signer because the document reaches it from an operator that is not trusted.
 */
const name = textOf(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 63, 'lowercase letters, digits and inner hyphens');
const label = textOf(
  /^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$/,
  63,
  'letters, digits and inner hyphens, dots or underscores',
);
const amount = textOf(amountPattern, 60, 'a decimal number like "0.02", without sign or exponent');
const chain = textOf(/^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/, 41, 'a CAIP-2 chain like eip155:1');
const account = textOf(
  /^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}:[-.%a-zA-Z0-9]{1,128}$/,
  171,
  'a CAIP-10 account like eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb',
);
const assetId = textOf(
  /^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}\/[-a-z0-9]{3,8}:[-.%a-zA-Z0-9]{1,128}(\/[-.%a-zA-Z0-9]{1,78})?$/,
  256,
  'a CAIP-19 asset like eip155:1/slip44:60',
);
const sshKey = textOf(
  /^(ssh-ed25519|ecdsa-sha2-nistp256|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/]+={0,2}( .*)?$/,
  1024,
  'an SSH public key like "ssh-ed25519 AAAA...", Ed25519 or ECDSA P-256',
);
const base58 = textOf(/^[1-9A-HJ-NP-Za-km-z]{32,44}$/, 44, 'a Solana account in base58');

const pathPattern = textOf(
  /^m(\/(\*|0|[1-9][0-9]{0,9})){0,10}$/,
  111,
  'a path like m/0/5, with * for any one number, or m for the key itself',
);

const sum = recordOf({}, { over: amount, atMost: amount, per: durationForm });
const approvals = listOf(recordOf({ group: name, atLeast: wholeOf(1, 128) }, {}), 1, 8, 'group');

const match = recordOf(
  {},
  {
    chains: listOf(chain, 1, 32, ''),
    paths: listOf(pathPattern, 1, 32, ''),
    assets: listOf(label, 1, 64, ''),
    destinations: listOf(label, 1, 256, ''),
    kinds: listOf(wordOf(...effectKinds), 1, 16, ''),
    amount: sum,
    usd: sum,
  },
);

const rule = recordOf(
  { name, verdict: wordOf('Allow', 'Deny'), match },
  {
    approvals,
    timeLock: durationForm,
    limits: listOf(
      recordOf({ per: durationForm }, { amount, count: wholeOf(1, 1_000_000), scope: wordOf('Wallet', 'Path') }),
      1,
      8,
    ),
  },
);

export const documentForm = recordOf(
  { initiators: listOf(recordOf({ name, key: sshKey }, {}), 1, 64, 'name'), rules: listOf(rule, 1, 64, 'name') },
  {
    assets: listOf(
      recordOf({ name: label, id: assetId, decimals: wholeOf(0, 36) }, { price: recordOf({ fixed: amount }, {}) }),
      0,
      64,
      'name',
    ),
    addressBook: listOf(recordOf({ name: label, addresses: listOf(account, 1, 256, '') }, {}), 0, 256, 'name'),
    lookupTables: listOf(recordOf({ address: account, accounts: listOf(base58, 1, 256) }, {}), 0, 32, 'address'),
    approvers: listOf(
      recordOf(
        { name },
        { key: sshKey, keys: listOf(sshKey, 1, 8, ''), userVerification: wordOf('Required', 'NotRequired') },
      ),
      0,
      128,
      'name',
    ),
    groups: listOf(recordOf({ name, members: listOf(name, 1, 128, '') }, {}), 0, 32, 'name'),
    fees: listOf(recordOf({ chain, atMost: amount }, {}), 0, 32, 'chain'),
    change: recordOf({ approvals }, { timeLock: durationForm }),
    recovery: recordOf({ approvals }, { timeLock: durationForm, destinations: listOf(label, 1, 32, '') }),
  },
);

type Shape<F> = F extends Form<infer T> ? T : never;

/** A SigningPolicy spec in normal form: strings, lists and objects only. */
export type PolicyDocument = Shape<typeof documentForm>;
