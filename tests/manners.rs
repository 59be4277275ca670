//! What the app does on the desktop beside its window: notices, the mark in the tray, how it ends and comes back.
//! The desktop's shell is there and keeps what it is told; the window is the real one.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::shell::{Notice, Shell};
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::{Window, apps_of};
use support::window_manager::WindowManager;

const PASSPHRASE: &str = "four words of passphrase";

/// The app on a desktop with a shell, and nobody at its window.
struct Ground {
    window: Window,
    manager: WindowManager,
    shell: Shell,
    operator: Operator,
    desktop: Desktop,
}

fn ground(prepare: impl FnOnce(&Operator)) -> Ground {
    let desktop = Desktop::start(1280, 800);
    let shell = Shell::start(&desktop.session);
    let operator = Operator::in_session(&desktop.session);
    prepare(&operator);
    let window = Window::with_data_of(&desktop, &operator);
    window.wait_for("nav-hosts");
    let mut manager = WindowManager::of(&desktop);
    manager.look_away();
    Ground { window, manager, shell, operator, desktop }
}

/// Calls a command that must be carried out.
fn call(window: &Window, command: &str, args: &Value) -> Value {
    let told = window.call(command, &json!({ "args": args }));
    assert!(told["refused"].is_null(), "{command}: {told}");
    told["done"].clone()
}

fn change_settings(window: &Window, change: impl FnOnce(&mut Value)) {
    let mut settings = call(window, "app_start", &json!({}))["settings"].clone();
    change(&mut settings);
    call(window, "settings_save", &json!({ "settings": settings }));
}

fn lock(window: &Window) {
    call(window, "lock_set", &json!({ "passphrase": PASSPHRASE }));
    call(window, "app_lock", &json!({}));
    window.wait_for("lock-screen");
}

fn unlock(window: &Window) {
    call(window, "app_unlock", &json!({ "passphrase": PASSPHRASE }));
    window.wait_for("nav-hosts");
}

fn wait_until_live(window: &Window, host: &str) {
    until(&format!("{host} to be live"), seconds(60), || {
        let rows = call(window, "hosts_list", &json!({}));
        let row = rows.as_array().unwrap().iter().find(|row| row["host"]["name"] == host)?;
        (row["link"]["state"] == "live").then_some(())
    });
}

#[test]
fn what_was_begun_in_the_window_and_a_lost_host_are_each_told_once_in_the_language_of_the_window() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let Ground { window, shell, operator, desktop: _desktop, .. } = ground(|operator| {
        operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    });
    call(&window, "host_connect", &json!({"host": "web"}));
    wait_until_live(&window, "web");
    let restart = || {
        let act = json!({"host": "web", "unit": "cron.service", "action": "restart", "typed_name": null});
        let ended = call(&window, "service_act", &act);
        assert_eq!(ended["result"], "done", "{ended}");
    };
    change_settings(&window, |settings| {
        settings["language"] = json!("zh-CN");
        settings["notify"]["own_ended"] = json!(false);
    });
    restart();
    // What a terminal began is told there.
    change_settings(&window, |settings| settings["notify"]["own_ended"] = json!(true));
    operator.run(&["run", "web", "--", "true"]).done();
    restart();
    let ended = Notice { title: "web 上重启 cron.service：完成".into(), text: String::new() };
    until("the end to be told", seconds(30), || (!shell.notices().is_empty()).then_some(()));
    assert_eq!(shell.notices(), [ended], "the sign-in, the silenced one and the terminal's are none");

    // What failed before it was looked at is no news.
    until("the failed units to be counted", seconds(60), || {
        let rows = call(&window, "hosts_list", &json!({}));
        let row = rows.as_array().unwrap().iter().find(|row| row["host"]["name"] == "web")?;
        row["last"]["failed_units"].as_u64()
    });
    host.try_run(&["systemd-run", "--unit=broken-one", "--wait", "/bin/false"]);
    until("the failed unit to be told", seconds(60), || (shell.notices().len() > 1).then_some(()));
    let failed =
        Notice { title: "web 上又有 1 个服务单元失败".into(), text: "broken-one.service".into() };
    assert_eq!(shell.notices().remove(1), failed);

    host.cut_link();
    until("the lost host to be told", seconds(120), || (shell.notices().len() > 2).then_some(()));
    let lost = shell.notices().remove(2);
    assert_eq!(lost.title, "web 失去连接");
    assert!(!lost.text.is_empty() && !lost.text.is_ascii(), "the reason is in the same language: {lost:?}");
    window.close();
    assert_eq!(shell.notices().len(), 3);
}

#[test]
fn the_tray_shows_how_hosts_and_the_log_stand_in_the_language_of_now_and_nothing_behind_the_lock() {
    needs!(Window, Tray);
    let Ground { window, shell, desktop, .. } = ground(|operator| {
        operator.run(&["run", "local", "--", "false"]).status_is(1);
    });
    // What failed before the start is in it, and no event told of that.
    shell.wait_tray("0 live, 1 unread failure");
    call(&window, "host_connect", &json!({"host": "local"}));
    shell.wait_tray("1 live, 1 unread failure");
    change_settings(&window, |settings| settings["language"] = json!("zh-CN"));
    shell.wait_tray("1 台在线，1 条失败未读");
    assert_eq!(shell.menu()[1..], ["显示 Muster", "退出"]);
    lock(&window);
    shell.wait_tray("已锁定");
    unlock(&window);
    shell.wait_tray("1 台在线，1 条失败未读");
    call(&window, "operations_read", &json!({"selection": "all"}));
    shell.wait_tray("1 台在线");
    call(&window, "host_disconnect", &json!({"host": "local"}));
    shell.wait_tray("0 台在线");
    shell.choose("退出");
    wait_until_ended(&desktop);
}

fn wait_until_ended(desktop: &Desktop) {
    let folder = desktop.folder().display().to_string();
    until("the app to end", seconds(30), || apps_of(&folder).is_empty().then_some(()));
}

#[test]
fn who_quits_while_something_runs_is_asked_by_the_page_and_over_the_lock_by_the_desktop() {
    needs!(Window, Tray);
    let Ground { window, mut manager, shell, operator, desktop } = ground(|_| {});
    shell.wait_tray("0 live");
    let go_on = operator.folder().join("go-on");
    let script = format!("until [ -e {} ]; do sleep 0.1; done; echo ended", go_on.display());
    let running = operator.start(&["run", "local", "--", "sh", "-c", &script]);
    until("the command to run", seconds(30), || {
        let filter = json!({"filter": {"result": "under_way"}});
        let page = call(&window, "operations_list", &filter);
        (!page["operations"].as_array().unwrap().is_empty()).then_some(())
    });
    shell.choose("Quit");
    window.wait_for("quit");
    window.wait_text("quit-running", "what runs", |text| text.contains("go-on"));
    window.click("quit-stay");
    window.wait_gone("quit");

    lock(&window);
    manager.close("Muster");
    let is_asked = |manager: &mut WindowManager| manager.titles().contains(&"Quit Muster?".to_owned());
    until("the desktop's own question", seconds(30), || is_asked(&mut manager).then_some(()));
    assert!(window.has("lock-screen"), "the app goes on");
    manager.close("Quit Muster?");
    until("the question to be gone", seconds(30), || (!is_asked(&mut manager)).then_some(()));
    unlock(&window);

    std::fs::write(&go_on, "").unwrap();
    assert_eq!(running.end().done().stdout, "ended\n", "what ran was not lost");
    manager.close("Muster");
    wait_until_ended(&desktop);
}

#[test]
fn a_link_that_comes_while_it_is_locked_is_followed_once_it_is_unlocked() {
    needs!(Window);
    let Ground { window, operator, desktop, .. } = ground(|operator| {
        operator.run(&["host", "add", "web-1", "--address", "192.0.2.1", "--user", "ann"]).done();
    });
    lock(&window);
    let mut second = Command::new(places::program("muster"));
    second.env_clear().envs(desktop.variables()).env("MUSTER_DATA_DIR", operator.data());
    let mut second = second.arg("muster://host/web-1").spawn().unwrap();
    until("the second start to hand its link over", seconds(30), || second.try_wait().unwrap());
    assert!(window.has("lock-screen") && !window.has("nav-hosts"), "nothing is shown behind the lock");
    unlock(&window);
    until("the page of the host", seconds(30), || {
        (window.script("return location.pathname") == "/hosts/web-1").then_some(())
    });
    window.close();
}

#[test]
fn the_window_comes_back_as_large_as_it_was_left() {
    needs!(Window);
    let Ground { window, mut manager, operator, desktop, .. } = ground(|_| {});
    let size = |window: &Window| window.script("return [innerWidth, innerHeight]");
    let first = size(&window);
    window.resize(1_010, 690);
    let left = until("the window to have another size", seconds(30), || {
        let now = size(&window);
        std::thread::sleep(Duration::from_millis(300));
        (now != first && now == size(&window)).then_some(now)
    });
    manager.close("Muster");
    wait_until_ended(&desktop);
    drop(window);
    let window = Window::with_data_of(&desktop, &operator);
    window.wait_for("nav-hosts");
    until("the size that it had", seconds(30), || (size(&window) == left).then_some(()));
    window.close();
}

#[test]
fn the_app_starts_with_the_desktop_once_that_is_chosen_and_leaves_nothing_when_it_is_not() {
    needs!(Window);
    let Ground { window, desktop, .. } = ground(|_| {});
    let entry = desktop.folder().join("config/autostart/net.muster.desktop.desktop");
    pages::open_page(&window, "settings");
    assert!(!entry.exists());
    window.click("settings-autostart");
    let text = until("the entry", seconds(20), || {
        std::fs::read_to_string(&entry).ok().filter(|text| !text.is_empty())
    });
    let program = places::program("muster").canonicalize().unwrap();
    assert!(text.contains(&format!("Exec=\"{}\"\n", program.display())), "{text}");
    window.click("settings-autostart");
    until("the entry to be gone", seconds(20), || (!entry.exists()).then_some(()));
    window.close();
}
