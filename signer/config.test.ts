import { describe, expect, it } from 'vitest';
import { UserError } from '../common/errors.ts';
import { readConfig } from './config.ts';

const flags: Readonly<Record<string, string>> = {
  wallet: 'payments/treasury',
  holder: 'client',
  data: '/data',
  'seal-key-file': '/kek',
  operator: `sha256:${'ab'.repeat(32)}`,
};
const args = (change: Readonly<Record<string, string | undefined>> = {}): string[] =>
  Object.entries({ ...flags, ...change }).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));

describe('the flags of a signer', () => {
  it('are read, with ports on loopback where none are given', () => {
    expect(readConfig(args({ 'sign-listen': '[::1]:0', 'log-level': 'debug' }))).toEqual({
      wallet: 'payments/treasury',
      holder: 'client',
      data: '/data',
      seal: { kind: 'KeyFile', file: '/kek' },
      operator: `sha256:${'ab'.repeat(32)}`,
      signListen: '[::1]:0',
      peerListen: '127.0.0.1:7443',
      metricsListen: '127.0.0.1:9090',
      logLevel: 'debug',
    });
  });

  it('name the socket of a sidecar in place of a key file', () => {
    expect(readConfig(args({ 'seal-key-file': undefined, 'hsm-socket': '/run/hsm.sock' })).seal).toEqual({
      kind: 'Pkcs11',
      socket: '/run/hsm.sock',
    });
  });

  it('name the genesis that the owner accepts', () => {
    expect(readConfig(args({ accept: '/etc/genesis.json' })).accept).toBe('/etc/genesis.json');
  });

  const wrong: readonly (readonly [string, readonly string[], string])[] = [
    ['without a wallet', args({ wallet: undefined }), '--wallet is missing: want namespace/name'],
    ['with a wallet that is none', args({ wallet: 'Treasury' }), '--wallet: want namespace/name, got "Treasury"'],
    ['with a short fingerprint', args({ operator: 'sha256:ab' }), '--operator: want'],
    ['with an empty folder', args({ data: '' }), '--data: want a folder'],
    [
      'without a seal',
      args({ 'seal-key-file': undefined }),
      '--seal-key-file is missing: want a file, or --hsm-socket',
    ],
    ['with two seals', args({ 'hsm-socket': '/s' }), '--seal-key-file and --hsm-socket: want one of the two'],
    [
      'with a relative socket',
      args({ 'seal-key-file': undefined, 'hsm-socket': 's' }),
      '--hsm-socket: want the absolute',
    ],
    ['with an empty file to accept', args({ accept: '' }), '--accept: want a file'],
    ['with an unknown level', args({ 'log-level': 'loud' }), '--log-level: want one of debug, info, warn, error'],
    ['with an address that is none', args({ 'peer-listen': '7443' }), 'listen address: want host:port, got "7443"'],
    ['with a port that is none', args({ 'peer-listen': 'a:65536' }), 'listen address: want host:port, got "a:65536"'],
    ['with an unknown flag', [...args(), '--pin', '1234'], '--pin'],
    ['with a word too many', [...args(), 'extra'], 'extra'],
  ];
  for (const [what, given, message] of wrong)
    it(`are refused ${what}`, () => {
      const read = (): unknown => readConfig(given);
      expect(read).toThrow(UserError);
      expect(read).toThrow(message);
      expect(read).toThrow(expect.objectContaining({ exitCode: 2 }));
    });
});
