import { address } from '@solana/kit';
import type { Instruction } from '@solana/kit';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../common/bytes.ts';
import { at, devnet, refused, signed } from './testing/solana.ts';

describe('a memo', () => {
  const memo = (data: Uint8Array, program = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXwDLGmfcHr'): Instruction => ({
    programAddress: address(program),
    data,
  });

  test.each(['MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXwDLGmfcHr', 'Memo1UhkJRfHyvLMcVucJwXXeuD728EqVDDwQDxFMNo'])(
    'to %s is a message that a rule must allow, since a receiver may credit by it',
    (program) => {
      expect(signed(memo(utf8('invoice 7\u202e'), program))).toEqual([
        {
          kind: 'Message',
          chain: devnet,
          destination: at(program),
          text: String.raw`writes the memo "invoice 7\u{202e}"`,
        },
      ]);
    },
  );

  test('that is no text is refused', () => {
    expect(refused(memo(Uint8Array.of(0xff))).message).toBe('instruction 0: the memo is not UTF-8');
  });
});
