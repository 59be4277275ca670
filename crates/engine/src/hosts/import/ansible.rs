//! The hosts of an Ansible inventory, in INI or YAML, with the `group_vars` and `host_vars` beside it.
//!
//! Variables count in Ansible's order: groups from `all` down to the deepest, then the host; files of
//! variables over the inventory. Only those that say how to reach a host are taken, and no secret; what
//! is a template is told and left out, since nothing here fills it in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use protocol::hosts::{FileRefusal, ImportNote, ImportRefusal, ImportWarning, InventoryProblem};
use serde_json::Value;

use super::{Found, Notes, inventory_ini, inventory_yaml};

/// Hosts that ranges may make.
pub(super) const MOST_HOSTS: usize = super::MOST_HOSTS + 1;
const ALL: &str = "all";
const UNGROUPED: &str = "ungrouped";

pub(super) type Vars = BTreeMap<String, Value>;

#[derive(Debug, Default, PartialEq)]
pub(super) struct Group {
    pub(super) hosts: BTreeSet<String>,
    pub(super) children: BTreeSet<String>,
    pub(super) vars: Vars,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Inventory {
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) hosts: BTreeMap<String, Vars>,
    /// The hosts in the order of the file.
    pub(super) order: Vec<String>,
}

impl Inventory {
    pub(super) fn add_host(&mut self, group: &str, name: String, vars: &Vars) {
        if !self.hosts.contains_key(&name) {
            self.order.push(name.clone());
        }
        self.hosts.entry(name.clone()).or_default().extend(vars.clone());
        self.groups.entry(group.to_owned()).or_default().hosts.insert(name);
    }

    /// The groups that a host is in, directly or through their children, in the order in which their
    /// variables count: by depth, `ansible_group_priority` and name. `all` is the first.
    fn groups_of(&self, host: &str) -> Vec<&str> {
        let depths = self.depths();
        let mut names: BTreeSet<&str> = self
            .groups
            .iter()
            .filter(|(_, group)| group.hosts.contains(host))
            .map(|(name, _)| name.as_str())
            .collect();
        loop {
            let parents: Vec<&str> = self
                .groups
                .iter()
                .filter(|(name, group)| {
                    !names.contains(name.as_str())
                        && group.children.iter().any(|child| names.contains(child.as_str()))
                })
                .map(|(name, _)| name.as_str())
                .collect();
            if parents.is_empty() {
                break;
            }
            names.extend(parents);
        }
        names.remove(ALL);
        let mut ordered: Vec<&str> = names.into_iter().collect();
        ordered.sort_by_key(|name| {
            let group = self.groups.get(*name);
            let priority =
                group.and_then(|group| number(group.vars.get("ansible_group_priority")?)).unwrap_or(1);
            (depths.get(name).copied().unwrap_or(1), priority, *name)
        });
        ordered.insert(0, ALL);
        ordered
    }

    /// How far each group is from `all`, by its longest way; a circle ends where it began.
    fn depths(&self) -> BTreeMap<&str, usize> {
        let mut depths: BTreeMap<&str, usize> = self.groups.keys().map(|name| (name.as_str(), 1)).collect();
        for _ in 0..self.groups.len() {
            let mut changed = false;
            for (name, group) in &self.groups {
                if name == ALL {
                    continue;
                }
                let depth = depths.get(name.as_str()).copied().unwrap_or(1);
                for child in &group.children {
                    if let Some(own) = depths.get_mut(child.as_str())
                        && *own <= depth
                        && depth <= self.groups.len()
                    {
                        *own = depth + 1;
                        changed = true;
                    }
                }
            }
            if !changed {
                break;
            }
        }
        depths
    }

    /// The variables of a host, those of files over those of the inventory.
    fn vars_of(&self, host: &str, files: &Files) -> Vars {
        let groups = self.groups_of(host);
        let mut vars = Vars::new();
        for name in &groups {
            vars.extend(self.groups.get(*name).map(|group| group.vars.clone()).unwrap_or_default());
        }
        for name in &groups {
            vars.extend(files.groups.get(*name).cloned().unwrap_or_default());
        }
        vars.extend(self.hosts.get(host).cloned().unwrap_or_default());
        vars.extend(files.hosts.get(host).cloned().unwrap_or_default());
        vars
    }
}

/// The variables in the folders beside the inventory.
#[derive(Default)]
struct Files {
    groups: BTreeMap<String, Vars>,
    hosts: BTreeMap<String, Vars>,
}

pub(super) fn read(path: &Path, text: &str, notes: &mut Notes) -> Result<Vec<Found>, FileRefusal> {
    let inventory = parse(path, text, notes)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut files = Files::default();
    for group in inventory.groups.keys().map(String::as_str).chain([ALL]) {
        files.groups.insert(group.to_owned(), vars_of_folder(&folder.join("group_vars"), group, notes));
    }
    for host in &inventory.order {
        let vars = vars_of_folder(&folder.join("host_vars"), host, notes);
        if !vars.is_empty() {
            files.hosts.insert(host.clone(), vars);
        }
    }
    let mut found = Vec::new();
    for name in &inventory.order {
        let vars = inventory.vars_of(name, &files);
        if text_of(&vars, "ansible_connection").is_some_and(|way| way == "local") {
            notes.say(ImportNote::ThisComputer { name: name.clone() });
            continue;
        }
        let mut host = host(name, &vars);
        let groups = inventory.groups_of(name).into_iter().filter(|group| ![ALL, UNGROUPED].contains(group));
        host.groups =
            Some(groups.map(str::to_owned).collect()).filter(|groups: &Vec<String>| !groups.is_empty());
        found.push(host);
    }
    Ok(found)
}

fn parse(path: &Path, text: &str, notes: &mut Notes) -> Result<Inventory, FileRefusal> {
    let extension = path.extension().map(|kind| kind.to_string_lossy().to_lowercase());
    let is_yaml = match extension.as_deref() {
        Some("yml" | "yaml" | "json") => true,
        Some("ini") => false,
        _ => text.lines().map(str::trim_end).any(|line| line == "---" || line == "all:"),
    };
    if is_yaml { inventory_yaml::parse(text, notes) } else { inventory_ini::parse(text, notes) }
}

/// `NAME`, `NAME.yml`, `NAME.yaml`, or the files of a folder of that name.
fn vars_of_folder(folder: &Path, name: &str, notes: &mut Notes) -> Vars {
    let mut vars = Vars::new();
    // A name of a file of theirs must not lead out of the folder.
    if name.contains('/') || name.starts_with('.') {
        return vars;
    }
    let mut files: Vec<_> =
        ["", ".yml", ".yaml", ".json"].map(|end| folder.join(format!("{name}{end}"))).into();
    if let Ok(entries) = std::fs::read_dir(folder.join(name)) {
        let mut inside: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        inside.sort();
        files.extend(inside);
    }
    for file in files.into_iter().filter(|file| file.is_file()) {
        match super::read_text(&file).and_then(|text| inventory_yaml::vars(&text)) {
            Ok(more) => vars.extend(more),
            Err(why) => notes.say(ImportNote::File { file: file.display().to_string(), why }),
        }
    }
    vars
}

fn host(name: &str, vars: &Vars) -> Found {
    let mut host = Found::named(name);
    let mut take = |names: &[&str]| {
        let found = names.iter().find_map(|name| Some((*name, text_of(vars, name)?)));
        let (name, text) = found?;
        if text.contains("{{") {
            host.warn(ImportWarning::Template { variable: name.to_owned() });
            return None;
        }
        Some(text)
    };
    let address = take(&["ansible_host", "ansible_ssh_host"]);
    let user = take(&["ansible_user", "ansible_ssh_user"]);
    let port = take(&["ansible_port", "ansible_ssh_port"]);
    let key = take(&["ansible_ssh_private_key_file", "ansible_private_key_file"]);
    let options: Vec<String> = ["ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_args"]
        .iter()
        .filter_map(|name| take(&[name]))
        .collect();
    host.address = address;
    host.user = user;
    host.key = key.map(|path| match (path.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(below), Ok(home)) => format!("{home}/{below}"),
        _ => path,
    });
    match port.map(|port| port.parse().map_err(|_| port)) {
        Some(Ok(port)) => host.port = Some(port),
        Some(Err(value)) => host.refuse(ImportRefusal::Port { value }),
        None => {}
    }
    host.jump = options.iter().find_map(|options| jump_of(options));
    if options.iter().any(|options| options.to_lowercase().contains("proxycommand")) && host.jump.is_none() {
        host.warn(ImportWarning::ProxyCommand);
    }
    let secrets = ["ansible_password", "ansible_ssh_pass", "ansible_become_password", "ansible_become_pass"];
    if secrets.iter().any(|name| vars.contains_key(*name)) {
        host.warn(ImportWarning::Password);
    }
    host
}

/// What `-J` or `-o ProxyJump=` gives in options of ssh.
fn jump_of(options: &str) -> Option<String> {
    let words: Vec<&str> = options.split_whitespace().map(|word| word.trim_matches(['\'', '"'])).collect();
    words.iter().enumerate().find_map(|(at, word)| {
        let next = words.get(at + 1).copied();
        let option = if *word == "-o" { next? } else { word.strip_prefix("-o").unwrap_or(word) };
        let jump = match *word {
            "-J" => next?,
            _ => option.to_lowercase().starts_with("proxyjump=").then(|| &option["proxyjump=".len()..])?,
        };
        (!jump.is_empty()).then(|| jump.trim_matches(['\'', '"']).to_owned())
    })
}

/// A variable as text: numbers and words alike.
fn text_of(vars: &Vars, name: &str) -> Option<String> {
    match vars.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The names that a name with ranges stands for: `web[01:03]`, `db-[a:c]`, `n[0:10:2]`.
pub(super) fn expand(name: &str) -> Result<Vec<String>, InventoryProblem> {
    let Some((head, rest)) = name.split_once('[') else { return Ok(vec![name.to_owned()]) };
    let (range, tail) = rest.split_once(']').ok_or(InventoryProblem::OpenRange)?;
    let odd = || InventoryProblem::NotRange { range: range.to_owned() };
    let parts: Vec<&str> = range.split(':').collect();
    let (first, last, step) = match parts.as_slice() {
        [first, last] => (*first, *last, "1"),
        [first, last, step] => (*first, *last, *step),
        _ => return Err(odd()),
    };
    let step: usize = step.parse().ok().filter(|step| *step > 0).ok_or_else(odd)?;
    let tails = expand(tail)?;
    let middles: Vec<String> = if let [a, b] = [first, last].map(str::as_bytes)
        && a.len() == 1
        && b.len() == 1
        && a[0].is_ascii_alphabetic()
        && b[0].is_ascii_alphabetic()
    {
        (a[0]..=b[0]).step_by(step).map(|letter| char::from(letter).to_string()).collect()
    } else {
        let first = if first.is_empty() { "0" } else { first };
        let width = if first.starts_with('0') && first.len() > 1 { first.len() } else { 0 };
        let (from, to): (usize, usize) =
            (first.parse().map_err(|_| odd())?, last.parse().map_err(|_| odd())?);
        if to < from || (to - from) / step >= MOST_HOSTS {
            return Err(InventoryProblem::RangeSize { range: range.to_owned() });
        }
        (from..=to).step_by(step).map(|number| format!("{number:0width$}")).collect()
    };
    if middles.is_empty() || middles.len().saturating_mul(tails.len()) > MOST_HOSTS {
        return Err(InventoryProblem::NameSize { name: name.to_owned() });
    }
    Ok(middles
        .iter()
        .flat_map(|middle| tails.iter().map(move |tail| format!("{head}{middle}{tail}")))
        .collect())
}

#[cfg(test)]
#[path = "ansible_tests.rs"]
mod tests;
