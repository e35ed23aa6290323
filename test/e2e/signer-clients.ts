import type { ClientIdentity } from '../../client/pinned-tls.ts';
import { SignerClient } from '../../client/signer-client.ts';
import { signerPorts } from '../../operator/fleet/kubernetes/pod-layout.ts';
import { forwarded } from './port-forward.ts';

/** The sign ports of a wallet's signers, by holder, for a caller with an identity. */
export class SignerClients {
  readonly #identity: ClientIdentity;
  readonly #clients = new Map<string, SignerClient>();
  readonly #over = Promise.withResolvers<void>();

  constructor(identity: ClientIdentity) {
    this.#identity = identity;
  }

  /** Connects to a holder's signer, or anew where its pod is another. */
  async open(holder: string, namespace: string, pod: string, fingerprint: string): Promise<void> {
    const opened = Promise.withResolvers<SignerClient>();
    forwarded(namespace, pod, signerPorts.sign, async (address) => {
      opened.resolve(await SignerClient.connect({ address, fingerprint, identity: this.#identity }));
      await this.#over.promise;
    }).catch(opened.reject);
    const client = await opened.promise;
    this.#clients.get(holder)?.close();
    this.#clients.set(holder, client);
  }

  at(holder: string): SignerClient {
    const client = this.#clients.get(holder);
    if (client === undefined) throw new Error(`${holder}: no connection is open`);
    return client;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#over.resolve();
  }
}
