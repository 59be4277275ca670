//! The texts of the window in its two languages, and the words for what the engine reports.
//!
//! `i18n` is made by build.rs from the JSON files beside this one; a key that is missing in a
//! language, or that the code misspells, does not compile. Text of a host is never looked up here:
//! it goes through `protocol::text::printable` where it is shown.

#[cfg(target_arch = "wasm32")]
mod fault_words;
#[cfg(target_arch = "wasm32")]
mod file_words;
#[cfg(target_arch = "wasm32")]
mod store_words;
#[cfg(target_arch = "wasm32")]
mod words;

#[cfg(target_arch = "wasm32")]
#[allow(
    unreachable_pub,
    unused_imports,
    dead_code,
    clippy::all,
    clippy::expect_used,
    clippy::allow_attributes_without_reason,
    reason = "written by the build script; the lints are for code that people wrote"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/i18n/mod.rs"));
}

#[cfg(target_arch = "wasm32")]
pub(crate) use fault_words::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use file_words::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use generated::i18n::{I18nContextProvider, Locale, use_i18n};
#[cfg(target_arch = "wasm32")]
pub(crate) use leptos_i18n::t_string;
#[cfg(target_arch = "wasm32")]
pub(crate) use store_words::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use words::*;
