//! What a person does through a window manager, which the displays of the tests have none of: asks a window to
//! close, looks elsewhere. Spoken with the display itself, by the few requests of the X protocol that this takes.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::desktop::Desktop;

/// Of the X protocol, version 11, appendix B.
const QUERY_TREE: u8 = 15;
const INTERN_ATOM: u8 = 16;
const GET_PROPERTY: u8 = 20;
const SEND_EVENT: u8 = 25;
const SET_INPUT_FOCUS: u8 = 42;
const CLIENT_MESSAGE: u8 = 33;
/// Most of a title that is read, in units of four bytes.
const TITLE_UNITS: u32 = 64;
const HEAD_BYTES: usize = 32;

pub struct WindowManager {
    stream: UnixStream,
    root: u32,
    /// Of the last request: answers name the one they are for.
    sequence: u16,
}

impl WindowManager {
    pub fn of(desktop: &Desktop) -> Self {
        let (_, display) = desktop.variables().into_iter().find(|(name, _)| name == "DISPLAY").unwrap();
        let number = display.strip_prefix(':').unwrap();
        let mut stream = UnixStream::connect(format!("/tmp/.X11-unix/X{number}")).unwrap();
        // Little endian, version 11.0, without authorization.
        stream.write_all(&[b'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        let mut head = [0; 8];
        stream.read_exact(&mut head).unwrap();
        let mut rest = vec![0; usize::from(u16_at(&head, 6)) * 4];
        stream.read_exact(&mut rest).unwrap();
        assert_eq!(head[0], 1, "the display refused: {}", String::from_utf8_lossy(&rest));
        let vendor = usize::from(u16_at(&rest, 16)).next_multiple_of(4);
        let formats = usize::from(rest[21]) * 8;
        let root = u32_at(&rest, 32 + vendor + formats);
        Self { stream, root, sequence: 0 }
    }

    /// The titles of all windows that have one.
    pub fn titles(&mut self) -> Vec<String> {
        let windows = self.windows();
        windows.into_iter().filter_map(|window| self.title(window)).collect()
    }

    /// Asks the windows of this title to close, as their button of that name does.
    pub fn close(&mut self, title: &str) {
        let (protocols, delete) = (self.atom("WM_PROTOCOLS"), self.atom("WM_DELETE_WINDOW"));
        let all = self.windows();
        let named: Vec<u32> =
            all.into_iter().filter(|window| self.title(*window).is_some_and(|name| name == title)).collect();
        assert!(!named.is_empty(), "no window is called {title}: {:?}", self.titles());
        for window in named {
            let mut event = vec![CLIENT_MESSAGE, 32, 0, 0];
            for word in [window, protocols, delete, 0, 0, 0, 0] {
                event.extend(word.to_le_bytes());
            }
            let mut body = Vec::new();
            body.extend(window.to_le_bytes());
            body.extend(0_u32.to_le_bytes());
            body.extend(event);
            self.send(SEND_EVENT, 0, &body);
        }
        self.settle();
    }

    /// Takes the keyboard away from every window, as when a person looks at something else.
    pub fn look_away(&mut self) {
        self.send(SET_INPUT_FOCUS, 0, &[0; 8]);
        self.settle();
    }

    /// All before it has been done when this one is answered.
    fn settle(&mut self) {
        self.atom("WM_PROTOCOLS");
    }

    fn windows(&mut self) -> Vec<u32> {
        let answer = self.ask(QUERY_TREE, 0, &self.root.to_le_bytes()).unwrap();
        let count = usize::from(u16_at(&answer, 16));
        (0..count).map(|at| u32_at(&answer, HEAD_BYTES + at * 4)).collect()
    }

    fn title(&mut self, window: u32) -> Option<String> {
        let name = self.atom("_NET_WM_NAME");
        let mut body = Vec::new();
        for word in [window, name, 0, 0, TITLE_UNITS] {
            body.extend(word.to_le_bytes());
        }
        // The window may be gone by now.
        let answer = self.ask(GET_PROPERTY, 0, &body)?;
        let bytes = answer.get(HEAD_BYTES..HEAD_BYTES + u32_at(&answer, 16) as usize)?;
        (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
    }

    fn atom(&mut self, name: &str) -> u32 {
        let mut body = u16::try_from(name.len()).unwrap().to_le_bytes().to_vec();
        body.extend([0, 0]);
        body.extend(name.as_bytes());
        body.resize(body.len().next_multiple_of(4), 0);
        u32_at(&self.ask(INTERN_ATOM, 0, &body).unwrap(), 8)
    }

    fn send(&mut self, request: u8, detail: u8, body: &[u8]) {
        let units = u16::try_from(body.len() / 4 + 1).unwrap();
        let mut bytes = vec![request, detail];
        bytes.extend(units.to_le_bytes());
        bytes.extend(body);
        self.stream.write_all(&bytes).unwrap();
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// The answer to a request; `None` where the display says that it cannot be.
    fn ask(&mut self, request: u8, detail: u8, body: &[u8]) -> Option<Vec<u8>> {
        self.send(request, detail, body);
        loop {
            let mut answer = vec![0; HEAD_BYTES];
            self.stream.read_exact(&mut answer).unwrap();
            let is_answer = u16_at(&answer, 2) == self.sequence;
            match answer[0] {
                0 if is_answer => return None,
                1 => {
                    let more = u32_at(&answer, 4) as usize * 4;
                    answer.resize(HEAD_BYTES + more, 0);
                    self.stream.read_exact(&mut answer[HEAD_BYTES..]).unwrap();
                    if is_answer {
                        return Some(answer);
                    }
                }
                // An event, or an error of a request that has no answer.
                _ => {}
            }
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}
