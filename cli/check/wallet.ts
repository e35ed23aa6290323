import { version } from '../../common/version.ts';
import { conditionTypes } from '../../operator/api/conditions.ts';
import type { Condition } from '../../operator/api/generated.ts';
import type { Wallet } from '../../operator/api/resource.ts';
import { availability, descriptionOf } from '../../operator/wallet/holder-state.ts';
import type { Founded, HolderState } from '../../operator/wallet/holder-state.ts';
import type { Description } from '../../proto/gen/signer/v1/signer.ts';
import { shellLine } from '../command-line.ts';
import { oneLine } from '../one-line.ts';
import { docs } from './docs.ts';
import type { Doc } from './docs.ts';
import { error, note, ok, warning } from './finding.ts';
import type { Advice, Finding, Level } from './finding.ts';

export type WalletFacts = {
  readonly wallet: Wallet;
  /** What its signers say of themselves, asked here and now; undefined where they were not asked. */
  readonly asked: { readonly founded: Founded; readonly holders: readonly HolderState[] } | undefined;
  /** What was told of it, newest last. */
  readonly events: readonly { readonly reason: string; readonly message: string }[];
  /** That another wallet was pinned under its name; "" where none was. */
  readonly pinnedOtherwise: string;
  /** Why what the operator wrote of how to reach it cannot be used; "" where it can. */
  readonly unreadable: string;
  /** The command that starts an operator where none runs, which starts its signers. */
  readonly up: string | undefined;
  /** Where the logs of signers lie that run on this machine, in a folder for each holder. */
  readonly logs: string | undefined;
};

/** How a wallet is: by its conditions, by what was told of it, and by its signers where they were asked. */
export const checkWallet = (facts: WalletFacts): readonly Finding[] => [
  ...checkPin(facts),
  ...checkConditions(facts),
  ...checkSigners(facts),
  ...checkEvents(facts),
];

const checkPin = ({ pinnedOtherwise, unreadable }: WalletFacts): readonly Finding[] => [
  ...(pinnedOtherwise === ''
    ? []
    : [
        error('wallet-pin', oneLine(pinnedOtherwise), {
          mend: 'pay nothing to its addresses before you know who put another wallet in its place',
          docs: docs.pin,
        }),
      ]),
  ...(unreadable === ''
    ? []
    : [
        error('wallet-connection', oneLine(unreadable), {
          mend: 'start the operator, which writes the file anew; its signers were not asked',
          docs: docs.stateFolder,
        }),
      ]),
];

/** Reasons that end by themselves, or that leave the wallet signing. */
const warned = new Set([
  'Pending',
  'Deleting',
  'WaitingForSigners',
  'WaitingForHolder',
  'WaitingForHolders',
  'GeneratingKeys',
  'SignerUnavailable',
  'SharedNamespace',
  'ChangeUnsupported',
  'SchemeUnsupported',
]);
/** Reasons that were chosen by who wrote the Wallet. */
const noted: Readonly<Record<string, Advice>> = {
  OperatorTrustedOnce: {
    mend: "compare the holders' fingerprints with what the holders themselves say",
    docs: docs.trustedOnce,
  },
  SharedMachine: { mend: 'keep no funds in it: it is for trying out, tests and CI', docs: docs.trust },
};

const docOf: Readonly<Record<string, Doc>> = {
  QuorumLost: docs.quorum,
  RollbackDetected: docs.rollback,
  SignerUnavailable: docs.signerDown,
  WaitingForSigners: docs.signerDown,
  SharedNamespace: docs.trustOnCluster,
  SchemeUnsupported: docs.ecdsa,
};

const mendOf: Readonly<Record<string, string>> = {
  Pending: 'wait for an operator to look at it',
  WaitingForSigners: 'it goes on by itself once all of them answer',
  GeneratingKeys: 'it goes on by itself while every holder is there',
  SharedNamespace: 'give holders namespaces, clusters or machines of their own',
  SchemeUnsupported: 'install the native addon where the message says; other keys work meanwhile',
  ChangeUnsupported: 'write the policy back as it was: signers go on with the one they were founded with',
};

function checkConditions({ wallet, asked, up }: WalletFacts): readonly Finding[] {
  const conditions = wallet.status?.conditions ?? [];
  if (conditions.length === 0)
    return [
      note('wallet-ready', 'nothing is known of it yet', {
        ...(up === undefined ? { mend: 'wait for an operator to look at it' } : { mend: 'start an operator', run: up }),
        docs: docs.wallet,
      }),
    ];
  const told = new Set<string>();
  return conditionTypes.Wallet.flatMap((type) => {
    const condition = conditions.find((other) => other.type === type);
    // Of signers that were asked, their own word is the newer one; and one cause is told once.
    if (condition === undefined || told.has(condition.reason)) return [];
    if (asked !== undefined && ['QuorumLost', 'SignersAvailable'].some((of) => of === type || of === condition.reason))
      return [];
    told.add(condition.reason);
    if (condition.status !== 'True') return [conditionFinding(condition)];
    const seen = up === undefined ? '' : ' (when last seen)';
    return type === 'Ready' || type === 'SignersAvailable' ? [ok(idOf(type), `${said(condition)}${seen}`)] : [];
  });
}

function conditionFinding(condition: Readonly<Condition>): Finding {
  const { type, reason } = condition;
  const what = said(condition);
  const chosen = noted[reason];
  if (chosen !== undefined) return note(idOf(type), what, chosen);
  const advice = {
    mend: mendOf[reason] ?? 'do as the message says; what each reason asks for is in the documents',
    docs: docOf[reason] ?? docs.wallet,
  };
  return (warned.has(reason) ? warning : error)(idOf(type), what, advice);
}

/** A message may end with a manifest to copy, which `holdfast status` and kubectl show. */
const said = ({ reason, message }: Readonly<Condition>): string =>
  `${reason}: ${oneLine(message.split('\n')[0] ?? '')}`;

/** `KeysGenerated` as `wallet-keys-generated`. */
const idOf = (type: string): string => `wallet${type.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

function checkSigners({ wallet, asked, up, logs }: WalletFacts): readonly Finding[] {
  if (asked === undefined) return [];
  const { founded, holders } = asked;
  if (up !== undefined && holders.every((holder) => holder.answer?.kind === 'Silent'))
    return [
      warning('signer', 'no signer answers, and no operator runs that would start them: nothing can be signed', {
        mend: 'start an operator',
        run: up,
        docs: docs.operator,
      }),
    ];
  const { unavailable, losses } = availability(wallet.spec.threshold, holders, founded);
  const quorum = `${holders.length - unavailable.length} of ${holders.length} signers`;
  return [
    losses < 0
      ? error('wallet-signers-available', `${quorum}: too few, nothing can be signed`, {
          mend: 'bring back those named below',
          docs: docs.quorum,
        })
      : ok(
          'wallet-signers-available',
          `${quorum}; signing tolerates ${losses} more ${losses === 1 ? 'loss' : 'losses'}`,
        ),
    ...holders.flatMap((holder) => [
      ...signerFindings(holder, unavailable.find(({ name }) => name === holder.name)?.why ?? '', losses, logs),
      ...versionFindings(holder),
    ]),
  ];
}

function signerFindings(
  holder: HolderState,
  why: string,
  losses: number,
  logs: WalletFacts['logs'],
): readonly Finding[] {
  const description = descriptionOf(holder);
  if (why === '') return description === undefined ? [] : [ok('signer', `${holder.name}: ${enginesOf(description)}`)];
  const level: Level = losses < 0 || holder.answer?.kind === 'Stranger' ? 'error' : 'warning';
  const advice = {
    mend: mendSigner(holder, why),
    ...(showsLog(holder) && logs !== undefined && { run: shellLine('tail', `${logs}/${holder.name}/signer.log`) }),
    docs: docOfSigner(description, why),
  };
  return [(level === 'error' ? error : warning)('signer', `${holder.name}: ${oneLine(why)}`, advice)];
}

function docOfSigner(description: Description | undefined, why: string): Doc {
  if (why.includes('RollbackDetected')) return docs.rollback;
  if (why.startsWith('left out by')) return docs.culprit;
  return description !== undefined && description.sealState !== '' ? docs.hsm : docs.signer;
}

/** Of one that does not answer, and runs on this machine or should, the log is at hand. */
const showsLog = ({ answer, signer }: HolderState): boolean =>
  answer?.kind === 'Silent' && signer?.spec.external === undefined;

function mendSigner({ answer, signer }: HolderState, why: string): string {
  if (answer?.kind === 'Stranger') return 'find out what answers there before anything else; nothing is sent to it';
  if (why.includes('RollbackDetected')) return 'put its newest data folder back, whole';
  if (why.startsWith('left out by')) return 'treat it as an intrusion until you know better';
  if (answer?.kind !== 'Silent') return 'do as the message says';
  return signer?.spec.external === undefined ? 'its log may say why' : 'ask who runs it: it is not started from here';
}

/** `EdDSA and Schnorr by noble, no ECDSA (it has no engine for it)`. */
function enginesOf({ version: its, schemes }: Description): string {
  const engines = Map.groupBy(
    schemes.filter(({ engine }) => engine !== ''),
    ({ engine }) => engine,
  );
  const has = [...engines].map(
    ([engine, of]) => `${of.map(({ name }) => oneLine(name)).join(' and ')} by ${oneLine(engine)}`,
  );
  const lacks = schemes.filter(({ engine }) => engine === '').map(({ name }) => `no ${oneLine(name)}`);
  return [`serves, version ${its}`, ...has, ...lacks].join(', ');
}

function versionFindings(holder: HolderState): readonly Finding[] {
  const its = descriptionOf(holder)?.version;
  if (its === undefined || its === version) return [];
  return [
    note('signer-version', `${holder.name}: version ${its}, this command is ${version}`, {
      mend: 'bring signers to one version, one at a time',
      docs: docs.signerVersion,
    }),
  ];
}

const lasting: Readonly<Record<string, Advice>> = {
  CounterpartyBanned: {
    mend: 'sign with another quorum, or move the funds to a new key while one can sign',
    docs: docs.banned,
  },
  CulpritFound: {
    mend: 'treat it as an intrusion; move the funds while the others are a quorum',
    docs: docs.culprit,
  },
};

/** What was told once and stays so. */
const checkEvents = ({ events }: WalletFacts): readonly Finding[] => {
  const latest = new Map(events.map(({ reason, message }) => [`${reason} ${message}`, { reason, message }]));
  return [...latest.values()].flatMap(({ reason, message }) => {
    const advice = lasting[reason];
    return advice === undefined ? [] : [error('wallet-events', `${reason}: ${oneLine(message)}`, advice)];
  });
};
