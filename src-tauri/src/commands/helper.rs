//! What lies on a host for Muster, and taking it away.

super::pass! {
    helper_status: HelperStatusShow;
}

super::act! {
    helper_remove: HelperRemove;
}
