//! What a person typed about a host, and what is wrong with it, field by field.
//!
//! `protocol::hosts::check_draft` alone decides; it names one field at a time and speaks English.
//! Each field is therefore judged in a draft that is good otherwise, so that all that is wrong
//! shows at once, and the reason is found again here as a value that each language has words for.

use std::collections::BTreeMap;

use protocol::hosts::{HelperUse, Host, HostDraft, Identity, LOCAL, Sudo, check_draft};
use protocol::{Fault, FaultCode};

/// The fields of the form, by the names that faults use for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FieldName {
    Name,
    Address,
    Port,
    User,
    Jump,
    Key,
    Password,
    SudoPassword,
    Groups,
    Tags,
    HelperDir,
}

/// Why a field cannot stay as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Empty,
    TooLong(usize),
    Dash,
    Characters,
    Local,
    /// A step in a path, which is no name of one place.
    Step,
    /// A number of an IPv4 address that is over 255.
    Octet(String),
    Ipv4,
    Address,
    Port,
    Label,
    Path,
    Taken,
    /// The hosts that a chain of jump hosts would come back to.
    Cycle(String),
    Jump,
    KeyFile,
    Other,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum IdentityKind {
    #[default]
    Agent,
    KeyFile,
    Password,
}

/// The form as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Typed {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) port: String,
    pub(crate) user: String,
    pub(crate) identity: IdentityKind,
    pub(crate) key_path: String,
    pub(crate) groups: String,
    pub(crate) tags: String,
    pub(crate) sudo: Sudo,
    pub(crate) helper_dir: String,
    pub(crate) helper: HelperUse,
    /// Name of a saved host; empty for none.
    pub(crate) jump: String,
}

impl Typed {
    /// The form for a new host.
    pub(crate) fn fresh() -> Typed {
        Typed { port: "22".into(), ..Typed::default() }
    }

    /// The form that would save a host as it is.
    pub(crate) fn of_host(host: &Host) -> Typed {
        let (identity, key_path) = match &host.identity {
            Identity::Agent => (IdentityKind::Agent, String::new()),
            Identity::KeyFile { path } => (IdentityKind::KeyFile, path.clone()),
            Identity::Password => (IdentityKind::Password, String::new()),
        };
        Typed {
            name: host.name.clone(),
            address: host.address.clone(),
            port: host.port.to_string(),
            user: host.user.clone(),
            identity,
            key_path,
            groups: host.groups.join(", "),
            tags: host.tags.join(", "),
            sudo: host.sudo,
            helper_dir: host.helper_dir.clone().unwrap_or_default(),
            helper: host.helper,
            jump: host.jump.clone().unwrap_or_default(),
        }
    }

    /// The draft to save; the port must have been judged before.
    pub(crate) fn draft(&self) -> HostDraft {
        HostDraft {
            name: self.name.trim().to_owned(),
            address: self.address.trim().to_owned(),
            port: parse_port(&self.port).unwrap_or(None),
            user: self.user.trim().to_owned(),
            identity: match self.identity {
                IdentityKind::Agent => Identity::Agent,
                IdentityKind::KeyFile => Identity::KeyFile { path: self.key_path.trim().to_owned() },
                IdentityKind::Password => Identity::Password,
            },
            jump: Some(self.jump.clone()).filter(|name| !name.is_empty()),
            groups: labels(&self.groups),
            tags: labels(&self.tags),
            sudo: self.sudo,
            helper_dir: Some(self.helper_dir.trim().to_owned()).filter(|dir| !dir.is_empty()),
            helper: self.helper,
        }
    }

    /// Everything that is wrong; empty if it can be saved.
    pub(crate) fn problems(&self) -> BTreeMap<FieldName, Problem> {
        let draft = self.draft();
        let good =
            HostDraft { name: "a".into(), address: "a".into(), user: "a".into(), ..HostDraft::default() };
        let fails = |draft: HostDraft| check_draft(&draft).is_err();
        let mut problems = BTreeMap::new();
        if fails(HostDraft { name: draft.name.clone(), ..good.clone() }) {
            problems.insert(FieldName::Name, explain_word(&draft.name));
        }
        if fails(HostDraft { address: draft.address.clone(), ..good.clone() }) {
            problems.insert(FieldName::Address, explain_address(&draft.address));
        }
        if fails(HostDraft { user: draft.user.clone(), ..good.clone() }) {
            problems.insert(FieldName::User, explain_word(&draft.user));
        }
        if parse_port(&self.port).is_err() || fails(HostDraft { port: draft.port, ..good.clone() }) {
            problems.insert(FieldName::Port, Problem::Port);
        }
        if fails(HostDraft { identity: draft.identity.clone(), ..good.clone() }) {
            problems.insert(FieldName::Key, Problem::Empty);
        }
        if fails(HostDraft { groups: draft.groups.clone(), ..good.clone() }) {
            problems.insert(FieldName::Groups, Problem::Label);
        }
        if fails(HostDraft { tags: draft.tags.clone(), ..good.clone() }) {
            problems.insert(FieldName::Tags, Problem::Label);
        }
        if fails(HostDraft { helper_dir: draft.helper_dir, ..good }) {
            problems.insert(FieldName::HelperDir, Problem::Path);
        }
        problems
    }
}

/// The field that a refusal of the engine is about, if it is about one.
pub(crate) fn refused_field(fault: &Fault) -> Option<(FieldName, Problem)> {
    match fault.code {
        FaultCode::HostExists => Some((FieldName::Name, Problem::Taken)),
        FaultCode::KeyFileUnusable => Some((FieldName::Key, Problem::KeyFile)),
        FaultCode::BadInput => {
            let field = match fault.detail.subject.as_deref()? {
                "name" => FieldName::Name,
                "address" => FieldName::Address,
                "port" => FieldName::Port,
                "user" => FieldName::User,
                "jump" => {
                    let problem = fault.detail.cause.clone().map_or(Problem::Jump, Problem::Cycle);
                    return Some((FieldName::Jump, problem));
                }
                "key" => FieldName::Key,
                "group" => FieldName::Groups,
                "tag" => FieldName::Tags,
                "helper_dir" => FieldName::HelperDir,
                _ => return None,
            };
            Some((field, Problem::Other))
        }
        _ => None,
    }
}

/// An empty field is port 22.
fn parse_port(text: &str) -> Result<Option<u16>, std::num::ParseIntError> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some),
    }
}

/// Words with commas between, Chinese ones too; an empty one is no word.
pub(super) fn labels(text: &str) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for label in text.split([',', '，', '、']).map(str::trim).filter(|label| !label.is_empty()) {
        if !labels.iter().any(|one| one == label) {
            labels.push(label.to_owned());
        }
    }
    labels
}

pub(super) fn explain_word(word: &str) -> Problem {
    match word {
        "" => Problem::Empty,
        LOCAL => Problem::Local,
        "." | ".." => Problem::Step,
        _ if word.chars().count() > 64 => Problem::TooLong(64),
        _ if word.starts_with('-') => Problem::Dash,
        _ => Problem::Characters,
    }
}

pub(super) fn explain_address(address: &str) -> Problem {
    if address.is_empty() {
        return Problem::Empty;
    }
    if address.chars().all(|c| c.is_ascii_digit() || c == '.') {
        let too_large = address.split('.').find(|part| part.parse::<u64>().is_ok_and(|number| number > 255));
        return too_large.map_or(Problem::Ipv4, |part| Problem::Octet(part.to_owned()));
    }
    Problem::Address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed() -> Typed {
        Typed { name: "web-1".into(), address: "10.0.0.11".into(), user: "root".into(), ..Typed::fresh() }
    }

    #[test]
    fn a_plain_host_has_no_problem() {
        assert_eq!(typed().problems(), BTreeMap::new());
        assert_eq!(typed().draft().port, Some(22));
        assert_eq!(
            Typed { port: " ".into(), ..typed() }.draft().port,
            None,
            "an empty port is the usual one"
        );
    }

    #[test]
    fn all_that_is_wrong_shows_at_once() {
        let typed = Typed {
            name: "-x".into(),
            address: "10.0.0.300".into(),
            port: "70000".into(),
            user: String::new(),
            identity: IdentityKind::KeyFile,
            helper_dir: "tmp".into(),
            ..Typed::fresh()
        };
        assert_eq!(
            typed.problems().into_iter().collect::<Vec<_>>(),
            [
                (FieldName::Name, Problem::Dash),
                (FieldName::Address, Problem::Octet("300".into())),
                (FieldName::Port, Problem::Port),
                (FieldName::User, Problem::Empty),
                (FieldName::Key, Problem::Empty),
                (FieldName::HelperDir, Problem::Path),
            ]
        );
    }

    #[test]
    fn what_the_engine_would_refuse_is_refused_here() {
        for address in ["-oProxyCommand=x", "a b", "$(id)", "1.2.3", "ho\u{1b}st"] {
            let problems = Typed { address: address.into(), ..typed() }.problems();
            assert!(problems.contains_key(&FieldName::Address), "{address:?}");
        }
        for name in [LOCAL, "a/b", "x\u{202e}y", ".", ".."] {
            assert!(
                Typed { name: name.into(), ..typed() }.problems().contains_key(&FieldName::Name),
                "{name:?}"
            );
        }
    }

    #[test]
    fn words_are_parted_by_commas_of_both_languages() {
        let typed = Typed { groups: "Web，订单、 Web ,, ".into(), ..typed() };
        assert_eq!(typed.draft().groups, ["Web", "订单"]);
    }

    #[test]
    fn a_host_that_is_edited_and_saved_without_a_change_stays_the_same() {
        let host = Host {
            id: "1".into(),
            name: "web-1".into(),
            address: "10.0.0.11".into(),
            port: 2222,
            user: "ops".into(),
            identity: Identity::KeyFile { path: "/k".into() },
            jump: Some("gate".into()),
            groups: vec!["Web".into(), "Orders API".into()],
            tags: vec!["prod".into()],
            sudo: Sudo::Nopasswd,
            helper_dir: Some("/opt/h".into()),
            helper: HelperUse::None,
            added_ms: 1,
        };
        assert_eq!(Typed::of_host(&host).draft(), host.draft());
    }

    #[test]
    fn a_refusal_is_shown_beside_the_field_it_is_about() {
        let fault = Fault::new(FaultCode::HostExists, "x").about("name");
        assert_eq!(refused_field(&fault), Some((FieldName::Name, Problem::Taken)));
        assert_eq!(refused_field(&Fault::bad_input("tag", "x")), Some((FieldName::Tags, Problem::Other)));
        assert_eq!(refused_field(&Fault::new(FaultCode::KeyringLocked, "x")), None);
    }
}
