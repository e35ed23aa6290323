use frost_core::Field;
use frost_core::Group;
use frost_ed25519::Ed25519Sha512;
use frost_secp256k1_tr::Secp256K1Sha256TR;

use super::super::vectors::{self, bytes, entries, list, record, Value};
use super::*;

/// Party 1 of recorded runs, after its first round.
fn recorded<C: Suite>(v: &Value) -> (Keygen<C>, Vec<u8>) {
    let parties = v["parties"].as_array().unwrap();
    let (t, n) = (
        v["threshold"].as_u64().unwrap() as u16,
        parties.len() as u16,
    );
    let run = Keygen::<C>::new(Parties::new(1, t, n).unwrap());
    let coefficients = list(&v["coefficients"]).into_iter().map(|c| {
        let c = c.as_slice().try_into().ok().unwrap();
        <C::Group as Group>::Field::deserialize(&c).ok().unwrap()
    });
    let commitment =
        VerifiableSecretSharingCommitment::deserialize(list(&parties[0]["commitment"])).unwrap();
    let secret = round1::SecretPackage::new(
        identifier(1).unwrap(),
        coefficients.collect(),
        commitment,
        t,
        n,
    );
    run.round1().unwrap();
    run.lock().first = Some(Box::new(secret));
    let broadcasts = parties.iter().enumerate().skip(1).map(|(i, p)| {
        let parts = [list(&p["commitment"]), vec![bytes(&p["proof"])]].concat();
        record(i as u16 + 1, &parts)
    });
    (run, broadcasts.collect::<Vec<_>>().concat())
}

fn comes_to_the_recorded_key<C: Suite>(file: &str) {
    let v = vectors::read(file);
    let (run, broadcasts) = recorded::<C>(&v);
    run.round2(&broadcasts).unwrap();
    let received: Vec<_> = entries(&v["received"])
        .map(|(i, share)| record(i, &[bytes(share)]))
        .collect();
    let made = run.round3(&received.concat()).unwrap();
    assert_eq!(made.share, bytes(&v["share"]));
    assert_eq!(made.group_key, bytes(&v["groupKey"]));
    let parties = v["parties"].as_array().unwrap();
    let shares: Vec<_> = parties
        .iter()
        .map(|p| bytes(&p["verificationShare"]))
        .collect();
    assert_eq!(made.verification_shares, shares.concat());
}

#[test]
fn comes_to_recorded_keys() {
    comes_to_the_recorded_key::<Ed25519Sha512>("frost-dkg/ed25519.json");
    comes_to_the_recorded_key::<Secp256K1Sha256TR>("frost-dkg/secp256k1-tr.json");
}

fn culprits<T>(outcome: Outcome<T>) -> Vec<u16> {
    match outcome {
        Err(Fault::Culprit(parties, _)) => parties,
        Err(other) => panic!("want culprits, got {other:?}"),
        Ok(_) => panic!("want culprits, got a value"),
    }
}

#[test]
fn names_all_whose_broadcast_is_wrong() {
    let v = vectors::read("frost-dkg/ed25519.json");
    let (run, broadcasts) = recorded::<Ed25519Sha512>(&v);
    let length = broadcasts.len() / 2;
    let mut wrong = broadcasts.clone();
    // A proof of the one, a point of the other.
    wrong[length - 1] ^= 1;
    wrong[length + 1..length + 33].fill(255);
    assert_eq!(culprits(run.round2(&wrong)), [2, 3]);
    // It is not tried again with other input.
    assert!(matches!(run.round2(&broadcasts), Err(Fault::Refused(_))));
    assert!(matches!(run.round3(&[]), Err(Fault::Refused(_))));
}

#[test]
fn names_whose_share_is_wrong_zero_or_no_scalar() {
    let v = vectors::read("frost-dkg/ed25519.json");
    for wrong in [vec![0; 32], vec![255; 32], vec![1; 32]] {
        let (run, broadcasts) = recorded::<Ed25519Sha512>(&v);
        run.round2(&broadcasts).unwrap();
        let good = record(2, &[bytes(&v["received"]["2"])]);
        assert_eq!(
            culprits(run.round3(&[good, record(3, &[wrong])].concat())),
            [3]
        );
    }
}

#[test]
fn comes_to_nothing_once_it_is_closed() {
    let v = vectors::read("frost-dkg/ed25519.json");
    let (run, broadcasts) = recorded::<Ed25519Sha512>(&v);
    run.close();
    assert!(run.lock().first.is_none());
    assert!(matches!(run.round2(&broadcasts), Err(Fault::Refused(_))));
    // As when it is closed while a step is being computed.
    assert!(run.keep(Step::Round1, |_| unreachable!()).is_err());
}
