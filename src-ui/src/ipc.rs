//! The one way to the engine, and the only file that names `__TAURI__`.
//!
//! A command goes out as `{ args: <the command> }` and comes back as its reply or as a `Fault`.
//! Two things can go wrong besides: the command is not on the window's access list, then the
//! answer is a plain string; or the answer cannot be read, then the two ends differ in version.
//! Both become a `Fault`, so that no page needs to know of them.

use js_sys::{Object, Reflect};
use leptos::prelude::LocalStorage;
use leptos::reactive::owner::StoredValue;
use protocol::ipc::{Command, Event, WATCH};
use protocol::{Fault, FaultCode};
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
    // Maps as objects and `None` as null: what JSON.stringify of the bridge keeps.
    let command = command
        .serialize(&Serializer::json_compatible())
        .map_err(|why| internal(format!("the command {} cannot be written: {why}", C::NAME)))?;
    let args = Object::new();
    set(&args, "args", &command)?;
    match invoke_raw(C::NAME, args.into()).await {
        Ok(reply) => serde_wasm_bindgen::from_value(reply)
            .map_err(|why| internal(format!("the answer to {} cannot be read: {why}", C::NAME))),
        Err(refused) => Err(read_fault(refused)),
    }
}

/// A stream of events, kept open as long as this lives.
pub(crate) struct Watch {
    _channel: JsChannel,
    _handler: StoredValue<Closure<dyn FnMut(JsValue)>, LocalStorage>,
}

/// Asks for the stream of events; `on_event` gets each one in its order.
pub(crate) async fn watch(mut on_event: impl FnMut(Event) + 'static) -> Result<Watch, Fault> {
    let handler = Closure::<dyn FnMut(JsValue)>::new(move |message: JsValue| {
        // An event that this version does not know is for a later one.
        if let Ok(event) = serde_wasm_bindgen::from_value::<Event>(message) {
            on_event(event);
        }
    });
    let channel = JsChannel::new().map_err(read_fault)?;
    channel.set_onmessage(handler.as_ref().unchecked_ref());
    let args = Object::new();
    set(&args, "channel", channel.as_ref())?;
    invoke_raw(WATCH, args.into()).await.map_err(read_fault)?;
    Ok(Watch { _channel: channel, _handler: StoredValue::new_local(handler) })
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
