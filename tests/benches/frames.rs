//! Whether a page keeps up with the screen, and for how long it is busy at a stretch.

use support::window::Window;

use crate::figures::line;

/// How long frames are watched, in ms.
const FRAMES_MS: u64 = 15_000;

/// Counts frames while `each_frame` (of JavaScript) is done with each of them; and for how long the page was
/// busy at a stretch, which tells its own work from that of drawing.
pub(crate) fn watch(window: &Window, what: &str, each_frame: &str) {
    let watched = window.script_async(&format!(
        "const done = arguments[arguments.length - 1];\
         const times = []; const held = []; let last = performance.now(); const end = last + {FRAMES_MS};\
         const channel = new MessageChannel(); let tick = last;\
         channel.port1.onmessage = () => {{ const now = performance.now(); held.push(now - tick); tick = now;\
             if (now < end) channel.port2.postMessage(0); }};\
         channel.port2.postMessage(0);\
         const look = now => {{ times.push(now - last); last = now; {each_frame}\
             now < end ? requestAnimationFrame(look) : done([times.length,\
                 times.filter(time => time > 25).length, times.filter(time => time > 50).length,\
                 Math.max(...times), held.filter(time => time > 16).length,\
                 held.reduce((most, time) => Math.max(most, time), 0)]); }};\
         requestAnimationFrame(now => {{ last = now; requestAnimationFrame(look); }})"
    ));
    let figure = |at: usize| watched[at].as_f64().unwrap_or(-1.0);
    line(&format!("{what}: frames in {} s", FRAMES_MS / 1_000), &format!("{}", figure(0)));
    line(
        "    later than 25 ms, than 50 ms, the longest",
        &format!("{}, {}, {:.0} ms", figure(1), figure(2), figure(3)),
    );
    line(
        "    the page busy for more than 16 ms, and at most",
        &format!("{}, {:.0} ms", figure(4), figure(5)),
    );
}
