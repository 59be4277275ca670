//! The dialogs by which a person says whom to trust, where secrets are kept and who may look: each is gone
//! through in the real window, and pictured.

use serde_json::json;
use support::desktop::Desktop;
use support::hops::Hops;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::sshd::own_user;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::Window;

use crate::jumps;

fn open(operator: &Operator, desktop: &Desktop) -> Window {
    let window = Window::with_data_of(desktop, operator);
    window.wait_for("nav-hosts");
    window
}

fn picture(window: &Window, name: &str) {
    window.picture(&places::pictures(), name);
}

#[test]
fn each_host_on_the_way_is_judged_in_the_window_and_the_one_behind_is_connected() {
    needs!(Root, Sshd, Window);
    let hops = Hops::start(&[&[], &[]]);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    jumps::save(&operator, &hops, "gate", 0, None);
    jumps::save(&operator, &hops, "db", 1, Some("gate"));
    let window = open(&operator, &desktop);
    pages::open_host(&window, "db");
    for (hop, name) in ["gate", "db"].into_iter().enumerate() {
        window.wait_for_css("[data-testid=\"host-state\"][data-state=\"key-unknown\"]");
        window.click("host-next-step");
        window.wait_text("trust-fingerprint", "the key of the hop", |text| {
            text.trim() == hops.hosts[hop].fingerprint()
        });
        picture(&window, &format!("trust-{name}"));
        assert_eq!(hops.hosts[hop].userauth_requests(), 0, "nothing is sent before");
        // The host that was asked for is connected, not the one whose key was accepted.
        window.click("trust-accept");
        window.wait_gone("trust");
    }
    pages::wait_until_live(&window);
    let shown = window.script("return document.querySelector('[data-testid=\"host-name\"]').textContent");
    assert_eq!(shown, "db");
    window.close();
}

#[test]
fn hosts_are_taken_from_a_file_and_written_to_one_in_the_window() {
    needs!(Window);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    operator.run(&["host", "add", "old", "--address", "192.0.2.1", "--user", "ann"]).done();
    let given = operator.folder().join("hosts.csv");
    let lines = "name,address,port,user\nold,192.0.2.9,22,ann\nnew-1,192.0.2.10,2222,bob\n=cmd(),192.0.2.11,22,ann\nbad,-oProxyCommand=id,22,ann\n";
    std::fs::write(&given, lines).unwrap();
    let window = open(&operator, &desktop);
    pages::open_page(&window, "hosts");
    window.click("hosts-files");
    window.click("hosts-import");
    window.fill("import-file", given.to_str().unwrap());
    window.click("import-look");
    window.wait_for("import-rows");
    picture(&window, "hosts-import");
    assert_eq!(saved(&operator), ["old"], "a look changes nothing");
    window.click("import-do");
    until("the hosts to be saved", seconds(20), || {
        saved(&operator).contains(&"new-1".to_owned()).then_some(())
    });
    picture(&window, "hosts-imported");
    assert!(!saved(&operator).contains(&"bad".to_owned()), "an address that would be an option is refused");
    window.click("import-cancel");
    window.wait_gone("import");

    window.click("hosts-files");
    window.click("hosts-export");
    let file = operator.folder().join("out.csv");
    window.fill("export-file", file.to_str().unwrap());
    window.click("export-do");
    window.wait_gone("export");
    window.wait_for("toast");
    picture(&window, "hosts-export");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("new-1,192.0.2.10"), "{text}");
    assert!(text.lines().all(|line| !line.starts_with('=')), "no cell is a formula: {text}");
    window.close();
}

fn saved(operator: &Operator) -> Vec<String> {
    let hosts = operator.run(&["host", "list", "--json"]).done().json();
    let names = hosts.as_array().unwrap().iter();
    names.filter_map(|host| Some(host["name"].as_str()?.to_owned())).filter(|name| name != "local").collect()
}

#[test]
fn a_key_is_set_up_in_the_window_and_the_password_forgotten() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let add = ["host", "add", "web", "--address", &host.address(), "--user", "root", "--password-stdin"];
    operator.run_with_input(&add, host.password()).done();
    operator.accept("web");
    std::fs::remove_file(host.tree().join("root/.ssh/authorized_keys")).unwrap();
    let window = open(&operator, &desktop);
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    window.click("host-more");
    window.click("host-key-set-up");
    let key = operator.folder().join("id_new");
    window.fill("key-path", key.to_str().unwrap());
    picture(&window, "key-set-up");
    window.click("key-forget");
    window.click("key-do");
    window.wait_for("key-done");
    // The host is back, by its key.
    pages::wait_until_live(&window);
    picture(&window, "key-done");
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let there = host.run(&["cat", "/root/.ssh/authorized_keys"]);
    assert_eq!(there.lines().count(), 1);
    assert!(there.contains(public.split(' ').nth(1).unwrap()));
    window.close();
    operator.run(&["run", "web", "--", "true"]).done();
    let shown = operator.run(&["host", "show", "web", "--json"]).done().json();
    assert_eq!(shown["identity"]["key_file"]["path"].as_str(), key.to_str());
}

#[test]
fn while_it_is_locked_nothing_is_shown_read_or_done_and_nothing_streams() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    let window = open(&operator, &desktop);
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    pages::open_page(&window, "settings");
    window.click("lock-set");
    window.fill("vault-new", "four words of passphrase");
    window.fill("vault-again", "four other words");
    window.click("vault-do");
    window.wait_for_css("[data-testid=\"vault\"] [role=\"alert\"]");
    picture(&window, "lock-set-unlike");
    // What is typed is sent once and not kept in the window.
    window.fill("vault-new", "four words of passphrase");
    window.fill("vault-again", "four words of passphrase");
    window.click("vault-do");
    window.wait_gone("vault");
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    pages::lock(&window);
    picture(&window, "locked");
    assert!(!window.has("host-name") && !window.has("nav-hosts"), "nothing else is on the page");
    // Neither here nor by the door, and no samples come.
    operator.run(&["host", "list"]).refused(8, &["locked", "unlock"]);
    operator.run(&["run", "web", "--", "touch", "/var/proof"]).refused(8, &["locked"]);
    assert!(!host.tree().join("var/proof").exists());
    let heard = window.call("metrics_recent", &json!({"args": {"host": "web"}}));
    assert_eq!(heard["refused"]["code"], "app_locked", "{heard}");
    window.fill("unlock-passphrase", "a wrong one");
    window.click("unlock-do");
    window.wait_page("passphrase");
    assert!(window.has("lock-screen"));
    pages::unlock(&window, "four words of passphrase");
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    operator.run(&["host", "list"]).done();

    // The stream of samples stands still behind the lock, and goes on after it.
    window.listen();
    let samples = || window.heard("{\"metrics\"");
    until("samples to be heard", seconds(30), || (samples() > 1).then_some(()));
    let locked = window.call("app_lock", &json!({"args": {}}));
    assert!(locked["refused"].is_null(), "{locked}");
    let before = samples();
    std::thread::sleep(seconds(7));
    assert!(samples() <= before + 1, "one may have been on its way: {before}, then {}", samples());
    let passphrase = json!({"args": {"passphrase": "four words of passphrase"}});
    let unlocked = window.call("app_unlock", &passphrase);
    assert!(unlocked["refused"].is_null(), "{unlocked}");
    let before = samples();
    until("samples to be heard again", seconds(30), || (samples() > before + 1).then_some(()));
    window.close();
}

#[test]
fn a_terminal_of_the_person_s_own_is_opened_on_a_host_with_the_command_that_is_copied() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    // As a terminal does it: what stands behind -e is a program with its words. What it types is one command.
    let (terminal, told) = (operator.folder().join("terminal"), operator.folder().join("told"));
    let script = format!(
        "#!/bin/sh\nshift\nprintf '%s\\n' \"$@\" > '{0}.part'\n\"$@\" touch /var/from-a-terminal 2>> '{0}.part'\nmv '{0}.part' '{0}'\n",
        told.display()
    );
    std::fs::write(&terminal, script).unwrap();
    std::fs::set_permissions(&terminal, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let window = open(&operator, &desktop);
    pages::open_page(&window, "settings");
    window.fill("settings-terminal", terminal.to_str().unwrap());
    window.click("settings-terminal-save");
    pages::open_host(&window, "web");
    window.click("host-more");
    window.click("host-terminal");
    let told =
        until("the terminal to have done its command", seconds(30), || std::fs::read_to_string(&told).ok());
    assert!(host.tree().join("var/from-a-terminal").exists(), "{told}");
    assert_eq!(told.lines().next(), Some("ssh"), "a program with its words, and no line for a shell: {told}");
    let command = window.call("host_ssh", &json!({"args": {"host": "web"}}));
    let words: Vec<&str> =
        command["done"]["argv"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert!(told.lines().collect::<Vec<_>>().starts_with(&words), "{told} and {words:?}");
    window.click("host-more");
    window.click("host-copy-ssh");
    window.wait_for_css("[data-testid^=\"toast\"]");
    window.close();
}

#[test]
fn a_terminal_on_a_host_two_jumps_away_gets_there_with_the_command_that_is_copied_too() {
    needs!(Root, Sshd, Window);
    let hops = Hops::start(&[&[], &[], &[]]);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    for (hop, (name, jump)) in
        [("gate", None), ("inner", Some("gate")), ("db", Some("inner"))].into_iter().enumerate()
    {
        jumps::save(&operator, &hops, name, hop, jump);
        operator.accept(name);
    }
    // What it types on the host is told by its addresses, which no other host has.
    let (terminal, told) = (operator.folder().join("terminal"), operator.folder().join("told"));
    let script = format!(
        "#!/bin/sh\nshift\n\"$@\" ip -4 -o addr > '{0}.part' 2>&1\nmv '{0}.part' '{0}'\n",
        told.display()
    );
    std::fs::write(&terminal, script).unwrap();
    std::fs::set_permissions(&terminal, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let window = open(&operator, &desktop);
    pages::open_page(&window, "settings");
    window.fill("settings-terminal", terminal.to_str().unwrap());
    window.click("settings-terminal-save");
    pages::open_host(&window, "db");
    pages::wait_until_live(&window);
    let before: Vec<usize> = hops.hosts.iter().map(|host| host.sign_ins()).collect();
    window.click("host-more");
    window.click("host-terminal");
    let told =
        until("the terminal to have done its command", seconds(60), || std::fs::read_to_string(&told).ok());
    assert!(told.contains(&format!("inet {}/", hops.hosts[2].address())), "it ran on the last one: {told}");

    // The one that is copied, as a line for a shell.
    window.hear_copies();
    window.click("host-more");
    window.click("host-copy-ssh");
    let line = window.copied();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("{line} ip -4 -o addr")]).env_clear().envs(desktop.variables());
    let ran = shell.stdin(std::process::Stdio::null()).output().unwrap();
    let (printed, errors) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(printed.contains(&format!("inet {}/", hops.hosts[2].address())), "{line}: {printed}{errors}");
    assert!(ran.status.success() && !errors.contains("authenticity"), "{line}: {errors}");
    let signed_in: Vec<usize> =
        hops.hosts.iter().zip(&before).map(|(host, before)| host.sign_ins() - before).collect();
    assert_eq!(signed_in, [2, 2, 2], "each time through each hop");
    window.close();
}

#[test]
fn secrets_are_moved_into_an_encrypted_file_in_the_window() {
    needs!(Sshd, Window);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let words = ["host", "add", "web", "--address", "192.0.2.7", "--user", &own_user(), "--password-stdin"];
    operator.run_with_input(&words, "a planted password").done();
    let window = open(&operator, &desktop);
    pages::open_page(&window, "settings");
    window.click("vault-create");
    picture(&window, "vault-create");
    window.fill("vault-new", "four words of passphrase");
    window.fill("vault-again", "four words of passphrase");
    window.click("vault-do");
    window.wait_gone("vault");
    window.wait_for("vault-change");
    picture(&window, "vault-open");
    assert_eq!(crate::secrets::files_with(operator.folder(), "a planted password"), Vec::<String>::new());
    window.click("vault-change");
    window.fill("vault-old", "not the passphrase");
    window.fill("vault-new", "five words of a passphrase");
    window.fill("vault-again", "five words of a passphrase");
    window.click("vault-do");
    window.wait_page("passphrase");
    window.fill("vault-old", "four words of passphrase");
    window.fill("vault-new", "five words of a passphrase");
    window.fill("vault-again", "five words of a passphrase");
    window.click("vault-do");
    window.wait_gone("vault");
    window.close();
}
