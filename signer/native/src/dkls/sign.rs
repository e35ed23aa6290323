//! One party's part in one signature: two exchanges with each other member of the quorum, then its share. Each step takes the
//! one before, so that nothing is used twice, and a step that fails leaves nothing.
use std::collections::BTreeMap;
use std::sync::Arc;

use dkls23_core::protocols::signing::{
    KeepPhase1to2, KeepPhase2to3, SignData, TransmitPhase1to2, TransmitPhase2to3, UniqueKeep1to2,
    UniqueKeep2to3,
};
use dkls23_core::protocols::{PartiesMessage, PartyIndex};
use zeroize::Zeroizing;

use super::abort::{blaming, fault};
use super::codec::{decode, encode, Message};
use super::key::{encode_signature_share, Key, Order};
use super::members::Members;
use super::{Curve, Party};
use crate::outcome::{Fault, Outcome};

pub type Messages = Vec<(u16, Zeroizing<Vec<u8>>)>;
pub type Received = Vec<(u16, Zeroizing<Vec<u8>>)>;

/// What all steps need.
struct Session {
    key: Arc<Key>,
    party: Arc<Party>,
    members: Members,
    data: SignData,
}

/// Has sent the first messages.
pub struct Started {
    session: Session,
    own: UniqueKeep1to2<Curve>,
    kept: BTreeMap<PartyIndex, KeepPhase1to2<Curve>>,
}

/// Has sent the second messages.
pub struct Answered {
    session: Session,
    own: UniqueKeep2to3<Curve>,
    kept: BTreeMap<PartyIndex, KeepPhase2to3<Curve>>,
}

const SESSION_BYTES: std::ops::RangeInclusive<usize> = 32..=64;

/// The first step. `session` is what no other signing with this key has, the same at all members.
pub fn start(key: Arc<Key>, session: Vec<u8>, order: &Order) -> Outcome<(Started, Messages)> {
    if !SESSION_BYTES.contains(&session.len()) {
        return Err(Fault::Refused(format!(
            "want a session of 32 to 64 bytes, got {}",
            session.len()
        )));
    }
    let members = key.members(order)?;
    if members.others.len() == order.quorum.len() {
        return Err(Fault::Refused(format!(
            "want a quorum with identifier {}",
            members.me
        )));
    }
    key.check_bans(&members)?;
    let party = key.at(order.path.as_deref())?;
    let data = SignData {
        sign_id: session,
        counterparties: members.others.clone(),
        message_hash: order.hash,
    };
    let (own, kept, messages) = party
        .sign_phase1(&data)
        .map_err(|abort| fault(&abort, &members))?;
    let messages = addressed(&messages)?;
    let session = Session {
        key,
        party,
        members,
        data,
    };
    Ok((Started { session, own, kept }, messages))
}

impl Started {
    /// From all others' first messages.
    pub fn answer(self, received: Received) -> Outcome<(Answered, Messages)> {
        let Started { session, own, kept } = self;
        session
            .step(received, |received: &[TransmitPhase1to2]| {
                session
                    .party
                    .sign_phase2(&session.data, own, kept, received)
            })
            .and_then(|(own, kept, messages)| {
                let messages = addressed(&messages)?;
                Ok((Answered { session, own, kept }, messages))
            })
    }
}

impl Answered {
    /// From all others' second messages: this party's signature share.
    pub fn share(self, received: Received) -> Outcome<Vec<u8>> {
        let Answered { session, own, kept } = self;
        session
            .step(received, |received: &[TransmitPhase2to3<Curve>]| {
                session
                    .party
                    .sign_phase3(&session.data, own, kept, received)
            })
            .and_then(|(x, sums)| encode_signature_share(&x, &sums))
    }
}

impl Session {
    fn step<M: Routed, T>(
        &self,
        received: Received,
        phase: impl FnOnce(&[M]) -> Result<T, dkls23_core::protocols::Abort>,
    ) -> Outcome<T> {
        self.key.check_bans(&self.members)?;
        self.key.note(blaming(&self.members, || {
            let messages = self
                .members
                .of_all(received)?
                .iter()
                .map(|(from, bytes)| {
                    let message: M = decode(*from, bytes)?;
                    self.members.routed(*from, message.parties())?;
                    Ok(message)
                })
                .collect::<Outcome<Vec<M>>>()?;
            phase(&messages).map_err(|abort| fault(&abort, &self.members))
        }))
    }
}

/// Says itself between whom it goes.
trait Routed: Message {
    fn parties(&self) -> &PartiesMessage;
}

impl Routed for TransmitPhase1to2 {
    fn parties(&self) -> &PartiesMessage {
        &self.parties
    }
}

impl Routed for TransmitPhase2to3<Curve> {
    fn parties(&self) -> &PartiesMessage {
        &self.parties
    }
}

fn addressed<M: Routed>(messages: &[M]) -> Outcome<Messages> {
    messages
        .iter()
        .map(|message| Ok((message.parties().receiver.as_u8().into(), encode(message)?)))
        .collect()
}
