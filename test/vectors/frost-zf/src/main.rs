//! Records whole ceremonies of the Zcash Foundation's FROST: key generation, then signing with every quorum.
//! All randomness comes from a fixed seed, so that a second recording is the same, and every secret is in the output:
//! whoever replays takes any party's place and must come to the same bytes.

use std::{collections::BTreeMap, env, error::Error, fs, path::Path};

use frost_core::{
    aggregate, keys::dkg, round1, round2, Ciphersuite, Field, Group, Identifier, SigningPackage,
};
use rand_chacha::{rand_core::SeedableRng, ChaCha20Rng};
use serde_json::{json, Map, Value};

type Done<T> = Result<T, Box<dyn Error>>;

const SIZES: [(u16, u16); 2] = [(2, 3), (3, 5)];

fn main() -> Done<()> {
    let folder = env::args().nth(1).ok_or("want the folder to write to")?;
    record::<frost_ed25519::Ed25519Sha512>(&folder, "ed25519.json", "frost-ed25519 3.0.0")?;
    record::<frost_secp256k1_tr::Secp256K1Sha256TR>(&folder, "secp256k1-tr.json", "frost-secp256k1-tr 3.0.0")
}

fn record<C: Ciphersuite>(folder: &str, file: &str, source: &str) -> Done<()> {
    let mut rng = ChaCha20Rng::seed_from_u64(9591);
    let mut ceremonies = Vec::new();
    for (threshold, parties) in SIZES {
        ceremonies.push(ceremony::<C>(threshold, parties, &mut rng)?);
    }
    let text = serde_json::to_string_pretty(&json!({ "source": source, "ceremonies": ceremonies }))?;
    fs::write(Path::new(folder).join(file), text + "\n")?;
    Ok(())
}

fn ceremony<C: Ciphersuite>(threshold: u16, parties: u16, rng: &mut ChaCha20Rng) -> Done<Value> {
    let ids: Vec<u16> = (1..=parties).collect();
    let id = |n: u16| Identifier::<C>::try_from(n);

    let mut secrets = BTreeMap::new();
    let mut broadcasts = BTreeMap::new();
    for &n in &ids {
        let (secret, package) = dkg::part1::<C, _>(id(n)?, parties, threshold, &mut *rng)?;
        secrets.insert(n, secret);
        broadcasts.insert(id(n)?, package);
    }
    let others = |n: u16| -> Done<BTreeMap<_, _>> {
        let mut rest = broadcasts.clone();
        rest.remove(&id(n)?);
        Ok(rest)
    };
    let mut second = BTreeMap::new();
    let mut sent = BTreeMap::new();
    for &n in &ids {
        let (secret, packages) = dkg::part2(secrets[&n].clone(), &others(n)?)?;
        second.insert(n, secret);
        sent.insert(n, packages);
    }
    let mut keys = BTreeMap::new();
    let mut public = None;
    let mut recorded = Vec::new();
    for &n in &ids {
        let me = id(n)?;
        let mut received = BTreeMap::new();
        let mut given = Map::new();
        for &other in ids.iter().filter(|&&other| other != n) {
            received.insert(id(other)?, sent[&other][&me].clone());
            given.insert(other.to_string(), hex::encode(sent[&n][&id(other)?].signing_share().serialize()).into());
        }
        let (key, group) = dkg::part3(&second[&n], &others(n)?, &received)?;
        let broadcast = &broadcasts[&me];
        recorded.push(json!({
            "coefficients": secrets[&n].coefficients().iter()
                .map(|c| hex::encode(<<C::Group as Group>::Field as Field>::serialize(c))).collect::<Vec<_>>(),
            "commitment": broadcast.commitment().serialize()?.iter().map(hex::encode).collect::<Vec<_>>(),
            "proof": hex::encode(broadcast.proof_of_knowledge().serialize()?),
            "sent": given,
            "share": hex::encode(key.signing_share().serialize()),
            "verificationShare": hex::encode(key.verifying_share().serialize()?),
        }));
        keys.insert(n, key);
        public = Some(group);
    }
    let public = public.ok_or("no parties")?;

    let mut signings = Vec::new();
    for quorum in quorums(threshold, parties) {
        let message = format!("{threshold} of {parties}, signed by {quorum:?}").into_bytes();
        let mut nonces = BTreeMap::new();
        let mut commitments = BTreeMap::new();
        for &n in &quorum {
            let (secret, commitment) = round1::commit(keys[&n].signing_share(), rng);
            nonces.insert(n, secret);
            commitments.insert(id(n)?, commitment);
        }
        let package = SigningPackage::new(commitments, &message);
        let mut shares = BTreeMap::new();
        let mut signers = Map::new();
        for &n in &quorum {
            let share = round2::sign(&package, &nonces[&n], &keys[&n])?;
            let commitment = nonces[&n].commitments();
            signers.insert(n.to_string(), json!({
                "hidingNonce": hex::encode(nonces[&n].hiding().serialize()),
                "bindingNonce": hex::encode(nonces[&n].binding().serialize()),
                "hiding": hex::encode(commitment.hiding().serialize()?),
                "binding": hex::encode(commitment.binding().serialize()?),
                "signatureShare": hex::encode(share.serialize()),
            }));
            shares.insert(id(n)?, share);
        }
        let signature = aggregate(&package, &shares, &public)?;
        public.verifying_key().verify(&message, &signature)?;
        signings.push(json!({
            "message": hex::encode(&message),
            "signers": signers,
            "signature": hex::encode(signature.serialize()?),
        }));
    }
    Ok(json!({
        "threshold": threshold,
        "parties": recorded,
        "groupKey": hex::encode(public.verifying_key().serialize()?),
        "signings": signings,
    }))
}

/// Every choice of `threshold` of the identifiers 1 to `parties`, ascending.
fn quorums(threshold: u16, parties: u16) -> Vec<Vec<u16>> {
    (0u32..1 << parties)
        .filter(|set| set.count_ones() == u32::from(threshold))
        .map(|set| (1..=parties).filter(|n| set >> (n - 1) & 1 == 1).collect())
        .collect()
}
