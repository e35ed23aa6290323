//! The library's aborts as faults.
use dkls23_core::protocols::{Abort, AbortKind, AbortReason, PartyIndex};

use super::members::Members;
use crate::outcome::{contained, Fault, Outcome};

/// Who is to blame for `abort`. Only a failed check blames: who gave bytes of another session, another hash or another signer
/// set may have been told so.
pub fn fault(abort: &Abort, members: &Members) -> Fault {
    let message = abort.description();
    if let AbortKind::BanCounterparty(party) = abort.kind {
        return Fault::Ban(identifier(party), message);
    }
    match abort.reason {
        AbortReason::ProofVerificationFailed { counterparty }
        | AbortReason::CommitmentMismatch { counterparty }
        | AbortReason::TrivialInstancePoint { counterparty }
        | AbortReason::OtConsistencyCheckFailed { counterparty }
        | AbortReason::MultiplicationVerificationFailed { counterparty, .. }
        | AbortReason::GammaUInconsistency { counterparty }
        | AbortReason::ZeroShareDecommitFailed { counterparty }
        | AbortReason::ChainCodeCommitmentFailed {
            party: counterparty,
        } if counterparty != members.me => Fault::Culprit(vec![identifier(counterparty)], message),
        // Sums that do not come out as they must.
        AbortReason::PolynomialInconsistency
        | AbortReason::TrivialPublicKey
        | AbortReason::SignatureVerificationFailed
        | AbortReason::ZeroDenominator => Fault::Suspects(members.identifiers(), message),
        _ => Fault::Refused(message),
    }
}

/// Runs `work` on messages of the other parties: should the library panic, one of them made it.
pub fn blaming<T>(members: &Members, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    contained(work).map_err(|fault| match fault {
        Fault::Panic(at) => Fault::Suspects(
            members.identifiers(),
            format!("the library panicked over messages of others, at {at}"),
        ),
        other => other,
    })
}

fn identifier(party: PartyIndex) -> u16 {
    party.as_u8().into()
}
