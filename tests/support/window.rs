//! The window of the built app, driven as a person would: WebKit's own driver and the real binary.
//!
//! Every wait is for something on the page; the app marks a page that shows its data with
//! `data-ready`. Parts of a page are named by `data-testid`.

mod hands;
mod inside;
pub mod keys;
mod shown;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

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
        Self::open(desktop, &places::program("muster"), &data_of(operator).into())
    }

    /// The same on a system that has this locale.
    pub fn with_data_in(desktop: &Desktop, operator: &Operator, locale: &str) -> Self {
        let [data] = data_of(operator);
        let [lang, all] = ["LANG", "LC_ALL"].map(|name| (name.to_owned(), locale.to_owned()));
        Self::open(desktop, &places::program("muster"), &[data, lang, all].into())
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

fn data_of(operator: &Operator) -> [(String, String); 1] {
    [("MUSTER_DATA_DIR".to_owned(), operator.data().to_str().unwrap().to_owned())]
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

fn by_testid(testid: &str) -> String {
    format!("[data-testid=\"{testid}\"]")
}
