import { concat, sha256, utf8 } from '../common/bytes.ts';
import { messageOf } from '../common/errors.ts';
import type { TokenConfig } from './config.ts';
import { readPin } from './pin-file.ts';
import { Pkcs11Failure, Pkcs11Module } from './pkcs11-module.ts';
import { checkCall, type TokenCall, type TokenResult } from './token-calls.ts';
import { TokenFault } from './token-fault.ts';
import { auditLabel, findAuditKey, findKek, kekLabel, type TokenKeys } from './token-keys.ts';

const VERSION = Uint8Array.of(1);
const IV_BYTES = 12;
const PURPOSE = 'holdfast data key v1';

/**
 * One holder's keys in one token. It blocks, so it has a thread of its own. A session that fails is opened anew once a
 * call, with all checks; a PIN that was refused is not tried again before its file changes.
 */
export class Token {
  readonly #config: TokenConfig;
  readonly #kek: string;
  readonly #audit: string;
  #module: Pkcs11Module | undefined;
  #keys: TokenKeys | undefined;
  #prepared = false;
  #refused: { readonly version: string; readonly fault: TokenFault } | undefined;

  constructor(config: TokenConfig) {
    this.#config = config;
    this.#kek = kekLabel(config.wallet, config.holder);
    this.#audit = auditLabel(config.wallet, config.holder);
  }

  call(call: TokenCall): TokenResult {
    checkCall(call);
    const fresh = this.#module === undefined;
    try {
      return this.#attempt(call);
    } catch (error) {
      // What an old session says of keys, or of anything else, may only mean that its token is gone.
      this.close();
      if (fresh) throw this.#faultOf(error, call);
    }
    try {
      return this.#attempt(call);
    } catch (error) {
      this.close();
      throw this.#faultOf(error, call);
    }
  }

  close(): void {
    this.#keys = undefined;
    this.#module?.close();
    this.#module = undefined;
  }

  #attempt(call: TokenCall): TokenResult {
    const module = (this.#module ??= this.#open());
    if (call.op === 'check') this.#keys = undefined;
    if (call.op === 'prepare') return this.#prepare(module, call.nothingSealed);
    const keys = (this.#keys ??= this.#find(module));
    // Otherwise a signer that skips this might seal under a key that was made for another one's data.
    if (!this.#prepared && call.op !== 'check')
      throw new TokenFault('KeysNotPrepared', 'call Prepare first: it says whether keys may be made');
    switch (call.op) {
      case 'check':
        return { bytes: module.random(1).fill(0), made: [] };
      case 'wrap': {
        const iv = module.random(IV_BYTES);
        const sealed = module.encrypt(keys.kek, iv, this.#bind(call.associated), call.dataKey);
        return { bytes: concat(VERSION, iv, sealed), made: [] };
      }
      case 'unwrap': {
        const [iv, sealed] = [call.wrapped.subarray(1, 1 + IV_BYTES), call.wrapped.subarray(1 + IV_BYTES)];
        return { bytes: module.decrypt(keys.kek, iv, this.#bind(call.associated), sealed), made: [] };
      }
      case 'sign': {
        const { signMechanism } = this.#config;
        const data = signMechanism === 'CKM_ECDSA' ? sha256(call.message) : call.message;
        return { bytes: module.sign(keys.auditKey, signMechanism, data), made: [] };
      }
      case 'random':
        return { bytes: module.random(call.length), made: [] };
    }
  }

  #prepare(module: Pkcs11Module, nothingSealed: boolean): TokenResult {
    const made: string[] = [];
    if (nothingSealed && findKek(module, this.#kek) === undefined) {
      module.makeAesKey(this.#kek);
      made.push(this.#kek);
    }
    if (nothingSealed && findAuditKey(module, this.#audit) === undefined) {
      module.makeP256KeyPair(this.#audit);
      made.push(this.#audit);
    }
    this.#keys = this.#find(module);
    this.#prepared = true;
    return { bytes: this.#keys.auditPublicKey, made };
  }

  #find(module: Pkcs11Module): TokenKeys {
    const kek = findKek(module, this.#kek);
    const audit = findAuditKey(module, this.#audit);
    if (kek === undefined || audit === undefined)
      throw new TokenFault(
        'KeyMissing',
        `token ${this.#config.tokenLabel} has no key ${kek === undefined ? this.#kek : this.#audit}: it is made only for a signer that has nothing sealed; for any other, bring back the token that has it`,
      );
    return { kek, ...audit };
  }

  #open(): Pkcs11Module {
    const { module, tokenLabel, pinFile } = this.#config;
    const pin = readPin(pinFile);
    if (this.#refused?.version === pin.version) throw this.#refused.fault;
    const opened = Pkcs11Module.open({
      module,
      tokenLabel,
      login: (tryPin) => {
        try {
          tryPin(pin.value);
          this.#refused = undefined;
        } catch (error) {
          throw this.#loginFault(messageOf(error), pin.version) ?? error;
        }
      },
    });
    const missing = [this.#config.wrapMechanism, this.#config.signMechanism].filter((name) => !opened.has(name));
    if (missing.length === 0) return opened;
    opened.close();
    throw new TokenFault(
      'MechanismMissing',
      `token ${tokenLabel} lacks ${missing.join(' and ')}: configure another mechanism`,
    );
  }

  /** Remembers that this PIN was refused: each further try brings a token nearer to locking itself. */
  #loginFault(code: string, version: string): TokenFault | undefined {
    const locked = code === 'CKR_PIN_LOCKED';
    if (!locked && !code.startsWith('CKR_PIN_')) return undefined;
    const { pinFile, tokenLabel } = this.#config;
    const fault = locked
      ? new TokenFault(
          'PinLocked',
          `the user PIN of token ${tokenLabel} is locked: reset it as its officer, then write ${pinFile} anew`,
        )
      : new TokenFault(
          'PinRefused',
          `token ${tokenLabel} refuses the PIN in ${pinFile} (${code}): it is not tried again before that file is written anew`,
        );
    this.#refused = { version, fault };
    return fault;
  }

  #faultOf(error: unknown, call: TokenCall): TokenFault {
    if (error instanceof TokenFault) return error;
    const method = error instanceof Pkcs11Failure ? error.method : '';
    // The session was opened and its keys were checked just now: it is the bytes or the words that are wrong.
    if (call.op === 'unwrap' && method === 'C_Decrypt')
      return new TokenFault(
        'WrapRefused',
        `the KEK does not open it (${messageOf(error)}): it was wrapped under another key or for another purpose, or was changed`,
      );
    return new TokenFault('TokenFailed', `token ${this.#config.tokenLabel}: ${method} answers ${messageOf(error)}`);
  }

  /** Words with their lengths, so that no two lists are the same bytes; wallet and holder are never the caller's. */
  #bind(associated: readonly string[]): Uint8Array {
    const words = [PURPOSE, this.#config.wallet, this.#config.holder, ...associated].map(utf8);
    return concat(
      ...words.flatMap((word) => {
        const length = new Uint8Array(4);
        new DataView(length.buffer).setUint32(0, word.length);
        return [length, word];
      }),
    );
  }
}
