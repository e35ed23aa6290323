import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pure = 'pure';
const disk = 'only signer/state/ touches the disk';
const runtime = 'operator/runtime/ knows nothing of signing';
const kubernetes = 'only operator/runtime/ speaks to Kubernetes';

/** file, what it imports, and a part of the message, or undefined where the arrow allows it */
const table: readonly (readonly [string, string, string | undefined])[] = [
  ['signer/probe.ts', '../operator/api/resource.ts', 'signer/ knows neither the operator'],
  ['signer/peers/probe.ts', '../../client/signer-client.ts', 'signer/ knows neither the operator'],
  ['signer/ceremony/probe.ts', '../../cli/main.ts', 'signer/ knows neither the operator'],
  ['signer/state/probe.ts', '../../operator/api/resource.ts', 'signer/ knows neither the operator'],
  ['signer/probe.test.ts', '../operator/api/resource.ts', 'signer/ knows neither the operator'],
  ['signer/probe.test.ts', '../client/signer-client.ts', undefined],
  ['signer/peers/testing/probe.ts', '../../../cli/main.ts', 'signer/ knows neither the operator'],
  ['signer/probe.ts', '@kubernetes/client-node', kubernetes],
  ['signer/probe.ts', 'node:fs', disk],
  ['signer/peers/probe.ts', 'node:fs/promises', disk],
  ['signer/scheme/probe.ts', 'node:sqlite', disk],
  ['signer/state/probe.ts', 'node:sqlite', undefined],
  ['signer/state/probe.ts', 'node:fs', undefined],
  ['signer/ceremony/probe.ts', 'node:net', pure],
  ['signer/ceremony/probe.ts', 'node:timers/promises', pure],
  ['signer/ceremony/probe.ts', '@grpc/grpc-js', 'state machines without I/O'],
  ['signer/ceremony/probe.ts', '../../policy/effect.ts', undefined],
  ['signer/ceremony/probe.ts', '../../proto/gen/signer/v1/peer.ts', undefined],
  ['hsm/probe.ts', '../signer/state/seal.ts', 'hsm/ has the PIN'],
  ['hsm/testing/probe.ts', '../../operator/api/resource.ts', 'hsm/ has the PIN'],
  ['hsm/probe.ts', '../proto/gen/hsm/v1/hsm.ts', undefined],
  ['signer/state/probe.ts', '../../hsm/token.ts', 'signer/ knows neither the operator'],
  ['operator/wallet/probe.ts', '../../signer/signer.ts', 'operator/ and signer/ meet'],
  ['operator/probe.ts', '../cli/main.ts', 'operator/ and signer/ meet'],
  ['operator/probe.test.ts', '../signer/signer.ts', 'operator/ and signer/ meet'],
  ['operator/wallet/probe.ts', '@kubernetes/client-node', kubernetes],
  ['operator/runtime/probe.ts', '@kubernetes/client-node', undefined],
  ['operator/runtime/probe.ts', '../../signer/signer.ts', runtime],
  ['operator/runtime/probe.ts', '../../client/wallet-client.ts', runtime],
  ['operator/runtime/probe.ts', '../api/resource.ts', runtime],
  ['operator/runtime/probe.test.ts', '../testing/objects.ts', runtime],
  ['operator/runtime/probe.ts', '../../common/clock.ts', undefined],
  ['operator/runtime/probe.ts', './work-queue.ts', undefined],
  ['operator/runtime/testing/probe.ts', '../../api/resource.ts', runtime],
  ['operator/runtime/testing/probe.ts', '../../../signer/signer.ts', runtime],
  ['operator/runtime/testing/probe.ts', '../client.ts', undefined],
  ['operator/runtime/testing/probe.ts', '../../../common/clock.ts', undefined],
  ['operator/wallet/probe.ts', '../signer/signer-plan.ts', undefined],
  ['operator/probe.ts', './signer/signer-plan.ts', undefined],
  ['operator/wallet/testing/probe.ts', '../../signer/signer-plan.ts', undefined],
  ['operator/wallet/testing/probe.ts', '../../../signer/signer.ts', 'operator/ and signer/ meet'],
  ['operator/request/probe.ts', '../../client/wallet-client.ts', undefined],
  ['client/probe.ts', '../signer/signer.ts', 'client/ meets the others'],
  ['client/probe.ts', '../operator/api/resource.ts', 'client/ meets the others'],
  ['client/probe.ts', '../policy/decode/decode.ts', undefined],
  ['cli/probe.ts', '../signer/main.ts', 'cli/ knows signers through client/'],
  ['cli/demo/probe.ts', '../../operator/embedded.ts', undefined],
  ['policy/probe.ts', '../signer/signer.ts', pure],
  ['policy/decode/probe.ts', '../../proto/gen/signer/v1/peer.ts', pure],
  ['policy/probe.ts', 'node:fs', pure],
  ['policy/decode/probe.ts', '@scure/btc-signer', undefined],
  ['policy/probe.ts', '../statement/statements.ts', undefined],
  ['policy/probe.test.ts', 'node:fs', undefined],
  ['policy/probe.test.ts', '../signer/signer.ts', pure],
  ['statement/probe.ts', '../policy/effect.ts', pure],
  ['statement/probe.ts', 'node:child_process', pure],
  ['statement/probe.ts', 'node:crypto', undefined],
  ['proto/probe.ts', '../signer/signer.ts', 'what everything else meets in'],
  ['common/probe.ts', 'yaml', 'no third-party'],
  ['common/probe.ts', '@noble/hashes/sha2.js', 'no third-party'],
  ['common/probe.ts', 'node-fetch', 'no third-party'],
  ['common/probe.ts', 'node:crypto', undefined],
  ['common/probe.ts', './bytes.ts', undefined],
  ['common/probe.ts', '../statement/canonical.ts', 'imports nothing of ours'],
  ['common/probe.test.ts', 'vitest', undefined],
];

let folder = '';
const found = new Map<string, string>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-arrows-'));
  // Arrows are read from the imports' text: neither types nor the files imported need be there.
  const config = readFileSync(join(root, '.oxlintrc.json'), 'utf8').replace('"typeAware": true', '"typeAware": false');
  writeFileSync(join(folder, '.oxlintrc.json'), config);
  for (const [i, [file, imported]] of table.entries()) {
    const probe = join(folder, file.replace('probe', `probe-${i}`));
    mkdirSync(dirname(probe), { recursive: true });
    writeFileSync(probe, `import { x } from '${imported}';\nexport const y = x;\n`);
  }
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--format', 'json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const { diagnostics }: { diagnostics: { code: string; filename: string; message: string; help?: string }[] } =
    JSON.parse(stdout);
  for (const { code, filename, message, help } of diagnostics)
    if (code === 'eslint(no-restricted-imports)') found.set(filename, `${message} ${help}`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each(
  table.map(([file, imported, message], i) => ({ file, imported, message, i, verdict: message ? 'refused' : 'fine' })),
)('$file importing $imported is $verdict', ({ file, message, i }) => {
  const said = found.get(file.replace('probe', `probe-${i}`));
  if (message === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(message);
});
