//! Whether the app starts with the desktop: one entry in the person's own autostart folder, by the
//! Desktop Application Autostart Specification. It is there only after the person chose it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::{Fault, FaultCode};

/// The same name as the entry of the menu, so that a desktop takes them for one app.
const FILE: &str = "net.muster.desktop.desktop";

pub(crate) struct Autostart {
    folder: PathBuf,
    program: PathBuf,
}

impl Autostart {
    pub(crate) fn of_this_user() -> Result<Self, Fault> {
        let own =
            std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
        let folder = own.or_else(home).ok_or_else(|| {
            Fault::new(
                FaultCode::Internal,
                "there is no home folder, so the app cannot start with the desktop",
            )
        })?;
        let program = std::env::current_exe().map_err(|why| unwritable(Path::new("this program"), &why))?;
        Ok(Self { folder: folder.join("autostart"), program })
    }

    pub(crate) fn is_on(&self) -> bool {
        fs::read_to_string(self.folder.join(FILE))
            .is_ok_and(|text| !text.lines().any(|line| line == "Hidden=true"))
    }

    pub(crate) fn set(&self, on: bool) -> Result<(), Fault> {
        let file = self.folder.join(FILE);
        let done = if on {
            fs::create_dir_all(&self.folder).and_then(|()| fs::write(&file, self.entry()))
        } else {
            match fs::remove_file(&file) {
                Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            }
        };
        done.map_err(|why| unwritable(&file, &why))
    }

    fn entry(&self) -> String {
        format!(
            "[Desktop Entry]\nType=Application\nName=Muster\nExec={}\nIcon=net.muster.desktop\nTerminal=false\n",
            quoted(&self.program.to_string_lossy())
        )
    }
}

/// An argument of `Exec=`, by the Desktop Entry Specification: quoted, and what has a meaning escaped,
/// once for the argument and once for the value.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '`' | '$' => out.extend(['\\', '\\', c]),
            '\\' => out.push_str("\\\\\\\\"),
            '%' => out.push_str("%%"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

fn unwritable(path: &Path, why: &io::Error) -> Fault {
    Fault::new(FaultCode::StoreUnwritable, format!("{} cannot be written: {why}", path.display()))
        .about(path.display().to_string())
        .because(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_off_until_it_is_chosen_and_leaves_nothing_when_it_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let own = Autostart { folder: dir.path().join("autostart"), program: "/usr/bin/muster".into() };
        assert!(!own.is_on());
        own.set(false).unwrap();
        own.set(true).unwrap();
        assert!(own.is_on());
        let text = fs::read_to_string(own.folder.join(FILE)).unwrap();
        assert!(text.contains("Exec=\"/usr/bin/muster\"\n"), "{text}");
        own.set(false).unwrap();
        assert!(!own.is_on() && fs::read_dir(&own.folder).unwrap().next().is_none());
    }

    #[test]
    fn a_path_of_any_letters_is_one_argument() {
        assert_eq!(quoted("/opt/my apps/100%/a\"$b"), "\"/opt/my apps/100%%/a\\\\\"\\\\$b\"");
    }
}
