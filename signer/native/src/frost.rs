//! FROST (RFC 9591) by the Zcash Foundation's crates, as JavaScript calls it. Points, scalars and shares are raw
//! encodings of the RFC; lists of them are records of an identifier (one byte) and the bytes that belong to it.
mod keygen;
mod signing;
mod suite;
#[cfg(test)]
mod vectors;

use std::sync::{Arc, Mutex, PoisonError};

use frost_ed25519::Ed25519Sha512;
use frost_secp256k1_tr::Secp256K1Sha256TR;
use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;
use zeroize::Zeroizing;

use crate::outcome::{answer, answer_later, Job, JsOutcome, Outcome};
use keygen::{Keygen, Rounds};
use signing::{Key, SigningKey};
use suite::{refuse, Parties};

fn unknown<T>(scheme: &str) -> Outcome<T> {
    refuse(format!("want scheme EdDSA or Schnorr, got {scheme:?}"))
}

/// One run of key generation; index.d.ts describes it.
#[napi]
pub struct FrostKeygen(Arc<dyn Rounds>);

#[napi(object, object_from_js = false)]
pub struct FrostGenerated {
    pub share: Uint8Array,
    pub group_key: Uint8Array,
    pub verification_shares: Uint8Array,
    pub internal_key: Uint8Array,
}

#[napi]
impl FrostKeygen {
    #[napi]
    pub fn begin(scheme: String, me: u16, threshold: u16, parties: u16) -> JsOutcome<FrostKeygen> {
        answer(|| {
            let parties = Parties::new(me, threshold, parties)?;
            Ok(FrostKeygen(match scheme.as_str() {
                "EdDSA" => Arc::new(Keygen::<Ed25519Sha512>::new(parties)),
                "Schnorr" => Arc::new(Keygen::<Secp256K1Sha256TR>::new(parties)),
                _ => return unknown(&scheme),
            }))
        })
    }

    #[napi]
    pub fn round1(&self) -> AsyncTask<Job<Uint8Array>> {
        let run = self.0.clone();
        answer_later(move || run.round1().map(Uint8Array::from))
    }

    #[napi]
    pub fn round2(&self, others: &[u8]) -> AsyncTask<Job<Uint8Array>> {
        let (run, others) = (self.0.clone(), others.to_vec());
        answer_later(move || run.round2(&others).map(Uint8Array::from))
    }

    #[napi]
    pub fn round3(&self, shares: &[u8]) -> AsyncTask<Job<FrostGenerated>> {
        let (run, shares) = (self.0.clone(), Zeroizing::new(shares.to_vec()));
        answer_later(move || {
            let made = run.round3(&shares)?;
            Ok(FrostGenerated {
                share: made.share.into(),
                group_key: made.group_key.into(),
                verification_shares: made.verification_shares.into(),
                internal_key: made.internal_key.into(),
            })
        })
    }

    #[napi]
    pub fn close(&self) {
        self.0.close();
    }
}

/// An opened share; index.d.ts describes it. What is under way keeps the key until it is done.
#[napi]
pub struct FrostKey(Slot);

type Slot = Arc<Mutex<Option<Arc<dyn SigningKey>>>>;

#[napi(object, object_from_js = false)]
pub struct FrostCommits {
    pub first: i64,
    pub commitments: Uint8Array,
}

fn opened(slot: &Slot) -> Outcome<Arc<dyn SigningKey>> {
    let key = slot.lock().unwrap_or_else(PoisonError::into_inner).clone();
    key.map_or_else(|| refuse("key share is closed".into()), Ok)
}

#[napi]
impl FrostKey {
    #[napi]
    pub fn open(
        scheme: String,
        me: u16,
        threshold: u16,
        parties: u16,
        share: &[u8],
        group_key: &[u8],
        verification_shares: &[u8],
    ) -> AsyncTask<Job<FrostKey>> {
        let share = Zeroizing::new(share.to_vec());
        let (group_key, shares) = (group_key.to_vec(), verification_shares.to_vec());
        answer_later(move || {
            let parties = Parties::new(me, threshold, parties)?;
            let key: Arc<dyn SigningKey> = match scheme.as_str() {
                "EdDSA" => Arc::new(Key::<Ed25519Sha512>::open(
                    parties, &share, &group_key, &shares,
                )?),
                "Schnorr" => Arc::new(Key::<Secp256K1Sha256TR>::open(
                    parties, &share, &group_key, &shares,
                )?),
                _ => return unknown(&scheme),
            };
            Ok(FrostKey(Arc::new(Mutex::new(Some(key)))))
        })
    }

    #[napi]
    pub fn commit(&self, count: u32) -> AsyncTask<Job<FrostCommits>> {
        let slot = self.0.clone();
        answer_later(move || {
            let made = opened(&slot)?.commit(count)?;
            Ok(FrostCommits {
                first: made.first,
                commitments: made.commitments.into(),
            })
        })
    }

    #[napi]
    pub fn sign(&self, nonce: i64, commitments: &[u8], message: &[u8]) -> JsOutcome<Uint8Array> {
        answer(|| {
            opened(&self.0)?
                .sign(nonce, commitments, message)
                .map(Uint8Array::from)
        })
    }

    #[napi]
    pub fn sign_later(
        &self,
        nonce: i64,
        commitments: &[u8],
        message: &[u8],
    ) -> AsyncTask<Job<Uint8Array>> {
        let (slot, commitments, message) = (self.0.clone(), commitments.to_vec(), message.to_vec());
        answer_later(move || {
            opened(&slot)?
                .sign(nonce, &commitments, &message)
                .map(Uint8Array::from)
        })
    }

    #[napi]
    pub fn discard(&self, nonces: Vec<i64>) {
        if let Ok(key) = opened(&self.0) {
            key.discard(&nonces);
        }
    }

    #[napi]
    pub fn aggregate(
        &self,
        commitments: &[u8],
        shares: &[u8],
        message: &[u8],
    ) -> JsOutcome<Uint8Array> {
        answer(|| {
            opened(&self.0)?
                .aggregate(commitments, shares, message)
                .map(Uint8Array::from)
        })
    }

    #[napi]
    pub fn aggregate_later(
        &self,
        commitments: &[u8],
        shares: &[u8],
        message: &[u8],
    ) -> AsyncTask<Job<Uint8Array>> {
        let (slot, commitments) = (self.0.clone(), commitments.to_vec());
        let (shares, message) = (shares.to_vec(), message.to_vec());
        answer_later(move || {
            opened(&slot)?
                .aggregate(&commitments, &shares, &message)
                .map(Uint8Array::from)
        })
    }

    #[napi]
    pub fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
