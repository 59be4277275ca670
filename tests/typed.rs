//! What is typed into the window goes to the host and to the place for secrets, and into no file: neither of the
//! app and its web view, nor of what the system would keep of them if they broke.

use std::fs;

use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::sshd::make_key;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::keys::{BACKSPACE, CONTROL, DELETE, END, HOME, LEFT, SHIFT};
use support::window::{Window, apps_of};

use crate::secrets::{copies_in_memory, files_with, memory_holds};

const PASSPHRASE: &str = "a passphrase that is typed";
const VAULT: &str = "four words that are typed";

/// The limits of core dumps of a process, as proc(5) tells them.
fn core_limits(pid: u32) -> Vec<String> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    line.split_whitespace().take(2).map(str::to_owned).collect()
}

fn save(window: &Window, name: &str, address: &str, user: &str, identity: &str) {
    pages::open_page(window, "hosts");
    window.click("hosts-add");
    window.fill("field-name", name);
    window.fill("field-address", address);
    window.fill("field-user", user);
    window.click(identity);
}

fn connect(window: &Window, is_first: bool) {
    if is_first {
        pages::save_and_ask_for_the_key(window);
        window.click("trust-accept");
    } else {
        window.click("form-connect");
    }
    pages::wait_until_live(window);
}

fn wait_until_gone(pid: u32, secret: &str) {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
    until(&format!("'{secret}' to be gone from {}", name.trim()), seconds(20), || {
        (!memory_holds(pid, secret)).then_some(())
    });
}

#[test]
fn what_is_typed_into_the_window_is_used_and_reaches_no_file_and_no_core_dump() {
    needs!(Root, SystemdHost, Window);
    let host = SystemdHost::start();
    let sudo_password = host.add_user("ann");
    host.set_sudoers("ann ALL=(ALL) ALL");
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let key = operator.folder().join("key");
    make_key(&key, Some(PASSPHRASE));
    let authorized = host.tree().join("root/.ssh/authorized_keys");
    let all =
        fs::read_to_string(&authorized).unwrap() + &fs::read_to_string(key.with_extension("pub")).unwrap();
    fs::write(authorized, all).unwrap();
    let window = Window::with_data_of(&desktop, &operator);
    window.wait_for("nav-hosts");
    let [app] = apps_of(&desktop.folder().display().to_string())[..] else { panic!("one app runs") };
    let of_view = ["WebKitWebProcess", "WebKitNetworkProcess"].map(|name| window.process(name).unwrap());
    for pid in [app].into_iter().chain(of_view) {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
        assert_eq!(core_limits(pid), ["0", "0"], "{name}");
    }

    pages::set_passphrase(&window, "vault-create", VAULT);
    save(&window, "web", &host.address(), "root", "identity-password");
    window.fill("field-password", host.password());
    connect(&window, true);
    save(&window, "key", &host.address(), "root", "identity-key");
    window.fill("field-key", key.to_str().unwrap());
    window.fill("field-passphrase", PASSPHRASE);
    connect(&window, false);
    save(&window, "ann", &host.address(), "ann", "identity-password");
    window.fill("field-password", &sudo_password);
    window.click("sudo-password");
    window.fill("field-sudo-password", &sudo_password);
    connect(&window, false);
    operator.run(&["run", "ann", "--sudo", "--", "id"]).done();
    let typed = [host.password(), PASSPHRASE, VAULT, &sudo_password];
    pages::lock(&window);
    for secret in typed {
        let found = [operator.folder(), &desktop.folder().join("data"), &desktop.folder().join("cache")]
            .map(|top| files_with(top, secret));
        assert_eq!(found.concat(), Vec::<String>::new(), "{secret}");
        for pid in [app].into_iter().chain(of_view) {
            wait_until_gone(pid, secret);
        }
    }
    pages::unlock(&window, VAULT);
    pages::open_live(&window, "ann");
    window.close();
}

#[test]
fn a_secret_is_edited_and_pasted_in_its_field_as_in_any_other_and_the_page_has_only_dots() {
    needs!(Window);
    const PASTED: &str = "eight good words that were pasted";
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let window = Window::with_data_of(&desktop, &operator);
    window.wait_for("nav-hosts");
    let [app] = apps_of(&desktop.folder().display().to_string())[..] else { panic!("one app runs") };
    let shows = |testid: &str, length: usize| {
        assert_eq!(window.value(testid), "\u{2022}".repeat(length), "{testid}");
    };
    pages::open_page(&window, "settings");
    window.click("vault-create");

    // What an input method hands over comes past the keys.
    window.script(
        "const field = document.querySelector('[data-testid=vault-new]');\
         const how = {inputType: 'insertFromComposition', data: 'b\u{e9}', cancelable: true, bubbles: true};\
         field.focus(); field.setRangeText('a', 0, 0, 'end');\
         field.dispatchEvent(new InputEvent('input', {inputType: 'insertText', data: 'a', bubbles: true}));\
         if (field.dispatchEvent(new InputEvent('beforeinput', how))) {\
             field.setRangeText('b\u{e9}', 1, 1, 'end'); field.dispatchEvent(new InputEvent('input', how));\
         }",
    );
    shows("vault-new", 3);

    // Two that differ are not taken, and are said to differ.
    window.fill("vault-new", "a first passphrase");
    window.fill("vault-again", "a first passphrasf");
    window.click("vault-do");
    window.wait_text("error-vault-again", "that they differ", |text| !text.is_empty());
    // What is too short is kept, to go on with.
    window.fill("vault-new", "wordy");
    window.click("vault-do");
    window.wait_text("error-vault-again", "that it is short", |text| text.contains('8'));
    shows("vault-new", 5);

    window.press("vault-new", &format!("x{BACKSPACE}{BACKSPACE}s p\u{e4}ss"));
    window.press("vault-new", &format!("{HOME}six {DELETE}w{END}wort"));
    window.press("vault-new", &format!("{SHIFT}{LEFT}{LEFT}{SHIFT}rds{CONTROL}z"));
    let meant = "six words p\u{e4}sswords";
    shows("vault-new", meant.chars().count());
    let mut clipboard = desktop.offer("clipboard", &format!("{meant}\n"));
    window.press("vault-again", &format!("gone{CONTROL}av"));
    until("the dots of the paste", seconds(20), || {
        (window.value("vault-again").chars().count() == meant.chars().count()).then_some(())
    });
    window.picture(&places::pictures(), "secret-dots");
    window.click("vault-do");
    window.wait_gone("vault");
    clipboard.kill();

    // Another one, put in with the middle button and with what is typed behind it meanwhile.
    let mut marked = desktop.offer("primary", PASTED);
    window.click("vault-change");
    window.fill("vault-old", meant);
    for field in ["vault-new", "vault-again"] {
        window.click_middle(field);
        window.press(field, "!");
        until("both", seconds(20), || {
            (window.value(field).chars().count() == PASTED.len() + 1).then_some(())
        });
    }
    // Neither GTK nor the connection to the X server keeps another.
    assert_eq!(copies_in_memory(app, PASTED), 2);
    window.click("vault-do");
    window.wait_gone("vault");
    marked.kill();
    let page = window.process("WebKitWebProcess").unwrap();
    pages::lock(&window);
    // What was given up is gone too, and of what came from the clipboard each part.
    for secret in [meant, PASTED, &PASTED[16..], "a first passphrase"] {
        wait_until_gone(page, secret);
        wait_until_gone(app, secret);
    }
    window.fill("unlock-passphrase", meant);
    window.click("unlock-do");
    window.wait_text("error-unlock", "that it is wrong", |text| !text.is_empty());
    pages::unlock(&window, &format!("{PASTED}!"));
    window.close();
}
