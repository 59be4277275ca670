//! The window of the built app, driven as a person would: WebKit's own driver and the real binary.
//!
//! Every wait is for something on the page; the app marks a page that shows its data with
//! `data-ready`. Parts of a page are named by `data-testid`.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MOUSE_BUTTON_MIDDLE, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::desktop::Desktop;
use crate::musterctl::Operator;
use crate::needs::find_program;
use crate::places;
use crate::process::{Process, descendants, free_port};
use crate::wait::{seconds, until};

/// How long a page may take to show what it is asked for, on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A page whose program broke stands still, and says why on its console only.
const REMEMBER_ERRORS: &str = "window.saidErrors = [];\
    const said = console.error.bind(console);\
    console.error = (...words) => { window.saidErrors.push(words.join(' ')); said(...words); };\
    window.addEventListener('error', event => window.saidErrors.push(String(event.message)));\
    window.addEventListener('unhandledrejection', event => window.saidErrors.push(String(event.reason)))";

/// How long a part of the page may take until it can be seen, where it does not appear at once.
const APPEARS: Duration = Duration::from_secs(3);

/// The pointer's name, by which the driver knows from one action to the next where it is.
const MOUSE: &str = "mouse";

/// Control and A, in WebDriver's code points; both are let go at the end of the text.
const SELECT_ALL: &str = "\u{e009}a";
const DELETE: &str = "\u{e017}";

pub struct Window {
    runtime: Runtime,
    client: Option<Client>,
    driver: Process,
    /// PIDs of the app, which may outlive the driver that started it.
    apps: Vec<u32>,
}

impl Window {
    /// Opens the app on a desktop with these variables beside the desktop's own.
    pub fn open(desktop: &Desktop, app: &Path, variables: &BTreeMap<String, String>) -> Self {
        Self::open_with(desktop, json!({"binary": app, "args": []}), variables)
    }

    /// Opens the app that was built, with the data of an operator.
    pub fn with_data_of(desktop: &Desktop, operator: &Operator) -> Self {
        let data = operator.data().to_str().unwrap().to_owned();
        let variables = [("MUSTER_DATA_DIR".to_owned(), data)].into();
        Self::open(desktop, &places::program("muster"), &variables)
    }

    /// Opens any program that shows a web view of WebKitGTK.
    pub fn open_with(desktop: &Desktop, options: Value, variables: &BTreeMap<String, String>) -> Self {
        let port = free_port();
        let log = desktop.folder().join(format!("driver-{port}.log"));
        let mut command = Command::new(find_program("WebKitWebDriver").unwrap());
        command.arg(format!("--port={port}")).arg("--host=127.0.0.1");
        command.env_clear().envs(desktop.variables()).envs(variables);
        command.env("TAURI_WEBVIEW_AUTOMATION", "true");
        let mut driver = Process::start(&mut command, &log);
        until("the web driver to listen", seconds(20), || {
            driver.must_run();
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let capabilities = serde_json::from_value(json!({"webkitgtk:browserOptions": options})).unwrap();
        let connector = hyper_util::client::legacy::connect::HttpConnector::new();
        let opened = runtime.block_on(async {
            let mut builder = ClientBuilder::new(connector);
            builder.capabilities(capabilities);
            let address = format!("http://127.0.0.1:{port}");
            within(Duration::from_secs(60), builder.connect(&address)).await
        });
        let client = match opened {
            Some(Ok(client)) => client,
            Some(Err(why)) => panic!("the window did not open: {why}; {}", driver.printed()),
            None => panic!("the window did not open in 60 s: {}{}", driver.printed(), threads(driver.pid())),
        };
        let apps = apps_of(&desktop.folder().display().to_string());
        let window = Self { runtime, client: Some(client), driver, apps };
        window.script(REMEMBER_ERRORS);
        window
    }

    fn client(&self) -> &Client {
        self.client.as_ref().unwrap()
    }

    /// Closes the window as a session's end does.
    pub fn close(mut self) {
        self.end();
        let waits = || self.apps.iter().map(|pid| threads(*pid)).collect::<String>();
        assert!(!self.runs(), "the app did not end: {}{}", self.driver.printed(), waits());
    }

    fn end(&mut self) {
        if let Some(client) = self.client.take() {
            let _ = self.runtime.block_on(within(Duration::from_secs(10), client.close()));
            self.wait_until_gone();
        }
    }

    /// A window that is opened while this one is still ending would hand itself over to it.
    fn wait_until_gone(&self) {
        let limit = Instant::now() + LIMIT;
        while self.runs() && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The newest process of this name that belongs to this window: the app, or one of its web view.
    pub fn process(&self, name: &str) -> Option<u32> {
        let named = |pid: &u32| {
            // The kernel cuts it.
            let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            !comm.trim().is_empty() && name.starts_with(comm.trim())
        };
        descendants(self.driver.pid()).into_iter().filter(named).max()
    }

    fn runs(&self) -> bool {
        self.apps.iter().any(|pid| has_not_ended(*pid))
    }

    fn find(&self, selector: &str) -> Element {
        let wait = self.client().wait().at_most(LIMIT).every(Duration::from_millis(50));
        let found = self.runtime.block_on(wait.for_element(Locator::Css(selector)));
        found.unwrap_or_else(|why| self.give_up(&format!("{selector} is not on the page: {why}")))
    }

    /// Ends the test, with a picture of what the window shows instead.
    fn give_up(&self, why: &str) -> ! {
        let picture = places::pictures().join("last-failure.png");
        let shown = self.try_picture().map(|bytes| fs::write(&picture, bytes));
        let note = shown.map_or_else(String::new, |_| format!("; the window then: {}", picture.display()));
        panic!("{why}{note}; its text: {}; its errors: {}", self.text_of_page(), self.errors_of_page())
    }

    /// What the page said on its console of what broke.
    fn errors_of_page(&self) -> String {
        let script = "return (window.saidErrors ?? []).join('\\n')";
        let said = self.runtime.block_on(self.client().execute(script, Vec::new()));
        said.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }

    fn text_of_page(&self) -> String {
        let text = self.runtime.block_on(self.client().execute("return document.body.innerText", Vec::new()));
        text.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Waits for a part of the page.
    pub fn wait_for(&self, testid: &str) {
        self.find(&by_testid(testid));
    }

    /// Waits for anything that a CSS selector names.
    pub fn wait_for_css(&self, selector: &str) {
        self.find(selector);
    }

    /// Waits until a part is gone from the page.
    pub fn wait_gone(&self, testid: &str) {
        until(&format!("{testid} to go"), LIMIT, || (!self.has(testid)).then_some(()));
    }

    pub fn has(&self, testid: &str) -> bool {
        let all = self.runtime.block_on(self.client().find_all(Locator::Css(&by_testid(testid))));
        all.is_ok_and(|found| !found.is_empty())
    }

    /// Waits until the page has this many parts that a CSS selector names.
    pub fn wait_for_count(&self, selector: &str, count: usize) {
        until(&format!("{count} of {selector}"), LIMIT, || {
            let all = self.runtime.block_on(self.client().find_all(Locator::Css(selector)));
            all.is_ok_and(|found| found.len() == count).then_some(())
        });
    }

    /// Clicks a part once it is there and can be clicked.
    pub fn click(&self, testid: &str) {
        self.click_css(&by_testid(testid));
    }

    pub fn click_css(&self, selector: &str) {
        // A click on what is disabled does nothing and is no error: the page enables it when it may be.
        let enabled = format!("{selector}:not(:disabled)");
        let limit = Instant::now() + LIMIT;
        loop {
            // A refresh may replace the element between finding and clicking it, and a dialog that is about
            // to close lies over it.
            match self.runtime.block_on(self.find(&enabled).click()) {
                Ok(()) => return,
                Err(why) if Instant::now() > limit => {
                    self.give_up(&format!("{selector} cannot be clicked: {why}"));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Takes hold of a part with the pointer and moves it over another, where it is held until `drop`.
    pub fn drag(&self, from: &str, to: &str) {
        let (from, to) = (self.middle_of(from), self.middle_of(to));
        let step =
            |(x, y): (f64, f64)| PointerAction::MoveTo { duration: Some(Duration::from_millis(50)), x, y };
        let between = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
        let down = PointerAction::Down { button: MOUSE_BUTTON_LEFT };
        let moves = [step(from), down, step(between), step(to)];
        self.act(moves.into_iter().fold(MouseActions::new(MOUSE.to_owned()), MouseActions::then));
    }

    /// Moves the pointer over a part and leaves it there, and tells where that is in pixels of the page.
    pub fn point_at(&self, testid: &str) -> (f64, f64) {
        let (x, y) = self.middle_of(testid);
        let step = PointerAction::MoveTo { duration: Some(Duration::from_millis(50)), x, y };
        self.act(MouseActions::new(MOUSE.to_owned()).then(step));
        (x, y)
    }

    /// Lets go of what is held.
    pub fn drop(&self) {
        let up = PointerAction::Up { button: MOUSE_BUTTON_LEFT };
        self.act(MouseActions::new(MOUSE.to_owned()).then(up));
    }

    fn act(&self, actions: MouseActions) {
        let done = self.runtime.block_on(self.client().perform_actions(actions));
        done.unwrap_or_else(|why| self.give_up(&format!("the pointer does not move: {why}")));
    }

    /// In pixels of the page, from its corner.
    fn middle_of(&self, testid: &str) -> (f64, f64) {
        self.find(&by_testid(testid));
        let at = self.script(&format!(
            "const box = document.querySelector('{}').getBoundingClientRect();\
             return [box.x + box.width / 2, box.y + box.height / 2]",
            by_testid(testid)
        ));
        (at[0].as_f64().unwrap(), at[1].as_f64().unwrap())
    }

    /// Types into a field, in place of what it held.
    pub fn fill(&self, testid: &str, text: &str) {
        let field = self.find(&by_testid(testid));
        // As a person does it: the page sees each key, and no field is emptied behind its back.
        let done = self.runtime.block_on(async {
            if field.prop("value").await?.is_some_and(|value| !value.is_empty()) {
                field.send_keys(SELECT_ALL).await?;
            }
            field.send_keys(text).await
        });
        done.unwrap_or_else(|why| self.give_up(&format!("{testid} takes no text: {why}")));
    }

    /// Presses keys in a field, one after the other, by WebDriver's code points where they write nothing.
    pub fn press(&self, testid: &str, keys: &str) {
        let field = self.find(&by_testid(testid));
        let done = self.runtime.block_on(field.send_keys(keys));
        done.unwrap_or_else(|why| self.give_up(&format!("{testid} takes no keys: {why}")));
    }

    /// Clicks a part with the middle button, by which desktops of X put in what is marked.
    pub fn click_middle(&self, testid: &str) {
        let (x, y) = self.middle_of(testid);
        let button = MOUSE_BUTTON_MIDDLE;
        let steps = [
            PointerAction::MoveTo { duration: Some(Duration::from_millis(50)), x, y },
            PointerAction::Down { button },
            PointerAction::Up { button },
        ];
        self.act(steps.into_iter().fold(MouseActions::new(MOUSE.to_owned()), MouseActions::then));
    }

    /// Takes all out of a field.
    pub fn empty(&self, testid: &str) {
        let field = self.find(&by_testid(testid));
        let done = self.runtime.block_on(async {
            field.send_keys(SELECT_ALL).await?;
            field.send_keys(DELETE).await
        });
        done.unwrap_or_else(|why| self.give_up(&format!("{testid} cannot be emptied: {why}")));
    }

    /// Presses Esc where the keyboard is.
    pub fn press_escape(&self) {
        self.script(
            "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))",
        );
    }

    /// The text that a part shows; that of one which is just appearing once it can be seen.
    pub fn text(&self, testid: &str) -> String {
        let part = self.find(&by_testid(testid));
        let read = async {
            let limit = Instant::now() + APPEARS;
            loop {
                let text = part.text().await?;
                let is_hidden = text.is_empty() && part.prop("textContent").await?.is_some_and(has_words);
                if !is_hidden || Instant::now() > limit {
                    return Ok::<_, fantoccini::error::CmdError>(text);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        self.runtime
            .block_on(read)
            .unwrap_or_else(|why| self.give_up(&format!("{testid} has no text: {why}")))
    }

    /// What a field holds.
    pub fn value(&self, testid: &str) -> String {
        let field = self.find(&by_testid(testid));
        let value = self.runtime.block_on(field.prop("value"));
        let value = value.unwrap_or_else(|why| self.give_up(&format!("{testid} has no value: {why}")));
        value.unwrap_or_default()
    }

    /// Waits until a part shows text that is as wanted, and gives it.
    pub fn wait_text(&self, testid: &str, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let start = std::time::Instant::now();
        loop {
            let text = self.text(testid);
            if wanted(&text) {
                return text;
            }
            if start.elapsed() > LIMIT {
                self.give_up(&format!("{testid} does not show {what} but '{text}'"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// All words of a part of the page, once it is there. The driver takes a name that is cut at the edge of its
    /// column for hidden, and leaves it out of the text.
    pub fn words(&self, testid: &str) -> String {
        self.wait_for(testid);
        let part = by_testid(testid).replace('\'', "\\'");
        let words = self.script(&format!("return document.querySelector('{part}')?.textContent ?? ''"));
        words.as_str().unwrap_or_default().to_owned()
    }

    /// As `wait_text`, with all words.
    pub fn wait_words(&self, testid: &str, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let start = std::time::Instant::now();
        loop {
            let words = self.words(testid);
            if wanted(&words) {
                return words;
            }
            if start.elapsed() > LIMIT {
                self.give_up(&format!("{testid} does not say {what} but '{words}'"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the page as a whole shows a text.
    pub fn wait_page(&self, text: &str) {
        let start = std::time::Instant::now();
        while !self.text_of_page().contains(text) {
            if start.elapsed() > LIMIT {
                self.give_up(&format!("the page does not show '{text}'"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Runs a script in the page and gives what it returns.
    pub fn script(&self, text: &str) -> Value {
        let value = self.runtime.block_on(self.client().execute(text, Vec::new()));
        value.unwrap_or_else(|why| self.give_up(&format!("the script '{text}' failed: {why}")))
    }

    /// Runs a script that ends by calling its last argument, and gives what it calls it with.
    pub fn script_async(&self, text: &str) -> Value {
        let value = self.runtime.block_on(self.client().execute_async(text, Vec::new()));
        value.unwrap_or_else(|why| self.give_up(&format!("the script '{text}' failed: {why}")))
    }

    /// Calls a command of the engine as a page that was taken over would, and gives what it is answered:
    /// `done`, or `refused`.
    pub fn call(&self, command: &str, args: &Value) -> Value {
        self.script_async(&format!(
            "const done = arguments[arguments.length - 1];\
             window.__TAURI__.core.invoke('{command}', {args})\
                 .then(told => told instanceof ArrayBuffer ? JSON.parse(new TextDecoder().decode(told)) : told)\
                 .then(told => done({{done: told}}), why => done({{refused: why}}))"
        ))
    }

    /// Calls a command once with each of these, all at the same time; what is answered is not looked at.
    pub fn call_each(&self, command: &str, all: &[Value]) {
        let all = Value::from(all);
        self.script_async(&format!(
            "const done = arguments[arguments.length - 1];\
             Promise.allSettled({all}.map(args => window.__TAURI__.core.invoke('{command}', args))).then(done)"
        ));
    }

    /// Hears the engine's events from now on, in the place of the page.
    pub fn listen(&self) {
        self.script_async(
            "const done = arguments[arguments.length - 1];\
             const channel = new window.__TAURI__.core.Channel(); window.heard = [];\
             channel.onmessage = event => window.heard.push(JSON.stringify(event));\
             window.__TAURI__.core.invoke('watch', {channel}).then(() => done(true), why => done(why))",
        );
    }

    /// How many events that were heard have these words.
    pub fn heard(&self, words: &str) -> u64 {
        let words = Value::from(words);
        self.script(&format!("return window.heard.filter(event => event.includes({words})).length"))
            .as_u64()
            .unwrap()
    }

    fn try_picture(&self) -> Option<Vec<u8>> {
        self.runtime.block_on(within(Duration::from_secs(20), self.client().screenshot()))?.ok()
    }

    /// Waits until what the page holds is painted: no fade is under way, and two frames were drawn.
    /// A picture taken earlier shows the page as it was before.
    pub fn wait_painted(&self) {
        self.script_async(
            "const done = arguments[arguments.length - 1];\
             const fades = document.getAnimations().filter(fade => {\
                 const end = fade.effect ? fade.effect.getComputedTiming().endTime : 0;\
                 return Number.isFinite(end) && fade.playState === 'running';\
             });\
             const frame = () => new Promise(drawn => requestAnimationFrame(drawn));\
             Promise.allSettled(fades.map(fade => fade.finished))\
                 .then(frame).then(frame).then(() => setTimeout(() => done(true), 100));",
        );
    }

    /// Takes a picture of the window into `folder`.
    pub fn picture(&self, folder: &Path, name: &str) -> PathBuf {
        self.wait_painted();
        fs::create_dir_all(folder).unwrap();
        let path = folder.join(format!("{name}.png"));
        let bytes = self.try_picture().unwrap_or_else(|| panic!("the driver took no picture {name}"));
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.runtime.block_on(self.client().set_window_size(width, height)).unwrap();
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.end();
    }
}

/// PIDs of the apps that run with this folder in their environment.
pub fn apps_of(folder: &str) -> Vec<u32> {
    let is_app = |pid: &u32| {
        let program = fs::read_link(format!("/proc/{pid}/exe"));
        let environ = || fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        program.is_ok_and(|program| program.ends_with("muster"))
            && memchr::memmem::find(&environ(), folder.as_bytes()).is_some()
    };
    let numbered = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    fs::read_dir("/proc").unwrap().flatten().filter_map(numbered).filter(is_app).collect()
}

/// True as long as any thread of it is. A program that was killed has long lost its memory, by which it could
/// be told from others, when its last thread closes what it held open: sockets, a name on the bus, locks.
fn has_not_ended(pid: u32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    tasks.into_iter().flatten().flatten().any(|task| {
        let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        // The name in parentheses may hold anything: fields are counted from the last one.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    })
}

/// What each thread of the programs under this one waits for, to be shown when one of them hangs.
fn threads(pid: u32) -> String {
    let read = |path: String| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let mut text = String::new();
    for pid in descendants(pid) {
        for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let of = |name: &str| read(format!("{}/{name}", task.path().display()));
            text.push_str(&format!("\n{pid} {}: {} in {}", of("comm"), of("wchan"), of("syscall")));
        }
        let server = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let server =
            server.split(|byte| *byte == 0).find(|line| line.starts_with(b"WEBKIT_INSPECTOR_SERVER"));
        text.push_str(&server.map_or_else(String::new, |line| format!("\n{pid} {}", line.escape_ascii())));
    }
    text
}

/// `None` if it is not done within the limit. The clock is the runtime's, so it is made inside it.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

fn has_words(text: String) -> bool {
    !text.trim().is_empty()
}

fn by_testid(testid: &str) -> String {
    format!("[data-testid=\"{testid}\"]")
}
