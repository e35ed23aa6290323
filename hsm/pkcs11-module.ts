// Bundles declare createRequire themselves.
import { createRequire as requireFrom } from 'node:module';
import type * as Pkcs11Js from 'pkcs11js';
import { messageOf } from '../common/errors.ts';
import { TokenFault } from './token-fault.ts';

type Handle = Pkcs11Js.Handle;
type Library = typeof Pkcs11Js;

/** CKR_USER_PIN flags of a token. */
const FINAL_TRY = 0x20000;
const LOCKED = 0x40000;
const TAG_BITS = 128;
const TAG_BYTES = TAG_BITS / 8;
const MOST_FOUND = 8;
export const EC_P256 = Buffer.from('06082a8648ce3d030107', 'hex');

/** The attributes that tell whether a key is fit; undefined where the object has no such attribute. */
export type KeyFacts = {
  readonly handle: Handle;
  readonly kind: 'secret' | 'private' | 'public' | 'other';
  readonly flags: Readonly<Record<KeyFlag, boolean | undefined>>;
  readonly type: 'AES' | 'EC' | 'other';
  readonly valueLength: number | undefined;
  readonly curve: Buffer | undefined;
  readonly point: Buffer | undefined;
};
export const keyFlags = ['SENSITIVE', 'ALWAYS_SENSITIVE', 'NEVER_EXTRACTABLE', 'LOCAL', 'EXTRACTABLE'] as const;
export type KeyFlag = (typeof keyFlags)[number];

/** A failed call of PKCS#11: its name for the failure, such as CKR_PIN_INCORRECT. */
export class Pkcs11Failure extends Error {
  override readonly name = 'Pkcs11Failure';
  readonly method: string;
  constructor(method: string, code: string) {
    super(code);
    this.method = method;
  }
}

/** One logged-in session with one token. Every call blocks its thread. */
export class Pkcs11Module {
  readonly #library: Library;
  readonly #pkcs11: Pkcs11Js.PKCS11;
  readonly #session: Handle;
  readonly #slot: Handle;

  /** `pin` is asked for only when the token is there and would not be locked by a wrong one. */
  static open(options: { module: string; tokenLabel: string; login: (tryPin: (pin: string) => void) => void }) {
    const library = loadLibrary();
    const pkcs11 = new library.PKCS11();
    try {
      pkcs11.load(options.module);
    } catch (error) {
      throw new TokenFault('ModuleMissing', `PKCS#11 module ${options.module} does not load: ${messageOf(error)}`);
    }
    try {
      pkcs11.C_Initialize();
      const slot = findToken(pkcs11, options.tokenLabel);
      const { flags } = pkcs11.C_GetTokenInfo(slot);
      if ((flags & LOCKED) !== 0)
        throw new TokenFault(
          'PinLocked',
          `the user PIN of token ${options.tokenLabel} is locked: reset it as its officer`,
        );
      if ((flags & FINAL_TRY) !== 0)
        throw new TokenFault(
          'PinLocked',
          `one more wrong PIN would lock token ${options.tokenLabel}: log in once by hand with the right one`,
        );
      const session = pkcs11.C_OpenSession(slot, library.CKF_SERIAL_SESSION | library.CKF_RW_SESSION);
      options.login((pin) => attempt('C_Login', () => pkcs11.C_Login(session, library.CKU_USER, pin)));
      return new Pkcs11Module(library, pkcs11, slot, session);
    } catch (error) {
      unload(pkcs11);
      if (error instanceof TokenFault || error instanceof Pkcs11Failure) throw error;
      throw new TokenFault(
        'TokenMissing',
        `token ${options.tokenLabel} cannot be reached through ${options.module}: ${messageOf(error)}`,
      );
    }
  }

  private constructor(library: Library, pkcs11: Pkcs11Js.PKCS11, slot: Handle, session: Handle) {
    this.#library = library;
    this.#pkcs11 = pkcs11;
    this.#slot = slot;
    this.#session = session;
  }

  close(): void {
    unload(this.#pkcs11);
  }

  has(mechanism: 'CKM_AES_GCM' | 'CKM_ECDSA' | 'CKM_ECDSA_SHA256'): boolean {
    const number = this.#library[mechanism];
    return attempt('C_GetMechanismList', () => this.#pkcs11.C_GetMechanismList(this.#slot)).includes(number);
  }

  /** All objects under `label`, of any kind. */
  find(label: string): readonly KeyFacts[] {
    const handles = attempt('C_FindObjects', () => {
      this.#pkcs11.C_FindObjectsInit(this.#session, [{ type: this.#library.CKA_LABEL, value: label }]);
      try {
        return this.#pkcs11.C_FindObjects(this.#session, MOST_FOUND);
      } finally {
        this.#pkcs11.C_FindObjectsFinal(this.#session);
      }
    });
    return handles.map((handle) => this.#facts(handle));
  }

  makeAesKey(label: string): void {
    const c = this.#library;
    attempt('C_GenerateKey', () =>
      this.#pkcs11.C_GenerateKey(this.#session, { mechanism: c.CKM_AES_KEY_GEN }, [
        { type: c.CKA_CLASS, value: c.CKO_SECRET_KEY },
        { type: c.CKA_KEY_TYPE, value: c.CKK_AES },
        { type: c.CKA_VALUE_LEN, value: 32 },
        { type: c.CKA_LABEL, value: label },
        { type: c.CKA_ENCRYPT, value: true },
        { type: c.CKA_DECRYPT, value: true },
        { type: c.CKA_WRAP, value: false },
        { type: c.CKA_UNWRAP, value: false },
        ...this.#kept(),
      ]),
    );
  }

  makeP256KeyPair(label: string): void {
    const c = this.#library;
    attempt('C_GenerateKeyPair', () =>
      this.#pkcs11.C_GenerateKeyPair(
        this.#session,
        { mechanism: c.CKM_EC_KEY_PAIR_GEN },
        [
          { type: c.CKA_CLASS, value: c.CKO_PUBLIC_KEY },
          { type: c.CKA_TOKEN, value: true },
          { type: c.CKA_PRIVATE, value: false },
          { type: c.CKA_LABEL, value: label },
          { type: c.CKA_VERIFY, value: true },
          { type: c.CKA_EC_PARAMS, value: EC_P256 },
        ],
        [
          { type: c.CKA_CLASS, value: c.CKO_PRIVATE_KEY },
          { type: c.CKA_LABEL, value: label },
          { type: c.CKA_SIGN, value: true },
          ...this.#kept(),
        ],
      ),
    );
  }

  /** AES-GCM: ciphertext and tag. */
  encrypt(key: Handle, iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return this.#borrow(plaintext, plaintext.length + TAG_BYTES, (input, output) =>
      attempt('C_Encrypt', () => {
        this.#pkcs11.C_EncryptInit(this.#session, this.#gcm(iv, aad), key);
        return this.#pkcs11.C_Encrypt(this.#session, input, output);
      }),
    );
  }

  /** The plaintext of {@link encrypt}, which the caller zeroes. */
  decrypt(key: Handle, iv: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    // Some modules want room for the tag too before they look at it.
    return this.#borrow(ciphertext, ciphertext.length, (input, output) =>
      attempt('C_Decrypt', () => {
        this.#pkcs11.C_DecryptInit(this.#session, this.#gcm(iv, aad), key);
        return this.#pkcs11.C_Decrypt(this.#session, input, output);
      }),
    );
  }

  sign(key: Handle, mechanism: 'CKM_ECDSA' | 'CKM_ECDSA_SHA256', data: Uint8Array): Uint8Array {
    return this.#borrow(data, 64, (input, output) =>
      attempt('C_Sign', () => {
        this.#pkcs11.C_SignInit(this.#session, { mechanism: this.#library[mechanism] }, key);
        return this.#pkcs11.C_Sign(this.#session, input, output);
      }),
    );
  }

  random(length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    return Uint8Array.from(attempt('C_GenerateRandom', () => this.#pkcs11.C_GenerateRandom(this.#session, bytes)));
  }

  /** Attributes of a key that stays in the token. */
  #kept(): Pkcs11Js.Template {
    const c = this.#library;
    return [
      { type: c.CKA_TOKEN, value: true },
      { type: c.CKA_PRIVATE, value: true },
      { type: c.CKA_SENSITIVE, value: true },
      { type: c.CKA_EXTRACTABLE, value: false },
      { type: c.CKA_MODIFIABLE, value: false },
    ];
  }

  #gcm(iv: Uint8Array, aad: Uint8Array): Pkcs11Js.Mechanism {
    const parameter: Pkcs11Js.AesGCM = {
      type: this.#library.CK_PARAMS_GCM,
      iv: Buffer.from(iv),
      ivBits: iv.length * 8,
      aad: Buffer.from(aad),
      tagBits: TAG_BITS,
    };
    return { mechanism: this.#library.CKM_AES_GCM, parameter };
  }

  /** Runs with buffers of its own, zeroed after. */
  #borrow(input: Uint8Array, length: number, run: (input: Buffer, output: Buffer) => Buffer): Uint8Array {
    const from = Buffer.alloc(input.length);
    from.set(input);
    const into = Buffer.alloc(length);
    try {
      return Uint8Array.from(run(from, into));
    } finally {
      from.fill(0);
      into.fill(0);
    }
  }

  #facts(handle: Handle): KeyFacts {
    const c = this.#library;
    const read = (type: number): Buffer | undefined => {
      try {
        const value = this.#pkcs11.C_GetAttributeValue(this.#session, handle, [{ type }])[0]?.value;
        return Buffer.isBuffer(value) ? value : undefined;
      } catch (error) {
        if (/CKR_ATTRIBUTE_TYPE_INVALID|CKR_ATTRIBUTE_SENSITIVE/.test(messageOf(error))) return undefined;
        throw new Pkcs11Failure('C_GetAttributeValue', messageOf(error));
      }
    };
    const number = (type: number): number | undefined => {
      const value = read(type);
      return value === undefined || value.length < 4 ? undefined : value.readUInt32LE();
    };
    const flag = (type: number): boolean | undefined => {
      const value = read(type);
      return value === undefined || value.length !== 1 ? undefined : value[0] !== 0;
    };
    const kinds = new Map([
      [c.CKO_SECRET_KEY, 'secret'],
      [c.CKO_PRIVATE_KEY, 'private'],
      [c.CKO_PUBLIC_KEY, 'public'],
    ] as const);
    const types = new Map([
      [c.CKK_AES, 'AES'],
      [c.CKK_EC, 'EC'],
    ] as const);
    const kind = kinds.get(number(c.CKA_CLASS) ?? -1) ?? 'other';
    const type = kind === 'other' ? 'other' : (types.get(number(c.CKA_KEY_TYPE) ?? -1) ?? 'other');
    const secret = kind === 'secret' || kind === 'private';
    return {
      handle,
      kind,
      type,
      flags: {
        SENSITIVE: secret ? flag(c.CKA_SENSITIVE) : undefined,
        ALWAYS_SENSITIVE: secret ? flag(c.CKA_ALWAYS_SENSITIVE) : undefined,
        NEVER_EXTRACTABLE: secret ? flag(c.CKA_NEVER_EXTRACTABLE) : undefined,
        LOCAL: secret ? flag(c.CKA_LOCAL) : undefined,
        EXTRACTABLE: secret ? flag(c.CKA_EXTRACTABLE) : undefined,
      },
      valueLength: kind === 'secret' ? number(c.CKA_VALUE_LEN) : undefined,
      curve: type === 'EC' ? read(c.CKA_EC_PARAMS) : undefined,
      point: kind === 'public' && type === 'EC' ? read(c.CKA_EC_POINT) : undefined,
    };
  }
}

/** At run time and only here: it is built on installation, and a machine without build tools does without it. */
export function loadLibrary(): Library {
  try {
    return requireFrom(import.meta.url)('pkcs11js') as Library;
  } catch (error) {
    throw new TokenFault(
      'ModuleMissing',
      `pkcs11js is not built on this machine (${messageOf(error).slice(0, 120)}): install a C++ compiler, make and python3, then npm rebuild pkcs11js`,
    );
  }
}

function findToken(pkcs11: Pkcs11Js.PKCS11, label: string): Handle {
  const slots = pkcs11.C_GetSlotList(true).filter((slot) => pkcs11.C_GetTokenInfo(slot).label.trimEnd() === label);
  const [slot] = slots;
  if (slot === undefined) throw new TokenFault('TokenMissing', `no token is labelled ${label}`);
  if (slots.length > 1) throw new TokenFault('TokenMissing', `${slots.length} tokens are labelled ${label}: want one`);
  return slot;
}

/** Modules look for tokens only when they are initialised: a session is always opened from there. */
function unload(pkcs11: Pkcs11Js.PKCS11): void {
  for (const step of [() => pkcs11.C_Finalize(), () => pkcs11.close()])
    try {
      step();
    } catch {
      // Not initialised, or the token is gone: there is nothing to give back.
    }
}

function attempt<T>(method: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new Pkcs11Failure(method, messageOf(error));
  }
}
