//! An opened share.
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use frost_core::keys::{KeyPackage, PublicKeyPackage, SigningShare, VerifyingShare};
use frost_core::round1::{self, NonceCommitment, SigningCommitments, SigningNonces};
use frost_core::round2::{self, SignatureShare};
use frost_core::{
    aggregate_custom, CheaterDetection, Error, Identifier, SigningPackage, VerifyingKey,
};
use rand::rngs::OsRng;

use super::suite::{identifier, named, point, records, refuse, refused, Parties, Suite, SCALAR};
use crate::outcome::{Fault, Outcome};

/// Unused nonces a key may have: some pools of every peer, so that asking for more cannot fill memory.
const MAX_NONCES: usize = 4096;
/// Parsed commitments that are kept: far more than are under way at once.
const MAX_KNOWN: usize = 512;

/// Nonces that were made: `first` and those after it, and the hiding and binding commitments of each.
pub struct Commits {
    pub first: i64,
    pub commitments: Vec<u8>,
}

pub trait SigningKey: Send + Sync {
    fn commit(&self, count: u32) -> Outcome<Commits>;
    /// `commitments` are records of hiding and binding commitment.
    fn sign(&self, nonce: i64, commitments: &[u8], message: &[u8]) -> Outcome<Vec<u8>>;
    fn discard(&self, nonces: &[i64]);
    /// `shares` are records of a signature share.
    fn aggregate(&self, commitments: &[u8], shares: &[u8], message: &[u8]) -> Outcome<Vec<u8>>;
}

/// A nonce pair and the encodings of its commitments. Boxed: what moves in a map would leave copies of itself behind.
struct Held<C: Suite> {
    nonces: Box<SigningNonces<C>>,
    encoded: Vec<u8>,
}

struct Nonces<C: Suite> {
    last: i64,
    /// Being made.
    pending: usize,
    held: HashMap<i64, Held<C>>,
}

pub struct Key<C: Suite> {
    parties: Parties,
    key: KeyPackage<C>,
    public: PublicKeyPackage<C>,
    nonces: Mutex<Nonces<C>>,
    /// Commitments by their encodings, between `sign` and `aggregate`. Reading one means checking its subgroup, which
    /// costs as much as the rest of a share.
    known: Mutex<HashMap<Vec<u8>, SigningCommitments<C>>>,
}

impl<C: Suite> Key<C> {
    /// `verification_shares` one after the other, by identifier. Refuses a share that does not match its own.
    pub fn open(
        parties: Parties,
        share: &[u8],
        group_key: &[u8],
        verification_shares: &[u8],
    ) -> Outcome<Self> {
        let Parties {
            me,
            threshold,
            parties: count,
        } = parties;
        if verification_shares.len() != usize::from(count) * C::POINT {
            return refuse(format!(
                "want {count} verification shares of {} bytes",
                C::POINT
            ));
        }
        let Some(verifying_key) = point::<C>(group_key).map(VerifyingKey::new) else {
            return refuse("group key is no valid point".into());
        };
        let mut verifying_shares = BTreeMap::new();
        for (number, encoded) in (1..).zip(verification_shares.chunks_exact(C::POINT)) {
            let Some(share) = point::<C>(encoded).map(VerifyingShare::new) else {
                return refuse(format!("verification share {number} is no valid point"));
            };
            verifying_shares.insert(identifier(number)?, share);
        }
        let share = SigningShare::deserialize(share)
            .map_err(|_| Fault::Refused("share is no scalar".into()))?;
        let own = VerifyingShare::from(share);
        if verifying_shares.get(&identifier(me)?) != Some(&own) {
            return refuse(format!("share does not match verification share {me}"));
        }
        Ok(Key {
            parties,
            key: KeyPackage::new(identifier(me)?, share, own, verifying_key, threshold),
            public: PublicKeyPackage::new(verifying_shares, verifying_key, Some(threshold)),
            nonces: Mutex::new(Nonces {
                last: 0,
                pending: 0,
                held: HashMap::new(),
            }),
            known: Mutex::new(HashMap::new()),
        })
    }

    fn reserve(&self, count: u32) -> Outcome<usize> {
        let mut nonces = lock(&self.nonces);
        let left = MAX_NONCES.saturating_sub(nonces.held.len() + nonces.pending);
        match usize::try_from(count) {
            Ok(count) if (1..=left).contains(&count) => {
                nonces.pending += count;
                Ok(count)
            }
            _ => refuse(format!("want 1 to {left} more nonces, got {count}")),
        }
    }

    /// What `records` commit to. Somebody is to blame for bytes that are no points, nobody for a quorum that is none.
    fn commitments(
        &self,
        records: &[(u16, &[u8])],
    ) -> Outcome<BTreeMap<Identifier<C>, SigningCommitments<C>>> {
        let Parties {
            threshold, parties, ..
        } = self.parties;
        let known_parties = records.iter().all(|(i, _)| (1..=parties).contains(i));
        if records.len() < usize::from(threshold) || !known_parties {
            let got: Vec<_> = records.iter().map(|(i, _)| *i).collect();
            let got = named(&got);
            return refuse(format!(
                "want commitments of {threshold} to {parties} identifiers, got {got}"
            ));
        }
        let mut commitments = BTreeMap::new();
        let mut bad = vec![];
        for (number, encoded) in records {
            match self.commitment(encoded) {
                Some(read) => drop(commitments.insert(identifier(*number)?, read)),
                None => bad.push(*number),
            }
        }
        if bad.is_empty() {
            Ok(commitments)
        } else {
            Err(Fault::BadCommitment(bad))
        }
    }

    fn commitment(&self, encoded: &[u8]) -> Option<SigningCommitments<C>> {
        if let Some(known) = lock(&self.known).get(encoded) {
            return Some(*known);
        }
        let (hiding, binding) = encoded.split_at(C::POINT);
        let read = SigningCommitments::new(
            NonceCommitment::new(point::<C>(hiding)?),
            NonceCommitment::new(point::<C>(binding)?),
        );
        self.learn(encoded.to_vec(), read);
        Some(read)
    }

    fn learn(&self, encoded: Vec<u8>, read: SigningCommitments<C>) {
        let mut known = lock(&self.known);
        // Whatever is under way then is read again.
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(encoded, read);
    }

    fn wrong_shares(&self, wrong: Vec<u16>) -> Fault {
        let message = format!("signature shares of {} are wrong", named(&wrong));
        Fault::Culprit(wrong, message)
    }
}

impl<C: Suite> SigningKey for Key<C> {
    fn commit(&self, count: u32) -> Outcome<Commits> {
        let count = self.reserve(count)?;
        let made = (0..count).map(|_| {
            let (nonces, commitments) = round1::commit(self.key.signing_share(), &mut OsRng);
            let mut encoded = commitments.hiding().serialize()?;
            encoded.extend(commitments.binding().serialize()?);
            Ok(Held {
                nonces: Box::new(nonces),
                encoded,
            })
        });
        let made: Result<Vec<Held<C>>, Error<C>> = made.collect();
        let mut nonces = lock(&self.nonces);
        nonces.pending -= count;
        let made = made.map_err(refused)?;
        let first = nonces.last + 1;
        let commitments = made
            .iter()
            .flat_map(|held| held.encoded.iter().copied())
            .collect();
        for held in made {
            nonces.last += 1;
            let nonce = nonces.last;
            nonces.held.insert(nonce, held);
        }
        Ok(Commits { first, commitments })
    }

    fn sign(&self, nonce: i64, commitments: &[u8], message: &[u8]) -> Outcome<Vec<u8>> {
        // Gone before anything else happens: no way through this method uses a nonce twice.
        let Some(Held { nonces, encoded }) = lock(&self.nonces).held.remove(&nonce) else {
            return refuse(format!("nonce {nonce} is unknown or used"));
        };
        self.learn(encoded, *nonces.commitments());
        let commitments = self.commitments(&records(commitments, 2 * C::POINT)?)?;
        let share = round2::sign(
            &SigningPackage::new(commitments, message),
            &nonces,
            &self.key,
        );
        Ok(share.map_err(refused)?.serialize())
    }

    fn discard(&self, nonces: &[i64]) {
        let mut all = lock(&self.nonces);
        for nonce in nonces {
            all.held.remove(nonce);
        }
    }

    fn aggregate(&self, commitments: &[u8], shares: &[u8], message: &[u8]) -> Outcome<Vec<u8>> {
        let committed = records(commitments, 2 * C::POINT)?;
        let shares = records(shares, SCALAR)?;
        if !shares
            .iter()
            .map(|(i, _)| i)
            .eq(committed.iter().map(|(i, _)| i))
        {
            return refuse("want one signature share for each commitment".into());
        }
        let mut read = BTreeMap::new();
        let mut wrong = vec![];
        for (number, share) in shares {
            match SignatureShare::deserialize(share) {
                Ok(share) => drop(read.insert(identifier(number)?, share)),
                Err(_) => wrong.push(number),
            }
        }
        if !wrong.is_empty() {
            return Err(self.wrong_shares(wrong));
        }
        let package = SigningPackage::new(self.commitments(&committed)?, message);
        {
            let mut known = lock(&self.known);
            for (_, encoded) in &committed {
                known.remove(*encoded);
            }
        }
        match aggregate_custom(&package, &read, &self.public, CheaterDetection::AllCheaters) {
            Ok(signature) => signature.serialize().map_err(refused),
            Err(Error::InvalidSignatureShare { culprits }) => {
                let numbers = 1..=self.parties.parties;
                let named = numbers.filter(|i| identifier(*i).is_ok_and(|i| culprits.contains(&i)));
                Err(self.wrong_shares(named.collect()))
            }
            Err(error) => Err(refused(error)),
        }
    }
}

/// Nothing panics while it holds one of these locks, and what they guard is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
