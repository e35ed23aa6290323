/** Verifies the output of `holdfast demo --json` given on stdin, in one line or with the first thing that is wrong. */
import { readFileSync } from 'node:fs';
import { messageOf } from '../../common/errors.ts';
import { verifyDemoJson } from './verify-demo-json.ts';

try {
  const { keys, signed, signatures, denied } = verifyDemoJson(readFileSync(0, 'utf8'));
  console.log(`verified: ${keys} keys, ${signed} requests signed with ${signatures} signatures, ${denied} denied`);
} catch (error) {
  console.error(`error: ${messageOf(error)}`);
  process.exitCode = 1;
}
