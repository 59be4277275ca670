//! The data on this computer, and its backups.

super::pass! {
    store_show: StoreShow;
    store_check: StoreCheck;
    store_backup: StoreBackup;
}
