//! Threshold ECDSA over secp256k1 by DKLs23, as `dkls23-core` implements it. The files beside `js.rs` know nothing of Node.
//!
//! What the library leaves to its caller is done here: messages have one form and one length (`codec.rs`), commitments and
//! openings go out in separate rounds (`keygen.rs`), fields that say who sent a message are compared with who did, aborts
//! become faults that name parties (`abort.rs`), and a party that may have learnt something of the state that all signatures
//! share is not signed with again (`key.rs`).
mod abort;
mod codec;
mod js;
mod key;
mod keygen;
mod members;
mod sign;
#[cfg(test)]
mod tests;

/// The curve of all keys here.
type Curve = k256::Secp256k1;
type Party = dkls23_core::protocols::Party<Curve>;
