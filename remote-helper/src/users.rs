//! Names of users from `/etc/passwd`, read again only when the file has changed.
//!
//! The helper is static, so it cannot ask the name services of the host's C library; a user that
//! only LDAP or SSSD knows has no name here, only a number.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::root::{Root, read_text};

/// The users of `/etc/passwd`.
#[derive(Debug)]
pub(crate) struct Users {
    path: PathBuf,
    changed: Option<SystemTime>,
    names: HashMap<u32, Arc<str>>,
}

impl Users {
    pub(crate) fn of(root: &Root) -> Self {
        Self { path: root.etc.join("passwd"), changed: None, names: HashMap::new() }
    }

    /// Reads the file again if it was written since.
    pub(crate) fn refresh(&mut self) {
        let changed = std::fs::metadata(&self.path).and_then(|meta| meta.modified()).ok();
        if changed.is_some() && changed == self.changed {
            return;
        }
        self.changed = changed;
        let names = read_text(&self.path).map(|text| parse_passwd(&text)).unwrap_or_default();
        self.names = names.into_iter().map(|(uid, name)| (uid, Arc::from(name))).collect();
    }

    pub(crate) fn name(&self, uid: u32) -> Option<&str> {
        self.names.get(&uid).map(AsRef::as_ref)
    }

    /// The name, for those who keep it.
    pub(crate) fn shared(&self, uid: u32) -> Option<Arc<str>> {
        self.names.get(&uid).map(Arc::clone)
    }
}

/// Parses passwd(5); of two users with one number the first counts, as in getpwuid(3).
pub(crate) fn parse_passwd(text: &str) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(_), Some(Ok(uid))) =
            (fields.next(), fields.next(), fields.next().map(str::parse))
            && !name.is_empty()
        {
            names.entry(uid).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_two_names_of_a_number_counts() {
        let names =
            parse_passwd("root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n#x\nbad\nwww:x:33:33::/:\n");
        assert_eq!(names.get(&0).map(String::as_str), Some("root"));
        assert_eq!(names.get(&33).map(String::as_str), Some("www"));
        assert_eq!(names.len(), 2);
    }
}
