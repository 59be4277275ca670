//! search: one question over all hosts.

super::pass! {
    search_find: SearchFind;
}
