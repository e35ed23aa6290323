import { messageOf } from '../../common/errors.ts';
import { type Exchange, type KeygenResult, type SigningKey } from '../../signer/scheme/scheme.ts';
import { attempt, contributions, type Keys } from '../ecdsa-parties.ts';
import type { Dice } from '../simulation/dice.ts';
import type { Checked } from './checked.ts';
import { checkedSigning, drawQuorum, mustSign } from './checked-signing.ts';
import type { Engine } from './engines.ts';
import { wrongBlame } from './wrong-blame.ts';

/** How one member ends its part: its key is closed as by the end of its process, it says so, or it does not. */
const ends = ['closes', 'leaves', 'falls silent'] as const;
/** FROST has no exchange. */
const steps = {
  frost: ['committed', 'signing', 'shared'],
  ecdsa: ['committed', 'signing', 'send 1', 'receive 1', 'send 2', 'receive 2', 'shared'],
} as const;

/** One signature that one member ends at some step: it hurts nobody, uses up what it used, and the next one is made. */
export async function endedSigning(engine: Engine, made: readonly KeygenResult[], dice: Dice): Promise<Checked> {
  const quorum = drawQuorum(made, dice);
  const keys = await engine.open(made, quorum);
  const who = dice.pick(quorum);
  const how = dice.pick(ends);
  const at = dice.pick(steps[engine.scheme === 'ECDSA' ? 'ecdsa' : 'frost']);
  const own = keys.get(who)!;
  const fresh = await contributions(keys, quorum);
  const violations: string[] = [];
  if (at === 'committed') {
    if (how === 'leaves') own.discard([fresh.get(who)!.nonce]);
  } else {
    const silent = Promise.withResolvers<void>();
    const through = (member: number, exchange: Exchange): Exchange =>
      member === who ? ending(exchange, at, how, own, silent.resolve) : exchange;
    const signing = attempt(keys, quorum, { fresh, through });
    if (at === 'signing' && how === 'closes') own.close();
    // Nobody waits for a session with one that fell silent.
    const ended = await Promise.race([signing, silent.promise]);
    for (const [member, outcome] of ended?.outcomes ?? [])
      if (outcome.status === 'rejected') violations.push(wrongBlame(outcome.reason, member, undefined));
  }
  if (how === 'closes') {
    own.close();
    const { outcomes } = await attempt(keys, quorum, { fresh });
    if (outcomes.get(who)?.status === 'fulfilled') violations.push(`${who} is closed and signs`);
  }
  const next = how === 'closes' ? new Map([...keys, ...(await engine.open(made, [who]))]) : keys;
  const after = await checkedSigning(engine, made, next, quorum);
  violations.push(...after.violations, ...mustSign(after.errors));
  if (at !== 'committed') violations.push(...(await reused(next, quorum, fresh)));
  for (const key of next.values()) key.close();
  return {
    faults: 1,
    signed: after.signed ? 1 : 0,
    refused: 1,
    violations: violations.filter((each) => each !== '').map((each) => `${who} ${how} at ${at}: ${each}`),
  };
}

/** `exchange` up to the step where its member ends its part. */
function ending(
  exchange: Exchange,
  at: string,
  how: (typeof ends)[number],
  own: SigningKey,
  silent: () => void,
): Exchange {
  let over = false;
  const reach = (step: string): void => {
    if (step !== at) return;
    if (how === 'leaves') throw new Error('left');
    if (how === 'closes') own.close();
    over ||= how === 'falls silent';
  };
  return {
    session: exchange.session,
    send(step, messages) {
      reach(`send ${step}`);
      if (!over) exchange.send(step, messages);
    },
    receive(step) {
      reach(`receive ${step}`);
      if (!over) return exchange.receive(step);
      silent();
      return new Promise(() => {});
    },
  };
}

/** Members that sign once more with what they have used. */
async function reused(
  keys: Keys,
  quorum: readonly number[],
  fresh: NonNullable<Parameters<typeof attempt>[2]>['fresh'],
): Promise<readonly string[]> {
  const { outcomes } = await attempt(keys, quorum, { fresh: fresh! });
  return [...outcomes].flatMap(([member, outcome]) => {
    if (outcome.status === 'fulfilled') return [`${member} used a nonce twice`];
    const why = messageOf(outcome.reason);
    return /unknown or used/.test(why) ? [] : [`${member} failed with another nonce's fault: ${why}`];
  });
}
