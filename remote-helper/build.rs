//! How the helper for hosts is linked: as small as it can be.
//!
//! Only for musl, which is what hosts get, and which `.cargo/config.toml` links with rust-lld. It
//! reads no file and asks nothing of the computer that builds.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=discard.ld");
    if std::env::var("CARGO_CFG_TARGET_ENV").as_deref() != Ok("musl") {
        return;
    }
    let Ok(here) = std::env::var("CARGO_MANIFEST_DIR") else { return };
    for argument in [
        // Relocations as a bit map; musl since 1.2.4 applies them itself.
        "--pack-dyn-relocs=relr",
        // Functions of the same machine code once.
        "--icf=all",
        // A panic ends the helper at once, so nothing unwinds, and the tables for it can go.
        "--no-eh-frame-hdr",
        &format!("{here}/discard.ld"),
    ] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
