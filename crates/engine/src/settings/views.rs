//! How a person has the parts of the window: filters, orders, columns. A line for each place, in words of
//! the window's own that nothing here reads. A filter can hold the name of a host, so they lie in the
//! store, sealed as all of it, and not in the web view's own storage.

use std::collections::BTreeMap;

use protocol::Fault;

use crate::store::{Store, Tree};

const VIEWS: Tree<String, String> = Tree::new("views", 1);

/// A place is called by a word of the window's, such as `columns-sockets`.
const PLACE_LIMIT: usize = 64;
const LINE_LIMIT_BYTES: usize = 64 << 10;
const PLACES_LIMIT: usize = 256;

/// All lines by their places.
pub async fn all(store: &Store) -> Result<BTreeMap<String, String>, Fault> {
    store.read(|reader| Ok(VIEWS.list(reader, ..)?.into_iter().collect())).await
}

/// Keeps one; an empty line takes it away.
pub async fn keep(store: &Store, place: String, line: String) -> Result<(), Fault> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if place.is_empty() || place.len() > PLACE_LIMIT || !place.chars().all(is_word) {
        return Err(Fault::bad_input("place", "that is no place of the window"));
    }
    if line.len() > LINE_LIMIT_BYTES {
        let message = format!("a view of {} bytes is not kept: {LINE_LIMIT_BYTES} are the most", line.len());
        return Err(Fault::bad_input("line", message));
    }
    store
        .write(move |writer| {
            if line.is_empty() {
                return VIEWS.remove(writer, &place);
            }
            if !VIEWS.has(writer, &place)? && VIEWS.list(writer, ..)?.len() >= PLACES_LIMIT {
                return Err(Fault::bad_input("place", "the window keeps too many views"));
            }
            VIEWS.put(writer, &place, &line)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_is_there_after_a_restart_until_it_is_emptied() {
        let dir = tempfile::tempdir().unwrap();
        {
            let store = Store::open(dir.path()).await.unwrap().store;
            keep(&store, "view-sockets".into(), "nginx".into()).await.unwrap();
            keep(&store, "columns-sockets".into(), "pid".into()).await.unwrap();
            keep(&store, "view-sockets".into(), "db-1".into()).await.unwrap();
        }
        let store = Store::open(dir.path()).await.unwrap().store;
        let kept = all(&store).await.unwrap();
        assert_eq!(kept["view-sockets"], "db-1");
        keep(&store, "view-sockets".into(), String::new()).await.unwrap();
        assert_eq!(all(&store).await.unwrap().into_keys().collect::<Vec<_>>(), ["columns-sockets"]);
    }

    #[tokio::test]
    async fn a_page_that_was_taken_over_cannot_fill_the_store() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap().store;
        for place in ["", "../x", "A", &"a".repeat(PLACE_LIMIT + 1)] {
            assert!(keep(&store, place.into(), "x".into()).await.is_err(), "{place}");
        }
        assert!(keep(&store, "a".into(), "x".repeat(LINE_LIMIT_BYTES + 1)).await.is_err());
        for number in 0..PLACES_LIMIT {
            keep(&store, format!("a-{number}"), "x".into()).await.unwrap();
        }
        assert!(keep(&store, "one-more".into(), "x".into()).await.is_err());
        keep(&store, "a-0".into(), "y".into()).await.unwrap();
    }
}
