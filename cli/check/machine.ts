import type { AddonState } from './addon.ts';
import { counted } from './counted.ts';
import { docs } from './docs.ts';
import { error, note, ok, warning } from './finding.ts';
import type { Finding } from './finding.ts';

/** The oldest major version of Node that has what is used of it: the bundles are made for it. */
export const nodeMajor = 24;

export type SshAgent =
  | { readonly kind: 'None' }
  | { readonly kind: 'Answers'; readonly keys: number }
  | { readonly kind: 'Fails'; readonly message: string };

export type MachineFacts = {
  /** Of Node, as `24.21.0`. */
  readonly node: string;
  /** Whether bin/holdfast started it, which takes the project's own Node. */
  readonly launched: boolean;
  readonly addon: AddonState;
  readonly sshKeygen: boolean;
  readonly sshAgent: SshAgent;
};

/** Whether this machine has what the command and signers started from it need. */
export const checkMachine = (facts: MachineFacts): readonly Finding[] => [
  checkNode(facts),
  checkAddon(facts.addon),
  checkEcdsa(facts.addon),
  checkSshKeygen(facts.sshKeygen),
  checkSshAgent(facts.sshAgent),
];

function checkNode({ node, launched }: Pick<MachineFacts, 'node' | 'launched'>): Finding {
  if (Number(node.split('.')[0]) < nodeMajor)
    return error('node', `Node ${node}: want ${nodeMajor} or newer`, {
      mend: 'start bin/holdfast, which brings its own Node',
      docs: docs.node,
    });
  if (launched) return ok('node', `Node ${node}, the one that bin/holdfast brings`);
  return note('node', `Node ${node}, not started by bin/holdfast`, {
    mend: 'nothing to do where this Node is meant; bin/holdfast brings the one that is tested',
    docs: docs.node,
  });
}

function checkAddon(addon: AddonState): Finding {
  const id = 'native-addon';
  if (addon.loaded) return ok(id, `native addon ${addon.version}: loads`);
  const what = `native addon: not loaded: ${addon.reason}`;
  return addon.broken
    ? warning(id, what, {
        mend: 'build or install it anew for this version and machine; until then signers do without',
        docs: docs.nativeAddon,
      })
    : note(id, what, { mend: 'nothing to do for EdDSA and Schnorr keys', docs: docs.nativeAddon });
}

function checkEcdsa(addon: AddonState): Finding {
  const id = 'ecdsa';
  if (addon.loaded && addon.ecdsa) return ok(id, 'EdDSA, Schnorr and ECDSA: signers started here have all three');
  return note(id, 'EdDSA and Schnorr work; ECDSA does not: its engine is in the native addon', {
    mend: 'install the addon where signers run; ECDSA keys wait until all of a wallet have it',
    docs: docs.ecdsa,
  });
}

const checkSshKeygen = (there: boolean): Finding =>
  there
    ? ok('ssh-keygen', 'ssh-keygen: there, to make keys of initiators and approvers')
    : note('ssh-keygen', 'ssh-keygen: not found', {
        mend: 'install OpenSSH where people make their keys; services and signers do without',
        docs: docs.ssh,
      });

function checkSshAgent(agent: SshAgent): Finding {
  const id = 'ssh-agent';
  switch (agent.kind) {
    case 'Answers':
      return ok(id, `ssh-agent: answers, ${counted(agent.keys, 'key')} to sign requests with`);
    case 'None':
      return note(id, 'ssh-agent: none (SSH_AUTH_SOCK is not set)', {
        mend: 'holdfast sign takes a key file with --ssh-key; with an agent it needs none',
        docs: docs.ssh,
      });
    case 'Fails':
      return note(id, agent.message, {
        mend: 'start an agent anew, or give holdfast sign a key file with --ssh-key',
        docs: docs.ssh,
      });
  }
}
