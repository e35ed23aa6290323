/** A program: makes an AES key as no sidecar would, under a label. Arguments: module, PIN, label, "extractable" or "kept". */
import { createRequire } from 'node:module';
import type * as Pkcs11Js from 'pkcs11js';

const library = createRequire(import.meta.url)('pkcs11js') as typeof Pkcs11Js;
const [module = '', pin = '', label = '', how = ''] = process.argv.slice(2);
const pkcs11 = new library.PKCS11();
pkcs11.load(module);
pkcs11.C_Initialize();
const slot = pkcs11.C_GetSlotList(true)[0];
if (slot === undefined) throw new Error('no token');
const session = pkcs11.C_OpenSession(slot, library.CKF_SERIAL_SESSION | library.CKF_RW_SESSION);
pkcs11.C_Login(session, library.CKU_USER, pin);
pkcs11.C_GenerateKey(session, { mechanism: library.CKM_AES_KEY_GEN }, [
  { type: library.CKA_CLASS, value: library.CKO_SECRET_KEY },
  { type: library.CKA_VALUE_LEN, value: 32 },
  { type: library.CKA_TOKEN, value: true },
  { type: library.CKA_PRIVATE, value: true },
  { type: library.CKA_LABEL, value: label },
  { type: library.CKA_ENCRYPT, value: true },
  { type: library.CKA_DECRYPT, value: true },
  { type: library.CKA_SENSITIVE, value: how !== 'extractable' },
  { type: library.CKA_EXTRACTABLE, value: how === 'extractable' },
]);
pkcs11.C_Finalize();
