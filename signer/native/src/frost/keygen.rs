//! Distributed key generation at one party.
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use frost_core::keys::dkg::{self, round1, round2};
use frost_core::keys::{
    CoefficientCommitment, PublicKeyPackage, SecretShare, SigningShare,
    VerifiableSecretSharingCommitment,
};
use frost_core::{Identifier, Signature};
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use super::suite::{
    identifier, named, point, records_of_others, refuse, refused, Parties, Suite, SCALAR, SIGNATURE,
};
use crate::outcome::{Fault, Outcome};

/// What a run ends in: everything a holder keeps of the key.
pub struct Generated {
    pub share: Vec<u8>,
    pub group_key: Vec<u8>,
    /// By identifier, one after the other.
    pub verification_shares: Vec<u8>,
    pub internal_key: Vec<u8>,
}

/// The steps of a run, in order, each once: one that fails is not repeated with other input.
pub trait Rounds: Send + Sync {
    /// The commitment's points, then the proof of knowledge.
    fn round1(&self) -> Outcome<Vec<u8>>;
    /// From records of what each other party gave in round 1 to records of a secret share for each.
    fn round2(&self, others: &[u8]) -> Outcome<Vec<u8>>;
    /// From records of each other party's secret share for this one.
    fn round3(&self, shares: &[u8]) -> Outcome<Generated>;
    /// Erases secrets; what is under way comes to nothing.
    fn close(&self);
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    New,
    Round1,
    Round2,
    Closed,
}

type Packages<C> = BTreeMap<Identifier<C>, round1::Package<C>>;

/// Secrets erase themselves when they are dropped. They are boxed, since moving one would leave a copy behind.
struct State<C: Suite> {
    step: Step,
    first: Option<Box<round1::SecretPackage<C>>>,
    second: Option<(Box<round2::SecretPackage<C>>, Packages<C>)>,
}

pub struct Keygen<C: Suite> {
    parties: Parties,
    state: Mutex<State<C>>,
}

impl<C: Suite> Keygen<C> {
    pub fn new(parties: Parties) -> Self {
        let state = State {
            step: Step::New,
            first: None,
            second: None,
        };
        Keygen {
            parties,
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves on before anything is judged. The lock is not for the time that arithmetic takes.
    fn advance(&self, from: Step, to: Step) -> Outcome<MutexGuard<'_, State<C>>> {
        let mut state = self.lock();
        if state.step != from {
            return refuse(format!("keygen is at step {:?}, want {from:?}", state.step));
        }
        state.step = to;
        Ok(state)
    }

    fn keep(&self, at: Step, keep: impl FnOnce(&mut State<C>)) -> Outcome<()> {
        let mut state = self.lock();
        if state.step != at {
            return refuse("keygen is closed".into());
        }
        keep(&mut state);
        Ok(())
    }

    /// What party `from` gave in round 1; None where it is of the right length and of no other worth.
    fn package(&self, from: Identifier<C>, record: &[u8]) -> Option<round1::Package<C>> {
        let (points, proof) = record.split_at(record.len() - SIGNATURE);
        let points = points.chunks_exact(C::POINT).map(point::<C>);
        let points: Option<Vec<_>> = points.map(|p| p.map(CoefficientCommitment::new)).collect();
        let commitment = VerifiableSecretSharingCommitment::new(points?);
        let proof = Signature::deserialize(proof).ok()?;
        dkg::verify_proof_of_knowledge(from, &commitment, &proof).ok()?;
        Some(round1::Package::new(commitment, proof))
    }

    /// Party `from`'s secret share; None where it is not what its commitment says.
    fn share(
        &self,
        commitment: &VerifiableSecretSharingCommitment<C>,
        record: &[u8],
    ) -> Option<SigningShare<C>> {
        // Nobody honest gives zero, but once in 2^252 runs; other implementations refuse it.
        if record.iter().all(|byte| *byte == 0) {
            return None;
        }
        let share = SigningShare::deserialize(record).ok()?;
        let me = Identifier::try_from(self.parties.me).ok()?;
        SecretShare::new(me, share, commitment.clone())
            .verify()
            .ok()?;
        Some(share)
    }

    /// The public key before `post_dkg`, from which [`Suite::internal_key`] is.
    fn before_tweak(
        &self,
        own: &round2::SecretPackage<C>,
        others: &Packages<C>,
    ) -> Outcome<PublicKeyPackage<C>> {
        let mut commitments: BTreeMap<_, _> =
            others.iter().map(|(i, p)| (*i, p.commitment())).collect();
        commitments.insert(*own.identifier(), own.commitment());
        PublicKeyPackage::from_dkg_commitments(&commitments).map_err(refused)
    }
}

impl<C: Suite> Rounds for Keygen<C> {
    fn round1(&self) -> Outcome<Vec<u8>> {
        drop(self.advance(Step::New, Step::Round1)?);
        let Parties {
            me,
            threshold,
            parties,
        } = self.parties;
        let (secret, package) =
            dkg::part1(identifier::<C>(me)?, parties, threshold, OsRng).map_err(refused)?;
        self.keep(Step::Round1, |state| state.first = Some(Box::new(secret)))?;
        let mut said = package.commitment().serialize_whole().map_err(refused)?;
        said.extend(package.proof_of_knowledge().serialize().map_err(refused)?);
        Ok(said)
    }

    fn round2(&self, others: &[u8]) -> Outcome<Vec<u8>> {
        let Some(secret) = self.advance(Step::Round1, Step::Round2)?.first.take() else {
            return refuse("keygen is at step Round1, which is not over".into());
        };
        let length = usize::from(self.parties.threshold) * C::POINT + SIGNATURE;
        let mut packages = Packages::new();
        let mut wrong = vec![];
        for (from, record) in records_of_others(others, length, self.parties)? {
            let name = identifier(from)?;
            match self.package(name, record) {
                Some(package) => drop(packages.insert(name, package)),
                None => wrong.push(from),
            }
        }
        if !wrong.is_empty() {
            let message = format!(
                "proof of knowledge or commitment of {} is wrong",
                named(&wrong)
            );
            return Err(Fault::Culprit(wrong, message));
        }
        let (secret, shares) = dkg::part2(*secret, &packages).map_err(refused)?;
        self.keep(Step::Round2, |state| {
            state.second = Some((Box::new(secret), packages))
        })?;
        let mut said = Zeroizing::new(Vec::with_capacity(shares.len() * (1 + SCALAR)));
        // Identifiers and their scalars are in the same order.
        for (to, package) in self.parties.others().zip(shares.values()) {
            said.push(to as u8);
            said.extend_from_slice(&Zeroizing::new(package.signing_share().serialize()));
        }
        Ok(std::mem::take(&mut *said))
    }

    fn round3(&self, shares: &[u8]) -> Outcome<Generated> {
        let Some((secret, packages)) = self.advance(Step::Round2, Step::Closed)?.second.take()
        else {
            return refuse("keygen is at step Round2, which is not over".into());
        };
        let mut received = BTreeMap::new();
        let mut wrong = vec![];
        let records = records_of_others(shares, SCALAR, self.parties)?;
        for ((from, record), (name, package)) in records.into_iter().zip(&packages) {
            match self.share(package.commitment(), record) {
                Some(share) => drop(received.insert(*name, round2::Package::new(share))),
                None => wrong.push(from),
            }
        }
        if !wrong.is_empty() {
            let message = format!("share of {} does not match its commitment", named(&wrong));
            return Err(Fault::Culprit(wrong, message));
        }
        let (key, public) = dkg::part3(&secret, &packages, &received).map_err(refused)?;
        let before = self.before_tweak(&secret, &packages)?;
        let Some(internal_key) =
            C::internal_key(before, public.verifying_key()).map_err(refused)?
        else {
            return refuse("group key is not the sum of the parties' commitments".into());
        };
        let mut verification_shares = vec![];
        for share in public.verifying_shares().values() {
            verification_shares.extend(share.serialize().map_err(refused)?);
        }
        Ok(Generated {
            share: key.signing_share().serialize(),
            group_key: public.verifying_key().serialize().map_err(refused)?,
            verification_shares,
            internal_key,
        })
    }

    fn close(&self) {
        let mut state = self.lock();
        *state = State {
            step: Step::Closed,
            first: None,
            second: None,
        };
    }
}

#[cfg(test)]
mod tests;
