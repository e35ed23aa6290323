import { describe, expect, it } from 'vitest';
import { Mailbox } from './mailbox.ts';

type Rounds = { readonly first: { readonly share: Uint8Array }; readonly second: string };
const share = (byte: number): Rounds['first'] => ({ share: Uint8Array.of(byte) });
const all = ['client', 'backup'];

describe('a mailbox', () => {
  it('gives a round out when everyone has sent its message, early ones included', async () => {
    const mail = new Mailbox<Rounds>();
    mail.put('second', 'client', 'early');
    const first = mail.all('first', all);
    expect(mail.waitsFor).toEqual({ round: 'first', from: all });
    mail.put('first', 'backup', share(2));
    expect(mail.waitsFor).toEqual({ round: 'first', from: ['client'] });
    mail.put('first', 'client', share(1));
    expect([...(await first)]).toEqual([
      ['client', share(1)],
      ['backup', share(2)],
    ]);
    mail.put('second', 'backup', 'late');
    expect([...(await mail.all('second', all)).values()]).toEqual(['early', 'late']);
  });

  it('fails on a different second message, and takes the same one twice', async () => {
    const mail = new Mailbox<Rounds>();
    const first = mail.all('first', all);
    mail.put('first', 'client', share(1));
    mail.put('first', 'client', share(1));
    mail.put('first', 'client', share(3));
    await expect(first).rejects.toThrow('client sent two different messages of first');
    await expect(mail.all('second', [])).rejects.toThrow('client sent two different');
  });

  it('keeps nothing of a round that was given out, so that its secrets can be erased', async () => {
    const mail = new Mailbox<Rounds>();
    for (const [i, name] of all.entries()) mail.put('first', name, share(i + 1));
    const given = await mail.all('first', all);
    for (const message of given.values()) message.share.fill(0);
    mail.put('first', 'client', share(1));
    mail.put('second', 'client', 'x');
    mail.put('second', 'backup', 'y');
    expect((await mail.all('second', all)).size).toBe(2);
  });
});
