//! What both programs on the desktop ask of this computer before they open an engine.

use std::path::PathBuf;

use protocol::{Fault, FaultCode};

/// The folder of Muster's data: `MUSTER_DATA_DIR`, else the user's data folder of the platform.
pub fn data_dir() -> Result<PathBuf, Fault> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let dir = set("MUSTER_DATA_DIR")
        .or_else(|| set("XDG_DATA_HOME").filter(|dir| dir.is_absolute()).map(|dir| dir.join("muster")))
        .or_else(|| set("HOME").map(|home| home.join(".local/share/muster")));
    dir.ok_or_else(|| {
        Fault::new(FaultCode::BadInput, "no data folder is known: neither HOME nor MUSTER_DATA_DIR is set")
    })
}

/// The user of this computer, who is the operator until operators sign in.
pub fn operator() -> String {
    let uid = rustix::process::getuid().as_raw();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    // The account first: a variable is what anybody wants it to be. An account of a directory is in no file.
    let named = || {
        let set = ["USER", "LOGNAME"].iter().filter_map(|name| std::env::var(name).ok());
        set.into_iter().find(|name| !name.is_empty())
    };
    parse_user(&passwd, uid).or_else(named).unwrap_or_else(|| format!("uid {uid}"))
}

/// Finds the name of a user id in the text of passwd(5).
fn parse_user(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let id: u32 = fields.nth(1)?.parse().ok()?;
        (id == uid && !name.is_empty()).then(|| name.to_owned())
    })
}

/// The language of the locale, in the form of BCP 47; `en` where it says nothing.
pub fn language() -> String {
    language_of(|name| std::env::var(name).ok())
}

/// Languages that the window has words in.
const HAS_WORDS_IN: [&str; 2] = ["en", "zh"];

/// The order is that of gettext (GNU gettext manual, 2.3): the locale is that of the first variable that is set,
/// and the list in `LANGUAGE` goes before it, unless the locale is the one without a language.
fn language_of(variable: impl Fn(&str) -> Option<String>) -> String {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).unwrap_or_default();
    if ["", "C", "POSIX"].contains(&locale.as_str()) {
        return "en".to_owned();
    }
    let list = set("LANGUAGE").unwrap_or_default();
    let wanted: Vec<String> =
        list.split(':').chain([locale.as_str()]).map(tag).filter(|tag| !tag.is_empty()).collect();
    let is_known = |tag: &&String| tag.split('-').next().is_some_and(|main| HAS_WORDS_IN.contains(&main));
    wanted.iter().find(is_known).or(wanted.first()).cloned().unwrap_or_else(|| "en".to_owned())
}

/// `zh_CN.UTF-8` as `zh-CN`.
fn tag(locale: &str) -> String {
    match locale.split(['.', '@']).next().unwrap_or_default() {
        "C" | "POSIX" => "en".to_owned(),
        name => name.replace('_', "-"),
    }
}

/// Keeps the memory of this process, which may hold a password for a moment, out of core dumps and away
/// from other programs of the same user.
pub fn guard_memory() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(why) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!(%why, "programs of this user may still read this one's memory");
        }
    }
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(why) = rustix::process::setrlimit(rustix::process::Resource::Core, none) {
        tracing::warn!(%why, "core dumps stay allowed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_id_and_a_bad_line_is_passed_over() {
        let passwd = "nonsense\nroot:x:0:0:root:/root:/bin/sh\nchen:x:1001:1001::/home/chen:/bin/bash\n";
        assert_eq!(parse_user(passwd, 1001).as_deref(), Some("chen"));
        assert_eq!(parse_user(passwd, 7), None);
    }
    #[test]
    fn the_language_is_chosen_as_gettext_does() {
        for (variables, language) in [
            (&[][..], "en"),
            (&[("LANG", "zh_CN.UTF-8")], "zh-CN"),
            (&[("LANG", "en_US.UTF-8"), ("LC_MESSAGES", "zh_CN.UTF-8")], "zh-CN"),
            (&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "en_GB.UTF-8"), ("LC_MESSAGES", "zh_CN")], "en-GB"),
            (&[("LANG", "en_US.UTF-8"), ("LANGUAGE", "zh_CN:en")], "zh-CN"),
            (&[("LC_ALL", "en_US.UTF-8"), ("LANGUAGE", "zh_CN")], "zh-CN"),
            (&[("LANG", "zh_CN.UTF-8"), ("LANGUAGE", "en_US:en")], "en-US"),
            (&[("LANG", "C"), ("LANGUAGE", "zh_CN")], "en"),
            (&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C"), ("LANGUAGE", "zh_CN")], "en"),
            (&[("LANGUAGE", "zh_CN")], "en"),
            (&[("LANG", "C.UTF-8")], "en"),
            (&[("LANG", "C.UTF-8"), ("LANGUAGE", "zh_CN")], "zh-CN"),
            (&[("LANG", "de_DE@euro"), ("LANGUAGE", "")], "de-DE"),
            (&[("LANG", "de_DE.UTF-8"), ("LANGUAGE", "de:zh_TW:en")], "zh-TW"),
            (&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "")], "zh-CN"),
        ] {
            let said = language_of(|name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            });
            assert_eq!(said, language, "{variables:?}");
        }
    }
}
