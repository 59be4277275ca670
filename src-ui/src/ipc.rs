//! The one way to the engine, and the only file that names `__TAURI__`.
//!
//! A command goes out as `{ args: <the command> }` and comes back as its reply, in bytes, or as a `Fault`.
//! Two things can go wrong besides: the command is not on the window's access list, then the
//! answer is a plain string; or the answer cannot be read, then the two ends differ in version.
//! Both become a `Fault`, so that no page needs to know of them.

use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use leptos::prelude::LocalStorage;
use leptos::reactive::owner::StoredValue;
use protocol::ipc::{Command, Event, JOURNAL_FOLLOW, JOURNAL_UNFOLLOW, JournalShow, WATCH};
use protocol::journal::JournalNews;
use protocol::{Fault, FaultCode};
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["window", "__TAURI__", "core"], js_name = invoke)]
    async fn invoke_raw(command: &str, args: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = ["window", "__TAURI__", "core"], js_name = Channel)]
    type JsChannel;

    #[wasm_bindgen(constructor, catch, js_namespace = ["window", "__TAURI__", "core"], js_class = "Channel")]
    fn new() -> Result<JsChannel, JsValue>;

    #[wasm_bindgen(method, setter)]
    fn set_onmessage(this: &JsChannel, handler: &js_sys::Function);
}

/// Gives a command to the engine and waits for its reply.
pub(crate) async fn call<C: Command>(command: C) -> Result<C::Reply, Fault> {
    let args = Object::new();
    set(&args, "args", &written(&command)?)?;
    match invoke_raw(C::NAME, args.into()).await {
        Ok(reply) => read_reply(reply)
            .map_err(|why| internal(format!("the answer to {} cannot be read: {why}", C::NAME))),
        Err(refused) => Err(read_fault(refused)),
    }
}

/// The engine's replies come as JSON in bytes, the few of the app's shell as values, none of them a list.
fn read_reply<R: DeserializeOwned>(reply: JsValue) -> Result<R, String> {
    let bytes = match reply.dyn_ref::<ArrayBuffer>() {
        Some(bytes) => Uint8Array::new(bytes),
        // Where the web view has no protocol of its own for commands, bytes come as numbers.
        None if Array::is_array(&reply) => Uint8Array::new(&reply),
        None => return serde_wasm_bindgen::from_value(reply).map_err(|why| why.to_string()),
    };
    serde_json::from_slice(&bytes.to_vec()).map_err(|why| why.to_string())
}

/// A stream of messages, kept open as long as this lives.
pub(crate) struct Stream {
    _channel: JsChannel,
    _handler: StoredValue<Closure<dyn FnMut(JsValue)>, LocalStorage>,
}

/// Asks for the stream of events; `on_event` gets each one in its order.
pub(crate) async fn watch(on_event: impl FnMut(Event) + 'static) -> Result<Stream, Fault> {
    stream(WATCH, Object::new(), on_event).await
}

/// Follows the log of a host; the last message is why it ended, if it was not told to.
pub(crate) async fn follow_journal(
    asked: JournalShow,
    on_news: impl FnMut(Result<JournalNews, Fault>) + 'static,
) -> Result<Stream, Fault> {
    let args = Object::new();
    set(&args, "args", &written(&asked)?)?;
    stream(JOURNAL_FOLLOW, args, on_news).await
}

/// Ends the stream of `follow_journal`.
pub(crate) async fn unfollow_journal() {
    // Nobody waits for it, and a stream that has ended is what was asked for.
    let _ = invoke_raw(JOURNAL_UNFOLLOW, Object::new().into()).await;
}

async fn stream<T: DeserializeOwned>(
    name: &'static str,
    args: Object,
    mut on_message: impl FnMut(T) + 'static,
) -> Result<Stream, Fault> {
    let handler = Closure::<dyn FnMut(JsValue)>::new(move |message: JsValue| {
        // A message that this version does not know is for a later one.
        if let Ok(message) = serde_wasm_bindgen::from_value::<T>(message) {
            on_message(message);
        }
    });
    let channel = JsChannel::new().map_err(read_fault)?;
    channel.set_onmessage(handler.as_ref().unchecked_ref());
    set(&args, "channel", channel.as_ref())?;
    invoke_raw(name, args.into()).await.map_err(read_fault)?;
    Ok(Stream { _channel: channel, _handler: StoredValue::new_local(handler) })
}

/// A command as the bridge takes it: maps as objects and `None` as null, which JSON.stringify keeps.
fn written<C: Command>(command: &C) -> Result<JsValue, Fault> {
    command
        .serialize(&Serializer::json_compatible())
        .map_err(|why| internal(format!("the command {} cannot be written: {why}", C::NAME)))
}

fn set(object: &Object, key: &str, value: &JsValue) -> Result<(), Fault> {
    match Reflect::set(object, &JsValue::from_str(key), value) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(internal(format!("the argument {key} cannot be set"))),
    }
}

fn read_fault(value: JsValue) -> Fault {
    if let Some(text) = value.as_string() {
        return internal(text);
    }
    serde_wasm_bindgen::from_value(value.clone()).unwrap_or_else(|_| {
        internal(js_sys::JSON::stringify(&value).map_or_else(|_| "?".into(), String::from))
    })
}

fn internal(message: String) -> Fault {
    Fault::new(FaultCode::Internal, "the window and the engine do not understand each other").because(message)
}
