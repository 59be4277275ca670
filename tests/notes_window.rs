//! Notes in the real window: on a host and on a group, with text that would do harm if it were more than text.

use serde_json::json;
use support::needs;
use support::pages;
use support::places;
use support::seat::Seat;
use support::window::Window;

const HOSTILE: &str = "# Head\n<img src=x onerror=\"window.ran = 1\">\n\n[press](javascript:window.ran=2)\n\n\
                       <script>window.ran = 3</script>\n\n**call ann**";

/// A host `web` in the group `Shop`, and the app.
fn open() -> (Seat, Window) {
    let seat = Seat::new();
    seat.operator.add_silent("web", &["--group", "Shop"]);
    let window = seat.open();
    (seat, window)
}

fn open_notes(window: &Window) {
    window.click("tab-notes");
    window.wait_for("notes-page");
}

/// A part of the card of a note.
fn of(card: &str, part: &str) -> String {
    format!("[data-testid=\"{card}\"] [data-testid=\"{part}\"]")
}

/// Puts a text into the field as a paste does.
fn write(window: &Window, text: &str) {
    window.wait_for("note-text");
    window.script(&format!(
        "const field = document.querySelector('[data-testid=note-text]'); field.value = {};\
         field.dispatchEvent(new InputEvent('input', {{bubbles: true}}))",
        json!(text)
    ));
}

/// What is shown of hostile text is text, and none of it ran.
fn is_harmless(window: &Window) {
    window.wait_for("note-shown");
    let parts = window.script(
        "const note = document.querySelector('[data-testid=note-shown]');\
         return [note.querySelectorAll('img, script, a, iframe').length, note.querySelectorAll('strong').length,\
                 window.ran ?? null, note.textContent.includes('onerror')]",
    );
    assert_eq!(parts, json!([0, 1, null, true]), "its marks are drawn, and the rest is text");
}

#[test]
fn a_note_of_hostile_text_is_kept_and_drawn_as_text() {
    needs!(Window);
    let (seat, window) = open();
    // On the group, from the head of its list.
    window.wait_for("host-group-Shop");
    window.script("document.querySelector('[data-testid=host-group-Shop] [data-testid=row-note]').click()");
    window.wait_for("note-dialog");
    window.click("note-edit");
    write(&window, HOSTILE);
    window.click("note-save");
    is_harmless(&window);
    window.picture(&places::pictures(), "note-group");
    window.click("dialog-close");
    window.wait_gone("note-dialog");
    window.wait_for_css("[data-testid=host-group-Shop] .row-note.is-there");

    // On the host, and both after a new start.
    pages::open_host(&window, "web");
    open_notes(&window);
    window.click_css(&of("note-host", "note-edit"));
    write(&window, "on the host");
    window.click("note-save");
    window.wait_gone("note-text");
    window.close();
    let window = seat.open();
    window.wait_for_css("[data-testid=host-row-web] .row-note.is-there");
    pages::open_host(&window, "web");
    open_notes(&window);
    window.wait_page("on the host");
    window.wait_for_css(&of("note-group-Shop", "note-shown"));
    window.wait_page("call ann");
    let ran = window
        .script("return [document.querySelectorAll('main img, main script').length, window.ran ?? null]");
    assert_eq!(ran, json!([0, null]));
    window.close();
}

#[test]
fn an_unsaved_note_is_there_again_and_a_newer_one_is_not_written_over_unseen() {
    needs!(Window);
    let (_seat, window) = open();
    pages::open_host(&window, "web");
    open_notes(&window);
    window.click_css(&of("note-host", "note-edit"));
    write(&window, "mine, half done");
    window.click("tab-overview");
    window.wait_gone("notes-page");
    open_notes(&window);
    window.wait_for("note-back");
    assert_eq!(window.value("note-text"), "mine, half done");

    // Somebody else is quicker.
    let theirs = json!({"args": {"about": {"host": "web"}, "text": "theirs", "before_ms": null}});
    let told = window.call("note_save", &theirs);
    assert!(told["refused"].is_null(), "{told}");
    window.click("note-save");
    window.wait_text("note-theirs", "what is saved", |text| text.contains("theirs"));
    window.picture(&places::pictures(), "note-overtaken");
    let show = json!({"args": {"about": {"host": "web"}}});
    assert_eq!(window.call("note_show", &show)["done"]["text"], "theirs");
    // Given up and begun again, it begins from what is saved.
    window.click("note-cancel");
    window.wait_gone("note-text");
    window.click_css(&of("note-host", "note-edit"));
    assert_eq!(window.value("note-text"), "theirs");
    write(&window, "theirs and mine");
    window.click("note-save");
    window.wait_gone("note-text");
    assert_eq!(window.call("note_show", &show)["done"]["text"], "theirs and mine");
    window.close();
}

#[test]
fn the_note_of_a_group_follows_its_new_name() {
    needs!(Window);
    let (_seat, window) = open();
    window.wait_for("host-group-Shop");
    let note = json!({"args": {"about": {"group": "Shop"}, "text": "call ann", "before_ms": null}});
    assert!(window.call("note_save", &note)["refused"].is_null());
    window.press_in("[data-testid=hosts]", &["Home", "ArrowDown", "F2"], "");
    window.fill("in-place-groups", "Store");
    window.click("in-place-save");
    window.wait_for("host-group-Store");
    window.wait_for_css("[data-testid=host-group-Store] .row-note.is-there");
    let show = json!({"args": {"about": {"group": "Store"}}});
    assert_eq!(window.call("note_show", &show)["done"]["text"], "call ann");
    window.close();
}
