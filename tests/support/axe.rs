//! axe-core, which looks through a page of the window for what keeps people out. Set-up fetches it once;
//! a test only reads it.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::debian::cache;
use crate::window::Window;

/// The one version that the tests run, and that `cargo xtask setup` fetches.
pub const VERSION: &str = "4.10.3";

pub fn script() -> PathBuf {
    cache().join(format!("axe-core-{VERSION}")).join("axe.min.js")
}

/// What is wrong with the page that is shown, one line for each serious or critical finding.
///
/// A table scrolls by the keys of the grid around it, which has the keyboard. The rule that wants each
/// scrolled part itself among the tab stops knows no such grids: what it says of their rows is left out.
pub fn serious_faults(window: &Window) -> Vec<String> {
    // A dialog that still fades in has the contrast of neither its start nor its end.
    window.wait_painted();
    // The content policy of the page forbids code of others; the driver may run it all the same.
    if window.script("return typeof window.axe") != "object" {
        window.script(&fs::read_to_string(script()).unwrap());
    }
    let found = window.script_async(
        "const done = arguments[arguments.length - 1];\
         window.axe.run(document, {resultTypes: ['violations']}).then(\
             told => done(told.violations.filter(one => ['serious', 'critical'].includes(one.impact))\
                 .map(one => ({...one, nodes: one.nodes.filter(node => one.id !== 'scrollable-region-focusable'\
                     || !document.querySelector(node.target[0])?.closest('[role=grid], [role=treegrid], [role=listbox]'))}))\
                 .filter(one => one.nodes.length > 0)\
                 .map(one => one.id + ': ' + one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' | '))),\
             why => done(['axe did not run: ' + why]))",
    );
    let Value::Array(found) = found else { return vec![format!("axe told nothing: {found}")] };
    found.iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
}
