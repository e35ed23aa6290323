import { X509Certificate, createPublicKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { concat, digest, fromHex, sha256, utf8 } from './bytes.ts';

/**
 * A self-signed X.509 certificate (RFC 5280) for TLS between parties that pin each other's key: DER, the same
 * bytes for the same key and name, good for ever, unable to issue others. Ed25519 only.
 */
export function selfSignedCertificate(input: {
  readonly commonName: string;
  readonly privateKey: KeyObject;
}): Uint8Array {
  const { commonName, privateKey } = input;
  if (privateKey.asymmetricKeyType !== 'ed25519')
    throw new Error(`certificate: want an Ed25519 key, got ${privateKey.asymmetricKeyType ?? 'a secret'}`);
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const name = sequence(der(0x31, sequence(oid.commonName, der(0x0c, utf8(commonName)))));
  const extensions = sequence(
    sequence(oid.basicConstraints, critical, der(0x04, sequence())), // no CA: what it might issue is worth nothing
    sequence(oid.keyUsage, critical, der(0x04, der(0x03, Uint8Array.of(7, 0x80)))), // digitalSignature
  );
  const unsigned = sequence(
    der(0xa0, integer(Uint8Array.of(2))), // version 3
    integer(serialOf(spki)),
    sequence(oid.ed25519),
    name,
    // RFC 5280 4.1.2.5: no known end. Both fixed, so that pins and clocks are all that ever decides.
    sequence(der(0x17, utf8('700101000000Z')), der(0x18, utf8('99991231235959Z'))),
    name,
    spki,
    der(0xa3, extensions),
  );
  return sequence(unsigned, sequence(oid.ed25519), der(0x03, Uint8Array.of(0), sign(null, unsigned, privateKey)));
}

/** SHA-256 of the certificate's SubjectPublicKeyInfo, as `sha256:` and hex: what peers and clients pin. Throws on what is no certificate. */
export const fingerprintOfCertificate = (certificate: Uint8Array): string =>
  digest(new X509Certificate(certificate).publicKey.export({ format: 'der', type: 'spki' }));

export const certificatePem = (certificate: Uint8Array): string => {
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
};

const critical = Uint8Array.of(0x01, 1, 0xff);
const oid = {
  ed25519: fromHex('06032b6570'), // 1.3.101.112
  commonName: fromHex('0603550403'), // 2.5.4.3
  keyUsage: fromHex('0603551d0f'), // 2.5.29.15
  basicConstraints: fromHex('0603551d13'), // 2.5.29.19
};

// One element: tag, length in the definite form, content.
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concat(...parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concat(Uint8Array.of(tag, ...size), content);
}

const sequence = (...parts: readonly Uint8Array[]): Uint8Array => der(0x30, ...parts);
const integer = (magnitude: Uint8Array): Uint8Array => der(0x02, magnitude);

/** 16 bytes of the key's hash with the first two bits 01: positive, not zero, and the shortest form of itself. */
function serialOf(spki: Uint8Array): Uint8Array {
  const serial = sha256(spki).slice(0, 16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}
