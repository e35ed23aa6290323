//! Threshold arithmetic of a Holdfast signer, for Node. Nothing here does I/O or knows of policies: sessions are state
//! machines that are fed with bytes. What JavaScript may call is described in index.d.ts.
mod dkls;
mod erase;
mod frost;
mod outcome;

use napi_derive::napi;

#[global_allocator]
static ALLOCATOR: erase::Erasing = erase::Erasing;

#[napi_derive::module_init]
fn init() {
    outcome::quiet_panics();
}

/// The version of this addon, which the signer compares with its own.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
