//! A user of this system with a random password, for as long as a test runs. It needs root.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::keeper::Keeper;
use crate::process::tool;

/// Far from where a host numbers its own users. A host of the tests has no user namespace: the processes of its
/// user 1001 are those of this system's user 1001 too, and would end with it.
const NUMBERS: (&str, &str) = ("UID_MIN=40000", "UID_MAX=49999");

static COUNT: AtomicU32 = AtomicU32::new(0);

pub struct ThrowawayUser {
    pub name: String,
    pub password: String,
    _keeper: Keeper,
}

impl ThrowawayUser {
    pub fn add() -> Self {
        let name = format!("mt{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let password = random_word();
        let (least, most) = NUMBERS;
        tool("useradd", &["-K", least, "-K", most, "--no-create-home", "--shell", "/bin/bash", &name]);
        let keeper = Keeper::new(
            r#"for pid in $(ps -o pid= -U "$1"); do kill -KILL "$pid"; done; userdel --force "$1""#,
            &[&name],
        );
        let mut chpasswd = Command::new("chpasswd").stdin(Stdio::piped()).spawn().unwrap();
        chpasswd.stdin.take().unwrap().write_all(format!("{name}:{password}\n").as_bytes()).unwrap();
        assert!(chpasswd.wait().unwrap().success(), "chpasswd refused a password for {name}");
        Self { name, password, _keeper: keeper }
    }
}

/// 32 hexadecimal digits from the kernel.
pub fn random_word() -> String {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
