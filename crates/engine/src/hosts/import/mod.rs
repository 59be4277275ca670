//! Hosts from a file of another program: read, compared with what is saved, shown, and only then saved.
//!
//! A file changes only what it says: a host that is saved already keeps the rest. Nothing of a file is
//! ever run, no secret is taken from one, and a host that cannot be taken over is told with its reason.

mod ansible;
mod inventory_ini;
mod inventory_yaml;
mod json;
mod ssh_config;
pub(super) mod table;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use protocol::Fault;
use protocol::hosts::{
    FieldChange, FileProblem, FileRefusal, Host, HostDraft, HostField, HostFormat, Identity, ImportNote,
    ImportRefusal, ImportRow, ImportVerdict, ImportWarning, check_draft,
};
use protocol::text::printable;
use sha2::{Digest, Sha256};

use crate::error::internal;
use crate::ssh;

/// No file of hosts is larger.
const LARGEST_BYTES: u64 = 16 * 1024 * 1024;
/// Hosts of one file.
const MOST_HOSTS: usize = 20_000;
/// Notes that are told; more are counted.
const MOST_NOTES: usize = 50;

/// A host as a file describes it: `None` is what the file does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(super) name: String,
    pub(super) address: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
    /// A key file that is tried.
    pub(super) key: Option<String>,
    /// Said outright; goes before `key`.
    pub(super) identity: Option<Identity>,
    /// In the form of ProxyJump.
    pub(super) jump: Option<String>,
    pub(super) groups: Option<Vec<String>>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) rest: Rest,
    warnings: Vec<ImportWarning>,
    refusal: Option<ImportRefusal>,
}

/// What only files of Muster itself say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rest {
    pub(super) sudo: Option<protocol::hosts::Sudo>,
    pub(super) helper: Option<protocol::hosts::HelperUse>,
    pub(super) helper_dir: Option<String>,
}

impl Found {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The first reason stands.
    fn refuse(&mut self, why: ImportRefusal) {
        self.refusal.get_or_insert(why);
    }

    fn warn(&mut self, why: ImportWarning) {
        self.warnings.push(why);
    }
}

/// What a file says that no host has; bounded.
#[derive(Default)]
pub(crate) struct Notes {
    said: Vec<ImportNote>,
    more: usize,
}

impl Notes {
    fn say(&mut self, note: ImportNote) {
        if self.said.len() < MOST_NOTES {
            self.said.push(note);
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn into_told(mut self) -> Vec<ImportNote> {
        if self.more > 0 {
            self.said.push(ImportNote::More { count: self.more });
        }
        self.said
    }
}

/// Who imports, and from where relative paths and `~` are seen.
pub(crate) struct Ground {
    pub(crate) home: PathBuf,
    pub(crate) user: String,
}

/// The hosts of a file.
pub(crate) fn read(
    path: &Path,
    format: Option<HostFormat>,
    ground: &Ground,
    notes: &mut Notes,
) -> Result<(HostFormat, Vec<Found>), FileRefusal> {
    let file = || path.display().to_string();
    let text = read_text(path).map_err(|why| FileRefusal::Unread { file: file(), why })?;
    let format = format.unwrap_or_else(|| guess(path, &text));
    let hosts = match format {
        HostFormat::SshConfig => {
            let config = ssh_config::read(path, &text, &ground.user, &ground.home, notes);
            ssh_config::hosts(&config, notes)
        }
        HostFormat::Csv => table::read(&text, notes)?,
        HostFormat::Json => json::read(&text, notes)?,
        HostFormat::Ansible => ansible::read(path, &text, notes)?,
    };
    if hosts.len() > MOST_HOSTS {
        return Err(FileRefusal::TooManyHosts { file: file(), hosts: hosts.len(), most: MOST_HOSTS });
    }
    Ok((format, hosts))
}

/// The text of a file that may be large, a pipe or not text at all.
fn read_text(path: &Path) -> Result<String, FileProblem> {
    let unreadable = |why: std::io::Error| match why.kind() {
        ErrorKind::NotFound => FileProblem::Missing,
        ErrorKind::PermissionDenied => FileProblem::Forbidden,
        _ => FileProblem::Unreadable { why: why.to_string() },
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(FileProblem::Folder);
    }
    let mut bytes = Vec::new();
    if file.take(LARGEST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)? as u64 > LARGEST_BYTES {
        return Err(FileProblem::TooLarge);
    }
    if bytes.contains(&0) {
        return Err(FileProblem::NotText);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

/// The format by the name of the file, else by how it begins.
fn guess(path: &Path, text: &str) -> HostFormat {
    let extension = path.extension().map(|kind| kind.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("csv") => HostFormat::Csv,
        Some("json") => HostFormat::Json,
        Some("yml" | "yaml" | "ini") => HostFormat::Ansible,
        _ if text.trim_start().starts_with(['[', '{']) && text.trim_end().ends_with([']', '}']) => {
            HostFormat::Json
        }
        _ if text.lines().any(|line| line.trim_start().to_lowercase().starts_with("host ")) => {
            HostFormat::SshConfig
        }
        _ if text.lines().any(|line| line.trim_start().starts_with('[')) => HostFormat::Ansible,
        _ => HostFormat::SshConfig,
    }
}

/// One host of a plan.
pub(crate) struct Planned {
    pub(crate) row: ImportRow,
    /// What is to be saved, under the id of the host that has it; `None` if nothing is.
    pub(crate) save: Option<(Option<String>, HostDraft)>,
}

/// Stands for all that a plan would save and all that was told of it: the file, those it includes, and what was
/// saved before.
pub(crate) fn digest(planned: &[Planned], notes: &Notes) -> Result<String, Fault> {
    let told: Vec<_> = planned.iter().map(|plan| (&plan.row, &plan.save)).collect();
    let text = serde_json::to_vec(&(told, &notes.said))
        .map_err(|why| internal("what would be saved cannot be written down", why))?;
    Ok(Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What an import would do, in an order in which each host comes after the one it goes through.
pub(crate) fn plan(mut found: Vec<Found>, saved: &[Host], ground: &Ground) -> Vec<Planned> {
    resolve_jumps(&mut found, saved);
    let mut seen = BTreeMap::<String, usize>::new();
    let mut planned: Vec<Planned> = Vec::new();
    for host in found {
        let twice = seen.insert(host.name.to_lowercase(), planned.len()).is_some();
        planned.push(plan_one(host, saved, ground, twice));
    }
    refuse_circles(&mut planned, saved);
    refuse_what_is_behind_a_refused_one(&mut planned, saved);
    planned
}

fn plan_one(host: Found, saved: &[Host], ground: &Ground, twice: bool) -> Planned {
    let same_name = |other: &&Host| other.name.to_lowercase() == host.name.to_lowercase();
    let before = saved.iter().find(same_name);
    let mut warnings = host.warnings.clone();
    let draft = draft_of(&host, before, ground, &mut warnings);
    let row = |verdict, warnings| ImportRow {
        name: printable(&host.name).into_owned(),
        address: printable(&draft.address).into_owned(),
        port: draft.port.unwrap_or(22),
        user: printable(&draft.user).into_owned(),
        jump: draft.jump.as_deref().map(|jump| printable(jump).into_owned()),
        verdict,
        warnings,
    };
    let refused = |why: ImportRefusal| Planned {
        row: row(ImportVerdict::Refused { why }, warnings.clone()),
        save: None,
    };
    if let Some(why) = host.refusal.clone() {
        return refused(why);
    }
    if twice {
        return refused(ImportRefusal::NamedTwice);
    }
    if let Err(fault) = check_draft(&draft) {
        let field = fault.detail.subject.unwrap_or_default();
        return refused(ImportRefusal::Field { field, message: fault.message });
    }
    let Some(before) = before else {
        let at = |other: &&Host| {
            other.address.eq_ignore_ascii_case(&draft.address)
                && Some(other.port) == draft.port.or(Some(22))
                && other.user == draft.user
        };
        if let Some(other) = saved.iter().find(at) {
            warnings.push(ImportWarning::SavedAs { name: other.name.clone() });
            return Planned { row: row(ImportVerdict::Same, warnings), save: None };
        }
        return Planned { row: row(ImportVerdict::Added, warnings), save: Some((None, draft)) };
    };
    let changes = changes(&before.draft(), &draft);
    if changes.is_empty() {
        return Planned { row: row(ImportVerdict::Same, warnings), save: None };
    }
    // A file is no typed name.
    if before.is_guarded() && !draft.tags.iter().any(|tag| tag.eq_ignore_ascii_case("prod")) {
        return refused(ImportRefusal::Guard);
    }
    let verdict = ImportVerdict::Changed { fields: changes };
    Planned { row: row(verdict, warnings), save: Some((Some(before.id.clone()), draft)) }
}

fn draft_of(
    host: &Found,
    before: Option<&Host>,
    ground: &Ground,
    warnings: &mut Vec<ImportWarning>,
) -> HostDraft {
    let mut draft = before.map_or_else(
        || HostDraft {
            name: host.name.clone(),
            address: host.name.clone(),
            port: Some(22),
            user: ground.user.clone(),
            ..HostDraft::default()
        },
        Host::draft,
    );
    draft.address = host.address.clone().unwrap_or(draft.address);
    draft.port = host.port.or(draft.port);
    draft.user = host.user.clone().unwrap_or(draft.user);
    let key = host.key.clone().map(|path| Identity::KeyFile { path });
    if let Some(identity) = host.identity.clone().or(key) {
        match &identity {
            Identity::KeyFile { path } => match ssh::check_key_file(Path::new(path)) {
                Ok(_) => draft.identity = identity,
                // ssh would go on without it, and so does a host that is saved with another way.
                Err(_) => {
                    warnings.push(ImportWarning::KeyFile { path: path.clone(), as_before: before.is_some() })
                }
            },
            Identity::Agent | Identity::Password => draft.identity = identity,
        }
    }
    draft.jump = match host.jump.as_deref() {
        Some("") => None,
        Some(jump) => Some(jump.to_owned()),
        None => draft.jump,
    };
    draft.groups = host.groups.clone().unwrap_or(draft.groups);
    draft.tags = host.tags.clone().unwrap_or(draft.tags);
    draft.sudo = host.rest.sudo.unwrap_or(draft.sudo);
    draft.helper = host.rest.helper.unwrap_or(draft.helper);
    draft.helper_dir = host.rest.helper_dir.clone().or(draft.helper_dir);
    draft
}

/// The fields that differ, with their values in the words of musterctl's options.
fn changes(before: &HostDraft, after: &HostDraft) -> Vec<FieldChange> {
    let words = |draft: &HostDraft| {
        let identity = match &draft.identity {
            Identity::KeyFile { path } => format!("key {path}"),
            Identity::Agent => "agent".into(),
            Identity::Password => "password".into(),
        };
        [
            (HostField::Address, draft.address.clone()),
            (HostField::Port, draft.port.unwrap_or(22).to_string()),
            (HostField::User, draft.user.clone()),
            (HostField::Identity, identity),
            (HostField::Jump, draft.jump.clone().unwrap_or_default()),
            (HostField::Groups, draft.groups.join(", ")),
            (HostField::Tags, draft.tags.join(", ")),
            (HostField::Sudo, format!("{:?}", draft.sudo).to_lowercase()),
            (HostField::Helper, format!("{:?}", draft.helper).to_lowercase()),
            (HostField::HelperDir, draft.helper_dir.clone().unwrap_or_default()),
        ]
    };
    words(before)
        .into_iter()
        .zip(words(after))
        .filter(|(before, after)| before != after)
        .map(|((field, before), (_, after))| FieldChange {
            field,
            before: printable(&before).into_owned(),
            after: printable(&after).into_owned(),
        })
        .collect()
}

/// Turns each `ProxyJump` into the name of a host. A jump host that no name stands for becomes a host
/// of its own; of a chain, each goes through the one before.
fn resolve_jumps(found: &mut Vec<Found>, saved: &[Host]) {
    let mut made: Vec<Found> = Vec::new();
    for at in 0..found.len() {
        let Some(chain) = found[at].jump.clone().filter(|jump| !jump.is_empty()) else { continue };
        let mut through: Option<String> = None;
        let mut problem = None;
        for hop in chain.split(',') {
            let Some(hop) = parse_hop(hop) else {
                problem = Some(ImportRefusal::Jump { jump: chain.clone() });
                break;
            };
            let plain = hop.user.is_none() && hop.port.is_none();
            let named = |host: &Found| host.name == hop.host && plain;
            let is_saved = saved.iter().any(|host| host.name == hop.host) && plain;
            if let Some(host) = found.iter_mut().chain(made.iter_mut()).find(|host| named(host)) {
                if through.is_some() && host.jump.as_deref().is_none_or(str::is_empty) {
                    host.jump.clone_from(&through);
                } else if through.is_some() && host.jump != through {
                    problem = Some(ImportRefusal::OtherWay { hop: hop.host.clone() });
                }
            } else if !is_saved {
                let mut host = hop.found();
                if made.iter().all(|other| other.name != host.name) {
                    host.jump = Some(through.clone().unwrap_or_default());
                    made.push(host);
                }
            }
            through = Some(hop.name());
        }
        match problem {
            Some(why) => found[at].refuse(why),
            None => found[at].jump = through,
        }
    }
    // Those that others go through come first.
    made.append(found);
    *found = made;
}

struct Hop {
    user: Option<String>,
    host: String,
    port: Option<u16>,
}

impl Hop {
    /// Hosts at one address with another user or port are others.
    fn name(&self) -> String {
        let user = self.user.as_ref().map_or(String::new(), |user| format!("{user}@"));
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        format!("{user}{}{port}", self.host)
    }

    fn found(&self) -> Found {
        Found {
            name: self.name(),
            address: Some(self.host.clone()),
            user: self.user.clone(),
            port: self.port,
            ..Found::default()
        }
    }
}

/// `[user@]host[:port]`, or the same as a URL of ssh.
fn parse_hop(text: &str) -> Option<Hop> {
    let text = text.trim();
    let text = text.strip_prefix("ssh://").map_or(text, |rest| rest.trim_end_matches('/'));
    let (user, place) = match text.rsplit_once('@') {
        Some((user, place)) => (Some(user.to_owned()), place),
        None => (None, text),
    };
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':'))
        }
        None => match place.split_once(':') {
            // An IPv6 address without brackets has no port.
            Some((_, rest)) if rest.contains(':') => (place, None),
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port| *port > 0)?),
        None => None,
    };
    (!host.is_empty()).then(|| Hop { user, host: host.to_owned(), port })
}

/// Hosts that would be reached through themselves are refused, with the way round.
fn refuse_circles(planned: &mut [Planned], saved: &[Host]) {
    let mut through: BTreeMap<String, String> =
        saved.iter().filter_map(|host| Some((host.name.clone(), host.jump.clone()?))).collect();
    for (_, draft) in planned.iter().filter_map(|plan| plan.save.as_ref()) {
        match &draft.jump {
            Some(jump) => through.insert(draft.name.clone(), jump.clone()),
            None => through.remove(&draft.name),
        };
    }
    for plan in planned.iter_mut() {
        let Some((_, draft)) = &plan.save else { continue };
        let mut way = vec![draft.name.as_str()];
        while let Some(next) = way.last().and_then(|last| through.get(*last)) {
            if way.contains(&next.as_str()) {
                way.push(next);
                let why = ImportRefusal::Circle { way: way.join(" -> ") };
                plan.row.verdict = ImportVerdict::Refused { why };
                plan.save = None;
                break;
            }
            way.push(next);
        }
    }
}

/// A host behind one that is not saved and will not be cannot be reached: it is refused as well.
fn refuse_what_is_behind_a_refused_one(planned: &mut [Planned], saved: &[Host]) {
    loop {
        let there: Vec<String> = saved
            .iter()
            .map(|host| host.name.clone())
            .chain(planned.iter().filter_map(|plan| plan.save.as_ref().map(|(_, draft)| draft.name.clone())))
            .collect();
        let lost = planned.iter_mut().find(|plan| {
            plan.save
                .as_ref()
                .is_some_and(|(_, draft)| draft.jump.as_ref().is_some_and(|jump| !there.contains(jump)))
        });
        let Some(lost) = lost else { return };
        let jump = lost.save.take().and_then(|(_, draft)| draft.jump).unwrap_or_default();
        let why = ImportRefusal::Behind { jump };
        lost.row.verdict = ImportVerdict::Refused { why };
    }
}

#[cfg(test)]
mod tests;
