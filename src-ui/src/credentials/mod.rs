//! credentials: the place for secrets, and the key of a host.

#[cfg(target_arch = "wasm32")]
mod key;
#[cfg(target_arch = "wasm32")]
mod lock;
#[cfg(target_arch = "wasm32")]
mod vault;

#[cfg(target_arch = "wasm32")]
pub(crate) use {key::*, lock::*, vault::*};
