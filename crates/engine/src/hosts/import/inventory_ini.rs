//! An Ansible inventory in INI: sections of hosts, of children and of variables.

use protocol::hosts::{FileRefusal, ImportNote, InventoryProblem};
use serde_json::Value;

use super::Notes;
use super::ansible::{Inventory, Vars, expand};

enum Section {
    Hosts(String),
    Children(String),
    Vars(String),
}

pub(super) fn parse(text: &str, notes: &mut Notes) -> Result<Inventory, FileRefusal> {
    let mut inventory = Inventory::default();
    let mut section = Section::Hosts("ungrouped".into());
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            // A host may begin with an address of IPv6 in brackets or with a range.
            let (head, rest) = head;
            if rest.trim().is_empty() || rest.trim().starts_with('#') {
                section = match head.split_once(':') {
                    None => Section::Hosts(head.to_owned()),
                    Some((group, "children")) => Section::Children(group.to_owned()),
                    Some((group, "vars")) => Section::Vars(group.to_owned()),
                    Some((_, other)) => {
                        return Err(FileRefusal::Section { line: number, section: other.to_owned() });
                    }
                };
                let (Section::Hosts(group) | Section::Children(group) | Section::Vars(group)) = &section;
                inventory.groups.entry(group.clone()).or_default();
                continue;
            }
        }
        let bad = |why| FileRefusal::NotInventory { line: Some(number), why };
        match &section {
            Section::Hosts(group) => {
                let words = words_of(line).map_err(bad)?;
                let Some((name, pairs)) = words.split_first() else { continue };
                let mut vars = Vars::new();
                for pair in pairs {
                    let Some((key, value)) = pair.split_once('=') else {
                        return Err(bad(InventoryProblem::NoVariable));
                    };
                    vars.insert(key.to_owned(), literal(value));
                }
                let (name, port) = split_port(name);
                if let Some(port) = port {
                    vars.entry("ansible_port".into()).or_insert(Value::String(port.to_owned()));
                }
                for name in expand(name).map_err(bad)? {
                    inventory.add_host(group, name, &vars);
                }
                if inventory.order.len() >= super::ansible::MOST_HOSTS {
                    return Err(bad(InventoryProblem::TooManyHosts));
                }
            }
            Section::Children(group) => {
                let child = line.split([' ', '\t', '#']).next().unwrap_or_default().to_owned();
                inventory.groups.entry(child.clone()).or_default();
                inventory.groups.entry(group.clone()).or_default().children.insert(child);
            }
            Section::Vars(group) => match line.split_once('=') {
                Some((key, value)) => {
                    let vars = &mut inventory.groups.entry(group.clone()).or_default().vars;
                    vars.insert(key.trim().to_owned(), literal(value.trim()));
                }
                None => notes.say(ImportNote::Idle { line: number }),
            },
        }
    }
    Ok(inventory)
}

/// `web:2222` is a host with its port; an address of IPv6 without brackets has none.
fn split_port(name: &str) -> (&str, Option<&str>) {
    let outside = name.rfind(']').map_or(0, |end| end + 1);
    match name[outside..].split_once(':') {
        Some((_, port))
            if !port.contains(':') && !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) =>
        {
            (&name[..name.len() - port.len() - 1], Some(port))
        }
        _ => (name, None),
    }
}

/// The value of a variable: quotes of Python go, everything else stays text.
fn literal(value: &str) -> Value {
    let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    Value::String(inner.unwrap_or(value).to_owned())
}

/// Words as a shell splits them, without anything else that a shell does; `#` begins a comment.
fn words_of(line: &str) -> Result<Vec<String>, InventoryProblem> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        match chars.peek() {
            None | Some('#') => return Ok(words),
            Some(_) => {}
        }
        let mut word = String::new();
        let mut quote = None;
        loop {
            match (chars.next(), quote) {
                (None, None) => break,
                (None, Some(_)) => return Err(InventoryProblem::OpenQuote),
                (Some(c), None) if c.is_whitespace() => break,
                (Some(c @ ('"' | '\'')), None) => quote = Some(c),
                (Some(c), Some(open)) if c == open => quote = None,
                (Some('\\'), None | Some('"')) => word.extend(chars.next()),
                (Some(c), _) => word.push(c),
            }
        }
        words.push(word);
    }
}
