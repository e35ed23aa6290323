/** What each pattern of crds/ asks for, in words: an API server can only quote the pattern. */
export const patternWords: Readonly<Record<string, string>> = {
  '^[a-z]([-a-z0-9]*[a-z0-9])?$': 'lowercase letters, digits and inner hyphens, a letter first',
  '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$': 'lowercase letters, digits and inner hyphens',
  '^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$': 'lowercase letters, digits and inner hyphens or dots',
  '^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$': 'letters, digits and inner hyphens, dots or underscores',
  '^[A-Z][A-Za-z]*$': 'one word like QuorumLost',
  '^[-._a-zA-Z0-9]+$': 'letters, digits, hyphens, dots or underscores',
  '^[!-~]+$': 'printable ASCII characters without spaces',
  '^sha256:[0-9a-f]{64}$': 'sha256: and 64 lowercase hex digits',
  '^[0-9a-f]*$': 'lowercase hex',
  '^([0-9a-f]{2})*$': 'whole bytes in lowercase hex',
  '^0x([0-9a-f]{2})*$': '0x and whole bytes in lowercase hex',
  '^(0|[1-9][0-9]*)$': 'a whole number in quotes',
  '^(0|[1-9][0-9]*)(\\.[0-9]+)?$': 'a decimal number like "0.02", without sign or exponent',
  '^[1-9][0-9]{0,6}[smh]$': 'a duration like 30s, 15m or 24h',
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$': 'a UTC time like 2026-12-01T00:00:00Z',
  '^[1-9][0-9]*(\\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$': 'a size like 2Gi',
  '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$':
    'a quantity like 500m or 256Mi',
  '^[^@\\s]+@sha256:[0-9a-f]{64}$': 'an image by digest like registry.example/signer@sha256:... with 64 hex digits',
  '^/[^\\s]+$': 'an absolute path',
  '^[0-9a-fA-F:.]+/[0-9]{1,3}$': 'an address range like 10.0.0.0/8',
  '^([A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?|\\[[0-9a-fA-F:.]+\\]):[1-9][0-9]{0,4}$':
    'a host and port like signer.acme.example:7443',
  '^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$': 'a CAIP-2 chain like eip155:1',
  '^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}:[-.%a-zA-Z0-9]{1,128}$':
    'a CAIP-10 account like eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb',
  '^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}/[-a-z0-9]{3,8}:[-.%a-zA-Z0-9]{1,128}(/[-.%a-zA-Z0-9]{1,78})?$':
    'a CAIP-19 asset like eip155:1/slip44:60',
  '^[1-9A-HJ-NP-Za-km-z]{32,44}$': 'a Solana account in base58',
  '^(ssh-ed25519|ecdsa-sha2-nistp256|sk-ssh-ed25519@openssh\\.com|sk-ecdsa-sha2-nistp256@openssh\\.com) [A-Za-z0-9+/]+={0,2}( .*)?$':
    'an SSH public key like "ssh-ed25519 AAAA...", Ed25519 or ECDSA P-256',
  '^-----BEGIN SSH SIGNATURE-----\\n[A-Za-z0-9+/=\\n]+\\n-----END SSH SIGNATURE-----\\n?$':
    'an armored SSH signature, as ssh-keygen -Y sign writes it',
  '^m(/(\\*|0|[1-9][0-9]{0,9})){0,10}$': 'a path like m/0/5, with * for any one number, or m for the key itself',
  '^m(/(0|[1-9][0-9]{0,9})){1,10}$': 'a path of non-hardened children like m/0/5',
};
