import { taggedHash, utf8 } from '../../common/bytes.ts';
import type { EcdsaScheme, Heard, KeygenResult, KeygenRun, Round1, Scheme } from '../scheme/scheme.ts';
import { erase, type KeygenTalk } from './keygen-talk.ts';

/** A share that is not kept yet, and the digest of all that was broadcast while it was made. */
export type Generated = { readonly result: KeygenResult; readonly transcript: string };

/** Makes this holder's share of a key with all other holders. `talk.transcript` is to be compared with theirs. */
export async function generate(talk: KeygenTalk): Promise<Generated> {
  const { env } = talk.wallet;
  const scheme = env.scheme(talk.scheme);
  return scheme.name === 'ECDSA' ? generateEcdsa(talk, scheme) : generateFrost(talk, scheme);
}

/**
 * RFC 9591, appendix C:
 *
 *   round 1  commitments and proof of knowledge to all          (exactly t commitments each)
 *   round 2  a secret share to each, over its own link
 */
async function generateFrost(talk: KeygenTalk, scheme: Scheme): Promise<Generated> {
  const { roster } = talk.wallet;
  const run = scheme.keygen(roster.me.identifier, roster.threshold, roster.members.length);
  try {
    const own = await run.round1();
    talk.tellAll({
      $case: 'keygenRound1',
      value: { ...talk.label, commitment: [...own.commitment], proof: own.proof },
    });
    const broadcasts = await talk.hear('round1');
    for (const [from, { commitment }] of broadcasts)
      if (commitment.length !== roster.threshold)
        throw new Error(`${from} commits to ${commitment.length} coefficients, the threshold is ${roster.threshold}`);
    const said = new Map<string, Round1>([...broadcasts, [roster.me.name, own]]);
    const transcript = talk.transcript(
      new Map([...said].map(([name, { commitment, proof }]) => [name, [...commitment, proof]])),
    );
    const shares = await run.round2(
      talk.byIdentifier(broadcasts, (m): Round1 => ({ commitment: m.commitment, proof: m.proof })),
    );
    try {
      for (const m of roster.others)
        talk.tell(m.name, {
          $case: 'keygenRound2',
          value: { ...talk.label, share: shares.get(m.identifier) ?? new Uint8Array() },
        });
    } finally {
      erase(...shares.values());
    }
    return { result: await frostShare(talk, run), transcript };
  } finally {
    run.close();
  }
}

async function frostShare(talk: KeygenTalk, run: KeygenRun): Promise<KeygenResult> {
  const received = talk.byIdentifier(await talk.hear('round2'), (m) => m.share);
  try {
    return await run.round3(received);
  } finally {
    erase(...received.values());
  }
}

/** Rounds alike, each with a broadcast and a secret for each holder, either of them empty. */
async function generateEcdsa(talk: KeygenTalk, scheme: EcdsaScheme): Promise<Generated> {
  const { roster, genesisDigest } = talk.wallet;
  const session = taggedHash(
    'holdfast/keygen-session/v1',
    ...[genesisDigest, talk.key, talk.scheme, String(talk.attempt)].map(utf8),
  );
  const run = scheme.keygen(roster.me.identifier, roster.threshold, roster.members.length, session);
  const broadcasts = new Map(roster.members.map(({ name }): [string, Uint8Array[]] => [name, []]));
  let heard: Heard = new Map();
  try {
    for (let round = 1; round <= run.rounds; round++) {
      const said = await run.round(heard).finally(() => eraseSecrets(heard));
      broadcasts.get(roster.me.name)?.push(said.broadcast);
      try {
        for (const m of roster.others)
          talk.tell(m.name, {
            $case: 'keygenRound',
            value: {
              ...talk.label,
              round,
              broadcast: said.broadcast,
              secret: said.secrets.get(m.identifier) ?? new Uint8Array(),
            },
          });
      } finally {
        erase(...said.secrets.values());
      }
      const received = await talk.hear(`round ${round}`);
      for (const [from, { broadcast }] of received) broadcasts.get(from)?.push(broadcast);
      heard = talk.byIdentifier(received, ({ broadcast, secret }) => ({ broadcast, secret }));
    }
    const result = await run.finish(heard);
    return { result, transcript: talk.transcript(broadcasts) };
  } finally {
    eraseSecrets(heard);
    run.close();
  }
}

const eraseSecrets = (heard: Heard): void => erase(...[...heard.values()].map(({ secret }) => secret));
