//! What an input method does with Enter and Esc is its own: the one takes a word, the other gives it up, and
//! the page does nothing.

use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::wait::{seconds, until};
use support::window::Window;

/// How a page is told that a key belongs to an input method; some tell it by the code alone.
const OF_METHOD: [&str; 2] = ["isComposing: true", "keyCode: 229"];

/// Presses a key where the keyboard is.
fn press(window: &Window, key: &str, of: &str) {
    window.script(&format!(
        "document.activeElement.dispatchEvent(\
         new KeyboardEvent('keydown', {{key: '{key}', bubbles: true, cancelable: true, {of}}}))"
    ));
}

#[test]
fn enter_and_esc_of_an_input_method_mean_nothing_to_a_field_or_a_dialog() {
    needs!(Window);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    operator.run(&["host", "add", "web", "--address", "192.0.2.1", "--user", "ann"]).done();
    let window = Window::with_data_of(&desktop, &operator);
    window.wait_for("host-row-web");
    let code = window.script("return new KeyboardEvent('keydown', {keyCode: 229}).keyCode");
    assert_eq!(code, 229, "the driven page can be told such a key");

    // The field of the list: Enter would open the host that is left, Esc would empty the field.
    window.fill("search", "web");
    for of in OF_METHOD {
        press(&window, "Enter", of);
        press(&window, "Escape", of);
    }
    assert_eq!(window.value("search"), "web");
    assert!(!window.has("host-name"), "no host was opened");
    press(&window, "Escape", "");
    until("the field to be emptied", seconds(10), || window.value("search").is_empty().then_some(()));

    // A dialog, and what it chooses by Enter.
    window.click("search-all");
    window.fill("palette-input", "web");
    window.wait_for_css("[data-testid=\"palette\"] [role=\"option\"]");
    for of in OF_METHOD {
        press(&window, "Enter", of);
        press(&window, "Escape", of);
    }
    assert!(window.has("palette"), "neither closed it nor went anywhere");
    press(&window, "Escape", "");
    window.wait_gone("palette");

    // A line of the settings that Enter keeps.
    pages::open_page(&window, "settings");
    window.fill("settings-terminal", "xterm");
    let kept =
        || window.call("app_start", &serde_json::json!({"args": {}}))["done"]["settings"]["terminal"].clone();
    for of in OF_METHOD {
        press(&window, "Enter", of);
    }
    assert!(kept().is_null(), "{}", kept());
    press(&window, "Enter", "");
    until("the terminal to be kept", seconds(10), || (kept() == "xterm").then_some(()));
    window.close();
}
