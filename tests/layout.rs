//! The rules of how the code is laid out, held by code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::places;

/// No source file is longer, its own tests not counted.
const LONGEST_FILE_LINES: usize = 600;

/// Folders that hold no sources of ours, by their path from the top.
const NOT_OURS: [&str; 11] = [
    "fuzz/artifacts",
    "fuzz/corpus",
    "fuzz/target",
    ".git",
    "target",
    "dist",
    "remote-helper/built",
    "src-tauri/gen",
    "src-tauri/permissions",
    "tests/fixtures",
    "node_modules",
];

/// Which of our crates each of them may name.
const MAY_DEPEND_ON: [(&str, &[&str]); 7] = [
    ("protocol", &[]),
    ("engine", &["protocol"]),
    ("cli", &["protocol", "engine"]),
    ("xtask", &[]),
    ("remote-helper", &["protocol"]),
    ("muster", &["protocol", "engine"]),
    ("src-ui", &["protocol"]),
];

/// Words that are written in some places only.
const ONLY_IN: [(&str, &[&str]); 5] = [
    ("tauri::", &["src-tauri/"]),
    ("russh::", &["crates/engine/src/ssh/", "tests/support/"]),
    ("sled::", &["crates/engine/src/store/"]),
    ("keyring::", &["crates/engine/src/secrets/"]),
    ("__TAURI__", &["src-ui/src/ipc.rs", "tests/support/window/inside.rs"]),
];

/// The nouns of the product; a module of a layer has one of these names or is a part of the layer.
const NOUNS: [&str; 17] = [
    "hosts",
    "trust",
    "credentials",
    "system",
    "metrics",
    "sockets",
    "services",
    "operations",
    "runs",
    "settings",
    "processes",
    "journal",
    "alerts",
    "scripts",
    "tasks",
    "notes",
    "search",
];

/// Every file below the top that is ours, by its path from there.
fn files() -> Vec<PathBuf> {
    let top = places::root();
    let mut found = Vec::new();
    let mut open = vec![top.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            let below = path.strip_prefix(&top).unwrap().to_owned();
            if NOT_OURS.iter().any(|out| below == Path::new(out)) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() { open.push(path) } else { found.push(below) }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(places::root().join(path)).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn rust_files() -> Vec<(PathBuf, String)> {
    let rust = files().into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    rust.map(|path| (path.clone(), read(&path))).collect()
}

fn cargo(words: &[&str]) -> String {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(words)
        .current_dir(places::root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// True where `word` stands as a path of its own: `tauri::x`, but neither `my_tauri::x` nor
/// `crate::tauri::x`.
fn names(line: &str, word: &str) -> bool {
    let own = |before: char| !before.is_alphanumeric() && before != '_' && before != ':' && before != '"';
    line.match_indices(word).any(|(at, _)| line[..at].chars().next_back().is_none_or(own))
}

/// The lines of a file that are code.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn each_crate_depends_only_on_those_below_it() {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version", "1", "--offline"]))
            .unwrap();
    let allowed: BTreeMap<&str, &[&str]> = MAY_DEPEND_ON.into_iter().collect();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        // The tests may look at everything, and nothing looks at them.
        let may: Vec<&str> = match allowed.get(name) {
            Some(list) => list.to_vec(),
            None if name == "tests" => ours.iter().copied().collect(),
            None => {
                panic!("the crate {name} has no place in the layers: give it one here and in ARCHITECTURE.md")
            }
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            assert!(!ours.contains(on) || may.contains(&on), "{name} must not depend on {on}");
        }
    }
}

#[test]
fn words_of_a_layer_are_written_in_that_layer_alone() {
    for (path, text) in rust_files() {
        for (word, places) in ONLY_IN {
            if places.iter().any(|place| path.starts_with(place) || path == Path::new(place)) {
                continue;
            }
            for (number, line) in code(&text) {
                assert!(
                    !names(line, word),
                    "{}:{}: {word} is only for {places:?}",
                    path.display(),
                    number + 1
                );
            }
        }
    }
}

#[test]
fn lower_layers_of_the_engine_know_no_nouns() {
    for (path, text) in rust_files() {
        let lower = ["ssh", "store", "secrets"].map(|layer| format!("crates/engine/src/{layer}/"));
        if !lower.iter().any(|layer| path.starts_with(layer)) {
            continue;
        }
        for (number, line) in code(&text) {
            for noun in NOUNS {
                let word = format!("crate::{noun}::");
                assert!(
                    !line.contains(&word),
                    "{}:{}: a lower layer names {noun}",
                    path.display(),
                    number + 1
                );
            }
        }
    }
}

#[test]
fn a_module_is_called_by_its_noun_in_every_layer() {
    // What is in a layer beside the nouns.
    let layers: [(&str, &[&str]); 5] = [
        (
            "crates/protocol/src",
            &["lib", "fault", "fuzzy", "ipc", "wire", "delta", "link", "snapshot", "store", "text"],
        ),
        (
            "crates/engine/src",
            &[
                "lib",
                "engine",
                "error",
                "clock",
                "schema",
                "ssh",
                "helper",
                "store",
                "secrets",
                "sessions",
                "commands",
                "snapshot",
                "runtime",
                "rig",
                "door",
                "this_computer",
            ],
        ),
        (
            "remote-helper/src",
            &[
                "main",
                "lib",
                "root",
                "error",
                "log",
                "clock",
                "changed",
                "children",
                "machine",
                "netlink",
                "fuzz",
                "json",
                "once",
                "priority",
                "pulled",
                "serve",
                "stop",
                "unwinding",
                "users",
            ],
        ),
        ("crates/cli/src", &["main", "args", "output", "secrets", "store", "helper"]),
        ("src-tauri/src/commands", &["mod", "look", "watch", "store", "helper", "shell"]),
    ];
    for (folder, own) in layers {
        for module in modules(folder) {
            let known = NOUNS.contains(&module.as_str()) || own.contains(&module.as_str());
            assert!(
                known,
                "{folder}/{module} is neither a noun of the product nor a known part of its layer"
            );
        }
    }
}

fn modules(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(places::root().join(folder)).unwrap().flatten();
    let names = entries.map(|entry| entry.path().file_stem().unwrap().to_string_lossy().into_owned());
    names.collect()
}

#[test]
fn the_name_of_every_file_can_be_written_on_a_command_line() {
    for path in files() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@".contains(&byte);
        assert!(path.as_os_str().as_encoded_bytes().iter().copied().all(plain), "{path:?}");
    }
}

#[test]
fn no_source_file_is_too_long_to_read() {
    for (path, text) in rust_files() {
        let lines = text.lines().take_while(|line| *line != "#[cfg(test)]").count();
        assert!(
            lines <= LONGEST_FILE_LINES,
            "{} has {lines} lines without its tests: split it by what it does",
            path.display()
        );
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for path in
        files().into_iter().filter(|path| path.ends_with("Cargo.toml") && *path != Path::new("Cargo.toml"))
    {
        assert!(read(&path).contains("[lints]\nworkspace = true"), "{} has lints of its own", path.display());
    }
}

#[test]
fn every_test_that_the_proofs_name_exists() {
    let text = read(Path::new("docs/proofs.md"));
    // A module is the file, or a module within it, that the test is written in.
    let tests: Vec<(String, String)> = rust_files()
        .into_iter()
        .flat_map(|(path, code)| {
            let own = path.with_extension("").display().to_string();
            let names = code.split("fn ").skip(1).filter_map(|rest| {
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                (name.matches('_').count() > 1).then_some(name)
            });
            names.map(|name| (own.clone(), name)).collect::<Vec<_>>()
        })
        .collect();
    let named: Vec<(&str, &str)> =
        text.split('`').filter_map(|word| word.split_once("::")).filter(|(of, _)| *of != "module").collect();
    for (module, beginning) in &named {
        let is_there = tests.iter().any(|(file, name)| {
            let is_in = file.split('/').any(|part| part == *module || part == format!("{module}_tests"));
            is_in && name.starts_with(beginning)
        });
        assert!(is_there, "docs/proofs.md names {module}::{beginning}, and there is no such test");
    }
    assert!(named.len() > 50, "docs/proofs.md names its tests as module::name");
}

#[test]
fn every_path_that_the_architecture_names_exists() {
    let text = read(Path::new("ARCHITECTURE.md"));
    let top = places::root();
    let first: BTreeSet<String> = fs::read_dir(&top)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let built = ["dist", "target", "remote-helper/built", "src-tauri/gen", "src-tauri/permissions"];
    let mut seen = 0;
    for word in text.split(|c: char| c.is_whitespace() || "`()[],;|\"'*".contains(c)) {
        let path = word.trim_end_matches(['.', ':']).trim_end_matches('/');
        let is_path =
            path.contains('/') || path.ends_with(".rs") || path.ends_with(".toml") || path.ends_with(".md");
        let head = path.split('/').next().unwrap_or_default();
        if !is_path
            || !first.contains(head)
            || path.contains(['<', '{'])
            || built.iter().any(|out| path.starts_with(out))
        {
            continue;
        }
        seen += 1;
        assert!(top.join(path).exists(), "ARCHITECTURE.md names {path}, which is not there");
    }
    assert!(seen > 5, "ARCHITECTURE.md names its places by their path from the top");
}

#[test]
fn the_window_may_ask_for_every_command_and_for_nothing_else() {
    let commands: BTreeSet<String> = [protocol::ipc::COMMANDS, protocol::ipc::SHELL, &protocol::ipc::STREAMS]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let capability: Value =
        serde_json::from_str(&read(Path::new("src-tauri/capabilities/main.json"))).unwrap();
    let permissions = capability["permissions"].as_array().unwrap();
    // What is not one of ours is one of Tauri's own: the tray, menus, windows, files of pictures.
    let others: Vec<_> = permissions
        .iter()
        .filter(|permission| !permission.as_str().is_some_and(|name| name.starts_with("allow-")))
        .collect();
    assert!(others.is_empty(), "src-tauri/capabilities/main.json lets the window have {others:?}");
    let allowed: BTreeSet<String> = permissions
        .iter()
        .filter_map(|permission| permission.as_str()?.strip_prefix("allow-"))
        .map(|name| name.replace('-', "_"))
        .collect();
    assert_eq!(allowed, commands, "src-tauri/capabilities/main.json and protocol::ipc::COMMANDS");

    let handlers: BTreeSet<String> = rust_files()
        .into_iter()
        .filter(|(path, _)| path.starts_with("src-tauri/src"))
        .filter_map(|(_, text)| {
            let list = text.split_once("generate_handler![")?.1.split_once(']')?.0.to_owned();
            Some(
                list.split(',')
                    .map(|item| item.trim().rsplit("::").next().unwrap().to_owned())
                    .collect::<Vec<_>>(),
            )
        })
        .flatten()
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(handlers, commands, "generate_handler! and protocol::ipc::COMMANDS");
}

/// Components that are drawn once, in the window itself around every page.
const ONCE_IN_THE_WINDOW: [&str; 2] = ["MeterHatch", "Toasts"];

/// The names of the components that a file gives away.
fn components(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let heads = lines.windows(2).filter(|pair| pair[0] == "#[component]");
    let names = heads.filter_map(|pair| pair[1].strip_prefix("pub(crate) fn "));
    names.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric()).collect()).collect()
}

#[test]
fn every_component_of_the_kit_is_in_the_gallery() {
    let (gallery, kit): (Vec<_>, Vec<_>) = rust_files()
        .into_iter()
        .filter(|(path, _)| path.starts_with("src-ui/src/components"))
        .partition(|(path, _)| path.starts_with("src-ui/src/components/gallery"));
    let gallery: String = gallery.into_iter().map(|(_, text)| text).collect();
    let window = read(Path::new("src-ui/src/app.rs"));
    let is_used = |place: &str, name: &str| {
        let tag = format!("<{name}");
        let is_own = |after: Option<char>| after.is_none_or(|c| !c.is_alphanumeric());
        place.match_indices(&tag).any(|(at, _)| is_own(place[at + tag.len()..].chars().next()))
    };
    let mut count = 0;
    for (path, text) in kit {
        for name in components(&text) {
            count += 1;
            let place = if ONCE_IN_THE_WINDOW.contains(&name.as_str()) { &window } else { &gallery };
            assert!(is_used(place, &name), "{}: {name} is on no page of the gallery", path.display());
        }
    }
    assert!(count > 35, "{count} components: they are found by `#[component]` above `pub(crate) fn`");
}

#[test]
fn pages_take_their_boxes_fields_and_dialogs_from_the_kit() {
    let parts = ["type=\"checkbox\"", "<textarea", "<select", "role=\"dialog\"", "role=\"grid\""];
    for (path, text) in rust_files().into_iter().filter(|(path, _)| path.starts_with("src-ui/src")) {
        if path.starts_with("src-ui/src/components") {
            continue;
        }
        for (number, line) in code(&text) {
            for part in parts {
                assert!(!line.contains(part), "{}:{}: {part} beside the kit", path.display(), number + 1);
            }
        }
    }
}

#[test]
fn the_keyring_is_never_bound_to_the_engine_s_runtime() {
    // zbus on tokio panics when the keyring's blocking calls run inside an async task.
    let tree = cargo(&["tree", "--workspace", "--offline", "-e", "features", "-i", "zbus"]);
    assert!(tree.contains("zbus v"), "the keyring speaks to the Secret Service through zbus: {tree}");
    assert!(!tree.contains("zbus feature \"tokio\""), "a dependency switched zbus to tokio:\n{tree}");
}

#[test]
fn the_sources_name_no_place_of_one_computer() {
    let checkout = places::root().to_string_lossy().into_owned() + "/";
    let markers = [checkout.as_str(), ".cargo/registry/src", ".rustup/toolchains", "/Users/", "C:\\Users"];
    for path in files() {
        // A picture is no text; this file names the words that it looks for.
        let Ok(text) = fs::read_to_string(places::root().join(&path)) else { continue };
        if path == Path::new("tests/layout.rs") {
            continue;
        }
        for marker in markers {
            assert!(!text.contains(marker), "{} names {marker}", path.display());
        }
    }
}

#[test]
fn the_app_carries_the_icons_that_were_drawn() {
    for name in ["32x32.png", "128x128.png", "128x128@2x.png", "icon.png"] {
        let drawn = fs::read(places::root().join("icons").join(name)).unwrap();
        let carried = fs::read(places::root().join("src-tauri/icons").join(name)).unwrap();
        assert_eq!(drawn, carried, "src-tauri/icons/{name} must be the one of icons/");
    }
}

#[test]
fn the_pages_are_embedded_by_one_compilation_alone() {
    let manifest = std::fs::read_to_string(places::root().join("src-tauri/Cargo.toml")).unwrap();
    let program = manifest.split("[[bin]]").nth(1).unwrap().split("\n[").next().unwrap();
    for word in ["\ntest = false", "\nbench = false"] {
        assert!(program.contains(word), "two that run at once read each other's half: {program}");
    }
}
