//! Who takes part: identifiers are 1 to n, and messages come from exactly the others.
use dkls23_core::protocols::{PartiesMessage, PartyIndex};

use crate::outcome::{Fault, Outcome};

/// Far above any wallet; bounds what a run can cost.
pub const MAX_PARTIES: u16 = 32;

/// One party among others.
#[derive(Clone)]
pub struct Members {
    pub me: PartyIndex,
    /// Everybody else, ascending.
    pub others: Vec<PartyIndex>,
}

impl Members {
    /// `all` in any order; `me` need not be one of them.
    pub fn new(me: u16, all: &[u16]) -> Outcome<Members> {
        let mut sorted = all.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != all.len() {
            return Err(Fault::Refused(format!(
                "want different identifiers, got {all:?}"
            )));
        }
        let others = sorted.into_iter().filter(|i| *i != me);
        Ok(Members {
            me: index(me)?,
            others: others.map(index).collect::<Outcome<_>>()?,
        })
    }

    pub fn identifiers(&self) -> Vec<u16> {
        self.others.iter().map(|i| u16::from(i.as_u8())).collect()
    }

    /// `heard` in order of identifiers; one of each other party and of nobody else.
    pub fn of_all<T>(&self, mut heard: Vec<(u16, T)>) -> Outcome<Vec<(PartyIndex, T)>> {
        heard.sort_by_key(|(from, _)| *from);
        let from: Vec<u16> = heard.iter().map(|(from, _)| *from).collect();
        let wanted = self.identifiers();
        if from != wanted {
            return Err(Fault::Refused(format!(
                "want messages of identifiers {wanted:?}, got {from:?}"
            )));
        }
        Ok(self
            .others
            .iter()
            .copied()
            .zip(heard.into_iter().map(|(_, of)| of))
            .collect())
    }

    /// Whether a message says that it goes from `sender` to this party.
    pub fn routed(&self, sender: PartyIndex, said: &PartiesMessage) -> Outcome<()> {
        if said.sender == sender && said.receiver == self.me {
            return Ok(());
        }
        let message = format!(
            "message of identifier {sender} says that it goes from {} to {}",
            said.sender, said.receiver
        );
        Err(Fault::Culprit(vec![sender.as_u8().into()], message))
    }
}

pub fn index(identifier: u16) -> Outcome<PartyIndex> {
    u8::try_from(identifier)
        .ok()
        .filter(|i| u16::from(*i) <= MAX_PARTIES)
        .and_then(|i| PartyIndex::new(i).ok())
        .ok_or_else(|| {
            Fault::Refused(format!(
                "want an identifier of 1 to {MAX_PARTIES}, got {identifier}"
            ))
        })
}
