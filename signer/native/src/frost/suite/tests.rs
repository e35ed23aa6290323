use frost_ed25519::Ed25519Sha512;
use frost_secp256k1_tr::Secp256K1Sha256TR;

use super::super::vectors;
use super::*;

fn ed25519(hex: &str) -> bool {
    point::<Ed25519Sha512>(&hex::decode(hex).unwrap()).is_some()
}

#[test]
fn refuses_every_point_of_small_order_in_every_encoding() {
    // https://eprint.iacr.org/2020/1244, table 1: the eight points, and the encodings of them that are not canonical.
    for encoded in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ] {
        assert!(!ed25519(encoded), "{encoded}");
    }
}

#[test]
fn refuses_a_point_that_carries_one_of_small_order() {
    let v = vectors::read("rfc9591/frost-ed25519-sha512.json");
    let good = vectors::bytes(&v["groupPublicKey"]);
    assert!(point::<Ed25519Sha512>(&good).is_some());
    // Adding the point of order two negates both coordinates (RFC 8032 5.1.4): y becomes p - y, the sign of x flips.
    let p =
        hex::decode("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f").unwrap();
    let mut mixed = good.clone();
    let sign = good[31] & 0x80;
    mixed[31] &= 0x7f;
    let mut borrow = 0;
    for i in 0..32 {
        let difference = i16::from(p[i]) - i16::from(mixed[i]) - borrow;
        borrow = i16::from(difference < 0);
        mixed[i] = difference.rem_euclid(256) as u8;
    }
    mixed[31] |= sign ^ 0x80;
    assert!(point::<Ed25519Sha512>(&mixed).is_none());
}

#[test]
fn reads_one_encoding_of_a_point_of_secp256k1() {
    let v = vectors::read("frost-dkg/secp256k1-tr.json");
    let good = vectors::bytes(&v["groupKey"]);
    assert!(point::<Secp256K1Sha256TR>(&good).is_some());
    for tag in (0..=255).filter(|tag| *tag != 2 && *tag != 3) {
        let mut other = good.clone();
        other[0] = tag;
        assert!(point::<Secp256K1Sha256TR>(&other).is_none(), "{tag}");
    }
    // X of the field's prime and above, and lengths of other forms.
    assert!(point::<Secp256K1Sha256TR>(&[&[2][..], &[255; 32]].concat()).is_none());
    assert!(point::<Secp256K1Sha256TR>(&good[..32]).is_none());
    assert!(point::<Secp256K1Sha256TR>(&[]).is_none());
    assert!(point::<Secp256K1Sha256TR>(&[4; 65]).is_none());
}

#[test]
fn reads_one_form_of_a_list() {
    assert_eq!(records(&[], 2).unwrap(), vec![]);
    assert_eq!(
        records(&[1, 7, 7, 3, 8, 8], 2).unwrap(),
        vec![(1, &[7, 7][..]), (3, &[8, 8][..])]
    );
    for wrong in [
        &[1, 7][..],
        &[1, 7, 7, 1, 7, 7],
        &[3, 7, 7, 1, 7, 7],
        &[1, 7, 7, 2],
    ] {
        assert!(records(wrong, 2).is_err(), "{wrong:?}");
    }
    let parties = Parties::new(2, 2, 3).unwrap();
    assert!(records_of_others(&[1, 7, 3, 7], 1, parties).is_ok());
    for wrong in [
        &[1, 7][..],
        &[1, 7, 2, 7],
        &[1, 7, 2, 7, 3, 7],
        &[1, 7, 4, 7],
        &[],
    ] {
        assert!(records_of_others(wrong, 1, parties).is_err(), "{wrong:?}");
    }
}

#[test]
fn refuses_parties_that_make_no_sense() {
    assert!(Parties::new(32, 32, 32).is_ok());
    for (me, threshold, parties) in [
        (1, 1, 2),
        (1, 3, 2),
        (3, 2, 2),
        (0, 2, 2),
        (1, 2, 33),
        (1, 0, 0),
        (1, 2, 65535),
    ] {
        assert!(Parties::new(me, threshold, parties).is_err());
    }
}
