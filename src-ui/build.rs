//! Turns the texts of `src/text/<language>/*.json` into the module that the window's code calls.
//!
//! A text that one language lacks ends the build: what the parser only warns of is an error here,
//! so no page can be half translated. Without this the window would fall back to English silently.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use leptos_i18n_parser::parse_locales::options::{Config, ParseOptions};
use leptos_i18n_parser::parse_locales::parse_locales;

/// One file per noun in each language, so that a text is found by its noun.
const NAMESPACES: [&str; 17] = [
    "app",
    "charts",
    "credentials",
    "faults",
    "hosts",
    "journal",
    "notes",
    "operations",
    "overview",
    "processes",
    "search",
    "services",
    "settings",
    "sockets",
    "states",
    "tables",
    "trust",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/text");
    let config = Config::new("en")?
        .add_locale("zh-CN")?
        .add_namespaces(NAMESPACES)?
        .locales_path("./src/text")
        .parse_options(ParseOptions::new().interpolate_display(true));
    let parsed = parse_locales(None, config)?;

    let complaints: Vec<String> = parsed
        .diag
        .warnings()
        .iter()
        .map(ToString::to_string)
        .chain(parsed.diag.errors().iter().map(ToString::to_string))
        .collect();
    for complaint in &complaints {
        println!("cargo::error={complaint}");
    }
    if !complaints.is_empty() {
        return Ok(());
    }

    let code = leptos_i18n_codegen::gen_code(&parsed, None, false, None, false)?;
    let folder = PathBuf::from(env::var("OUT_DIR")?).join("i18n");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("mod.rs"), code.to_string())?;
    Ok(())
}
