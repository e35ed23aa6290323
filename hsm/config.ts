import { quote } from '../common/bytes.ts';
import { levels, type Level } from '../common/log.ts';
import { programFlags } from '../common/program-flags.ts';

export const signMechanisms = ['CKM_ECDSA', 'CKM_ECDSA_SHA256'] as const;
export const wrapMechanisms = ['CKM_AES_GCM'] as const;

/** Which token a sidecar uses, for whom, and how. */
export type TokenConfig = {
  /** The PKCS#11 module, a shared library. */
  readonly module: string;
  readonly tokenLabel: string;
  readonly pinFile: string;
  /** namespace/name. */
  readonly wallet: string;
  readonly holder: string;
  /** Only encryption that authenticates associated data inside the token will do. */
  readonly wrapMechanism: (typeof wrapMechanisms)[number];
  /** CKM_ECDSA signs a hash made here: SoftHSM 2.6 has no other. */
  readonly signMechanism: (typeof signMechanisms)[number];
};

export type Config = TokenConfig & {
  readonly socket: string;
  /** How long a call may take before it counts as held up. */
  readonly deadlineMs: number;
  readonly logLevel: Level;
};

export const usage = `usage: hsm --module FILE --token-label LABEL --pin-file FILE --socket FILE --wallet NAMESPACE/NAME --holder NAME
           [--wrap-mechanism CKM_AES_GCM] [--sign-mechanism CKM_ECDSA|CKM_ECDSA_SHA256] [--deadline-ms N] [--log-level LEVEL]`;

const names = [
  'module',
  'token-label',
  'pin-file',
  'socket',
  'wallet',
  'holder',
  'wrap-mechanism',
  'sign-mechanism',
  'deadline-ms',
  'log-level',
];

/** sockaddr_un has room for 107 bytes. */
const MOST_SOCKET_BYTES = 107;
const label = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';

/** Reads the sidecar's flags; throws a UserError with exit code 2 on anything that is not right. */
export function readConfig(args: readonly string[]): Config {
  const { values, matching, wrong } = programFlags(args, names, usage);
  const oneOf = <T extends string>(name: string, known: readonly T[], otherwise: T): T => {
    const value = values[name] ?? otherwise;
    const found = known.find((one) => one === value);
    if (found === undefined) throw wrong(`--${name}: want ${known.join(' or ')}, got ${quote(value)}`);
    return found;
  };
  const socket = matching('socket', /^\//, 'the absolute path of a socket');
  if (Buffer.byteLength(socket) > MOST_SOCKET_BYTES)
    throw wrong(`--socket: want a path of at most ${MOST_SOCKET_BYTES} bytes, got ${Buffer.byteLength(socket)}`);
  return {
    module: matching('module', /^\//, 'the absolute path of a PKCS#11 module'),
    // PKCS#11 pads labels to 32 bytes with blanks.
    tokenLabel: matching('token-label', /^[!-~](?:[ -~]{0,30}[!-~])?$/, 'the label of a token, at most 32 characters'),
    pinFile: matching('pin-file', /./, 'a file'),
    socket,
    wallet: matching('wallet', new RegExp(`^${label}/${label}$`), 'namespace/name'),
    holder: matching('holder', new RegExp(`^${label}$`), 'the name of a holder'),
    wrapMechanism: oneOf('wrap-mechanism', wrapMechanisms, 'CKM_AES_GCM'),
    signMechanism: oneOf('sign-mechanism', signMechanisms, 'CKM_ECDSA'),
    deadlineMs: Number(matching('deadline-ms', /^[1-9][0-9]{1,5}$/, '10 to 999999 milliseconds', '5000')),
    logLevel: oneOf('log-level', levels, 'info'),
  };
}
