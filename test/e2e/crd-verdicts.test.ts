import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { messageOf } from '../../common/errors.ts';
import { caseFiles, loadCases, mergePatch } from '../cases/load.ts';
import type { Json } from '../cases/load.ts';
import { scaleOperator } from './chart.ts';
import { holderNamespace, run } from './kubectl.ts';

/*
 * The table that holds validate() holds the API server too: kinds as the chart installs them, real CEL, and kubectl's strict
 * validation of fields.
 */

let namespace: string;

beforeAll(async () => {
  namespace = await holderNamespace('verdicts');
  // Nobody is to act on what an update starts from.
  await scaleOperator(0);
});

afterAll(async () => {
  await scaleOperator(1);
});

const send = async (verb: readonly string[], object: Json): Promise<string> =>
  run('kubectl', [...verb, '-f', '-'], JSON.stringify(mergePatch(object, { metadata: { namespace } })));

/** What the API server says against an object; nothing where it takes it. */
const verdict = async (verb: 'create' | 'replace', object: Json): Promise<string> =>
  send([verb, '--dry-run=server'], object).then(() => '', messageOf);

describe.each(caseFiles)('%s', (file) => {
  test.each(loadCases(file))('$operation: $name', async ({ object, old, refused }) => {
    if (old !== undefined) await send(['create'], old);
    const said = await verdict(old === undefined ? 'create' : 'replace', object);
    if (old !== undefined) await send(['delete', '--wait=true'], old);
    if (refused === undefined) expect(said).toBe('');
    else {
      expect(said).toMatch(/is invalid|strict decoding error/);
      expect(said).toContain(refused.path);
      expect(said).toContain(refused.rule ?? '');
    }
  });
});
