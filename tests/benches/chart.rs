//! The time chart in the real window: whether twenty series of six hundred samples drop frames.
//!
//! The chart is that of the page of all components, which is fed a sample each second. What people install
//! does not have this page, so this part is measured with pages of its own.

use support::pages;
use support::seat::Seat;
use support::window::Window;

use crate::figures::line;
use crate::frames::watch;

/// The pointer goes on by a few pixels with each frame, from one end of the chart to the other and again.
const POINT: &str = "const plot = document.querySelector('[data-testid=gallery-plot]');\
     const frame = plot.getBoundingClientRect(); const x = times.length * 7 % (frame.width - 60);\
     plot.dispatchEvent(new PointerEvent('pointermove',\
         {bubbles: true, clientX: frame.left + x, clientY: frame.top + 60}));";

/// The same pointer over a part of the page that does nothing with it.
const POINT_AT_NOTHING: &str = "document.body.dispatchEvent(new PointerEvent('pointermove',\
         {bubbles: true, clientX: 10 + times.length % 100, clientY: 700}));";

/// The least that can be seen of a pointer: a line as high as the chart, and nothing else.
const MOVE_A_LINE: &str = "window.mark ??= document.body.appendChild(document.createElement('i'));\
     Object.assign(window.mark.style, {position: 'fixed', inset: '20px auto auto 200px', width: '1px',\
         height: '440px', background: 'red', transform: `translateX(${times.length * 7 % 800}px)`});";

/// Prints the figures of the chart.
pub(crate) fn chart() {
    let seat = Seat::new();
    let window = seat.open();
    pages::open_charts(&window);
    window.wait_painted();
    // Some of the other components turn or pulse without an end, which is no cost of the chart.
    window.script("document.getAnimations().forEach(one => one.pause())");
    watch(&window, "20 series of 600 samples, one more each second", "");
    drawings(&window);
    watch(&window, "the same, the pointer moves over it with each frame", POINT);
    watch(&window, "the same, the pointer moves over nothing", POINT_AT_NOTHING);
    watch(&window, "the same, a line is moved with each frame and nothing else", MOVE_A_LINE);
    window.close();
}

/// What one drawing of all curves costs the page: as many as there are samples in ten seconds.
fn drawings(window: &Window) {
    let told = window.script_async(
        "const done = arguments[arguments.length - 1]; const asked = window.requestAnimationFrame;\
         const took = [];\
         window.requestAnimationFrame = then => asked.call(window, now => {\
             const began = performance.now(); then(now); took.push(performance.now() - began); });\
         setTimeout(() => { window.requestAnimationFrame = asked;\
             done([took.length, took.reduce((sum, one) => sum + one, 0) / took.length, Math.max(...took)]); }, 10000)",
    );
    let figure = |at: usize| told[at].as_f64().unwrap_or(f64::NAN);
    line(
        "    drawings in 10 s, of one the mean, the longest",
        &format!("{}, {:.1}, {:.0} ms", figure(0), figure(1), figure(2)),
    );
}
