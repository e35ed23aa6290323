//! What JavaScript calls; dkls.d.ts describes it. Bytes are copied on the caller's thread, everything else is done on the
//! thread pool.
#![cfg_attr(test, allow(dead_code))]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dkls23_core::protocols::Parameters;
use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;
use zeroize::Zeroizing;

use super::key::{compressed, Key, KeyName, Order};
use super::keygen::{Heard, Keygen};
use super::members::index;
use super::sign::{self, Answered, Started};
use crate::outcome::{answer, answer_later, Fault, Job, JsOutcome, Outcome};

#[napi(object)]
pub struct DklsMessage {
    /// Who it goes to, or who it comes from.
    pub party: u16,
    pub bytes: Uint8Array,
}

#[napi(object, object_to_js = false)]
pub struct DklsHeard {
    pub party: u16,
    pub broadcast: Uint8Array,
    pub secret: Uint8Array,
}

#[napi(object, object_from_js = false)]
pub struct DklsSaid {
    pub broadcast: Uint8Array,
    pub secrets: Vec<DklsMessage>,
}

#[napi(object, object_from_js = false)]
pub struct DklsMadeKey {
    pub share: Uint8Array,
    pub group_key: Uint8Array,
    pub verification_shares: Vec<Uint8Array>,
    pub chain_code: Uint8Array,
}

#[napi(object, object_from_js = false)]
pub struct DklsChild {
    pub public_key: Uint8Array,
    pub chain_code: Uint8Array,
}

#[napi(object, object_to_js = false)]
pub struct DklsOrder {
    pub quorum: Vec<u16>,
    pub hash: Uint8Array,
    pub path: Option<String>,
}

#[napi(object, object_to_js = false)]
pub struct DklsKeyShare {
    pub identifier: u16,
    pub threshold: u16,
    pub parties: u16,
    pub share: Uint8Array,
    pub group_key: Uint8Array,
    pub verification_share: Uint8Array,
}

/// State between two steps: each step takes it out and puts the next one in, unless it was closed meanwhile.
struct Session<T>(Arc<Mutex<Slot<T>>>);

enum Slot<T> {
    Ready(T),
    /// A step runs, or one has failed.
    Empty,
    Closed,
}

impl<T: Send + 'static> Session<T> {
    fn new(state: T) -> Session<T> {
        Session(Arc::new(Mutex::new(Slot::Ready(state))))
    }

    /// On whichever thread does the step.
    fn step<R>(
        slot: &Mutex<Slot<T>>,
        step: impl FnOnce(T) -> Outcome<(Option<T>, R)>,
    ) -> Outcome<R> {
        let state = {
            let mut slot = lock(slot);
            match std::mem::replace(&mut *slot, Slot::Empty) {
                Slot::Ready(state) => state,
                Slot::Empty => return Err(Fault::Refused("session is over, or at a step".into())),
                Slot::Closed => {
                    *slot = Slot::Closed;
                    return Err(Fault::Refused("session is closed".into()));
                }
            }
        };
        let (next, result) = step(state)?;
        let mut slot = lock(slot);
        match (&*slot, next) {
            (Slot::Empty, Some(next)) => *slot = Slot::Ready(next),
            (Slot::Closed, _) => return Err(Fault::Refused("session is closed".into())),
            _ => {}
        }
        Ok(result)
    }

    fn close(&self) {
        *lock(&self.0) = Slot::Closed;
    }
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[napi]
pub struct DklsKeygen(Session<Keygen>);

#[napi]
pub fn dkls_keygen(
    identifier: u16,
    threshold: u16,
    parties: u16,
    session: Uint8Array,
) -> JsOutcome<DklsKeygen> {
    answer(|| {
        Keygen::new(identifier, threshold, parties, session.to_vec())
            .map(|keygen| DklsKeygen(Session::new(keygen)))
    })
}

#[napi]
impl DklsKeygen {
    #[napi]
    pub fn round(&self, heard: Vec<DklsHeard>) -> AsyncTask<Job<DklsSaid>> {
        let (slot, heard) = (self.0 .0.clone(), heard_of(heard));
        answer_later(move || {
            Session::step(&slot, |keygen: Keygen| {
                let (next, said) = keygen.round(heard)?;
                let said = DklsSaid {
                    broadcast: said.broadcast.into(),
                    secrets: messages(said.secrets),
                };
                Ok((Some(next), said))
            })
        })
    }

    #[napi]
    pub fn finish(&self, heard: Vec<DklsHeard>) -> AsyncTask<Job<DklsMadeKey>> {
        let (slot, heard) = (self.0 .0.clone(), heard_of(heard));
        answer_later(move || {
            Session::step(&slot, |keygen: Keygen| {
                let made = keygen.finish(heard)?;
                let made = DklsMadeKey {
                    share: handed_over(made.share),
                    group_key: made.group_key.into(),
                    verification_shares: made
                        .verification_shares
                        .into_iter()
                        .map(Into::into)
                        .collect(),
                    chain_code: made.chain_code.into(),
                };
                Ok((None, made))
            })
        })
    }

    #[napi]
    pub fn close(&self) {
        self.0.close();
    }
}

#[napi]
pub struct DklsKey(Mutex<Option<Arc<Key>>>);

#[napi]
pub fn dkls_open(key: DklsKeyShare) -> AsyncTask<Job<DklsKey>> {
    let share = Zeroizing::new(key.share.to_vec());
    let (group_key, verification_share) = (key.group_key.to_vec(), key.verification_share.to_vec());
    let (identifier, threshold, parties) = (key.identifier, key.threshold, key.parties);
    answer_later(move || {
        let small = |n: u16| {
            u8::try_from(n)
                .map_err(|_| Fault::Refused(format!("want at most 255 parties, got {n}")))
        };
        let parameters = Parameters::new(small(threshold)?, small(parties)?)
            .map_err(|error| Fault::Refused(error.to_string()))?;
        let name = KeyName {
            me: index(identifier)?,
            parameters,
        };
        let key = Key::open(&share, name, &group_key, &verification_share)?;
        Ok(DklsKey(Mutex::new(Some(Arc::new(key)))))
    })
}

#[napi]
impl DklsKey {
    /// One signature's session at this party; its `start` is the first step.
    #[napi]
    pub fn sign(&self, session: Uint8Array, order: DklsOrder) -> JsOutcome<DklsSigning> {
        answer(|| {
            let prepared = Prepared {
                key: self.key()?,
                session: session.to_vec(),
                order: order_of(order)?,
            };
            Ok(DklsSigning(Session::new(Signing::Prepared(prepared))))
        })
    }

    #[napi]
    pub fn aggregate(
        &self,
        order: DklsOrder,
        shares: Vec<DklsMessage>,
    ) -> AsyncTask<Job<Uint8Array>> {
        let shares = shares
            .iter()
            .map(|share| (share.party, share.bytes.to_vec()))
            .collect();
        let (key, order) = (self.key(), order_of(order));
        answer_later(move || Ok(key?.aggregate(&order?, shares)?.to_vec().into()))
    }

    /// What BIP-32 says the public key and chain code at `path` are.
    #[napi]
    pub fn child(&self, path: String) -> AsyncTask<Job<DklsChild>> {
        let key = self.key();
        answer_later(move || {
            let party = key?.at(Some(&path))?;
            Ok(DklsChild {
                public_key: compressed(&party.pk).into(),
                chain_code: party.chain_code().to_vec().into(),
            })
        })
    }

    /// The share is erased once the signatures that are being made are done.
    #[napi]
    pub fn close(&self) {
        *lock(&self.0) = None;
    }

    fn key(&self) -> Outcome<Arc<Key>> {
        lock(&self.0)
            .clone()
            .ok_or_else(|| Fault::Refused("key share is closed".into()))
    }
}

struct Prepared {
    key: Arc<Key>,
    session: Vec<u8>,
    order: Order,
}

enum Signing {
    Prepared(Prepared),
    Started(Started),
    Answered(Answered),
}

#[napi]
pub struct DklsSigning(Session<Signing>);

#[napi]
impl DklsSigning {
    /// The first messages.
    #[napi]
    pub fn start(&self) -> AsyncTask<Job<Vec<DklsMessage>>> {
        let slot = self.0 .0.clone();
        answer_later(move || {
            Session::step(&slot, |signing: Signing| {
                let Signing::Prepared(Prepared {
                    key,
                    session,
                    order,
                }) = signing
                else {
                    return out_of_order();
                };
                let (started, said) = sign::start(key, session, &order)?;
                Ok((Some(Signing::Started(started)), messages(said)))
            })
        })
    }

    /// The second messages, from all others' first.
    #[napi]
    pub fn answer(&self, received: Vec<DklsMessage>) -> AsyncTask<Job<Vec<DklsMessage>>> {
        let (slot, received) = (self.0 .0.clone(), received_of(received));
        answer_later(move || {
            Session::step(&slot, |signing: Signing| {
                let Signing::Started(started) = signing else {
                    return out_of_order();
                };
                let (answered, said) = started.answer(received)?;
                Ok((Some(Signing::Answered(answered)), messages(said)))
            })
        })
    }

    /// The signature share, from all others' second messages.
    #[napi]
    pub fn share(&self, received: Vec<DklsMessage>) -> AsyncTask<Job<Uint8Array>> {
        let (slot, received) = (self.0 .0.clone(), received_of(received));
        answer_later(move || {
            Session::step(&slot, |signing: Signing| {
                let Signing::Answered(answered) = signing else {
                    return out_of_order();
                };
                Ok((None, answered.share(received)?.into()))
            })
        })
    }

    #[napi]
    pub fn close(&self) {
        self.0.close();
    }
}

fn out_of_order<T>() -> Outcome<T> {
    Err(Fault::Refused(
        "want start, answer and share in this order, each once".into(),
    ))
}

fn heard_of(heard: Vec<DklsHeard>) -> Vec<(u16, Heard)> {
    let copied = |heard: DklsHeard| {
        let (broadcast, secret) = (
            heard.broadcast.to_vec(),
            Zeroizing::new(heard.secret.to_vec()),
        );
        (heard.party, Heard { broadcast, secret })
    };
    heard.into_iter().map(copied).collect()
}

fn received_of(received: Vec<DklsMessage>) -> sign::Received {
    received
        .into_iter()
        .map(|message| (message.party, Zeroizing::new(message.bytes.to_vec())))
        .collect()
}

fn order_of(order: DklsOrder) -> Outcome<Order> {
    let hash = order.hash.as_ref().try_into();
    let hash = hash.map_err(|_| {
        Fault::Refused(format!("want a hash of 32 bytes, got {}", order.hash.len()))
    })?;
    Ok(Order {
        quorum: order.quorum,
        hash,
        path: order.path,
    })
}

fn messages(said: sign::Messages) -> Vec<DklsMessage> {
    let message = |(party, bytes)| DklsMessage {
        party,
        bytes: handed_over(bytes),
    };
    said.into_iter().map(message).collect()
}

/// JavaScript's from here on, to erase too.
fn handed_over(mut bytes: Zeroizing<Vec<u8>>) -> Uint8Array {
    std::mem::take(&mut *bytes).into()
}
