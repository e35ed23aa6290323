import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { concat, equal, fromHex, fromUtf8, quote, utf8 } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { sshKeyOf } from '../statement/ssh-key.ts';
import { SshReader, fromBase64 } from '../statement/ssh-wire.ts';

// OpenSSH's PROTOCOL.key.
const magic = utf8('openssh-key-v1\0');
const maxBytes = 16 * 1024;
// RFC 8410 7: all of an Ed25519 PKCS#8 but the 32-byte seed.
const ed25519Prefix = fromHex('302e020100300506032b657004220420');

/**
 * The Ed25519 or P-256 key of a private key file: what `ssh-keygen` writes, or PKCS#8 in PEM. Throws a UserError on
 * anything else; one that is encrypted is for ssh-agent. Errors never quote the file.
 */
export function parseSshPrivateKey(file: Uint8Array): KeyObject {
  if (file.length > maxBytes)
    throw new UserError(`ssh private key: want at most ${maxBytes} bytes, got ${file.length}`);
  const { label, lines } = dearmor(file);
  try {
    return label === 'OPENSSH PRIVATE KEY' ? readOpenssh(fromBase64(lines.join(''), 'base64')) : readPem(label, lines);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`ssh private key: the file is damaged: ${error instanceof Error ? error.message : ''}`);
  }
}

function dearmor(file: Uint8Array): { readonly label: string; readonly lines: readonly string[] } {
  let text = '';
  try {
    text = fromUtf8(file).replaceAll('\r\n', '\n').trim();
  } catch {
    // Not text: no armor either.
  }
  if (/^(?:ssh-|ecdsa-|sk-)\S+ /.test(text))
    throw new UserError('ssh private key: the file holds a public key', ['give the file without .pub']);
  const match = /^-----BEGIN (?<label>[A-Z0-9 ]{1,40})-----\n(?<body>[\s\S]*)\n-----END \k<label>-----$/.exec(text);
  const { label, body } = match?.groups ?? {};
  if (label === undefined || body === undefined)
    throw new UserError('ssh private key: want a file that begins with "-----BEGIN OPENSSH PRIVATE KEY-----"');
  return { label, lines: body.split('\n') };
}

const encrypted = (): UserError =>
  new UserError('ssh private key: the file is encrypted with a passphrase', [
    'let ssh-agent open it: ssh-add FILE, then leave --ssh-key out or give the .pub file',
  ]);

const unsupported = (what: string): UserError =>
  new UserError(`ssh private key: want an Ed25519 or ECDSA P-256 key, got ${what}`, [
    'make another in a file of its own: ssh-keygen -t ed25519 -f NEW_FILE; a policy names its public half',
  ]);

function readPem(label: string, lines: readonly string[]): KeyObject {
  if (label === 'ENCRYPTED PRIVATE KEY' || lines.some((line) => line.startsWith('Proc-Type:'))) throw encrypted();
  if (label !== 'PRIVATE KEY' && label !== 'EC PRIVATE KEY') throw unsupported(quote(label));
  const type = label === 'PRIVATE KEY' ? 'pkcs8' : 'sec1';
  return supported(createPrivateKey({ key: Buffer.from(lines.join(''), 'base64'), format: 'der', type }));
}

function supported(key: KeyObject): KeyObject {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const ours = key.asymmetricKeyType === 'ed25519' || (key.asymmetricKeyType === 'ec' && curve === 'prime256v1');
  if (!ours) throw unsupported([key.asymmetricKeyType, curve].filter((word) => word !== undefined).join(' '));
  return key;
}

function readOpenssh(blob: Uint8Array): KeyObject {
  const reader = new SshReader(blob);
  if (!equal(reader.take(magic.length, 'magic'), magic)) throw new Error('not openssh-key-v1');
  const cipher = reader.text('cipher');
  const kdf = reader.text('key derivation');
  reader.string('options of the key derivation');
  if (cipher !== 'none' || kdf !== 'none') throw encrypted();
  const count = reader.uint32('number of keys');
  if (count !== 1) throw new Error(`want one key, got ${count}`);
  const publicBlob = reader.string('public key');
  const secret = new SshReader(reader.string('private key'));
  reader.end('file');
  // Equal where decryption succeeded, and so here.
  if (secret.uint32('check') !== secret.uint32('check')) throw new Error('its check numbers differ');
  const key = readKey(secret);
  secret.string('comment');
  // To a multiple of the cipher's block size, which is 8 without a cipher: 1, 2, 3 ...
  const padding = secret.rest();
  if (padding.length >= 8 || padding.some((byte, i) => byte !== i + 1)) throw new Error('its padding is not 1, 2, 3');
  if (!equal(sshKeyOf(key).blob, publicBlob)) throw new Error('its public half is of another key');
  return key;
}

function readKey(reader: SshReader): KeyObject {
  const algorithm = reader.text('algorithm');
  switch (algorithm) {
    case 'ssh-ed25519': {
      reader.string('public key');
      const pair = reader.string('private key'); // seed and public key
      if (pair.length !== 64) throw new Error(`want a private key of 64 bytes, got ${pair.length}`);
      const der = concat(ed25519Prefix, pair.subarray(0, 32));
      return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
    }
    case 'ecdsa-sha2-nistp256': {
      const curve = reader.text('curve');
      const point = reader.string('point');
      if (curve !== 'nistp256' || point.length !== 65 || point[0] !== 4)
        throw new Error('want an uncompressed point of curve nistp256');
      const scalar = reader.scalar(32, 'scalar');
      const [x, y, d] = [point.subarray(1, 33), point.subarray(33), scalar].map((part) =>
        Buffer.from(part).toString('base64url'),
      ) as [string, string, string];
      return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x, y, d }, format: 'jwk' });
    }
    case 'sk-ssh-ed25519@openssh.com':
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      throw new UserError('ssh private key: the file is the handle of a security key, which signs by itself', [
        'let ssh-agent use it: ssh-add FILE, then leave --ssh-key out or give the .pub file',
      ]);
    default:
      throw unsupported(quote(algorithm));
  }
}
