import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quote } from '../../common/bytes.ts';
import { messageOf, UserError } from '../../common/errors.ts';
import type { Json } from '../../statement/canonical.ts';
import {
  decimalForm,
  digestForm,
  hexOf,
  listOf,
  matching,
  nameForm,
  oneOf,
  orEmpty,
  recordOf,
} from '../../statement/forms.ts';
import type { Form, Forms } from '../../statement/forms.ts';
import { verifyConnection } from '../connection.ts';
import type { ConnectionCertificate, VerifiedConnection } from '../connection.ts';

export type ExportedHead = { readonly sequence: string; readonly hash: string };

/** One file: records `first` to `last`, one a line. All but the last of a holder end with a whole segment. */
export type ExportedSegment = {
  readonly first: string;
  readonly last: string;
  /** Of the last record. */
  readonly hash: string;
  readonly bytes: string;
  /** Of the file. Where no body is missing it is what the signer asks for before it prunes the segment. */
  readonly sha256: string;
  /** Records whose bodies were pruned before. */
  readonly pruned: string;
};

export type ExportedHolder = {
  readonly name: string;
  /** When its heads were asked for. */
  readonly readAt: string;
  /** `false` while records up to its head are still to be fetched. */
  readonly finished: 'true' | 'false';
  readonly head: ExportedHead;
  /** `signature` in hex, "" where there is none. */
  readonly remembered: readonly (ExportedHead & { readonly holder: string; readonly signature: string })[];
  readonly segments: readonly ExportedSegment[];
};

/** What an export holds, and of which wallet: `manifest.json`. */
export type ExportManifest = {
  readonly format: 'holdfast/audit-export/v1';
  readonly wallet: string;
  readonly genesis: string;
  readonly genesisStatement: string;
  readonly certificates: readonly ConnectionCertificate[];
  readonly holders: readonly ExportedHolder[];
};

export const manifestFile = (folder: string): string => join(folder, 'manifest.json');

/** Where a holder's records from `first` on lie in an export. */
export const segmentFile = (folder: string, holder: string, first: string): string =>
  join(folder, holder, `${first.padStart(12, '0')}.jsonl`);

const anything = matching(/^[^]*$/, 'text');
const readAtForm: Form<string> = (value, at) => {
  const text = anything(value, at);
  const time = Date.parse(text);
  if (Number.isNaN(time) || new Date(time).toISOString() !== text)
    throw new Error(`${at}: want a UTC time in milliseconds, got ${quote(text)}`);
  return text;
};
const headForms: Forms<ExportedHead> = { sequence: decimalForm, hash: digestForm };
const segmentForms: Forms<ExportedSegment> = {
  first: decimalForm,
  last: decimalForm,
  hash: digestForm,
  bytes: decimalForm,
  sha256: digestForm,
  pruned: decimalForm,
};
const holderForms: Forms<ExportedHolder> = {
  name: nameForm,
  readAt: readAtForm,
  finished: oneOf('true', 'false'),
  head: recordOf(headForms),
  remembered: listOf(recordOf({ holder: nameForm, ...headForms, signature: orEmpty(hexOf(64)) }), 0, 32),
  segments: listOf(recordOf(segmentForms), 0, 1_000_000),
};
const manifestForm = recordOf<ExportManifest>({
  format: oneOf('holdfast/audit-export/v1'),
  wallet: anything,
  genesis: digestForm,
  genesisStatement: anything,
  certificates: listOf(
    recordOf<ConnectionCertificate>({
      statement: anything,
      signatures: listOf(recordOf({ holder: nameForm, signature: anything }), 2, 9),
    }),
    0,
    16,
  ),
  holders: listOf(recordOf(holderForms), 0, 9),
});

export const encodeManifest = (manifest: ExportManifest): string => `${JSON.stringify(manifest, undefined, 2)}\n`;

/** The wallet that a manifest names, followed back to its genesis. */
export const walletOf = ({ wallet, genesis, genesisStatement, certificates }: ExportManifest): VerifiedConnection =>
  verifyConnection({ wallet, genesis, genesisStatement, certificates, holders: [] });

/** The manifest of an export, undefined where there is none. Throws a UserError on anything else than a whole one. */
export async function readManifest(folder: string): Promise<ExportManifest | undefined> {
  const file = manifestFile(folder);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new UserError(`${file}: cannot read: ${messageOf(error)}`);
  }
  try {
    const manifest = manifestForm(JSON.parse(text) as Json, 'manifest');
    if (encodeManifest(manifest) !== text) throw new Error('not as audit export writes it');
    const holders = new Set(walletOf(manifest).statement.holders.map(({ name }) => name));
    for (const { name, segments } of manifest.holders) {
      if (!holders.delete(name)) throw new Error(`holder ${quote(name)} is repeated, or none of genesis`);
      let next = 1n;
      for (const { first, last } of segments) {
        if (BigInt(first) !== next || BigInt(last) < next)
          throw new Error(`holder ${name}: want a segment from record ${next} on, got ${first} to ${last}`);
        next = BigInt(last) + 1n;
      }
    }
    return manifest;
  } catch (error) {
    throw new UserError(`${file}: is no whole manifest of an export: ${messageOf(error)}`, [
      'take an undamaged copy of the export, or make a new one in another folder',
    ]);
  }
}
