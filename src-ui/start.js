import init from "./src_ui.js";

init({ module_or_path: new URL("./src_ui_bg.wasm", import.meta.url) });
