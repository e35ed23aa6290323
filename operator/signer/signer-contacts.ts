import { fingerprintOfCertificate } from '../../common/certificate.ts';
import { messageOf } from '../../common/errors.ts';
import { fetchCertificate } from '../../client/pinned-tls.ts';
import type { ClientIdentity } from '../../client/pinned-tls.ts';
import { SignerClient } from '../../client/signer-client.ts';
import type { SignerId } from '../fleet/fleet.ts';
import { checkDescription } from './signer-answer.ts';
import type { SignerAnswer } from './signer-answer.ts';

/** A signer that does not say who it is within this is unavailable. Milliseconds. */
const describeMs = 3_000;
const callMs = 15_000;

type Contact = { readonly address: string; readonly fingerprint: string; readonly client: SignerClient };

/** Connections to signers: one each, pinned to the signer's identity; with the operator's, for what only it may ask. */
export class SignerContacts {
  readonly #identity: ClientIdentity | undefined;
  readonly #contacts = new Map<string, Contact>();

  constructor(identity?: ClientIdentity) {
    this.#identity = identity;
  }

  /**
   * Asks the signer at `address` (host:port) who it is. Without a `pin` whoever answers is believed, this once: the
   * fingerprint in the answer is the pin from then on. Never throws, but when `signal` aborts.
   */
  async describe(id: SignerId, address: string, pin: string | undefined, signal: AbortSignal): Promise<SignerAnswer> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(describeMs)]);
    try {
      const known = this.client(id, address, pin);
      if (known !== undefined) return await described(id, known, limited);
      const certificate = await fetchCertificate(address, limited);
      const fingerprint = fingerprintOfCertificate(certificate);
      if (pin !== undefined && pin !== fingerprint)
        return {
          kind: 'Stranger',
          message: `at ${address} answers a signer with fingerprint ${fingerprint}, want ${pin}: is it another signer, or was its state folder lost or exchanged?`,
        };
      return await described(id, this.#connect(id, address, certificate, fingerprint), limited);
    } catch (error) {
      signal.throwIfAborted();
      // A pod that is gone takes its end of a connection along, and nobody answers on it for minutes.
      this.#contacts.get(nameOf(id))?.client.close();
      this.#contacts.delete(nameOf(id));
      return {
        kind: 'Silent',
        message: limited.aborted ? `${address}: no answer within ${describeMs / 1000} s` : messageOf(error),
      };
    }
  }

  /** The connection to a signer that answered at `address` with the key `pin`, where there is one. */
  client(id: SignerId, address: string, pin: string | undefined): Contact | undefined {
    const contact = this.#contacts.get(nameOf(id));
    return contact?.address === address && contact.fingerprint === pin ? contact : undefined;
  }

  /** Of two callers that fetched the same certificate at once the first connects, and both use that connection. */
  #connect(id: SignerId, address: string, certificate: Uint8Array, fingerprint: string): Contact {
    const known = this.client(id, address, fingerprint);
    if (known !== undefined) return known;
    this.#contacts.get(nameOf(id))?.client.close();
    const client = new SignerClient({
      address,
      certificate,
      ...(this.#identity !== undefined && { identity: this.#identity }),
      deadlineMs: callMs,
    });
    const contact = { address, fingerprint, client };
    this.#contacts.set(nameOf(id), contact);
    return contact;
  }

  /** Closes the connections to a wallet's signers. */
  forget(wallet: string): void {
    for (const [name, { client }] of this.#contacts)
      if (name.startsWith(`${wallet}/`)) {
        client.close();
        this.#contacts.delete(name);
      }
  }

  close(): void {
    for (const { client } of this.#contacts.values()) client.close();
    this.#contacts.clear();
  }
}

const nameOf = ({ wallet, holder }: SignerId): string => `${wallet}/${holder}`;

async function described(id: SignerId, { fingerprint, client }: Contact, signal: AbortSignal): Promise<SignerAnswer> {
  const description = checkDescription(await client.describe(signal), id, fingerprint);
  return { kind: 'Described', fingerprint, description };
}
