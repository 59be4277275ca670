//! Inside the page: scripts, the commands and events of the engine without the pages, and the clipboard.

use serde_json::Value;

use super::Window;
use crate::wait::{seconds, until};

impl Window {
    /// Runs a script in the page and gives what it returns.
    pub fn script(&self, text: &str) -> Value {
        let value = self.runtime.block_on(self.client().execute(text, Vec::new()));
        value.unwrap_or_else(|why| self.give_up(&format!("the script '{text}' failed: {why}")))
    }

    /// Runs a script that ends by calling its last argument, and gives what it calls it with.
    pub fn script_async(&self, text: &str) -> Value {
        let value = self.runtime.block_on(self.client().execute_async(text, Vec::new()));
        value.unwrap_or_else(|why| self.give_up(&format!("the script '{text}' failed: {why}")))
    }

    /// Calls a command of the engine as a page that was taken over would, and gives what it is answered:
    /// `done`, or `refused`.
    pub fn call(&self, command: &str, args: &Value) -> Value {
        self.script_async(&format!(
            "const done = arguments[arguments.length - 1];\
             window.__TAURI__.core.invoke('{command}', {args})\
                 .then(told => told instanceof ArrayBuffer ? JSON.parse(new TextDecoder().decode(told)) : told)\
                 .then(told => done({{done: told}}), why => done({{refused: why}}))"
        ))
    }

    /// Calls a command once with each of these, all at the same time; what is answered is not looked at.
    pub fn call_each(&self, command: &str, all: &[Value]) {
        let all = Value::from(all);
        self.script_async(&format!(
            "const done = arguments[arguments.length - 1];\
             Promise.allSettled({all}.map(args => window.__TAURI__.core.invoke('{command}', args))).then(done)"
        ));
    }

    /// Hears the engine's events from now on, in the place of the page.
    pub fn listen(&self) {
        self.script_async(
            "const done = arguments[arguments.length - 1];\
             const channel = new window.__TAURI__.core.Channel(); window.heard = [];\
             channel.onmessage = event => window.heard.push(JSON.stringify(event));\
             window.__TAURI__.core.invoke('watch', {channel}).then(() => done(true), why => done(why))",
        );
    }

    /// How many events that were heard have these words.
    pub fn heard(&self, words: &str) -> u64 {
        let words = Value::from(words);
        self.script(&format!("return window.heard.filter(event => event.includes({words})).length"))
            .as_u64()
            .unwrap()
    }

    /// Hears what is copied from now on, in the place of the clipboard.
    pub fn hear_copies(&self) {
        self.script(
            "window.copied = [];\
             navigator.clipboard.writeText = text => { window.copied.push(text); return Promise.resolve() }",
        );
    }

    /// Waits until something was copied, and takes it.
    pub fn copied(&self) -> String {
        until("something to be copied", seconds(30), || {
            self.script("return window.copied.pop() ?? null").as_str().map(str::to_owned)
        })
    }
}
