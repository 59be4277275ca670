//! What is kept of a table: how a person has it, a line for each in the store, and the chosen rows for as
//! long as the window lives.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::columns::Columns;
use super::selection::Selection;
use super::shape::Shape;
use super::sort::Sort;
use super::view::View;
use crate::state::use_app;

/// Keeps what changes from now on.
fn follow<T: Clone + PartialEq + Send + Sync + 'static>(
    place: String,
    value: RwSignal<T>,
    to_line: fn(&T) -> String,
) {
    let app = use_app();
    Effect::new(move |before: Option<T>| {
        let now = value.get();
        if before.is_some_and(|before| before != now) {
            app.keep_line(&place, to_line(&now));
        }
        now
    });
}

/// Reads how a person had the columns of a table, and keeps what is changed.
pub(crate) fn kept_shape(table: &'static str) -> RwSignal<Shape> {
    let place = format!("columns-{table}");
    let shape = RwSignal::new(
        use_app().kept_line(&place).map_or_else(Shape::default, |line| Shape::parse_line(&line)),
    );
    follow(place, shape, Shape::to_line);
    shape
}

/// How a person has a table. It is the same for every host: who looks for nginx on one host and goes
/// on to the next looks for it there too.
///
/// A path may ask for words of its own, `?q=`. As long as that path stands the table is filtered by them
/// and by nothing else, else a choice that was made days ago hides what the path leads to; what was kept
/// comes back after it.
#[derive(Clone, Copy)]
pub(crate) struct KeptView {
    view: RwSignal<View>,
    /// The words that the path asks for.
    asked: Memo<Option<String>>,
}

impl KeptView {
    pub(crate) fn of(table: &'static str) -> Self {
        let place = format!("view-{table}");
        let view = RwSignal::new(
            use_app().kept_line(&place).map_or_else(View::default, |line| View::parse_line(&line)),
        );
        follow(place, view, View::to_line);
        Self { view, asked: in_path("q") }
    }

    /// The words of the filter.
    pub(crate) fn text(self) -> RwSignal<String> {
        let text = RwSignal::new(self.kept_text());
        Effect::new(move |_| text.with(|text| self.change(|view| view.set_text(text))));
        text
    }

    fn kept_text(self) -> String {
        self.view.with_untracked(|view| view.text().to_owned())
    }

    /// The words that the page's path asks for, else those that were kept. What a link asked for is kept
    /// only once a person changes it.
    pub(crate) fn text_or_path(self) -> RwSignal<String> {
        let wanted = move |asked: Option<String>| asked.unwrap_or_else(|| self.kept_text());
        let text = RwSignal::new(wanted(self.asked.get_untracked()));
        on_change(self.asked, move |asked| text.set(wanted(asked)));
        Effect::new(move |_| {
            let now = text.get();
            if self.asked.with_untracked(|asked| asked.as_ref() != Some(&now)) {
                self.change(|view| view.set_text(&now));
            }
        });
        text
    }

    /// The order of the rows.
    pub(crate) fn sort<C: Columns>(self, at_first: Sort) -> RwSignal<Sort> {
        let known = C::ALL.iter().map(|column| column.id());
        let sort = RwSignal::new(self.view.with_untracked(|view| view.sort(known)).unwrap_or(at_first));
        Effect::new(move |before: Option<Sort>| {
            let now = sort.get();
            if before.is_some_and(|before| before != now) {
                self.change(|view| view.set_sort(now));
            }
            now
        });
        sort
    }

    /// A choice beside the filter that is a word; empty at first.
    pub(crate) fn word(self, name: &'static str) -> RwSignal<String> {
        self.choice(name, |word| word.to_owned(), |word| word.clone())
    }

    /// One that is on or off; off at first.
    pub(crate) fn flag(self, name: &'static str) -> RwSignal<bool> {
        self.choice(name, |word| word == "yes", |is_on| if *is_on { "yes".into() } else { String::new() })
    }

    /// One of any kind; its first value is what `parse` makes of the empty word.
    pub(crate) fn choice<T: Send + Sync + 'static>(
        self,
        name: &'static str,
        parse: impl Fn(&str) -> T + 'static,
        to_word: impl Fn(&T) -> String + Send + Sync + 'static,
    ) -> RwSignal<T> {
        let wanted = move |asked: Option<String>| match asked {
            Some(_) => parse(""),
            None => self.view.with_untracked(|view| parse(view.choice(name))),
        };
        let value = RwSignal::new(wanted(self.asked.get_untracked()));
        // What the path sets is no choice of a person, and is not kept.
        let is_given = StoredValue::new(true);
        on_change(self.asked, move |asked| {
            is_given.set_value(true);
            value.set(wanted(asked));
        });
        Effect::new(move |_| {
            let word = value.with(&to_word);
            if !is_given.try_update_value(std::mem::take).unwrap_or_default() {
                self.change(|view| view.set_choice(name, &word));
            }
        });
        value
    }

    /// Changes it, and tells nobody of a change that is none.
    fn change(self, change: impl FnOnce(&mut View)) {
        let mut view = self.view.get_untracked();
        change(&mut view);
        if self.view.with_untracked(|before| *before != view) {
            self.view.set(view);
        }
    }
}

/// A parameter of the page's path.
fn in_path(name: &'static str) -> Memo<Option<String>> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|query| query.get(name)))
}

/// Calls with each value after the first.
fn on_change(asked: Memo<Option<String>>, call: impl Fn(Option<String>) + 'static) {
    Effect::new(move |before: Option<Option<String>>| {
        let now = asked.get();
        if before.is_some_and(|before| before != now) {
            call(now.clone());
        }
        now
    });
}

/// The rows that are chosen in a table, and the one that has the keyboard.
#[derive(Clone, Default)]
pub(crate) struct KeptRows {
    chosen: Selection,
    cursor: Option<String>,
}

/// The rows of one table that were chosen before another page was shown; `host` is empty for a table of
/// all. Those that are not there any more count for nothing, and come back with their row. A path that
/// asks for a row by its key, `row=`, puts the cursor on it.
pub(crate) fn kept_rows(table: &'static str, host: &str) -> (RwSignal<Selection>, RwSignal<Option<String>>) {
    let all = use_app().rows_kept;
    let place = (table, host.to_owned());
    let KeptRows { chosen, cursor } = all.with_value(|all| all.get(&place).cloned()).unwrap_or_default();
    // They go with the page, and with them the list of each row that ever read them.
    let (chosen, cursor) = (ArcRwSignal::new(chosen), ArcRwSignal::new(cursor));
    on_cleanup({
        let (chosen, cursor) = (chosen.clone(), cursor.clone());
        move || {
            let kept = KeptRows { chosen: chosen.get_untracked(), cursor: cursor.get_untracked() };
            all.try_update_value(|all| all.insert(place, kept));
        }
    });
    let cursor: RwSignal<Option<String>> = cursor.into();
    let asked = in_path("row");
    let put = move |asked: Option<String>| {
        if asked.is_some() {
            cursor.set(asked);
        }
    };
    put(asked.get_untracked());
    on_change(asked, put);
    (chosen.into(), cursor)
}
