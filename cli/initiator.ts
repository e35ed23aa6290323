import { readFile } from 'node:fs/promises';
import { agentIdentities } from '../client/ssh-agent.ts';
import { parseSshPrivateKey } from '../client/ssh-private-key.ts';
import { keySigner } from '../client/ssh-signer.ts';
import type { SshSigner } from '../client/ssh-signer.ts';
import { equal, quote } from '../common/bytes.ts';
import { UserError, messageOf } from '../common/errors.ts';
import { nearest } from '../common/nearest.ts';
import { fingerprint, parseSshPublicKey } from '../statement/ssh-key.ts';
import type { SshPublicKey } from '../statement/ssh-key.ts';
import type { Session } from './session.ts';

/** Who may ask, from the wallet's policy. */
export type Initiator = { readonly name: string; readonly key: SshPublicKey };

export type ChosenInitiator = { readonly name: string; readonly signer: SshSigner };

export type InitiatorOptions = { readonly sshKey?: string; readonly initiator?: string };

/** Who asks and signs: the initiator that has the key of `--ssh-key`, or of which the agent has a key. */
export async function chooseInitiator(
  session: Session,
  initiators: readonly Initiator[],
  options: InitiatorOptions,
): Promise<ChosenInitiator> {
  const wanted = initiators.filter(({ name }) => options.initiator === undefined || name === options.initiator);
  if (wanted.length === 0) throw unknownInitiator(options.initiator ?? '', initiators);
  const signers =
    options.sshKey === undefined
      ? await agentKeys(session, 'no --ssh-key is given and', 'give a private key: --ssh-key FILE')
      : [await signerOfFile(session, options.sshKey, wanted)];
  const found = wanted.flatMap(({ name, key }) => {
    const signer = signers.find((each) => equal(each.key.blob, key.blob));
    return signer === undefined ? [] : [{ name, signer }];
  });
  const [first, ...others] = found;
  if (first === undefined) throw noSuchKey(signers, wanted, options);
  if (others.length > 0)
    throw new UserError(`the agent has keys of ${found.map(({ name }) => name).join(' and ')}`, [
      `say who asks: --initiator ${first.name}`,
    ]);
  return first;
}

/** The initiator that the options name, whatever the policy may say of it. */
export async function namedInitiator(
  session: Session,
  { initiator = '', sshKey = '' }: InitiatorOptions,
): Promise<ChosenInitiator> {
  return { name: initiator, signer: await signerOfFile(session, sshKey, []) };
}

async function signerOfFile(session: Session, file: string, wanted: readonly Initiator[]): Promise<SshSigner> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new UserError(
      `--ssh-key: cannot read ${quote(file, 200)}: ${messageOf(error)}`,
      wanted.length === 0 ? [] : [keysOf(wanted)],
    );
  }
  try {
    if (/^(?:ssh-|ecdsa-|sk-)\S+ /.test(bytes.toString('latin1')))
      return await agentSigner(session, file, bytes.toString());
    return keySigner(parseSshPrivateKey(bytes));
  } catch (error) {
    if (error instanceof UserError)
      throw new UserError(
        `${file}: ${error.message}`,
        error.hints.map((hint) => hint.replace(/\bFILE\b/, file.replace(/\.pub$/, ''))),
      );
    throw new UserError(`${file}: ${messageOf(error)}`);
  } finally {
    bytes.fill(0);
  }
}

/** The agent's half of a public key, as git and ssh take it. */
async function agentSigner(session: Session, file: string, text: string): Promise<SshSigner> {
  const key = parseSshPublicKey(text);
  const privateFile = file.endsWith('.pub') ? file.slice(0, -'.pub'.length) : 'PRIVATE_FILE';
  const instead = `give its private half: --ssh-key ${privateFile}`;
  const keys = await agentKeys(session, 'it is a public key and', instead);
  const found = keys.find((each) => equal(each.key.blob, key.blob));
  if (found === undefined)
    throw new UserError(`ssh-agent does not have ${fingerprint(key)}`, [`add it: ssh-add ${privateFile}`]);
  return found;
}

async function agentKeys(session: Session, why: string, instead: string): Promise<readonly SshSigner[]> {
  const socketPath = session.env['SSH_AUTH_SOCK'] ?? '';
  if (socketPath === '') throw new UserError(`${why} no ssh-agent runs: SSH_AUTH_SOCK is not set`, [instead]);
  return agentIdentities(socketPath, session.signal);
}

function unknownInitiator(name: string, initiators: readonly Initiator[]): UserError {
  const names = initiators.map((initiator) => initiator.name);
  const meant = nearest(name, names);
  return new UserError(`the policy has no initiator ${quote(name)}`, [
    ...(meant === undefined ? [] : [`did you mean ${meant}?`]),
    `it has ${names.join(', ')}`,
  ]);
}

function noSuchKey(signers: readonly SshSigner[], wanted: readonly Initiator[], options: InitiatorOptions): UserError {
  const had = signers.map(({ key }) => fingerprint(key)).join(', ');
  const who = options.initiator === undefined ? 'no initiator of the policy' : `not initiator ${options.initiator}`;
  const message =
    options.sshKey !== undefined
      ? `${options.sshKey}: its key ${had} is of ${who}`
      : `ssh-agent has ${had === '' ? 'no key that can sign statements' : `${had}, which is of ${who}`}`;
  return new UserError(message, [
    keysOf(wanted),
    ...(options.sshKey === undefined ? ['add it with ssh-add, or give its file: --ssh-key FILE'] : []),
  ]);
}

const keysOf = (wanted: readonly Initiator[]): string =>
  `want ${wanted.map(({ name, key }) => `${fingerprint(key)} of ${name}`).join(' or ')}`;
