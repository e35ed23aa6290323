//! Key generation of one party in three rounds, without a dealer: fragments of polynomials, commitments, openings. Whoever
//! runs it compares all broadcasts with the others before the key is used.
use std::collections::BTreeMap;

use dkls23_core::protocols::dkg::{
    BroadcastDerivationPhase2to4, BroadcastDerivationPhase3to4, ProofCommitment,
    TransmitInitZeroSharePhase2to4,
};
use dkls23_core::protocols::{Parameters, PartyIndex};
use dkls23_core::DkgSession;
use k256::Scalar;
use zeroize::Zeroizing;

use super::abort::{blaming, fault};
use super::codec::{decode, encode, Commitments, Openings, Setup};
use super::key::{compressed, encode_share, Key, KeyName};
use super::members::{Members, MAX_PARTIES};
use super::Curve;
use crate::outcome::{Fault, Outcome};

/// The same to all, and to each other party its own.
pub struct Said {
    pub broadcast: Vec<u8>,
    pub secrets: Vec<(u16, Zeroizing<Vec<u8>>)>,
}

pub struct Heard {
    pub broadcast: Vec<u8>,
    pub secret: Zeroizing<Vec<u8>>,
}

pub struct MadeKey {
    pub share: Zeroizing<Vec<u8>>,
    pub group_key: Vec<u8>,
    /// By identifier - 1.
    pub verification_shares: Vec<Vec<u8>>,
    pub chain_code: Vec<u8>,
}

/// A run between two rounds; a round takes it and gives the next one, and a round that fails gives none.
pub struct Keygen {
    run: Run,
    waits: Waits,
}

struct Run {
    members: Members,
    name: KeyName,
    session: DkgSession<Curve>,
}

/// What a run waits for.
enum Waits {
    /// For its first round.
    Begin,
    Fragments {
        own: Zeroizing<Scalar>,
    },
    Commitments {
        own: Commitments,
        proof: ProofCommitment<Curve>,
    },
    Openings {
        commitments: Vec<(PartyIndex, Commitments)>,
        zero_shares: Vec<TransmitInitZeroSharePhase2to4>,
        /// Of this party.
        proof: ProofCommitment<Curve>,
        chain_code: BroadcastDerivationPhase3to4,
    },
}

/// Rounds before `finish`.
pub const ROUNDS: u32 = 3;
const SESSION_BYTES: std::ops::RangeInclusive<usize> = 32..=64;

impl Keygen {
    /// `session` is what no other run has, the same at all parties.
    pub fn new(me: u16, threshold: u16, parties: u16, session: Vec<u8>) -> Outcome<Keygen> {
        if !(2..=MAX_PARTIES).contains(&parties)
            || !(2..=parties).contains(&threshold)
            || !(1..=parties).contains(&me)
        {
            return Err(Fault::Refused(format!(
                "want an identifier among 2 to {MAX_PARTIES} parties and a threshold of at least 2, got {me}, {threshold} of {parties}"
            )));
        }
        if !SESSION_BYTES.contains(&session.len()) {
            return Err(Fault::Refused(format!(
                "want a session of 32 to 64 bytes, got {}",
                session.len()
            )));
        }
        let members = Members::new(me, &(1..=parties).collect::<Vec<_>>())?;
        let parameters = Parameters {
            threshold: threshold as u8,
            share_count: parties as u8,
        };
        let run = Run {
            session: DkgSession::new(parameters.clone(), members.me, session),
            name: KeyName {
                me: members.me,
                parameters,
            },
            members,
        };
        Ok(Keygen {
            run,
            waits: Waits::Begin,
        })
    }

    pub fn round(self, heard: Vec<(u16, Heard)>) -> Outcome<(Keygen, Said)> {
        let Keygen { run, waits } = self;
        let members = run.members.clone();
        blaming(&members, || match waits {
            Waits::Begin if heard.is_empty() => run.fragments(),
            Waits::Begin => Err(Fault::Refused(
                "want no messages before the first round".into(),
            )),
            Waits::Fragments { own } => run.commit(own, members.of_all(heard)?),
            Waits::Commitments { own, proof } => run.open(own, proof, members.of_all(heard)?),
            Waits::Openings { .. } => {
                Err(Fault::Refused(format!("want no more than {ROUNDS} rounds")))
            }
        })
    }

    pub fn finish(self, heard: Vec<(u16, Heard)>) -> Outcome<MadeKey> {
        let Keygen { run, waits } = self;
        let members = run.members.clone();
        blaming(&members, || match waits {
            Waits::Openings {
                commitments,
                zero_shares,
                proof,
                chain_code,
            } => {
                let heard = members.of_all(heard)?;
                run.assemble(commitments, zero_shares, proof, chain_code, heard)
            }
            _ => Err(Fault::Refused(format!("want {ROUNDS} rounds first"))),
        })
    }
}

impl Run {
    fn fragments(self) -> Outcome<(Keygen, Said)> {
        let fragments = Zeroizing::new(self.session.phase1());
        let at = |party: &PartyIndex| &fragments[usize::from(party.as_u8()) - 1];
        let said = Said {
            broadcast: vec![],
            secrets: self.to_each(|to| encode(at(&to)))?,
        };
        let own = Zeroizing::new(*at(&self.members.me));
        Ok((
            Keygen {
                run: self,
                waits: Waits::Fragments { own },
            },
            said,
        ))
    }

    fn commit(
        mut self,
        own: Zeroizing<Scalar>,
        heard: Vec<(PartyIndex, Heard)>,
    ) -> Outcome<(Keygen, Said)> {
        let mut fragments = Zeroizing::new(Vec::with_capacity(heard.len() + 1));
        fragments.push(*own);
        for (from, heard) in &heard {
            nothing(*from, &heard.broadcast)?;
            fragments.push(decode::<Scalar>(*from, &heard.secret)?);
        }
        let (proof, zero_shares, chain_code) = self
            .session
            .phase2(&fragments)
            .map_err(|abort| fault(&abort, &self.members))?;
        // The library's type holds the commitment and what opens it: only the first goes out now.
        let own = (proof.commitment, chain_code);
        let mut zero_shares = by_receiver(zero_shares, |message| message.parties.receiver);
        let said = Said {
            broadcast: encode(&own)?.to_vec(),
            secrets: self.to_each(|to| encode(&take(&mut zero_shares, to)?))?,
        };
        Ok((
            Keygen {
                run: self,
                waits: Waits::Commitments { own, proof },
            },
            said,
        ))
    }

    fn open(
        mut self,
        own: Commitments,
        proof: ProofCommitment<Curve>,
        heard: Vec<(PartyIndex, Heard)>,
    ) -> Outcome<(Keygen, Said)> {
        let mut commitments = vec![(self.members.me, own)];
        let mut zero_shares = vec![];
        for (from, heard) in &heard {
            let theirs: Commitments = decode(*from, &heard.broadcast)?;
            sent_by(*from, theirs.1.sender_index)?;
            let zero_share: TransmitInitZeroSharePhase2to4 = decode(*from, &heard.secret)?;
            self.members.routed(*from, &zero_share.parties)?;
            commitments.push((*from, theirs));
            zero_shares.push(zero_share);
        }
        let (zero_openings, multiplications, chain_code) = self
            .session
            .phase3()
            .map_err(|abort| fault(&abort, &self.members))?;
        let mut zero_openings = by_receiver(zero_openings, |message| message.parties.receiver);
        let mut multiplications = by_receiver(multiplications, |message| message.parties.receiver);
        let opening: Openings = (proof.proof.clone(), chain_code.clone());
        let said = Said {
            broadcast: encode(&opening)?.to_vec(),
            secrets: self.to_each(|to| {
                let setup: Setup = (
                    take(&mut zero_openings, to)?,
                    take(&mut multiplications, to)?,
                );
                encode(&setup)
            })?,
        };
        let waits = Waits::Openings {
            commitments,
            zero_shares,
            proof,
            chain_code,
        };
        Ok((Keygen { run: self, waits }, said))
    }

    fn assemble(
        self,
        commitments: Vec<(PartyIndex, Commitments)>,
        zero_shares: Vec<TransmitInitZeroSharePhase2to4>,
        proof: ProofCommitment<Curve>,
        chain_code: BroadcastDerivationPhase3to4,
        heard: Vec<(PartyIndex, Heard)>,
    ) -> Outcome<MadeKey> {
        let members = self.members;
        let mut proofs = vec![proof];
        let mut chain_codes = BTreeMap::from([(members.me, chain_code)]);
        let mut zero_openings = vec![];
        let mut multiplications = vec![];
        let committed: BTreeMap<PartyIndex, Commitments> = commitments.into_iter().collect();
        for (from, heard) in &heard {
            let (proof, chain_code): Openings = decode(*from, &heard.broadcast)?;
            sent_by(*from, chain_code.sender_index)?;
            let (zero_opening, multiplication): Setup = decode(*from, &heard.secret)?;
            members.routed(*from, &zero_opening.parties)?;
            members.routed(*from, &multiplication.parties)?;
            // Under the commitment of round 2: the library compares it with the proof.
            let commitment = committed[from].0;
            proofs.push(ProofCommitment {
                index: *from,
                proof,
                commitment,
            });
            chain_codes.insert(*from, chain_code);
            zero_openings.push(zero_opening);
            multiplications.push(multiplication);
        }
        let chain_commitments: BTreeMap<PartyIndex, BroadcastDerivationPhase2to4> = committed
            .into_iter()
            .map(|(from, (_, chain_code))| (from, chain_code))
            .collect();
        let (party, package) = self
            .session
            .phase4(
                &proofs,
                &zero_shares,
                &zero_openings,
                &multiplications,
                &chain_commitments,
                &chain_codes,
                |_| String::new(),
            )
            .map_err(|abort| fault(&abort, &members))?;
        let verification_shares = (1..=self.name.parameters.share_count)
            .map(|i| {
                let share = PartyIndex::new(i)
                    .ok()
                    .and_then(|i| package.verifying_share(i));
                share
                    .map(compressed)
                    .ok_or_else(|| Fault::Refused(format!("no verification share {i}")))
            })
            .collect::<Outcome<Vec<_>>>()?;
        let made = MadeKey {
            share: encode_share(&party)?,
            group_key: compressed(package.verifying_key()),
            chain_code: party.chain_code().to_vec(),
            verification_shares,
        };
        // What is kept has to open again. That the verification shares lie on one polynomial through the group key, the
        // library has checked.
        let own = &made.verification_shares[usize::from(members.me.as_u8()) - 1];
        Key::open(&made.share, self.name, &made.group_key, own)?;
        Ok(made)
    }

    fn to_each(
        &self,
        mut message: impl FnMut(PartyIndex) -> Outcome<Zeroizing<Vec<u8>>>,
    ) -> Outcome<Vec<(u16, Zeroizing<Vec<u8>>)>> {
        self.members
            .others
            .iter()
            .map(|to| Ok((to.as_u8().into(), message(*to)?)))
            .collect()
    }
}

fn nothing(from: PartyIndex, broadcast: &[u8]) -> Outcome<()> {
    if broadcast.is_empty() {
        return Ok(());
    }
    let message = format!(
        "broadcast of identifier {from}: want none, got {} bytes",
        broadcast.len()
    );
    Err(Fault::Culprit(vec![from.as_u8().into()], message))
}

fn sent_by(from: PartyIndex, said: PartyIndex) -> Outcome<()> {
    if from == said {
        return Ok(());
    }
    let message = format!("broadcast of identifier {from} says that it comes from {said}");
    Err(Fault::Culprit(vec![from.as_u8().into()], message))
}

fn by_receiver<M>(
    messages: Vec<M>,
    receiver: impl Fn(&M) -> PartyIndex,
) -> BTreeMap<PartyIndex, M> {
    messages
        .into_iter()
        .map(|message| (receiver(&message), message))
        .collect()
}

fn take<M>(messages: &mut BTreeMap<PartyIndex, M>, to: PartyIndex) -> Outcome<M> {
    messages
        .remove(&to)
        .ok_or_else(|| Fault::Refused(format!("the library made no message for identifier {to}")))
}
