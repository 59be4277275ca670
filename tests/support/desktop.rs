//! A desktop of the test's own: a session with a keyring, and a display.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::keyring::Session;
use crate::needs::find_program;
use crate::process::Process;
use crate::wait::{seconds, until};

pub struct Desktop {
    pub session: Session,
    display: String,
    _xvfb: Process,
}

impl Desktop {
    /// With an unlocked keyring and a display of this size.
    pub fn start(width: u32, height: u32) -> Self {
        let session = Session::with_keyring();
        let log = session.folder().join("display.log");
        let mut server = Command::new(find_program("Xvfb").unwrap());
        // It chooses a free number itself and says it on the descriptor.
        // Without -noreset it starts anew when its last client leaves, and a window that opens just
        // then finds no display.
        server.args(["-displayfd", "1", "-noreset", "-nolisten", "tcp", "-screen", "0"]);
        server.arg(format!("{width}x{height}x24"));
        let errors = std::fs::File::create(&log).unwrap();
        server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let mut xvfb = Process::start_piped(&mut server, &log);
        let mut line = String::new();
        BufReader::new(xvfb.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.trim().is_empty(), "Xvfb named no display: {}", xvfb.printed());
        Self { session, display: format!(":{}", line.trim()), _xvfb: xvfb }
    }

    /// The variables of a program on this desktop.
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut all = self.session.variables();
        all.push(("DISPLAY".into(), self.display.clone()));
        // There is no accessibility bus here; without this each window waits for one.
        all.push(("NO_AT_BRIDGE".into(), "1".into()));
        all
    }

    /// A program that offers a text by a selection of X, `clipboard` or `primary`, as long as it runs.
    pub fn offer(&self, selection: &str, text: &str) -> Process {
        let log = self.folder().join(format!("{selection}.log"));
        let mut owner = Command::new(find_program("xclip").unwrap());
        owner.args(["-quiet", "-in", "-selection", selection]).envs(self.variables());
        owner.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(std::fs::File::create(&log).unwrap());
        let mut owner = Process::start_piped(&mut owner, &log);
        owner.child().stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        // It says so when it has it.
        until("the text to be offered", seconds(10), || owner.printed().contains("Waiting").then_some(()));
        owner
    }

    pub fn folder(&self) -> &Path {
        self.session.folder()
    }
}
