import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '../common/errors.ts';
import { createLog } from '../common/log.ts';
import { readPin } from './pin-file.ts';
import { initialiseToken } from './initialise-token.ts';
import { newTokenFolder } from './token-folder.ts';

/*
 * A program: initialises a token where the module has one that is empty, as SoftHSM always has. Whoever starts it makes
 * sure that there is no token to lose, or gives --folder, where a token in files is made once. The officer's PIN, which
 * resets the user's, is made here and kept in a file: --so-pin-file, or one in the folder.
 */
const log = createLog((line) => process.stderr.write(line));
try {
  const { values } = parseArgs({
    options: {
      module: { type: 'string', default: '' },
      'token-label': { type: 'string', default: '' },
      'pin-file': { type: 'string', default: '' },
      'so-pin-file': { type: 'string', default: '' },
      folder: { type: 'string' },
    },
  });
  process.umask(0o077);
  const folder = values.folder === undefined ? undefined : newTokenFolder(values.folder);
  if (values.folder !== undefined && folder === undefined) {
    log.info('there is a token', { folder: values.folder });
    process.exit(0);
  }
  const officerFile = folder?.officerFile ?? values['so-pin-file'];
  const pin = readPin(values['pin-file']).value;
  // On disk before the token is: one whose officer's PIN is lost cannot be unlocked.
  if (!existsSync(officerFile)) writeFileSync(officerFile, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600 });
  chmodSync(officerFile, 0o600);
  initialiseToken({ module: values.module, label: values['token-label'], pin, officerPin: readPin(officerFile).value });
  folder?.finish();
  log.info('made a token', { label: values['token-label'] });
} catch (error) {
  log.error(messageOf(error));
  process.exit(1);
}
