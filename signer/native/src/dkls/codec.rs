//! Messages as bytes: postcard of the library's types. Each type has one length, whatever the parties and the key, and each
//! value one form; so a decoder is never fed more than a message can have, and points are never the identity, whose form is
//! shorter than any other's.
use dkls23_core::protocols::dkg::{
    BroadcastDerivationPhase2to4, BroadcastDerivationPhase3to4, TransmitInitMulPhase3to4,
    TransmitInitZeroSharePhase2to4, TransmitInitZeroSharePhase3to4,
};
use dkls23_core::protocols::signing::{TransmitPhase1to2, TransmitPhase2to3};
use dkls23_core::protocols::PartyIndex;
use dkls23_core::utilities::hashes::HashOutput;
use dkls23_core::utilities::multiplication::{L as INPUTS, OT_WIDTH};
use dkls23_core::utilities::ot::extension::{BATCH_SIZE, KAPPA};
use dkls23_core::utilities::proofs::{DLogProof, R as PROOFS, T as CHALLENGE_BITS};
use k256::Scalar;
use serde::de::DeserializeOwned;
use serde::Serialize;
use zeroize::Zeroizing;

use super::Curve;
use crate::outcome::{Fault, Outcome};

/// What is sent.
pub trait Message: Serialize + DeserializeOwned {
    /// Bytes of each message of this type.
    const LENGTH: usize;
    /// Whether all lists in it are as long as they have to be.
    fn well_formed(&self) -> bool;
}

/// Secret where the message is.
pub fn encode<M: Message>(message: &M) -> Outcome<Zeroizing<Vec<u8>>> {
    // Room for all of it at once: what a growing vector leaves behind, nobody erases.
    let mut bytes = Zeroizing::new(vec![0; M::LENGTH]);
    match postcard::to_slice(message, &mut bytes) {
        Ok(used) if used.len() == M::LENGTH => Ok(bytes),
        _ => Err(Fault::Refused(format!(
            "want a message of {} bytes",
            M::LENGTH
        ))),
    }
}

/// The message of `sender`, who is to blame for anything else: it came over an authenticated link, in a session whose parties
/// agreed on the version of the protocol.
pub fn decode<M: Message>(sender: PartyIndex, bytes: &[u8]) -> Outcome<M> {
    let culprit = |message: String| Err(Fault::Culprit(vec![sender.as_u8().into()], message));
    if bytes.len() != M::LENGTH {
        return culprit(format!(
            "message of identifier {sender}: want {} bytes, got {}",
            M::LENGTH,
            bytes.len()
        ));
    }
    match postcard::take_from_bytes::<M>(bytes) {
        Ok((message, [])) if message.well_formed() && encode(&message)?[..] == *bytes => {
            Ok(message)
        }
        _ => culprit(format!("message of identifier {sender} is malformed")),
    }
}

/// Of a hash, a seed and a nonce.
const WORD: usize = 32;
/// Behind their lengths: a scalar, and a compressed point.
const SCALAR: usize = 1 + 32;
const POINT: usize = 1 + 33;
/// What opens a commitment.
const SALT_BYTES: usize = 64;
const SALT: usize = 1 + SALT_BYTES;
const PARTIES: usize = 2;
/// Lists of more than 127 have two bytes of length.
const LONG: usize = 2;
const CHALLENGE: usize = CHALLENGE_BITS as usize / 8;
const PROOF: usize =
    POINT + 1 + PROOFS as usize * POINT + 1 + PROOFS as usize * (1 + CHALLENGE + SCALAR);
/// Two Chaum-Pedersen proofs, their commitments and challenges.
const ENCRYPTION_PROOF: usize = 2 * (4 * POINT + SCALAR) + 4 * POINT + 2 * SCALAR;
/// Bytes of a row of the OT extension, and of an element of its check.
const ROW: usize = 78;
const CHECK: usize = 26;

/// Keygen, round 1: the sender's polynomial at the receiver's identifier.
impl Message for Scalar {
    const LENGTH: usize = SCALAR;
    fn well_formed(&self) -> bool {
        true
    }
}

/// Keygen, round 2, to all: commitments to the proof and to a part of the chain code.
pub type Commitments = (HashOutput, BroadcastDerivationPhase2to4);

impl Message for Commitments {
    const LENGTH: usize = WORD + 1 + WORD;
    fn well_formed(&self) -> bool {
        true
    }
}

/// Keygen, round 2, to each.
impl Message for TransmitInitZeroSharePhase2to4 {
    const LENGTH: usize = PARTIES + WORD;
    fn well_formed(&self) -> bool {
        true
    }
}

/// Keygen, round 3, to all: what round 2 committed to.
pub type Openings = (DLogProof<Curve>, BroadcastDerivationPhase3to4);

impl Message for Openings {
    const LENGTH: usize = PROOF + 1 + WORD + SALT;
    fn well_formed(&self) -> bool {
        proof_well_formed(&self.0) && self.1.cc_salt.len() == SALT_BYTES
    }
}

/// Keygen, round 3, to each: the zero share's opening and the start of both multiplications.
pub type Setup = (
    TransmitInitZeroSharePhase3to4,
    TransmitInitMulPhase3to4<Curve>,
);

impl Message for Setup {
    const LENGTH: usize = (PARTIES + WORD + SALT)
        + PARTIES
        + PROOF
        + SCALAR
        + LONG
        + KAPPA as usize * ENCRYPTION_PROOF
        + WORD;
    fn well_formed(&self) -> bool {
        self.0.salt.len() == SALT_BYTES
            && proof_well_formed(&self.1.dlog_proof)
            && self.1.enc_proofs.len() == KAPPA as usize
    }
}

/// Signing, step 1, to each.
impl Message for TransmitPhase1to2 {
    const LENGTH: usize = PARTIES
        + 2 * WORD
        + WORD
        + (3 + KAPPA as usize * ROW)
        + CHECK
        + LONG
        + KAPPA as usize * CHECK;
    fn well_formed(&self) -> bool {
        self.mul_transmit.u.len() == KAPPA as usize
            && self.mul_transmit.verify_t.len() == KAPPA as usize
    }
}

/// Signing, step 2, to each.
impl Message for TransmitPhase2to3<Curve> {
    const LENGTH: usize = PARTIES
        + WORD
        + 4 * POINT
        + SCALAR
        + SALT
        + (1 + OT_WIDTH as usize * (LONG + BATCH_SIZE as usize * SCALAR))
        + 2 * WORD
        + 2 * (1 + INPUTS as usize * SCALAR);
    fn well_formed(&self) -> bool {
        let multiplication = &self.mul_transmit;
        self.salt.len() == SALT_BYTES
            && multiplication.vector_of_tau.len() == OT_WIDTH as usize
            && multiplication
                .vector_of_tau
                .iter()
                .all(|row| row.len() == BATCH_SIZE as usize)
            && multiplication.verify_u.len() == INPUTS as usize
            && multiplication.gamma_sender.len() == INPUTS as usize
    }
}

fn proof_well_formed(proof: &DLogProof<Curve>) -> bool {
    proof.rand_commitments.len() == PROOFS as usize
        && proof.proofs.len() == PROOFS as usize
        && proof.proofs.iter().all(|p| p.challenge.len() == CHALLENGE)
}
