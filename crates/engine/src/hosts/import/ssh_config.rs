//! The hosts of an ssh_config(5), as `ssh` itself would take them.
//!
//! For each option the first value counts; `Host` patterns, `!`, `Include` and the plain forms of
//! `Match` are followed. Nothing is ever run: a `Match exec` and a `ProxyCommand` are left out, and that
//! is told.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use protocol::hosts::{ImportNote, ImportRefusal, ImportWarning, MatchProblem};

use super::{Found, Notes};
use crate::ssh::is_like;

/// As deep as OpenSSH follows `Include`.
const DEEPEST: usize = 16;
/// Files that includes may bring together.
const MOST_FILES: usize = 1_000;

/// One line that sets something, with what must hold for it.
struct Line {
    keyword: String,
    words: Vec<String>,
    /// Indexes of conditions, all of which must hold.
    when: Vec<usize>,
}

/// What a `Host` or `Match` line asks for.
enum Condition {
    Host(Vec<String>),
    Match(Vec<Criterion>),
    Never,
}

struct Criterion {
    no: bool,
    kind: Kind,
    patterns: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    All,
    Host,
    OriginalHost,
    User,
    LocalUser,
}

/// A config with everything that it includes.
pub(super) struct Config {
    lines: Vec<Line>,
    conditions: Vec<Condition>,
    /// Names that a `Host` line gives in full, in their order.
    names: Vec<String>,
    local_user: String,
    home: PathBuf,
}

/// What is set for a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) address: String,
    pub(super) user: Option<String>,
    pub(super) port: Option<String>,
    /// Files that a sign-in tries, the first first.
    pub(super) identities: Vec<String>,
    pub(super) jump: Option<String>,
    pub(super) proxy_command: Option<String>,
}

/// Reads a file of that format with all that it includes.
pub(super) fn read(path: &Path, text: &str, local_user: &str, home: &Path, notes: &mut Notes) -> Config {
    let mut config = Config {
        lines: Vec::new(),
        conditions: Vec::new(),
        names: Vec::new(),
        local_user: local_user.to_owned(),
        home: home.to_owned(),
    };
    let mut files = 0;
    config.read(path, text, &[], 0, &mut files, notes);
    config
}

impl Config {
    fn read(
        &mut self,
        path: &Path,
        text: &str,
        outer: &[usize],
        depth: usize,
        files: &mut usize,
        notes: &mut Notes,
    ) {
        let mut when = outer.to_vec();
        for (number, line) in (1..).zip(text.lines()) {
            let file = || path.display().to_string();
            let (keyword, words) = match split(line) {
                Ok(Some(parts)) => parts,
                Ok(None) => continue,
                Err(OpenQuote) => {
                    notes.say(ImportNote::OpenQuote { line: number, file: file() });
                    continue;
                }
            };
            match keyword.as_str() {
                "host" => {
                    for name in words.iter().filter(|word| !word.contains(['*', '?', '!'])) {
                        if !self.names.contains(name) {
                            self.names.push(name.clone());
                        }
                    }
                    when = self.begin(outer, Condition::Host(words));
                }
                "match" => {
                    let condition = parse_match(&words).unwrap_or_else(|why| {
                        notes.say(ImportNote::Match { line: number, file: file(), why });
                        Condition::Never
                    });
                    when = self.begin(outer, condition);
                }
                "include" => {
                    for word in &words {
                        self.include(path, word, &when, depth, files, notes);
                    }
                }
                _ => self.lines.push(Line { keyword, words, when: when.clone() }),
            }
        }
    }

    fn begin(&mut self, outer: &[usize], condition: Condition) -> Vec<usize> {
        self.conditions.push(condition);
        outer.iter().copied().chain([self.conditions.len() - 1]).collect()
    }

    fn include(
        &mut self,
        from: &Path,
        word: &str,
        when: &[usize],
        depth: usize,
        files: &mut usize,
        notes: &mut Notes,
    ) {
        if depth == DEEPEST {
            notes.say(ImportNote::IncludesTooDeep { file: from.display().to_string() });
            return;
        }
        let pattern = match word.strip_prefix("~/") {
            Some(below) => self.home.join(below),
            None if Path::new(word).is_absolute() => PathBuf::from(word),
            None => self.home.join(".ssh").join(word),
        };
        for file in expand(&pattern) {
            *files += 1;
            if *files > MOST_FILES {
                notes.say(ImportNote::IncludesTooMany);
                return;
            }
            match super::read_text(&file) {
                Ok(text) => self.read(&file, &text, when, depth + 1, files, notes),
                Err(why) => notes.say(ImportNote::File { file: file.display().to_string(), why }),
            }
        }
    }

    /// The names that are hosts of their own.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// What `ssh NAME` would use.
    pub(super) fn settings(&self, name: &str) -> Settings {
        let mut settings = Settings { address: name.to_owned(), ..Settings::default() };
        let mut set_address = None::<String>;
        let mut proxied = false;
        // A condition is looked at when its line is reached, with what is set by then.
        let mut held: Vec<Option<bool>> = vec![None; self.conditions.len()];
        for line in &self.lines {
            let address = set_address.as_deref().map_or(name.to_owned(), |set| full_address(set, name));
            let holds = line.when.iter().all(|condition| {
                *held[*condition].get_or_insert_with(|| {
                    self.holds(&self.conditions[*condition], name, &address, settings.user.as_deref())
                })
            });
            let Some(first) = line.words.first().filter(|_| holds) else { continue };
            match line.keyword.as_str() {
                "hostname" if set_address.is_none() => set_address = Some(first.clone()),
                "user" if settings.user.is_none() => settings.user = Some(first.clone()),
                "port" if settings.port.is_none() => settings.port = Some(first.clone()),
                "identityfile" if !settings.identities.contains(first) => {
                    settings.identities.push(first.clone());
                }
                "proxyjump" if !proxied => {
                    proxied = true;
                    settings.jump = (!first.eq_ignore_ascii_case("none")).then(|| first.clone());
                }
                "proxycommand" if !proxied => {
                    proxied = true;
                    let command = line.words.join(" ");
                    settings.proxy_command = (!command.eq_ignore_ascii_case("none")).then_some(command);
                }
                _ => {}
            }
        }
        if let Some(set) = set_address {
            settings.address = full_address(&set, name);
        }
        // A jump through a host by its own ssh is the same as ProxyJump.
        if let Some(through) = settings.proxy_command.as_deref().and_then(jump_of) {
            settings.jump = Some(through.to_owned());
            settings.proxy_command = None;
        }
        settings
    }

    fn holds(&self, condition: &Condition, name: &str, address: &str, user: Option<&str>) -> bool {
        match condition {
            Condition::Never => false,
            Condition::Host(patterns) => is_listed(patterns, name),
            Condition::Match(criteria) => criteria.iter().all(|criterion| {
                let value = match criterion.kind {
                    Kind::All => return !criterion.no,
                    Kind::Host => address,
                    Kind::OriginalHost => name,
                    Kind::User => user.unwrap_or(&self.local_user),
                    Kind::LocalUser => &self.local_user,
                };
                is_listed(&criterion.patterns, value) != criterion.no
            }),
        }
    }
}

/// A HostName with its `%h`, as it is also matched against.
fn full_address(set: &str, name: &str) -> String {
    set.replace("%%", "\u{0}").replace("%h", name).replace('\u{0}', "%")
}

/// The hosts of the config, as an import finds them.
pub(super) fn hosts(config: &Config, notes: &mut Notes) -> Vec<Found> {
    let mut found = Vec::new();
    for name in config.names() {
        let settings = config.settings(name);
        let mut host = Found::named(name);
        host.address = Some(settings.address);
        host.user = settings.user;
        match settings.port.as_deref().map(str::parse) {
            Some(Ok(port)) => host.port = Some(port),
            Some(Err(_)) => {
                host.refuse(ImportRefusal::Port { value: settings.port.unwrap_or_default() });
            }
            None => {}
        }
        if let Some(path) = settings.identities.iter().find(|path| !path.eq_ignore_ascii_case("none")) {
            host.key = Some(key_path(path, &config.home, &host, &config.local_user));
        }
        host.jump = settings.jump;
        if settings.proxy_command.is_some() {
            host.warn(ImportWarning::ProxyCommand);
        }
        found.push(host);
    }
    let known: BTreeSet<&String> = config.names().iter().collect();
    if known.is_empty() {
        notes.say(ImportNote::NoHost);
    }
    found
}

fn key_path(path: &str, home: &Path, host: &Found, local_user: &str) -> String {
    let home = home.to_string_lossy();
    let full = path.replace("%%", "\u{0}");
    let full = full
        .replace("%d", &home)
        .replace("%h", host.address.as_deref().unwrap_or_default())
        .replace("%n", &host.name)
        .replace("%r", host.user.as_deref().unwrap_or(local_user))
        .replace("%u", local_user)
        .replace('\u{0}', "%");
    full.strip_prefix("~/").map_or(full.clone(), |below| format!("{home}/{below}"))
}

/// The host of `ssh -W %h:%p HOST`, which is how jumps were written before ProxyJump.
fn jump_of(command: &str) -> Option<&str> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let plain =
        |word: &str| !word.starts_with('-') && !word.contains(['\'', '"', '$', '`', ';', '|', '&', '%']);
    match words.as_slice() {
        ["ssh" | "/usr/bin/ssh", "-W", "%h:%p", host]
        | ["ssh" | "/usr/bin/ssh", host, "-W", "%h:%p"]
        | ["ssh" | "/usr/bin/ssh", "-q", "-W", "%h:%p", host]
            if plain(host) =>
        {
            Some(host)
        }
        _ => None,
    }
}

/// True if a pattern is like the value and none with `!` is.
fn is_listed(patterns: &[String], value: &str) -> bool {
    let value = value.to_lowercase();
    let mut found = false;
    for pattern in patterns {
        let (no, pattern) = pattern.strip_prefix('!').map_or((false, pattern.as_str()), |rest| (true, rest));
        if is_like(pattern.to_lowercase().as_bytes(), value.as_bytes()) {
            if no {
                return false;
            }
            found = true;
        }
    }
    found
}

fn parse_match(words: &[String]) -> Result<Condition, MatchProblem> {
    let mut criteria = Vec::new();
    let mut words = words.iter().flat_map(|word| {
        // OpenSSH takes `host=web` as well.
        word.split_once('=').map_or(vec![word.as_str()], |(name, value)| vec![name, value])
    });
    while let Some(word) = words.next() {
        let (no, name) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
        let kind = match name.to_ascii_lowercase().as_str() {
            "all" => Kind::All,
            "host" => Kind::Host,
            "originalhost" => Kind::OriginalHost,
            "user" => Kind::User,
            "localuser" => Kind::LocalUser,
            "exec" => return Err(MatchProblem::RunsCommand),
            other => return Err(MatchProblem::Unknown { criterion: other.to_owned() }),
        };
        let patterns = if kind == Kind::All {
            Vec::new()
        } else {
            let list = words.next().ok_or(MatchProblem::NoValue)?;
            list.split(',').map(str::to_owned).collect()
        };
        criteria.push(Criterion { no, kind, patterns });
    }
    if criteria.is_empty() {
        return Err(MatchProblem::NoCriterion);
    }
    Ok(Condition::Match(criteria))
}

/// A line with a quote that is not closed.
#[derive(Debug)]
struct OpenQuote;

/// The keyword in lower case and its words; `None` for a line that says nothing.
fn split(line: &str) -> Result<Option<(String, Vec<String>)>, OpenQuote> {
    let line = line.trim_matches([' ', '\t', '\r', '\u{c}']);
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let end = line.find([' ', '\t', '=']).unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_start_matches([' ', '\t']);
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start_matches([' ', '\t']);
    let keyword = keyword.trim_matches('"').to_ascii_lowercase();
    // Of a command, the rest of the line is the value, with its quotes.
    if keyword == "proxycommand" {
        return Ok(Some((keyword, rest.split_whitespace().map(str::to_owned).collect())));
    }
    Ok(Some((keyword, words_of(rest)?)))
}

/// Words with quotes, as OpenSSH's argv_split takes them; a `#` between words ends the line.
fn words_of(text: &str) -> Result<Vec<String>, OpenQuote> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| *c == ' ' || *c == '\t').is_some() {}
        match chars.peek() {
            None | Some('#') => return Ok(words),
            Some(_) => {}
        }
        let mut word = String::new();
        let mut quote = None;
        loop {
            let Some(c) = chars.next() else {
                if quote.is_some() {
                    return Err(OpenQuote);
                }
                break;
            };
            match (c, quote) {
                ('\\', _)
                    if matches!(chars.peek(), Some('"' | '\'' | '\\'))
                        || (quote.is_none() && chars.peek() == Some(&' ')) =>
                {
                    word.extend(chars.next());
                }
                (' ' | '\t', None) => break,
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (c, _) => word.push(c),
            }
        }
        words.push(word);
    }
}

/// The files that a pattern with wildcards names, in the order of glob(3).
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let name = part.as_os_str().to_string_lossy().into_owned();
        if !name.contains(['*', '?']) {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        let mut next = Vec::new();
        for folder in found {
            let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let mut names: Vec<String> =
                entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            let seen = |entry: &String| {
                (name.starts_with('.') || !entry.starts_with('.'))
                    && is_like(name.as_bytes(), entry.as_bytes())
            };
            next.extend(names.into_iter().filter(seen).map(|entry| folder.join(entry)));
        }
        found = next;
    }
    found.into_iter().filter(|path| path.is_file()).collect()
}

#[cfg(test)]
#[path = "ssh_config_tests.rs"]
mod tests;
