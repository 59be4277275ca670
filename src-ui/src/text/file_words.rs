//! Words for why a file of hosts is not taken over. All of them are safe to show.

use protocol::hosts::{CsvProblem, FileProblem, FileRefusal, InventoryProblem};
use protocol::text::printable;

use super::{I18n, t_string};

fn safe(text: &str) -> String {
    printable(text).into_owned()
}

/// Why no host of a file is taken over, as a sentence.
pub(super) fn file_refusal_words(i18n: I18n, refusal: &FileRefusal) -> String {
    match refusal {
        FileRefusal::Unnamed => t_string!(i18n, hosts.whole_unnamed).to_owned(),
        FileRefusal::Path { file, why } => {
            t_string!(i18n, hosts.whole_path, file = safe(file), why = safe(why))
        }
        FileRefusal::Unread { file, why } => {
            t_string!(i18n, hosts.whole_unread, file = safe(file), why = file_words(i18n, why))
        }
        FileRefusal::TooManyHosts { file, hosts, most } => {
            t_string!(i18n, hosts.whole_many, file = safe(file), hosts = *hosts, most = *most)
        }
        FileRefusal::NotCsv { why } => t_string!(i18n, hosts.whole_csv, why = csv_words(i18n, why)),
        // The parser's own words are English, and say little more than where.
        FileRefusal::NotJson { line, column, .. } => {
            t_string!(i18n, hosts.whole_json, line = *line, column = *column)
        }
        FileRefusal::NotHosts => t_string!(i18n, hosts.whole_no_hosts).to_owned(),
        FileRefusal::NotYaml { why } => t_string!(i18n, hosts.whole_yaml, why = file_words(i18n, why)),
        FileRefusal::Section { line, section } => {
            t_string!(i18n, hosts.whole_section, line = *line, section = safe(section))
        }
        FileRefusal::NotInventory { line: Some(line), why } => {
            t_string!(i18n, hosts.whole_inventory_line, line = *line, why = inventory_words(i18n, why))
        }
        FileRefusal::NotInventory { line: None, why } => {
            t_string!(i18n, hosts.whole_inventory, why = inventory_words(i18n, why))
        }
    }
}

fn csv_words(i18n: I18n, why: &CsvProblem) -> String {
    match why {
        CsvProblem::Empty => t_string!(i18n, hosts.csv_empty).to_owned(),
        CsvProblem::NoColumn { column } => t_string!(i18n, hosts.csv_no_column, column = safe(column)),
        CsvProblem::OpenQuote => t_string!(i18n, hosts.open_quote).to_owned(),
    }
}

fn inventory_words(i18n: I18n, why: &InventoryProblem) -> String {
    match why {
        InventoryProblem::OpenQuote => t_string!(i18n, hosts.open_quote).to_owned(),
        InventoryProblem::NoVariable => t_string!(i18n, hosts.inventory_no_variable).to_owned(),
        InventoryProblem::OpenRange => t_string!(i18n, hosts.inventory_open_range).to_owned(),
        InventoryProblem::NotRange { range } => {
            t_string!(i18n, hosts.inventory_no_range, range = safe(range))
        }
        InventoryProblem::RangeSize { range } => {
            t_string!(i18n, hosts.inventory_range_size, range = safe(range))
        }
        InventoryProblem::NameSize { name } => {
            t_string!(i18n, hosts.inventory_name_size, name = safe(name))
        }
        InventoryProblem::TooManyHosts => t_string!(i18n, hosts.inventory_many).to_owned(),
        InventoryProblem::TooDeep => t_string!(i18n, hosts.inventory_deep).to_owned(),
        InventoryProblem::NotGroup { name } => t_string!(i18n, hosts.inventory_no_group, name = safe(name)),
    }
}

/// Why a file is not read, as a part of a sentence.
pub(crate) fn file_words(i18n: I18n, why: &FileProblem) -> String {
    match why {
        FileProblem::Folder => t_string!(i18n, hosts.file_folder).to_owned(),
        FileProblem::TooLarge => t_string!(i18n, hosts.file_large).to_owned(),
        FileProblem::NotText => t_string!(i18n, hosts.file_not_text).to_owned(),
        FileProblem::Encrypted => t_string!(i18n, hosts.file_encrypted).to_owned(),
        FileProblem::NotMapping => t_string!(i18n, hosts.file_not_mapping).to_owned(),
        FileProblem::NotYaml => t_string!(i18n, hosts.file_not_yaml).to_owned(),
        FileProblem::Missing => t_string!(i18n, hosts.file_missing).to_owned(),
        FileProblem::Forbidden => t_string!(i18n, hosts.file_forbidden).to_owned(),
        FileProblem::Unreadable { why } => safe(why),
    }
}
