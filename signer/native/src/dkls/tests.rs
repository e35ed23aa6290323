use std::sync::{Arc, OnceLock};

use dkls23_core::protocols::signing::{TransmitPhase1to2, TransmitPhase2to3};
use dkls23_core::protocols::{Parameters, PartyIndex};
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use k256::{AffinePoint, ProjectivePoint, Scalar};
use zeroize::Zeroizing;

use super::abort::blaming;
use super::codec::{decode, encode, Message};
use super::key::{compressed, encode_share, Key, KeyName, Order};
use super::keygen::{Heard, Keygen, MadeKey, Said};
use super::members::{index, Members};
use super::sign::{self, Messages};
use super::{Curve, Party};
use crate::outcome::{Fault, Outcome};

const HASH: [u8; 32] = [7; 32];

fn runs(threshold: u16, parties: u16) -> Vec<Keygen> {
    let run = |me| Keygen::new(me, threshold, parties, vec![9; 32]).unwrap();
    (1..=parties).map(run).collect()
}

/// What identifier `me` hears of what all said.
fn heard(said: &[Said], me: u16) -> Vec<(u16, Heard)> {
    let from = |(from, said): (u16, &Said)| {
        let secret = said.secrets.iter().find(|(to, _)| *to == me)?.1.clone();
        Some((
            from,
            Heard {
                broadcast: said.broadcast.clone(),
                secret,
            },
        ))
    };
    (1..).zip(said).filter_map(from).collect()
}

fn round(runs: Vec<Keygen>, said: &[Said]) -> (Vec<Keygen>, Vec<Said>) {
    let round = |(me, run): (u16, Keygen)| run.round(heard(said, me)).unwrap();
    (1..).zip(runs).map(round).unzip()
}

fn keygen(threshold: u16, parties: u16) -> Vec<MadeKey> {
    let (runs, said) = round(runs(threshold, parties), &[]);
    let (runs, said) = round(runs, &said);
    let (runs, said) = round(runs, &said);
    let finish = |(me, run): (u16, Keygen)| run.finish(heard(&said, me)).unwrap();
    (1..).zip(runs).map(finish).collect()
}

/// Keys of 2 of 3 by identifier - 1.
fn made() -> &'static [MadeKey] {
    static MADE: OnceLock<Vec<MadeKey>> = OnceLock::new();
    MADE.get_or_init(|| keygen(2, 3))
}

fn name(me: u16) -> KeyName {
    KeyName {
        me: index(me).unwrap(),
        parameters: Parameters::new(2, 3).unwrap(),
    }
}

fn open(me: u16) -> Arc<Key> {
    let MadeKey {
        share,
        group_key,
        verification_shares,
        ..
    } = &made()[usize::from(me) - 1];
    let own = &verification_shares[usize::from(me) - 1];
    Arc::new(Key::open(share, name(me), group_key, own).unwrap())
}

fn order(quorum: &[u16], path: Option<&str>) -> Order {
    Order {
        quorum: quorum.to_vec(),
        hash: HASH,
        path: path.map(Into::into),
    }
}

/// Of one other member.
fn only(from: u16, messages: &Messages) -> sign::Received {
    vec![(from, messages[0].1.clone())]
}

fn flipped(messages: &Messages, at: usize) -> Messages {
    let mut changed = messages.clone();
    changed[0].1[at] ^= 1;
    changed
}

fn shares(of: [&Arc<Key>; 2], order: &Order) -> Vec<(u16, Vec<u8>)> {
    let ids = &order.quorum;
    let (a, to_b) = sign::start(of[0].clone(), vec![1; 32], order).unwrap();
    let (b, to_a) = sign::start(of[1].clone(), vec![1; 32], order).unwrap();
    let (a, next_to_b) = a.answer(only(ids[1], &to_a)).unwrap();
    let (b, next_to_a) = b.answer(only(ids[0], &to_b)).unwrap();
    vec![
        (ids[0], a.share(only(ids[1], &next_to_a)).unwrap()),
        (ids[1], b.share(only(ids[0], &next_to_b)).unwrap()),
    ]
}

fn verified(public_key: &[u8], signature: &[u8; 65]) -> bool {
    let key = VerifyingKey::from_sec1_bytes(public_key).unwrap();
    let recovery = RecoveryId::from_byte(signature[64]).unwrap();
    let signature = Signature::from_slice(&signature[..64]).unwrap();
    key.verify_prehash(&HASH, &signature).is_ok()
        && VerifyingKey::recover_from_prehash(&HASH, &signature, recovery).unwrap() == key
}

fn refused<T>(outcome: Outcome<T>, want: &str) {
    match outcome {
        Err(Fault::Refused(message)) => assert!(message.contains(want), "{message}"),
        Err(other) => panic!("want a refusal, got {other:?}"),
        Ok(_) => panic!("want a refusal, got a result"),
    }
}

fn culprit<T>(outcome: Outcome<T>, party: u16, want: &str) {
    match outcome {
        Err(Fault::Culprit(parties, message)) => {
            assert_eq!(parties, [party]);
            assert!(message.contains(want), "{message}");
        }
        Err(other) => panic!("want a culprit, got {other:?}"),
        Ok(_) => panic!("want a culprit, got a result"),
    }
}

#[test]
fn all_parties_make_one_key_and_any_two_sign_under_it() {
    let [one, two, three] = made() else {
        unreachable!()
    };
    for other in [two, three] {
        assert_eq!(one.group_key, other.group_key);
        assert_eq!(one.chain_code, other.chain_code);
        assert_eq!(one.verification_shares, other.verification_shares);
    }
    for quorum in [[1, 2], [1, 3], [3, 2]] {
        let order = order(&quorum, None);
        let shares = shares([&open(quorum[0]), &open(quorum[1])], &order);
        // Who aggregates need not have signed.
        for me in 1..=3 {
            let signature = open(me).aggregate(&order, shares.clone()).unwrap();
            assert!(verified(&one.group_key, &signature));
        }
    }
}

#[test]
fn derived_keys_sign_under_their_own_public_key() {
    let (one, two) = (open(1), open(2));
    let order = order(&[1, 2], Some("m/0/7"));
    let signature = one.aggregate(&order, shares([&one, &two], &order)).unwrap();
    let child = one.at(Some("m/0/7")).unwrap();
    assert!(verified(&compressed(&child.pk), &signature));
    assert!(!verified(&made()[0].group_key, &signature));
}

#[test]
fn paths_have_one_spelling_and_no_hardened_step() {
    let key = open(1);
    let long = format!("m{}", "/1".repeat(11));
    for path in [
        "",
        "m",
        "m/",
        "0",
        "/0",
        "m/01",
        "m/+1",
        "m/0'",
        "m/2147483648",
        "m/0/",
        "m//0",
        "M/0",
        "m/-1",
        &long,
    ] {
        refused(key.at(Some(path)), "want a path");
    }
    for path in ["m/0", "m/2147483647", &long[..21]] {
        assert!(key.at(Some(path)).is_ok());
    }
}

#[test]
fn only_the_share_that_was_named_opens() {
    let MadeKey {
        share,
        group_key,
        verification_shares,
        ..
    } = &made()[0];
    let [own, other, _] = &verification_shares[..] else {
        unreachable!()
    };
    refused(
        Key::open(share, name(2), group_key, own),
        "want identifier 2, 2 of 3, got 1, 2 of 3",
    );
    let higher = KeyName {
        parameters: Parameters::new(3, 3).unwrap(),
        ..name(1)
    };
    refused(
        Key::open(share, higher, group_key, own),
        "3 of 3, got 1, 2 of 3",
    );
    refused(Key::open(share, name(1), own, own), "group key");
    refused(
        Key::open(share, name(1), group_key, other),
        "verification share",
    );
    refused(
        Key::open(&[], name(1), group_key, own),
        "want version 1, got None",
    );
    refused(
        Key::open(&share[..share.len() - 1], name(1), group_key, own),
        "malformed",
    );
    refused(
        Key::open(&[share, &[0][..]].concat(), name(1), group_key, own),
        "malformed",
    );
    refused(
        Key::open(&[&[2], &share[1..]].concat(), name(1), group_key, own),
        "want version 1, got Some(2)",
    );
    refused(
        Key::open(&vec![1; 200_000], name(1), group_key, own),
        "want at most 180000 bytes",
    );
}

#[test]
fn quorums_are_as_many_as_the_threshold_and_with_this_party() {
    let key = open(1);
    let start = |quorum: &[u16]| sign::start(key.clone(), vec![1; 32], &order(quorum, None));
    refused(start(&[1]), "want a quorum of 2 of 3");
    refused(start(&[1, 2, 3]), "want a quorum of 2 of 3");
    refused(start(&[1, 4]), "want a quorum of 2 of 3");
    refused(start(&[1, 0]), "want a quorum of 2 of 3");
    refused(start(&[1, 1]), "want different identifiers");
    refused(start(&[2, 3]), "want a quorum with identifier 1");
    refused(
        sign::start(key.clone(), vec![1; 31], &order(&[1, 2], None)),
        "want a session",
    );
}

#[test]
fn messages_have_one_length_and_one_form() {
    let (one, two) = (open(1), open(2));
    let order = order(&[1, 2], None);
    let (a, to_b) = sign::start(one, vec![1; 32], &order).unwrap();
    let (b, to_a) = sign::start(two, vec![1; 32], &order).unwrap();
    let (_, next_to_b) = a.answer(only(2, &to_a)).unwrap();
    drop(b);
    let sender = index(1).unwrap();
    strict::<TransmitPhase1to2>(sender, &to_b[0].1);
    strict::<TransmitPhase2to3<Curve>>(sender, &next_to_b[0].1);

    let message: TransmitPhase2to3<Curve> = decode(sender, &next_to_b[0].1).unwrap();
    // The identity is 32 bytes shorter; a longer salt must not make up for it.
    let mut identity = message.clone();
    identity.public_share = AffinePoint::IDENTITY;
    identity.salt.extend([0; 32]);
    let bytes = postcard::to_allocvec(&identity).unwrap();
    assert_eq!(bytes.len(), TransmitPhase2to3::<Curve>::LENGTH);
    culprit(
        decode::<TransmitPhase2to3<Curve>>(sender, &bytes),
        1,
        "malformed",
    );
    assert!(encode(&identity).is_ok() && !identity.well_formed());

    // The order of secp256k1 is no scalar.
    let order: [u8; 32] =
        hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
            .unwrap()
            .try_into()
            .unwrap();
    culprit(
        decode::<Scalar>(sender, &[&[32], &order[..]].concat()),
        1,
        "malformed",
    );
    // One less is.
    let mut below = order;
    below[31] -= 1;
    assert!(decode::<Scalar>(sender, &[&[32], &below[..]].concat()).is_ok());
}

fn strict<M: Message>(sender: PartyIndex, bytes: &[u8]) {
    assert_eq!(bytes.len(), M::LENGTH);
    assert_eq!(
        **encode(&decode::<M>(sender, bytes).unwrap()).unwrap(),
        *bytes
    );
    let want = format!("want {} bytes", M::LENGTH);
    culprit(decode::<M>(sender, &bytes[1..]), 1, &want);
    culprit(decode::<M>(sender, &[bytes, &[0]].concat()), 1, &want);
    culprit(decode::<M>(sender, &[]), 1, &want);
}

#[test]
fn a_failed_check_of_what_both_keep_bans_for_good() {
    let (one, two) = (open(1), open(2));
    let order = order(&[1, 2], None);
    let (a, _) = sign::start(one.clone(), vec![1; 32], &order).unwrap();
    let (waiting, _) = sign::start(one.clone(), vec![2; 32], &order).unwrap();
    let (_, to_a) = sign::start(two.clone(), vec![1; 32], &order).unwrap();
    let (_, waiting_to_a) = sign::start(two, vec![2; 32], &order).unwrap();
    // In the OT extension's matrix, behind its binding, commitment, nonce and length.
    let outcome = a.answer(only(2, &flipped(&to_a, 500)));
    assert!(matches!(outcome, Err(Fault::Ban(2, _))));
    refused(waiting.answer(only(2, &waiting_to_a)), "banned");
    refused(sign::start(one.clone(), vec![3; 32], &order), "banned");
    // With others it goes on.
    let with_three = Order {
        quorum: vec![1, 3],
        ..order
    };
    assert!(sign::start(one, vec![4; 32], &with_three).is_ok());
}

#[test]
fn wrong_signature_shares_are_of_their_sender_or_of_somebody() {
    let (one, two) = (open(1), open(2));
    let order = order(&[1, 2], None);
    let good = shares([&one, &two], &order);
    let with = |share: Vec<u8>| vec![good[0].clone(), (2, share)];
    let change = |at: usize| {
        let mut share = good[1].1.clone();
        share[at] ^= 1;
        with(share)
    };
    culprit(one.aggregate(&order, change(31)), 2, "r");
    assert!(
        matches!(open(3).aggregate(&order, change(31)), Err(Fault::Suspects(parties, _)) if parties == [1, 2])
    );
    for at in [63, 95] {
        assert!(
            matches!(one.aggregate(&order, change(at)), Err(Fault::Suspects(parties, _)) if parties == [2])
        );
    }
    let high = [&good[1].1[..32], &[255; 64]].concat();
    culprit(one.aggregate(&order, with(high)), 2, "below the order");
    culprit(
        one.aggregate(&order, with(good[1].1[1..].to_vec())),
        2,
        "want 96 bytes",
    );
    refused(
        one.aggregate(&order, good[..1].to_vec()),
        "want signature shares",
    );
    refused(
        one.aggregate(&order, vec![good[0].clone(), (3, good[1].1.clone())]),
        "want signature shares",
    );
    refused(
        one.aggregate(&order, vec![good[0].clone(), good[0].clone()]),
        "want signature shares",
    );
}

#[test]
fn a_member_with_another_share_makes_all_others_suspects() {
    let MadeKey {
        share, group_key, ..
    } = &made()[1];
    let mut party: Party = postcard::from_bytes(&share[1..]).unwrap();
    party.poly_point += Scalar::ONE;
    party.derivation_data.poly_point = party.poly_point;
    let own = compressed(&(ProjectivePoint::GENERATOR * party.poly_point).to_affine());
    let share = encode_share(&party).unwrap();
    let two = Arc::new(Key::open(&share, name(2), group_key, &own).unwrap());
    let order = order(&[1, 2], None);
    let (a, to_b) = sign::start(open(1), vec![1; 32], &order).unwrap();
    let (b, to_a) = sign::start(two, vec![1; 32], &order).unwrap();
    let (a, _) = a.answer(only(2, &to_a)).unwrap();
    let (_, next_to_a) = b.answer(only(1, &to_b)).unwrap();
    let outcome = a.share(only(2, &next_to_a));
    assert!(matches!(outcome, Err(Fault::Suspects(parties, _)) if parties == [2]));
}

#[test]
fn a_panic_over_messages_of_others_makes_them_suspects() {
    let members = Members::new(2, &[3, 1, 2]).unwrap();
    let outcome = blaming::<()>(&members, || panic!("as the library may"));
    assert!(matches!(outcome, Err(Fault::Suspects(parties, _)) if parties == [1, 3]));
}

#[test]
fn keygen_takes_its_rounds_in_order() {
    let Ok((run, said)) = runs(2, 2).remove(0).round(vec![]) else {
        unreachable!()
    };
    assert!(said.broadcast.is_empty());
    refused(run.round(vec![]), "want messages of identifiers [2]");
    refused(runs(2, 2).remove(0).finish(vec![]), "want 3 rounds first");
    let stray = Heard {
        broadcast: vec![],
        secret: Zeroizing::new(vec![]),
    };
    refused(
        runs(2, 2).remove(0).round(vec![(2, stray)]),
        "before the first round",
    );
    for (me, threshold, parties) in [(0, 2, 2), (3, 2, 2), (1, 1, 2), (1, 3, 2), (1, 2, 33)] {
        refused(
            Keygen::new(me, threshold, parties, vec![9; 32]),
            "want an identifier",
        );
    }
    refused(Keygen::new(1, 2, 2, vec![9; 31]), "want a session");
}
