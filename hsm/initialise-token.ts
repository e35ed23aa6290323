import { loadLibrary } from './pkcs11-module.ts';

/** CKF_TOKEN_INITIALIZED. */
const INITIALISED = 0x400;
/** Fixed by PKCS#11: labels are padded with blanks. */
const LABEL_BYTES = 32;

/** Gives the first token that is empty a label, an officer's and a user's PIN. */
export function initialiseToken(options: {
  readonly module: string;
  readonly label: string;
  readonly pin: string;
  readonly officerPin: string;
}): void {
  const library = loadLibrary();
  const pkcs11 = new library.PKCS11();
  pkcs11.load(options.module);
  pkcs11.C_Initialize();
  try {
    const slot = pkcs11.C_GetSlotList(true).find((each) => (pkcs11.C_GetTokenInfo(each).flags & INITIALISED) === 0);
    if (slot === undefined)
      throw new Error(`module ${options.module} has no empty token: make one with the tool of your HSM`);
    // Without its padding the module would read on past the label's end.
    pkcs11.C_InitToken(slot, options.officerPin, options.label.padEnd(LABEL_BYTES));
    const session = pkcs11.C_OpenSession(slot, library.CKF_SERIAL_SESSION | library.CKF_RW_SESSION);
    pkcs11.C_Login(session, library.CKU_SO, options.officerPin);
    pkcs11.C_InitPIN(session, options.pin);
  } finally {
    pkcs11.C_Finalize();
  }
}
