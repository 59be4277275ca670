//! What is typed to change several hosts at once, read as a change, and what is wrong with it. Pure.

use std::collections::BTreeMap;

use protocol::Fault;
use protocol::hosts::{HostChange, HostDraft, check_draft};

use super::draft::{FieldName, Problem, explain_word, labels, refused_field};

/// The texts of the form; an empty one changes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Texts {
    pub(crate) add_tags: String,
    pub(crate) remove_tags: String,
    pub(crate) add_groups: String,
    pub(crate) remove_groups: String,
    pub(crate) user: String,
    pub(crate) port: String,
    pub(crate) key: String,
}

/// The fields of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BulkField {
    AddTags,
    RemoveTags,
    AddGroups,
    RemoveGroups,
    User,
    Port,
    Key,
}

/// The change, or everything that is wrong.
pub(crate) fn parse(texts: &Texts) -> Result<HostChange, BTreeMap<BulkField, Problem>> {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let good = HostDraft { name: "a".into(), address: "a".into(), user: "a".into(), ..HostDraft::default() };
    let fails = |draft: HostDraft| check_draft(&draft).is_err();
    let mut problems = BTreeMap::new();
    let mut checked = |field: BulkField, text: &str| {
        let labels = labels(text);
        if fails(HostDraft { tags: labels.clone(), ..good.clone() }) {
            problems.insert(field, Problem::Label);
        }
        labels
    };
    let mut change = HostChange {
        add_groups: checked(BulkField::AddGroups, &texts.add_groups),
        remove_groups: checked(BulkField::RemoveGroups, &texts.remove_groups),
        add_tags: checked(BulkField::AddTags, &texts.add_tags),
        remove_tags: checked(BulkField::RemoveTags, &texts.remove_tags),
        user: text(&texts.user),
        port: None,
        key: text(&texts.key),
    };
    if let Some(user) = &change.user
        && fails(HostDraft { user: user.clone(), ..good })
    {
        problems.insert(BulkField::User, explain_word(user));
    }
    if let Some(port) = text(&texts.port) {
        change.port = port.parse().ok().filter(|port| *port > 0);
        if change.port.is_none() {
            problems.insert(BulkField::Port, Problem::Port);
        }
    }
    if problems.is_empty() { Ok(change) } else { Err(problems) }
}

/// The field that a refusal of the engine is about, if it is about one that stands here.
pub(crate) fn refused(fault: &Fault) -> Option<(BulkField, Problem)> {
    let (field, problem) = refused_field(fault)?;
    let field = match field {
        FieldName::Tags => BulkField::AddTags,
        FieldName::Groups => BulkField::AddGroups,
        FieldName::User => BulkField::User,
        FieldName::Port => BulkField::Port,
        FieldName::Key => BulkField::Key,
        FieldName::Name
        | FieldName::Address
        | FieldName::Jump
        | FieldName::Password
        | FieldName::SudoPassword
        | FieldName::HelperDir => return None,
    };
    Some((field, problem))
}

/// What stands in a field.
pub(crate) fn text_of(texts: &Texts, field: BulkField) -> &str {
    match field {
        BulkField::AddTags => &texts.add_tags,
        BulkField::RemoveTags => &texts.remove_tags,
        BulkField::AddGroups => &texts.add_groups,
        BulkField::RemoveGroups => &texts.remove_groups,
        BulkField::User => &texts.user,
        BulkField::Port => &texts.port,
        BulkField::Key => &texts.key,
    }
}

#[cfg(test)]
mod tests {
    use protocol::FaultCode;

    use super::*;

    #[test]
    fn what_is_left_empty_changes_nothing() {
        let texts = Texts { user: "  ".into(), add_tags: " , ".into(), ..Texts::default() };
        assert!(parse(&texts).unwrap().is_empty());
    }

    #[test]
    fn labels_are_parted_by_commas_of_either_script() {
        let texts = Texts { add_tags: "prod, 网站\u{ff0c}db".into(), ..Texts::default() };
        assert_eq!(parse(&texts).unwrap().add_tags, ["prod", "网站", "db"]);
    }

    #[test]
    fn a_port_is_a_number_that_a_port_can_be() {
        let port =
            |text: &str| parse(&Texts { port: text.into(), ..Texts::default() }).map(|change| change.port);
        assert_eq!(port(" 2222 "), Ok(Some(2222)));
        for bad in ["0", "70000", "ssh", "-1"] {
            assert_eq!(port(bad), Err([(BulkField::Port, Problem::Port)].into()), "{bad}");
        }
    }

    #[test]
    fn all_that_is_wrong_shows_at_once_each_beside_its_field() {
        let texts = Texts {
            add_tags: "x".repeat(65),
            remove_groups: "a\u{1b}b".into(),
            user: "-oProxyCommand=x".into(),
            port: "0".into(),
            ..Texts::default()
        };
        let wanted = [
            (BulkField::AddTags, Problem::Label),
            (BulkField::RemoveGroups, Problem::Label),
            (BulkField::User, Problem::Dash),
            (BulkField::Port, Problem::Port),
        ];
        assert_eq!(parse(&texts), Err(wanted.into()));
    }

    #[test]
    fn a_refusal_is_shown_beside_the_field_it_is_about() {
        let fault = Fault::new(FaultCode::KeyFileUnusable, "x");
        assert_eq!(refused(&fault), Some((BulkField::Key, Problem::KeyFile)));
        assert_eq!(refused(&Fault::bad_input("tag", "x")), Some((BulkField::AddTags, Problem::Other)));
        assert_eq!(refused(&Fault::bad_input("name", "x")), None, "there is no such field");
    }
}
