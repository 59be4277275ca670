//! What the window asks of its own shell.

use protocol::Fault;
use protocol::ipc::{AppQuit, AutostartSet, AutostartShow};
use tauri::AppHandle;

use crate::autostart::Autostart;

#[tauri::command]
pub(crate) fn app_quit(args: AppQuit, app: AppHandle) {
    let AppQuit {} = args;
    app.exit(0);
}

#[tauri::command]
pub(crate) async fn autostart_show(args: AutostartShow) -> Result<bool, Fault> {
    let AutostartShow {} = args;
    Ok(Autostart::of_this_user()?.is_on())
}

#[tauri::command]
pub(crate) async fn autostart_set(args: AutostartSet) -> Result<bool, Fault> {
    let own = Autostart::of_this_user()?;
    own.set(args.on)?;
    Ok(own.is_on())
}
