import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { utf8 } from '../../common/bytes.ts';
import { systemClock } from '../../common/clock.ts';
import { createLog, silentLog } from '../../common/log.ts';
import { parseSpan } from '../../cli/age.ts';
import { parseKnownWallets } from '../../cli/known-wallets.ts';
import { readManifestFile } from '../../cli/manifest-file.ts';
import { parseKeyString } from '../../operator/api/resource.ts';
import { validate } from '../../operator/api/validate.ts';
import { openOutcomeCursors } from '../../operator/embedded/outcome-cursor-file.ts';
import { loadOrCreateOperatorIdentity } from '../../operator/embedded/operator-identity.ts';
import { readRecord } from '../../operator/fleet/process-record.ts';
import { lockFolder, ownerOf } from '../../operator/store/folder-lock.ts';
import { readManifests } from '../../operator/store/manifest.ts';
import { objectFiles, readEvents, readObject } from '../../operator/store/object-files.ts';
import { hasState } from '../../operator/store/state-folder.ts';
import { lastWords } from '../../operator/fleet/signer-log.ts';
import { caseFiles, loadCases } from '../cases/load.ts';
import { fromUtf8Text } from './decoders-statement.ts';
import type { Decoder } from './decoder.ts';
import { file } from './decoder-kinds.ts';
import { scratchFolder } from './scratch-folder.ts';

const examples = caseFiles.flatMap((file) =>
  loadCases(file)
    .filter(({ refused }) => refused === undefined)
    .slice(0, 3)
    .map(({ object }) => object),
);
const yaml = examples.map((object) => utf8(stringify(object)));
const requests = loadCases('signing-request')
  .filter(({ refused }) => refused === undefined)
  .slice(0, 3)
  .map(({ object }) => object);
const [request] = requests;

const folder = scratchFolder();
const key = { kind: 'SigningRequest', namespace: 'payments', name: 'pay-42' } as const;
const object = join(folder, 'store', 'objects', key.kind, key.namespace, key.name);
mkdirSync(object, { recursive: true });

/** Its words become an error: of what it cannot read, a reader tells the log alone. */
const strictLog = createLog((line) => {
  throw new Error(line);
});
mkdirSync(join(folder, 'store'), { recursive: true });

export const operatorDecoderTable: readonly Decoder[] = [
  {
    name: 'manifests',
    seeds: [
      ...yaml,
      utf8(JSON.stringify(examples[0])),
      utf8('apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\ndata: {kek: QUJD}\n'),
    ],
    decode(bytes) {
      for (const { object: manifest } of readManifests('manifest.yaml', bytes).manifests)
        validate(manifest, examples[0]);
      return undefined;
    },
    structured: fc.array(fc.json(), { maxLength: 3 }).map((documents) => utf8(documents.join('\n---\n'))),
  },
  {
    name: 'request file',
    seeds: requests.map((each) => utf8(stringify(each))),
    decode: file(join(folder, 'request.yaml'), (path) => readManifestFile('SigningRequest', path)),
  },
  {
    name: 'object of the store',
    seeds: [
      utf8(
        JSON.stringify({
          file: 'a.yaml',
          resource: {
            ...(request as object),
            metadata: {
              name: key.name,
              namespace: key.namespace,
              uid: 'u',
              generation: 1,
              creationTimestamp: '2026-12-01T00:00:00Z',
            },
          },
        }),
      ),
    ],
    decode: file(join(object, 'object.json'), () => readObject(objectFiles(folder), key)),
  },
  {
    name: 'events of the store',
    seeds: [
      utf8(
        JSON.stringify([
          {
            type: 'Normal',
            reason: 'Signed',
            message: 'm',
            count: 1,
            firstTimestamp: '2026-12-01T00:00:00Z',
            lastTimestamp: '2026-12-01T00:00:00Z',
          },
        ]),
      ),
    ],
    decode: file(join(object, 'events.json'), () => readEvents(objectFiles(folder), key)),
  },
  {
    name: 'process.json',
    seeds: [
      utf8(
        JSON.stringify({
          process: { pid: 4242, started: `${'a'.repeat(36)}/77` },
          spec: `sha256:${'0'.repeat(64)}`,
          ports: { sign: 8443, peer: 7443, metrics: 9090 },
          restarts: 0,
        }),
      ),
    ],
    decode: file(join(folder, 'process.json'), readRecord),
  },
  {
    name: 'operator identity',
    seeds: [utf8(generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString())],
    decode: file(join(folder, 'identity.pem'), () => loadOrCreateOperatorIdentity(folder, silentLog)),
  },
  {
    name: 'known wallets',
    seeds: [utf8(`# pins\nfile:///srv/holdfast payments/treasury sha256:${'ab'.repeat(32)}\n`)],
    decode(bytes) {
      parseKnownWallets(fromUtf8Text(bytes), 'known_wallets');
      return undefined;
    },
    // Long runs, on which a pattern may try every way to divide them.
    structured: fc
      .array(fc.tuple(fc.constantFrom('/', ' ', 'a', ':', '/a', '\t', '\n'), fc.nat(16_000)), { maxLength: 3 })
      .map((runs) => utf8(`a ${runs.map(([part, times]) => part.repeat(times)).join(' ')}`)),
  },
  {
    name: 'outcomes.json',
    seeds: [utf8('{"payments/treasury/client":"1000"}\n'), utf8('{}')],
    decode: file(join(folder, 'outcomes.json'), () => openOutcomeCursors(folder, systemClock, strictLog)),
  },
  {
    name: 'lock of a state folder',
    seeds: [new Uint8Array()],
    decode: file(join(folder, 'lock'), async () => (await lockFolder(folder)).release()),
  },
  {
    name: 'owner.json',
    seeds: [utf8(JSON.stringify({ pid: process.pid, start: '4242', since: '2026-12-01T00:00:00Z' }))],
    decode: file(join(folder, 'owner.json'), () => ownerOf(folder)),
  },
  {
    name: 'format.json',
    seeds: [utf8('{"version":1,"folder":"/srv/holdfast"}\n')],
    decode: file(join(folder, 'store', 'format.json'), () => hasState(folder)),
  },
  {
    name: 'log of a signer',
    seeds: [
      utf8(
        '{"time":"2026-12-01T00:00:00.000Z","level":"error","message":"call failed","error":"no"}\nTypeError: none\n',
      ),
    ],
    decode: file(join(folder, 'signer.log'), (path) => lastWords(path, 0)),
    mostBytes: 128 * 1024,
  },
  {
    name: 'spans and keys',
    seeds: ['Wallet/payments/treasury'].map(utf8),
    decode(bytes) {
      parseSpan(fromUtf8Text(bytes));
      parseKeyString(fromUtf8Text(bytes));
      return undefined;
    },
  },
];
