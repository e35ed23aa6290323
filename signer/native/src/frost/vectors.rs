//! Vectors of test/vectors/, which the other engine is held to as well.
use std::path::Path;

pub use serde_json::Value;

pub fn read(file: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/vectors");
    let text = std::fs::read_to_string(folder.join(file)).expect("a file of vectors");
    serde_json::from_str(&text).expect("JSON")
}

pub fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("a string")).expect("hex")
}

pub fn list(value: &Value) -> Vec<Vec<u8>> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(bytes)
        .collect()
}

/// A record of an identifier and what belongs to it.
pub fn record(identifier: u16, parts: &[Vec<u8>]) -> Vec<u8> {
    [vec![identifier as u8], parts.concat()].concat()
}

/// Entries by identifier.
pub fn entries(value: &Value) -> impl Iterator<Item = (u16, &Value)> {
    let entries = value.as_object().expect("an object").iter();
    entries.map(|(key, value)| (key.parse().expect("an identifier"), value))
}
