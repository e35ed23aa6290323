import { fromUtf8 } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import type { ProgramDecoder } from './solana-programs.ts';
import { shown } from './text.ts';

export const memoPrograms = [
  'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXwDLGmfcHr',
  'Memo1UhkJRfHyvLMcVucJwXXeuD728EqVDDwQDxFMNo',
] as const;

/** A memo moves nothing, yet a receiver may credit by it whom it names: a message that a rule must allow. */
export const decodeMemo: ProgramDecoder = ({ index, program, data }, { chain }) => {
  try {
    const text = `writes the memo ${shown(fromUtf8(data), data.length)}`;
    return [{ kind: 'Message', chain, destination: `${chain}:${program}`, text }];
  } catch {
    throw new Refused('Malformed', `instruction ${index}: the memo is not UTF-8`);
  }
};
