//! Words for what an import leaves out, and why. All of them are safe to show.

use protocol::hosts::{
    FieldChange, HostField, ImportNote, ImportRefusal, ImportRow, ImportVerdict, ImportWarning, MatchProblem,
};
use protocol::text::printable;

use super::draft::{Problem, explain_address, explain_word};
use super::form::problem_words;
use crate::text::{I18n, file_words, t_string};

/// What is told of a host below its line: what changes, why it is refused, what of it is not taken over.
pub(super) fn reasons(i18n: I18n, row: &ImportRow) -> Vec<String> {
    let mut reasons = match &row.verdict {
        ImportVerdict::Changed { fields } => fields.iter().map(|change| change_words(i18n, change)).collect(),
        ImportVerdict::Refused { why } => vec![refusal_words(i18n, row, why)],
        ImportVerdict::Added | ImportVerdict::Same => Vec::new(),
    };
    reasons.extend(row.warnings.iter().map(|warning| warning_words(i18n, warning)));
    reasons
}

fn safe(text: &str) -> String {
    printable(text).into_owned()
}

fn change_words(i18n: I18n, change: &FieldChange) -> String {
    let value = |value: &str| value_words(i18n, change.field, value);
    let (before, after) = (value(&change.before), value(&change.after));
    let field = field_words(i18n, change.field);
    t_string!(i18n, hosts.import_change, field = field, before = before, after = after)
}

fn field_words(i18n: I18n, field: HostField) -> &'static str {
    match field {
        HostField::Address => t_string!(i18n, hosts.form_address),
        HostField::Port => t_string!(i18n, hosts.form_port),
        HostField::User => t_string!(i18n, hosts.form_user),
        HostField::Identity => t_string!(i18n, hosts.form_sign_in),
        HostField::Jump => t_string!(i18n, hosts.form_jump),
        HostField::Groups => t_string!(i18n, hosts.form_groups),
        HostField::Tags => t_string!(i18n, hosts.form_tags),
        HostField::Sudo => "sudo",
        HostField::Helper => t_string!(i18n, hosts.form_helper),
        HostField::HelperDir => t_string!(i18n, hosts.form_helper_dir),
    }
}

/// A value as the form calls it, where it is a word of ours.
fn value_words(i18n: I18n, field: HostField, value: &str) -> String {
    let word = match (field, value) {
        (_, "") => "\u{2014}",
        (HostField::Identity, "agent") => t_string!(i18n, hosts.form_agent),
        (HostField::Identity, "password") => t_string!(i18n, hosts.form_password),
        (HostField::Sudo, "none") => t_string!(i18n, hosts.form_sudo_none),
        (HostField::Sudo, "nopasswd") => t_string!(i18n, hosts.form_sudo_nopasswd),
        (HostField::Sudo, "password") => t_string!(i18n, hosts.form_sudo_password),
        (HostField::Helper, "placed") => t_string!(i18n, hosts.form_helper_placed),
        (HostField::Helper, "none") => t_string!(i18n, hosts.form_helper_none),
        (HostField::Identity, value) => {
            let Some(path) = value.strip_prefix("key ") else { return safe(value) };
            return format!("{} {}", t_string!(i18n, hosts.form_key), printable(path));
        }
        (_, value) => return safe(value),
    };
    word.to_owned()
}

fn refusal_words(i18n: I18n, row: &ImportRow, why: &ImportRefusal) -> String {
    match why {
        ImportRefusal::Port { value } => t_string!(i18n, hosts.refused_port, value = safe(value)),
        ImportRefusal::Identity { value } => t_string!(i18n, hosts.refused_identity, value = safe(value)),
        ImportRefusal::Sudo { value } => t_string!(i18n, hosts.refused_sudo, value = safe(value)),
        ImportRefusal::Helper { value } => t_string!(i18n, hosts.refused_helper, value = safe(value)),
        ImportRefusal::Form => t_string!(i18n, hosts.refused_form).to_owned(),
        ImportRefusal::NamedTwice => t_string!(i18n, hosts.refused_twice).to_owned(),
        ImportRefusal::Field { field, .. } => refused_field_words(i18n, row, field),
        ImportRefusal::Guard => t_string!(i18n, hosts.refused_guard).to_owned(),
        ImportRefusal::Jump { jump } => t_string!(i18n, hosts.refused_jump, jump = safe(jump)),
        ImportRefusal::OtherWay { hop } => t_string!(i18n, hosts.refused_other_way, hop = safe(hop)),
        ImportRefusal::Circle { way } => problem_words(i18n, &Problem::Cycle(way.clone())),
        ImportRefusal::Behind { jump } => t_string!(i18n, hosts.refused_behind, jump = safe(jump)),
    }
}

/// A field that cannot be what the file says, with the words that the form has for it.
fn refused_field_words(i18n: I18n, row: &ImportRow, field: &str) -> String {
    let (label, problem) = match field {
        "name" => (t_string!(i18n, hosts.form_name), explain_word(&row.name)),
        "address" => (t_string!(i18n, hosts.form_address), explain_address(&row.address)),
        "user" => (t_string!(i18n, hosts.form_user), explain_word(&row.user)),
        "port" => (t_string!(i18n, hosts.form_port), Problem::Port),
        "key" => (t_string!(i18n, hosts.form_key_path), Problem::Empty),
        "group" => (t_string!(i18n, hosts.form_groups), Problem::Label),
        "tag" => (t_string!(i18n, hosts.form_tags), Problem::Label),
        "helper_dir" => (t_string!(i18n, hosts.form_helper_dir), Problem::Path),
        _ => return t_string!(i18n, hosts.error_other).to_owned(),
    };
    t_string!(i18n, hosts.refused_field, field = label, problem = problem_words(i18n, &problem))
}

fn warning_words(i18n: I18n, warning: &ImportWarning) -> String {
    match warning {
        ImportWarning::SavedAs { name } => t_string!(i18n, hosts.warned_saved_as, name = safe(name)),
        ImportWarning::KeyFile { path, as_before: true } => {
            t_string!(i18n, hosts.warned_key_before, path = safe(path))
        }
        ImportWarning::KeyFile { path, as_before: false } => {
            t_string!(i18n, hosts.warned_key_agent, path = safe(path))
        }
        ImportWarning::ProxyCommand => t_string!(i18n, hosts.warned_proxy).to_owned(),
        ImportWarning::Template { variable } => {
            t_string!(i18n, hosts.warned_template, variable = safe(variable))
        }
        ImportWarning::Password => t_string!(i18n, hosts.warned_password).to_owned(),
    }
}

/// What a file says that no host has.
pub(super) fn note_words(i18n: I18n, note: &ImportNote) -> String {
    match note {
        ImportNote::OpenQuote { line, file } => {
            t_string!(i18n, hosts.noted_quote, line = *line, file = safe(file))
        }
        ImportNote::Match { line, file, why } => {
            let why = match_words(i18n, why);
            t_string!(i18n, hosts.noted_match, line = *line, file = safe(file), why = why)
        }
        ImportNote::IncludesTooDeep { file } => t_string!(i18n, hosts.noted_deep, file = safe(file)),
        ImportNote::IncludesTooMany => t_string!(i18n, hosts.noted_many).to_owned(),
        ImportNote::File { file, why } => {
            t_string!(i18n, hosts.noted_file, file = safe(file), why = file_words(i18n, why))
        }
        ImportNote::NoHost => t_string!(i18n, hosts.noted_no_host).to_owned(),
        ImportNote::Unknown { field } => t_string!(i18n, hosts.noted_unknown, field = safe(field)),
        ImportNote::Nameless { item } => t_string!(i18n, hosts.noted_nameless, item = *item),
        ImportNote::ThisComputer { name } => t_string!(i18n, hosts.noted_here, name = safe(name)),
        ImportNote::Idle { line } => t_string!(i18n, hosts.noted_idle, line = *line),
        ImportNote::Part { part, group } => {
            t_string!(i18n, hosts.noted_part, part = safe(part), group = safe(group))
        }
        ImportNote::More { count } => t_string!(i18n, hosts.noted_more, count = *count as u64),
    }
}

fn match_words(i18n: I18n, why: &MatchProblem) -> String {
    match why {
        MatchProblem::RunsCommand => t_string!(i18n, hosts.match_command).to_owned(),
        MatchProblem::Unknown { criterion } => {
            t_string!(i18n, hosts.match_unknown, criterion = safe(criterion))
        }
        MatchProblem::NoValue => t_string!(i18n, hosts.match_no_value).to_owned(),
        MatchProblem::NoCriterion => t_string!(i18n, hosts.match_no_criterion).to_owned(),
    }
}
