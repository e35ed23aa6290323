//! The suites of FROST, and what they differ in.
use frost_core::keys::PublicKeyPackage;
use frost_core::{Ciphersuite, Element, Error, Field, Group, Identifier, VerifyingKey};
use frost_ed25519::Ed25519Sha512;
use frost_secp256k1_tr::keys::Tweak;
use frost_secp256k1_tr::Secp256K1Sha256TR;

use crate::outcome::{Fault, Outcome};

/// Bytes of a scalar, a share and a signature share.
pub const SCALAR: usize = 32;
/// Bytes of a signature, and of a proof of knowledge.
pub const SIGNATURE: usize = 64;
/// Far above any wallet; bounds what a message of many parties can cost.
const MAX_PARTIES: u16 = 32;

pub trait Suite:
    Ciphersuite<Group: Group<Element: Send + Sync, Field: Field<Scalar: Send + Sync>>> + Send + Sync
{
    /// Bytes of an encoded point.
    const POINT: usize;

    /// False for bytes that the library reads as a point though they are not its one encoding (RFC 9591 6).
    fn is_canonical(encoded: &[u8]) -> bool;

    /// The key before the taproot tweak, x-only; empty where nothing is tweaked. `before` is what the parties'
    /// commitments add up to, `made` the group key that came of it; None where one is not made from the other.
    fn internal_key(
        before: PublicKeyPackage<Self>,
        made: &VerifyingKey<Self>,
    ) -> Result<Option<Vec<u8>>, Error<Self>>;
}

impl Suite for Ed25519Sha512 {
    const POINT: usize = 32;

    /// No point of prime order has a second encoding (https://eprint.iacr.org/2020/1244, 4.1), and the library reads no
    /// others.
    fn is_canonical(_: &[u8]) -> bool {
        true
    }

    fn internal_key(
        before: PublicKeyPackage<Self>,
        made: &VerifyingKey<Self>,
    ) -> Result<Option<Vec<u8>>, Error<Self>> {
        Ok((before.verifying_key() == made).then(Vec::new))
    }
}

impl Suite for Secp256K1Sha256TR {
    const POINT: usize = 33;

    /// The library also reads SEC 1's compact form, 05 and X.
    fn is_canonical(encoded: &[u8]) -> bool {
        matches!(encoded.first(), Some(2 | 3))
    }

    fn internal_key(
        before: PublicKeyPackage<Self>,
        made: &VerifyingKey<Self>,
    ) -> Result<Option<Vec<u8>>, Error<Self>> {
        let internal = before.verifying_key().serialize()?;
        let tweaked = before.tweak::<&[u8]>(None);
        Ok((tweaked.verifying_key() == made).then(|| internal[1..].to_vec()))
    }
}

/// A point of prime order from its one encoding.
pub fn point<C: Suite>(encoded: &[u8]) -> Option<Element<C>> {
    if !C::is_canonical(encoded) {
        return None;
    }
    let encoded = encoded.try_into().ok()?;
    C::Group::deserialize(&encoded).ok()
}

/// Who takes part: identifiers are 1 to `parties`.
#[derive(Clone, Copy)]
pub struct Parties {
    pub me: u16,
    pub threshold: u16,
    pub parties: u16,
}

impl Parties {
    pub fn new(me: u16, threshold: u16, parties: u16) -> Outcome<Self> {
        if !(2..=MAX_PARTIES).contains(&parties) {
            return refuse(format!("want 2 to {MAX_PARTIES} parties, got {parties}"));
        }
        if !(2..=parties).contains(&threshold) {
            return refuse(format!(
                "want a threshold of 2 to {parties}, got {threshold}"
            ));
        }
        if !(1..=parties).contains(&me) {
            return refuse(format!("want an identifier of 1 to {parties}, got {me}"));
        }
        Ok(Parties {
            me,
            threshold,
            parties,
        })
    }

    pub fn others(self) -> impl Iterator<Item = u16> {
        (1..=self.parties).filter(move |i| *i != self.me)
    }
}

pub fn identifier<C: Suite>(number: u16) -> Outcome<Identifier<C>> {
    Identifier::try_from(number).map_err(refused)
}

/// Splits records of an identifier (one byte) and `length` bytes each. Identifiers ascend, so that a list has one form.
pub fn records(bytes: &[u8], length: usize) -> Outcome<Vec<(u16, &[u8])>> {
    if !bytes.len().is_multiple_of(1 + length) {
        let (want, got) = (1 + length, bytes.len());
        return refuse(format!("want records of {want} bytes, got {got} bytes"));
    }
    let records = bytes
        .chunks_exact(1 + length)
        .map(|r| (u16::from(r[0]), &r[1..]));
    let records: Vec<_> = records.collect();
    if !records.is_sorted_by(|a, b| a.0 < b.0) {
        return refuse("want each identifier once, in order".into());
    }
    Ok(records)
}

/// [`records`] of every other party and of nobody else.
pub fn records_of_others(
    bytes: &[u8],
    length: usize,
    parties: Parties,
) -> Outcome<Vec<(u16, &[u8])>> {
    let records = records(bytes, length)?;
    if !records.iter().map(|(i, _)| *i).eq(parties.others()) {
        return refuse("want one record of each other party".into());
    }
    Ok(records)
}

pub fn refuse<T>(message: String) -> Outcome<T> {
    Err(Fault::Refused(message))
}

/// What the library says no to, beside what somebody is to blame for. Its messages have no values in them.
pub fn refused<C: Ciphersuite>(error: Error<C>) -> Fault {
    Fault::Refused(error.to_string())
}

/// `identifiers 2, 4`
pub fn named(identifiers: &[u16]) -> String {
    let numbers: Vec<_> = identifiers.iter().map(u16::to_string).collect();
    format!("identifiers {}", numbers.join(", "))
}

#[cfg(test)]
mod tests;
