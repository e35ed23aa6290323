import { digest, fromHex, fromUtf8, quote, utf8 } from '../common/bytes.ts';
import { messageOf } from '../common/errors.ts';
import { verifyCertificate } from '../statement/certificate.ts';
import type { HolderSignature } from '../statement/certificate.ts';
import { digestForm, listOf, matching, nameForm, oneOf, recordOf } from '../statement/forms.ts';
import type { Form, Forms } from '../statement/forms.ts';
import { canonicalize } from '../statement/canonical.ts';
import type { Json } from '../statement/canonical.ts';
import { encodeStatement, parseStatement } from '../statement/statements.ts';
import type { CertificateStatement, GenesisHolder, GenesisStatement } from '../statement/statements.ts';
import { splitAddress } from './pinned-tls.ts';
import type { WalletClientOptions } from './wallet-client.ts';
import type { Wallet } from './wallet-facts.ts';

/** Where a holder's signer listens for requests and which key it must show. */
export type ConnectionHolder = {
  readonly name: string;
  readonly role: GenesisHolder['role'];
  /** host:port of the sign port. */
  readonly endpoint: string;
  readonly fingerprint: string;
};

/** A key's certificate statement as text, with the signature of each holder. */
export type ConnectionCertificate = { readonly statement: string; readonly signatures: readonly HolderSignature[] };

/** All a client needs to reach a wallet and to verify what it says. Whoever wrote it is trusted for the pins. */
export type Connection = {
  /** `namespace/name`. */
  readonly wallet: string;
  /** Digest of the genesis statement. */
  readonly genesis: string;
  /** Infrastructure first, then Client, then Backup. */
  readonly holders: readonly ConnectionHolder[];
  /** The genesis statement as text: canonical JSON. */
  readonly genesisStatement: string;
  /** One for each generated key, in order of names. */
  readonly certificates: readonly ConnectionCertificate[];
};

/** A connection whose every part was followed back to its genesis. */
export type VerifiedConnection = Connection & {
  readonly statement: GenesisStatement;
  /** By key name. */
  readonly keys: ReadonlyMap<string, CertificateStatement>;
};

const maxBytes = 4 * 1024 * 1024;
const roles = ['Infrastructure', 'Client', 'Backup'] as const;

/** The connection of a wallet whose facts were verified, over those of its holders that have an endpoint (host:port of the sign port). */
export function connectionOf(
  { genesis, genesisDigest, certificates }: Wallet,
  endpoints: ReadonlyMap<string, string>,
): Connection {
  return {
    wallet: genesis.wallet,
    genesis: genesisDigest,
    holders: roles.flatMap((role) =>
      genesis.holders.flatMap((holder) => {
        const endpoint = endpoints.get(holder.name);
        if (holder.role !== role || endpoint === undefined) return [];
        return [{ name: holder.name, role, endpoint, fingerprint: fingerprintOf(holder) }];
      }),
    ),
    genesisStatement: fromUtf8(encodeStatement(genesis)),
    certificates: [...certificates]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { statement, signatures }]) => ({
        statement: fromUtf8(statement),
        signatures: signatures.map(({ holder, signature }) => ({ holder, signature })),
      })),
  };
}

/** The text of a connection file. */
export const encodeConnection = ({ wallet, genesis, holders, genesisStatement, certificates }: Connection): string =>
  `${JSON.stringify({ wallet, genesis, holders, genesisStatement, certificates }, undefined, 2)}\n`;

/** The connection of a file's text, exactly as {@link encodeConnection} writes it; throws on anything that does not verify. */
export function parseConnection(text: string): VerifiedConnection {
  if (text.length > maxBytes) throw new Error(`connection: want at most ${maxBytes} characters, got ${text.length}`);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
    canonicalize(value); // refuses what is not Json
  } catch (error) {
    throw new Error(`connection: not JSON of the operator: ${messageOf(error)}`);
  }
  const connection = connectionForm(value, 'connection');
  if (encodeConnection(connection) !== text)
    throw new Error('connection: not as the operator writes it: members repeated or in another order');
  return verifyConnection(connection);
}

/** How to reach the wallet: every holder's endpoint with its pin, in the order to ask them. */
export const clientOptions = ({
  genesis,
  holders,
}: Connection): Pick<WalletClientOptions, 'endpoints' | 'genesis'> => ({
  genesis,
  endpoints: holders.map(({ endpoint, fingerprint }) => ({ address: endpoint, fingerprint })),
});

/** Follows every part back to the genesis; throws on what does not verify. */
export function verifyConnection(connection: Connection): VerifiedConnection {
  const bytes = utf8(connection.genesisStatement);
  const statement = parseStatement('holdfast/genesis/v1', bytes);
  if (digest(bytes) !== connection.genesis)
    throw new Error(`connection.genesisStatement: want ${connection.genesis}, got ${digest(bytes)}`);
  if (statement.wallet !== connection.wallet)
    throw new Error(`connection.wallet: want ${statement.wallet} of genesis, got ${quote(connection.wallet)}`);
  connection.holders.forEach(({ name, role, fingerprint }, i) => {
    const at = `connection.holders[${i}]`;
    const holder = statement.holders.find((other) => other.name === name);
    if (holder === undefined) throw new Error(`${at}.name: ${quote(name)} is no holder of genesis`);
    if (holder.role !== role) throw new Error(`${at}.role: want ${holder.role} of genesis, got ${role}`);
    if (fingerprintOf(holder) !== fingerprint)
      throw new Error(`${at}.fingerprint: want ${fingerprintOf(holder)} of genesis, got ${fingerprint}`);
    if (connection.holders.findIndex((other) => other.name === name) < i)
      throw new Error(`${at}.name: ${quote(name)} is repeated`);
  });
  const keys = new Map<string, CertificateStatement>();
  for (const { statement: text, signatures } of connection.certificates) {
    const certificate = verifyCertificate({
      genesis: statement,
      genesisDigest: connection.genesis,
      statement: utf8(text),
      signatures,
    });
    if (keys.has(certificate.key)) throw new Error(`connection.certificates: two for key ${quote(certificate.key)}`);
    keys.set(certificate.key, certificate);
  }
  return { ...connection, statement, keys };
}

const fingerprintOf = ({ identity }: GenesisHolder): string => digest(fromHex(identity, 'identity'));

const endpointForm: Form<string> = (value, at) => {
  const endpoint = text(value, at);
  try {
    splitAddress(endpoint);
  } catch {
    throw new Error(`${at}: want host:port, got ${quote(endpoint)}`);
  }
  return endpoint;
};

const text = matching(/^[^]*$/, 'text');

const holderForms: Forms<ConnectionHolder> = {
  name: nameForm,
  role: oneOf(...roles),
  endpoint: endpointForm,
  fingerprint: digestForm,
};

const certificateForms: Forms<ConnectionCertificate> = {
  statement: text,
  signatures: listOf(recordOf<HolderSignature>({ holder: nameForm, signature: text }), 2, 9),
};

const connectionForms: Forms<Connection> = {
  wallet: text,
  genesis: digestForm,
  holders: listOf(recordOf(holderForms), 1, 9),
  genesisStatement: text,
  certificates: listOf(recordOf(certificateForms), 0, 16),
};

const connectionForm = recordOf(connectionForms);
