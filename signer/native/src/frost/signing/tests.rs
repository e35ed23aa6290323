use frost_core::round1::Nonce;
use frost_ed25519::Ed25519Sha512;
use rand::{CryptoRng, RngCore};

use super::super::vectors::{self, bytes, entries, record, Value};
use super::*;

type Ed = Key<Ed25519Sha512>;

/// Gives what it was made from, once.
struct Given(Vec<u8>);

impl RngCore for Given {
    fn next_u32(&mut self) -> u32 {
        unreachable!()
    }
    fn next_u64(&mut self) -> u64 {
        unreachable!()
    }
    fn fill_bytes(&mut self, to: &mut [u8]) {
        to.copy_from_slice(&std::mem::take(&mut self.0));
    }
    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), rand::Error> {
        self.fill_bytes(to);
        Ok(())
    }
}
impl CryptoRng for Given {}

fn verification_share(share: &[u8]) -> Vec<u8> {
    let share = SigningShare::<Ed25519Sha512>::deserialize(share).unwrap();
    VerifyingShare::from(share).serialize().unwrap()
}

fn open(v: &Value, me: u16) -> Ed {
    let shares: Vec<_> = entries(&v["shares"])
        .map(|(_, share)| bytes(share))
        .collect();
    let points: Vec<_> = shares
        .iter()
        .map(|share| verification_share(share))
        .collect();
    let parties = Parties::new(
        me,
        v["threshold"].as_u64().unwrap() as u16,
        shares.len() as u16,
    )
    .unwrap();
    Ed::open(
        parties,
        &shares[usize::from(me) - 1],
        &bytes(&v["groupPublicKey"]),
        &points.concat(),
    )
    .ok()
    .unwrap()
}

/// As `commit`, with the randomness of the vectors.
fn commit(key: &Ed, signer: &Value) -> Vec<u8> {
    let nonce = |randomness: &str| {
        Nonce::new(
            key.key.signing_share(),
            &mut Given(bytes(&signer[randomness])),
        )
    };
    let (hiding, binding) = (
        nonce("hidingNonceRandomness"),
        nonce("bindingNonceRandomness"),
    );
    assert_eq!(hiding.serialize(), bytes(&signer["hidingNonce"]));
    assert_eq!(binding.serialize(), bytes(&signer["bindingNonce"]));
    let nonces = Box::new(SigningNonces::from_nonces(hiding, binding));
    let encoded = [
        nonces.commitments().hiding().serialize().unwrap(),
        nonces.commitments().binding().serialize().unwrap(),
    ]
    .concat();
    lock(&key.nonces).held.insert(
        1,
        Held {
            nonces,
            encoded: encoded.clone(),
        },
    );
    encoded
}

#[test]
fn reproduces_rfc_9591_from_randomness_to_signature() {
    let v = vectors::read("rfc9591/frost-ed25519-sha512.json");
    let (message, mut keys, mut commitments) = (bytes(&v["message"]), vec![], vec![]);
    for (i, signer) in entries(&v["signers"]) {
        let key = open(&v, i);
        let encoded = commit(&key, signer);
        let told =
            ["hidingNonceCommitment", "bindingNonceCommitment"].map(|name| bytes(&signer[name]));
        assert_eq!(encoded, told.concat());
        commitments.extend(record(i, &[encoded]));
        keys.push((i, key, bytes(&signer["signatureShare"])));
    }
    let mut shares = vec![];
    for (i, key, wanted) in &keys {
        assert_eq!(&key.sign(1, &commitments, &message).ok().unwrap(), wanted);
        shares.extend(record(*i, std::slice::from_ref(wanted)));
    }
    for (_, key, _) in &keys {
        assert_eq!(
            key.aggregate(&commitments, &shares, &message).ok().unwrap(),
            bytes(&v["signature"])
        );
    }
}

fn refused<T>(outcome: Outcome<T>) -> String {
    match outcome {
        Err(Fault::Refused(message)) => message,
        Err(other) => panic!("want a refusal, got {other:?}"),
        Ok(_) => panic!("want a refusal, got a value"),
    }
}

#[test]
fn uses_up_a_nonce_whatever_it_is_given() {
    let key = open(&vectors::read("rfc9591/frost-ed25519-sha512.json"), 1);
    for wrong in [&[][..], &[1], &[1; 65], &[255; 130]] {
        let Commits { first, .. } = key.commit(1).ok().unwrap();
        assert!(key.sign(first, wrong, b"").is_err());
        assert!(refused(key.sign(first, wrong, b"")).contains("unknown or used"));
    }
    assert!(lock(&key.nonces).held.is_empty());
}

#[test]
fn has_so_many_nonces_and_no_more() {
    let key = open(&vectors::read("rfc9591/frost-ed25519-sha512.json"), 1);
    assert_eq!(refused(key.commit(0)), "want 1 to 4096 more nonces, got 0");
    assert_eq!(
        refused(key.commit(4097)),
        "want 1 to 4096 more nonces, got 4097"
    );
    // What is being made counts.
    assert_eq!(key.reserve(4095).ok(), Some(4095));
    let Commits { first, commitments } = key.commit(1).ok().unwrap();
    assert_eq!((first, commitments.len()), (1, 64));
    assert_eq!(refused(key.commit(1)), "want 1 to 0 more nonces, got 1");
    key.discard(&[1, 1, 7]);
    assert_eq!(key.commit(1).ok().unwrap().first, 2);
}

#[test]
fn keeps_a_bounded_number_of_commitments_and_forgets_those_of_a_signature() {
    let v = vectors::read("rfc9591/frost-ed25519-sha512.json");
    let (one, three) = (open(&v, 1), open(&v, 3));
    let quorum = || {
        let [a, b] = [&one, &three].map(|key| key.commit(1).ok().unwrap());
        let list = [record(1, &[a.commitments]), record(3, &[b.commitments])].concat();
        (a.first, b.first, list)
    };
    let (a, b, list) = quorum();
    let shares = [
        record(1, &[one.sign(a, &list, b"m").ok().unwrap()]),
        record(3, &[three.sign(b, &list, b"m").ok().unwrap()]),
    ];
    assert_eq!(lock(&one.known).len(), 2);
    one.aggregate(&list, &shares.concat(), b"m").ok().unwrap();
    assert_eq!(lock(&one.known).len(), 0);
    let (_, b, list) = quorum();
    three.sign(b, &list, b"m").ok().unwrap();
    let some = *lock(&three.known).values().next().unwrap();
    for i in 0..2 * MAX_KNOWN {
        three.learn(i.to_be_bytes().to_vec(), some);
        assert!(lock(&three.known).len() <= MAX_KNOWN);
    }
}
