//! The time chart of the kit in the real window, on the page of all components.

use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::seat::Seat;
use support::wait::{seconds, until};
use support::window::Window;

/// Moves the pointer to a share of the width of a chart, twenty times at once, and tells how often its curves
/// and its cursor were drawn by the frame after.
fn point(window: &Window, testid: &str, share: f64) -> (u64, u64) {
    let drawn = window.script_async(&format!(
        "const done = arguments[arguments.length - 1];\
         const plot = document.querySelector('[data-testid={testid}]');\
         const frame = plot.getBoundingClientRect();\
         const layers = [...plot.querySelectorAll('canvas')]; const drawn = [0, 0, 0, 0];\
         const pen = CanvasRenderingContext2D.prototype; const clear = pen.clearRect;\
         pen.clearRect = function (...area) {{ const at = layers.indexOf(this.canvas);\
             if (at >= 0) drawn[at] += 1; return clear.apply(this, area); }};\
         requestAnimationFrame(() => {{\
             for (let step = 0; step < 20; step += 1) plot.dispatchEvent(new PointerEvent('pointermove',\
                 {{bubbles: true, clientX: frame.left + (frame.width - 46) * {share} + step / 10,\
                   clientY: frame.top + 40}}));\
             requestAnimationFrame(() => requestAnimationFrame(() => {{ pen.clearRect = clear; done(drawn); }}));\
         }})"
    ));
    // Between the two is the ruler.
    (drawn[0].as_u64().unwrap(), drawn[2].as_u64().unwrap())
}

fn press(window: &Window, testid: &str, key: &str) {
    window.press_in(&format!("[data-testid={testid}]"), &[key], "");
}

#[test]
fn a_chart_is_drawn_once_a_frame_and_its_cursor_is_moved_by_the_pointer_and_by_keys() {
    needs!(Window);
    let seat = Seat::new();
    let window = seat.open();
    pages::open_charts(&window);

    // This chart stands still: only the cursor is drawn, however often the pointer moved.
    window.wait_text("gap-lane-layers", "the peak", |text| text.contains("peak"));
    // Its first drawings may still be under way.
    until("a move of the pointer that draws the cursor once and no curves", seconds(10), || {
        (point(&window, "gap-plot", 0.25) == (0, 1)).then_some(())
    });
    window.wait_text("gap-lane-layers", "a value at the cursor", |text| {
        text.contains("now") && !text.contains('\u{2014}')
    });
    // What changed of a canvas is painted with all of it, so the cursor's is no wider than itself.
    let widths = window.script(
        "return [...document.querySelectorAll('[data-testid=gap-plot] canvas')].map(layer => layer.width)",
    );
    let (curves, cursor) = (widths[0].as_u64().unwrap(), widths[2].as_u64().unwrap());
    assert!(curves > 300 && cursor < 20, "{widths}");
    let tip = "const tip = document.querySelector('[data-testid=gap-plot] .chart-tip');";
    let told = window.script(&format!("{tip} window.tip = tip; return tip.innerText"));
    assert!(told.as_str().is_some_and(|told| told.contains("one") && told.contains('%')), "{told}");
    point(&window, "gap-plot", 0.3);
    window.wait_text("gap-lane-layers", "a value at the cursor", |text| text.contains("now"));
    let stays = window.script(&format!("{tip} return tip === window.tip && tip.innerText"));
    assert!(stays.as_str().is_some_and(|now| Some(now) != told.as_str()), "other words in it: {stays}");
    // Where nothing is known nothing is said.
    point(&window, "gap-plot", 0.65);
    window.wait_text("gap-lane-layers", "no value in a gap", |text| text.contains('\u{2014}'));
    let display = window.script(&format!("{tip} return getComputedStyle(tip).display"));
    assert_eq!(display, "none", "nor beside the cursor");
    window.picture(&places::pictures(), "chart-gap");
    press(&window, "gap-plot", "Home");
    window.wait_text("gap-lane-layers", "the oldest sample", |text| !text.contains('\u{2014}'));
    press(&window, "gap-plot", "Escape");
    window.wait_text("gap-lane-layers", "the peak again", |text| text.contains("peak"));

    // This one gets a sample each second.
    let (curves, cursor) = point(&window, "gallery-plot", 0.5);
    assert!(curves <= 2 && cursor <= 3, "once in each of two frames: {curves}, {cursor}");
    for lane in ["layers", "mirrored", "lines", "shares"] {
        window.wait_text(&format!("gallery-lane-{lane}"), "its number at the cursor", |text| {
            text.contains("now")
        });
    }
    window.wait_text("silent-lane-layers", "a lane that nothing is said of", |text| {
        text.contains("Nothing says this.")
    });
    window.close();
}

/// How long the threads that play a graphics card have run, in nanoseconds.
fn played(window: &Window) -> u64 {
    let page = window.process("WebKitWebProcess").unwrap();
    let threads = std::fs::read_dir(format!("/proc/{page}/task")).unwrap().flatten();
    let ran = |thread: std::fs::DirEntry| {
        let read = |name: &str| std::fs::read_to_string(thread.path().join(name)).unwrap_or_default();
        let is_player = read("comm").starts_with("llvmpipe");
        is_player.then(|| read("schedstat").split(' ').next()?.parse::<u64>().ok()).flatten()
    };
    threads.filter_map(ran).sum()
}

#[test]
fn where_there_is_no_graphics_card_none_is_played_to_paint_a_frame() {
    needs!(Window);
    let seat = Seat::new();
    let window = seat.open();
    window.wait_for("search-all");
    window.wait_painted();
    let before = played(&window);
    window.script_async(
        "const done = arguments[arguments.length - 1]; const mark = document.createElement('div');\
         document.body.append(mark); mark.textContent = 'moves';\
         Object.assign(mark.style, {position: 'fixed', inset: '0 auto auto 0', zIndex: 9});\
         let left = 60; const move = () => { mark.style.transform = `translate(${left * 5}px, 90px)`;\
             left -= 1; left > 0 ? requestAnimationFrame(move) : done(true); };\
         move()",
    );
    assert_eq!(played(&window), before, "sixty frames");
    window.close();
}

#[test]
fn typing_finds_an_operation_in_the_list() {
    needs!(Window);
    let seat = Seat::new();
    for name in ["one", "two"] {
        seat.operator.add_silent(name, &[]);
    }
    seat.operator.run(&["host", "import", hosts_file(&seat.operator).to_str().unwrap()]).done();
    let window = seat.open();
    pages::open_page(&window, "operations");
    let chosen =
        "return document.querySelector('[data-testid=operations-list] .is-chosen')?.textContent ?? ''";
    let chosen = || window.script(chosen).as_str().unwrap_or_default().to_owned();
    // A pause ends a word; there is nothing else to wait for.
    let pause = || std::thread::sleep(seconds(1));
    press(&window, "operations-list", "a");
    assert!(chosen().contains("Add host"), "{}", chosen());
    pause();
    press(&window, "operations-list", "i");
    press(&window, "operations-list", "m");
    assert!(chosen().contains("Import hosts"), "{}", chosen());
    // At the beginning of a word it moves, as it always did.
    pause();
    press(&window, "operations-list", "j");
    assert!(chosen().contains("Add host"), "{}", chosen());
    window.close();
}

fn hosts_file(operator: &Operator) -> std::path::PathBuf {
    let file = operator.folder().join("hosts.csv");
    std::fs::write(&file, "name,address,user\nthree,192.0.2.3,ann\n").unwrap();
    file
}
