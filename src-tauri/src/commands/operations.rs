//! operations.

super::pass! {
    operations_list: OperationsList;
    operation_show: OperationShow;
    operations_read: OperationsRead;
    operations_unread: OperationsUnread;
    operations_counts: OperationsCounts;
    operation_comment: OperationComment;
    operations_verify: OperationsVerify;
    operations_export: OperationsExport;
    operations_export_cancel: OperationsExportCancel;
    operations_retain: OperationsRetain;
    operations_forward: OperationsForward;
}
