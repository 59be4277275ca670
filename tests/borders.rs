//! What comes from outside the window: text of a host, links, pages that would like to open, and calls
//! that the pages themselves do not make. Each is tried in the real window.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};

use protocol::operations::{Operation, OperationKind, OperationResult};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::process::tool;
use support::wait::{seconds, until};
use support::window::{Window, apps_of};

use crate::answers;

/// A process of this computer whose command line is an attack on whoever shows it.
struct Hostile(Child);

impl Hostile {
    fn start() -> Self {
        let name = "evilproc <img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> \u{1b}]52;c;eA==\u{7} \u{202e}gpj.exe";
        Self(Command::new("sleep").arg0(name).arg("600").spawn().unwrap())
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Ground {
    window: Window,
    operator: Operator,
    variables: BTreeMap<String, String>,
    desktop: Desktop,
}

fn ground() -> Ground {
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let data = operator.data().to_str().unwrap().to_owned();
    let variables: BTreeMap<String, String> = [("MUSTER_DATA_DIR".to_owned(), data)].into();
    let window = Window::open(&desktop, &places::program("muster"), &variables);
    window.wait_for("nav-hosts");
    // Whatever the policy of the page forbids is seen here.
    window.script(
        "window.refusals = [];\
         document.addEventListener('securitypolicyviolation', told => window.refusals.push(told.violatedDirective))",
    );
    Ground { window, operator, variables, desktop }
}

#[test]
fn what_a_host_says_is_text_and_never_a_part_of_the_page() {
    needs!(Window);
    let _hostile = Hostile::start();
    // The desktop must stay until the window is closed.
    let Ground { window, desktop: _desktop, .. } = ground();
    window.wait_for("first-start");
    window.click("hosts-local");
    pages::wait_until_live(&window);
    pages::open_tab(&window, "processes");
    window.fill("processes-filter", "evilproc");
    window.wait_for_count("[data-testid^=\"processes-row-\"]", 1);
    window.click_css("[data-testid^=\"processes-row-\"]");
    let shown = window.wait_text("processes-command", "the command line", |text| text.contains("evilproc"));
    assert!(shown.contains("<img src=x onerror="), "it is shown as it was written: {shown}");
    assert!(
        !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
        "what moves the text is shown by its code: {shown:?}"
    );
    assert_eq!(window.script("return document.querySelectorAll('.page img, .page script').length"), 0);
    assert_eq!(window.script("return document.title"), "Muster");
    assert_eq!(window.script("return window.refusals.length"), 0, "nothing even tried to load");
    window.close();
}

#[test]
fn the_window_goes_nowhere_and_opens_nothing() {
    needs!(Window);
    // The desktop must stay until the window is closed.
    let Ground { window, desktop: _desktop, .. } = ground();
    let before = window.script("return location.href");
    for attempt in [
        "window.location.href = 'http://127.0.0.1:9/'",
        "window.location.href = 'file:///etc/passwd'",
        "const link = document.createElement('a'); link.href = 'http://127.0.0.1:9/'; document.body.append(link); link.click()",
        "const form = document.createElement('form'); form.action = 'http://127.0.0.1:9/'; form.method = 'post'; \
         document.body.append(form); form.submit()",
        "const frame = document.createElement('iframe'); frame.src = 'http://127.0.0.1:9/'; document.body.append(frame)",
        "const meta = document.createElement('meta'); meta.httpEquiv = 'refresh'; meta.content = '0;url=http://127.0.0.1:9/'; document.head.append(meta)",
        "new Image().src = 'http://127.0.0.1:9/x.png'",
    ] {
        window.script(&format!("try {{ {attempt} }} catch (why) {{ }}"));
    }
    assert_eq!(
        window.script("const other = window.open('http://127.0.0.1:9/'); return other === null"),
        true
    );
    // The page still answers, where it was, after a turn of its own.
    pages::open_page(&window, "settings");
    let now = window.script("return location.href");
    assert!(
        now.as_str().unwrap().starts_with(before.as_str().unwrap().split("/hosts").next().unwrap()),
        "{now}"
    );
    let refused = window.script("return window.refusals");
    for directive in ["form-action", "img-src"] {
        let told = refused.as_array().unwrap().iter().any(|one| one.as_str() == Some(directive));
        assert!(told, "{directive} must have refused something: {refused}");
    }
    window.close();
}

#[test]
fn a_page_that_was_taken_over_gets_no_further_than_the_guards_of_the_engine() {
    needs!(Window);
    let Ground { window, operator, desktop: _desktop, .. } = ground();
    let draft = json!({"name": "web-1", "address": "127.0.0.1", "port": 9, "user": "root", "tags": ["prod"]});
    let saved = window.call("host_save", &json!({"args": {"id": null, "draft": draft, "secrets": []}}));
    assert!(saved["done"]["id"].is_string(), "{saved}");
    let mut unguarded = draft.clone();
    unguarded["tags"] = json!([]);
    let acts = [
        ("service_act", json!({"unit": "nginx.service", "action": "stop"})),
        ("command_run", json!({"command": "reboot", "sudo": false})),
        ("signal_send", json!({"pid": 77, "start_ticks": 1, "name": "x", "signal": "kill"})),
        ("helper_remove", json!({})),
        ("key_set_up", json!({"key": null, "passphrase": null, "forget_password": true})),
        ("host_remove", json!({})),
        ("host_save", json!({"id": saved["done"]["id"], "draft": unguarded, "secrets": []})),
    ];
    for (command, args) in acts {
        for typed in [Value::Null, json!("web-2"), json!("web-1\u{202e}"), json!("WEB-1")] {
            let mut args = args.clone();
            args["host"] = json!("web-1");
            args["typed_name"] = typed.clone();
            let told = window.call(command, &json!({ "args": args }));
            let why = told["refused"].to_string();
            assert!(told["done"].is_null() && !why.is_empty(), "{command} with {typed} was answered {told}");
            assert!(
                !why.contains("link_lost") && !why.contains("port_closed"),
                "{command} went as far as the host: {why}"
            );
        }
    }
    for command in
        ["plugin:fs|read_text_file", "plugin:shell|execute", "plugin:opener|open_url", "no_such_command"]
    {
        let told = window
            .call(command, &json!({"path": "/etc/passwd", "program": "id", "url": "http://127.0.0.1:9/"}));
        assert!(told["done"].is_null(), "{command} was answered {told}");
    }
    // What the shell is made of is there, and is not for the page.
    for (command, args) in [
        ("plugin:tray|new", json!({"options": {}, "handler": "__CHANNEL__:1"})),
        ("plugin:menu|new", json!({"kind": "Menu", "options": {}, "handler": "__CHANNEL__:1"})),
        ("plugin:image|from_path", json!({"path": "/etc/passwd"})),
        ("plugin:window|create", json!({"options": {"label": "other"}})),
        ("plugin:window|close", json!({})),
        ("plugin:webview|create_webview_window", json!({"options": {"label": "other"}})),
        ("plugin:event|emit", json!({"event": "x", "payload": 1})),
        ("plugin:event|listen", json!({"event": "x", "target": {"kind": "Any"}, "handler": 1})),
        ("plugin:path|resolve_directory", json!({"directory": 21})),
        ("plugin:app|name", json!({})),
        ("plugin:resources|close", json!({"rid": 0})),
    ] {
        let told = window.call(command, &args);
        assert!(told["refused"].to_string().contains("not allowed"), "{command} was answered {told}");
    }
    let told = window
        .call("hosts_edit", &json!({"args": {"hosts": ["web-1"], "change": {"remove_tags": ["prod"]}}}));
    assert!(told["done"].is_null(), "many hosts at once lose no guard: {told}");
    // Nothing of it was done, and each try stands in the log.
    let log: Vec<Operation> = operator.run(&["operations", "--limit", "100", "--json"]).done().value();
    let refused = log.iter().filter(|operation| operation.result == OperationResult::Refused).count();
    assert_eq!(refused, 7 * 4, "{log:?}");
    let done: Vec<_> =
        log.iter().filter(|one| one.result != OperationResult::Refused).map(|one| one.kind).collect();
    assert_eq!(done, [OperationKind::HostAdd]);
    window.close();
}

#[test]
fn an_app_that_is_started_while_another_is_killed_opens_a_window_of_its_own() {
    needs!(Window);
    let Ground { window, variables, desktop, .. } = ground();
    let folder = desktop.folder().display().to_string();
    let [first] = apps_of(&folder)[..] else { panic!("one app runs, not {:?}", apps_of(&folder)) };
    // It has the name of the one app and does not answer: the second waits for its word.
    signal(first, Signal::STOP);
    let second = std::thread::scope(|scope| {
        let second = scope.spawn(|| Window::open(&desktop, &places::program("muster"), &variables));
        until("the second to be started", seconds(30), || (apps_of(&folder).len() == 2).then_some(()));
        // Nothing tells from outside that it waits for the word of the first. Where it has not come to that yet,
        // it never does, and opens its window too.
        std::thread::sleep(seconds(2));
        signal(first, Signal::KILL);
        second.join().unwrap()
    });
    second.wait_for("nav-hosts");
    assert!(!apps_of(&folder).contains(&first));
    second.close();
    drop(window);
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

/// How often the pages of an app began to listen, as its own log says.
fn listened(data: &Path) -> usize {
    let logs = fs::read_dir(data.join("logs")).unwrap().flatten();
    logs.map(|file| fs::read_to_string(file.path()).unwrap_or_default().matches("the page listens").count())
        .sum()
}

#[test]
fn a_page_whose_process_is_killed_is_there_again_and_an_operation_under_way_is_not_lost() {
    needs!(Window);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let variables: BTreeMap<String, String> =
        [("MUSTER_DATA_DIR".to_owned(), operator.data().to_str().unwrap().to_owned())].into();
    let window = Window::open(&desktop, &places::program("muster"), &variables);
    window.wait_for("nav-hosts");
    until("the page listens", seconds(30), || (listened(&operator.data()) == 1).then_some(()));
    let under_way = operator.start(&["run", "local", "--", "sh", "-c", "sleep 3; echo done"]);
    let old = window.process("WebKitWebProcess").unwrap();
    tool("kill", &["-9", &old.to_string()]);
    until("another page listens", seconds(60), || (listened(&operator.data()) == 2).then_some(()));
    assert_ne!(window.process("WebKitWebProcess"), Some(old));
    assert_eq!(under_way.end().done().stdout, "done\n");
}

#[test]
fn a_link_from_outside_shows_a_page_and_does_nothing() {
    needs!(Window);
    let Ground { window, operator, variables, desktop } = ground();
    let draft = json!({"name": "web-1", "address": "127.0.0.1", "port": 9, "user": "root"});
    window.call("host_save", &json!({"args": {"id": null, "draft": draft, "secrets": []}}));
    let before = answers::operations(&operator).len();
    let open = |link: &str| {
        let mut second = Command::new(places::program("muster"));
        second.env_clear().envs(desktop.variables()).envs(&variables).arg(link);
        let mut second = second.spawn().unwrap();
        until("the second start to hand its link over", seconds(30), || second.try_wait().unwrap());
    };
    open("muster://host/web-1");
    until("the page of the host", seconds(20), || {
        window
            .script("return location.pathname")
            .as_str()
            .is_some_and(|path| path == "/hosts/web-1")
            .then_some(())
    });
    pages::open_page(&window, "settings");
    for link in [
        "muster://host/web-1/run?command=reboot",
        "muster://host/web-1?connect=1",
        "muster://service/web-1/cron.service/stop",
        "muster://host/..%2f..%2fetc%2fpasswd",
        "muster://host/%2e%2e",
        "muster://host/%00",
        "muster://host/%E2%80%AE1-bew",
        "muster://host/",
        "muster://",
        "muster:host/web-1",
        "javascript:document.title='owned'",
        "file:///etc/passwd",
        "--data-dir=/tmp",
        "muster://host/<img src=x onerror=alert(1)>?",
        "muster://user@host/web-1",
        "muster://host/web-1#services",
        "http://host/web-1",
        "muster://trust/web-1/accept",
        "muster://host/web-1\\..\\x",
        "muster://host/web-1/../web-1",
    ] {
        open(link);
    }
    assert_eq!(window.script("return location.pathname"), "/settings", "only a plain link leads anywhere");
    open("muster://host/nobody%20saved");
    window.wait_page("nobody saved");
    assert_eq!(answers::operations(&operator).len(), before, "no link begins an operation");
    let told = window.call("hosts_list", &json!({"args": {}}));
    assert_eq!(told["done"][0]["link"]["idle"], Value::Null, "{told}");
    assert!(told["done"][0]["link"].to_string().contains("idle"), "no link connects: {told}");
    window.close();
}
