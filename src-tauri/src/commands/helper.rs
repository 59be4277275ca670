//! What lies on a host for Muster, and taking it away.

super::pass! {
    helper_status: HelperStatusShow;
    helper_remove: HelperRemove;
}
