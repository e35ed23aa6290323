import { formatTime } from '../../common/clock.ts';

type Locked = {
  readonly version: number;
  readonly lockTime: number;
  readonly inputs: readonly { readonly sequence: number }[];
};

const final = 0xffffffff;
const firstTime = 500_000_000; // lock times below count blocks
const relativeOff = 0x80000000; // BIP-68
const relativeTime = 0x400000;

/** What keeps a transaction from being mined at once, as the end of a sentence; "" where nothing does. */
export function lockText({ version, lockTime, inputs }: Locked): string {
  const texts: string[] = [];
  if (lockTime > 0 && inputs.some(({ sequence }) => sequence !== final))
    texts.push(lockTime < firstTime ? `after block ${lockTime}` : `after ${formatTime(lockTime * 1_000)}`);
  const relative = version < 2 ? [] : inputs.filter(({ sequence }) => sequence < relativeOff).map((i) => i.sequence);
  const blocks = Math.max(0, ...relative.filter((s) => (s & relativeTime) === 0).map((s) => s & 0xffff));
  const times = Math.max(0, ...relative.filter((s) => (s & relativeTime) !== 0).map((s) => s & 0xffff));
  if (blocks > 0) texts.push(`once what it spends is ${blocks} blocks deep`);
  if (times > 0) texts.push(`once what it spends is ${times * 512} seconds old`);
  return texts.length === 0 ? '' : `, only ${texts.join(' and ')}`;
}
