//! An opened key share.
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use dkls23_core::protocols::signing::{Broadcast3to4, SignData};
use dkls23_core::protocols::{Parameters, PartyIndex};
use k256::elliptic_curve::sec1::ToSec1Point;
use k256::elliptic_curve::PrimeField;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use zeroize::Zeroizing;

use super::abort::{blaming, fault};
use super::members::{index, Members};
use super::{Curve, Party};
use crate::outcome::{Fault, Outcome};

/// Form of a share's bytes: this version, then postcard of the library's `Party`.
const VERSION: u8 = 1;
/// Bytes of a share with one other party, and of each further one; some are numbers of variable length.
const SHARE_BYTES_EACH: usize = 60_000;
const MAX_DEPTH: usize = 10;
/// Derived keys kept at hand; each holds a copy of what its parties share, 50 kB a party.
const MAX_CHILDREN: usize = 8;
/// x, then the sums u and w, 32 bytes each.
pub const SIGNATURE_SHARE_BYTES: usize = 3 * 32;

/// Which share of which key: what must be in its bytes.
pub struct KeyName {
    pub me: PartyIndex,
    pub parameters: Parameters,
}

pub struct Key {
    party: Arc<Party>,
    /// By path, the last used at the end.
    children: Mutex<Vec<(String, Arc<Party>)>>,
    /// Parties that failed a check of what both keep: more such failures would give the share away.
    banned: Mutex<BTreeSet<u16>>,
}

/// What is signed, and by whom.
pub struct Order {
    /// Members of the quorum, at first in any order.
    pub quorum: Vec<u16>,
    pub hash: [u8; 32],
    /// As `m/0/7`.
    pub path: Option<String>,
}

impl Key {
    /// Opens bytes of `encode_share`; refuses those of another party or key, and those that do not belong to
    /// `verification_share`. Points are compressed.
    pub fn open(
        share: &[u8],
        name: KeyName,
        group_key: &[u8],
        verification_share: &[u8],
    ) -> Outcome<Key> {
        let refused = |message: &str| Err(Fault::Refused(format!("key share: {message}")));
        let limit = SHARE_BYTES_EACH * usize::from(name.parameters.share_count);
        if share.len() > limit {
            return refused(&format!("want at most {limit} bytes, got {}", share.len()));
        }
        let party = match share.split_first() {
            Some((&VERSION, bytes)) => match postcard::take_from_bytes::<Party>(bytes) {
                Ok((party, [])) => Arc::new(party),
                _ => return refused("malformed"),
            },
            version => {
                return refused(&format!(
                    "want version {VERSION}, got {:?}",
                    version.map(|v| v.0)
                ))
            }
        };
        if party.party_index != name.me
            || party.parameters.threshold != name.parameters.threshold
            || party.parameters.share_count != name.parameters.share_count
        {
            return refused(&format!(
                "want identifier {}, {} of {}, got {}, {} of {}",
                name.me,
                name.parameters.threshold,
                name.parameters.share_count,
                party.party_index,
                party.parameters.threshold,
                party.parameters.share_count
            ));
        }
        if compressed(&party.pk) != group_key {
            return refused("does not match the group key");
        }
        let derivation = &party.derivation_data;
        if derivation.depth != 0
            || derivation.pk != party.pk
            || derivation.poly_point != party.poly_point
        {
            return refused("is not the one of the key itself");
        }
        if compressed(&(ProjectivePoint::GENERATOR * party.poly_point).to_affine())
            != verification_share
        {
            return refused("does not match its verification share");
        }
        if !complete(&party) {
            return refused("wants state for each other party");
        }
        Ok(Key {
            party,
            children: Mutex::default(),
            banned: Mutex::default(),
        })
    }

    pub fn me(&self) -> PartyIndex {
        self.party.party_index
    }

    /// The other members of the quorum. `Refused` where this holder may not sign with them.
    pub fn members(&self, order: &Order) -> Outcome<Members> {
        let Parameters {
            threshold,
            share_count,
        } = self.party.parameters;
        let outside = order
            .quorum
            .iter()
            .any(|i| !(1..=u16::from(share_count)).contains(i));
        if outside || order.quorum.len() != usize::from(threshold) {
            return Err(Fault::Refused(format!(
                "want a quorum of {threshold} of {share_count}, got {:?}",
                order.quorum
            )));
        }
        Members::new(self.me().as_u8().into(), &order.quorum)
    }

    /// Refuses parties with which going on would tell them of the share.
    pub fn check_bans(&self, members: &Members) -> Outcome<()> {
        let banned = self.banned.lock().unwrap_or_else(PoisonError::into_inner);
        match members.identifiers().iter().find(|i| banned.contains(i)) {
            Some(party) => Err(Fault::Refused(format!(
                "identifier {party} is banned from signing with this share"
            ))),
            None => Ok(()),
        }
    }

    /// Remembers a ban for as long as the share is open; keeping it for longer is the caller's part.
    pub fn note<T>(&self, outcome: Outcome<T>) -> Outcome<T> {
        if let Err(Fault::Ban(party, _)) = &outcome {
            self.banned
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(*party);
        }
        outcome
    }

    /// The share at `path`, or of the key itself.
    pub fn at(&self, path: Option<&str>) -> Outcome<Arc<Party>> {
        let Some(path) = path else {
            return Ok(self.party.clone());
        };
        check_path(path)?;
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = children.iter().position(|(of, _)| of == path) {
            let known = children.remove(at);
            let party = known.1.clone();
            children.push(known);
            return Ok(party);
        }
        let party = self
            .party
            .derive_from_path(path, |_| String::new())
            .map(Arc::new)
            .map_err(|error| Fault::Refused(format!("path {path}: {}", error.description)))?;
        if children.len() == MAX_CHILDREN {
            children.remove(0);
        }
        children.push((path.into(), party.clone()));
        Ok(party)
    }

    /// r, s and the recovery id from the shares of the whole quorum, verified under the key at the path. Who aggregates need
    /// not be a member.
    pub fn aggregate(&self, order: &Order, shares: Vec<(u16, Vec<u8>)>) -> Outcome<[u8; 65]> {
        let members = self.members(order)?;
        let party = self.at(order.path.as_deref())?;
        blaming(&members, || {
            let from: BTreeSet<u16> = shares.iter().map(|(from, _)| *from).collect();
            if from.len() != shares.len() || from != order.quorum.iter().copied().collect() {
                return Err(Fault::Refused(format!(
                    "want signature shares of identifiers {:?}, got {from:?}",
                    order.quorum
                )));
            }
            let mut sums = Vec::with_capacity(shares.len());
            let mut xs = BTreeSet::new();
            for (from, share) in &shares {
                let (x, sum) = decode_signature_share(index(*from)?, share)?;
                xs.insert(x);
                sums.push(sum);
            }
            let (Some(x), 1) = (xs.first(), xs.len()) else {
                let message = "members do not agree on the signature's r".into();
                // A third one could have told two honest ones different things.
                return Err(match &members.identifiers()[..] {
                    [other] => Fault::Culprit(vec![*other], message),
                    others => Fault::Suspects(others.to_vec(), message),
                });
            };
            let data = SignData {
                sign_id: vec![],
                counterparties: members.others.clone(),
                message_hash: order.hash,
            };
            let (s, recovery) = party
                .sign_phase4(&data, &hex::encode(x), &sums, true)
                .map_err(|abort| fault(&abort, &members))?;
            let mut signature = [0; 65];
            signature[..32].copy_from_slice(x);
            hex::decode_to_slice(s, &mut signature[32..64])
                .map_err(|_| Fault::Refused("the library gave no s of 32 bytes".into()))?;
            signature[64] = recovery;
            Ok(signature)
        })
    }
}

/// Secret.
pub fn encode_share(party: &Party) -> Outcome<Zeroizing<Vec<u8>>> {
    let limit = SHARE_BYTES_EACH * usize::from(party.parameters.share_count);
    let mut bytes = Zeroizing::new(vec![0; limit]);
    bytes[0] = VERSION;
    let used = postcard::to_slice(party, &mut bytes[1..])
        .map_err(|error| Fault::Refused(format!("key share: {error}")))?
        .len();
    // Zeroes the rest's place as well: a vector is erased with all of its capacity.
    bytes.truncate(1 + used);
    Ok(bytes)
}

pub fn encode_signature_share(x: &str, sums: &Broadcast3to4<Curve>) -> Outcome<Vec<u8>> {
    let mut share = vec![0; SIGNATURE_SHARE_BYTES];
    hex::decode_to_slice(x, &mut share[..32])
        .map_err(|_| Fault::Refused("the library gave no x of 32 bytes".into()))?;
    share[32..64].copy_from_slice(&sums.u.to_bytes());
    share[64..].copy_from_slice(&sums.w.to_bytes());
    Ok(share)
}

fn decode_signature_share(
    from: PartyIndex,
    share: &[u8],
) -> Outcome<([u8; 32], Broadcast3to4<Curve>)> {
    let culprit = |message: &str| {
        let message = format!("signature share of identifier {from}: {message}");
        Fault::Culprit(vec![from.as_u8().into()], message)
    };
    let ([x, u, w], []) = share.as_chunks::<32>() else {
        return Err(culprit(&format!(
            "want {SIGNATURE_SHARE_BYTES} bytes, got {}",
            share.len()
        )));
    };
    let scalar = |bytes: &[u8; 32]| Option::<Scalar>::from(Scalar::from_repr((*bytes).into()));
    match (scalar(u), scalar(w)) {
        (Some(u), Some(w)) => Ok((*x, Broadcast3to4 { u, w })),
        _ => Err(culprit("want scalars below the order")),
    }
}

/// Whether there is what signing needs for each other party, and for nobody else.
fn complete(party: &Party) -> bool {
    let others: Vec<PartyIndex> = (1..=party.parameters.share_count)
        .filter_map(|i| PartyIndex::new(i).ok())
        .filter(|i| *i != party.party_index)
        .collect();
    let mut seeds: Vec<PartyIndex> = party
        .zero_share
        .seeds
        .iter()
        .map(|seed| seed.index_counterparty)
        .collect();
    seeds.sort_unstable();
    seeds == others
        && party.mul_senders.keys().eq(&others)
        && party.mul_receivers.keys().eq(&others)
        && party
            .mul_senders
            .values()
            .all(|sender| sender.check_state().is_ok())
        && party
            .mul_receivers
            .values()
            .all(|receiver| receiver.check_state(None).is_ok())
}

/// SEC 1, 33 bytes.
pub fn compressed(point: &AffinePoint) -> Vec<u8> {
    point.to_sec1_point(true).as_bytes().to_vec()
}

/// One spelling a path: numbers without signs and leading zeros, none of them hardened.
fn check_path(path: &str) -> Outcome<()> {
    let numbers: Vec<&str> = path
        .strip_prefix("m/")
        .map(|rest| rest.split('/').collect())
        .unwrap_or_default();
    let plain = |number: &&str| {
        number
            .parse::<u32>()
            .is_ok_and(|n| n < 1 << 31 && n.to_string() == **number)
    };
    if (1..=MAX_DEPTH).contains(&numbers.len()) && numbers.iter().all(plain) {
        return Ok(());
    }
    Err(Fault::Refused(format!(
        "want a path of 1 to {MAX_DEPTH} numbers below 2^31, as m/0/7, none of them hardened, got {:?}",
        path.chars().take(80).collect::<String>()
    )))
}
