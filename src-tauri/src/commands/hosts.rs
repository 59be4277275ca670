//! hosts and settings.

super::pass! {
    app_start: AppStart;
    settings_save: SettingsSave;
    view_keep: ViewKeep;
    hosts_list: HostsList;
    host_save: HostSave;
    hosts_edit: HostsEdit;
    host_remove: HostRemove;
    hosts_import: HostsImport;
    hosts_export: HostsExport;
    host_ssh: HostSsh;
    terminal_open: TerminalOpen;
    key_set_up: KeySetUp;
    key_paste: KeyPaste;
    host_connect: HostConnect;
    host_disconnect: HostDisconnect;
    host_check: HostCheck;
    questions_list: QuestionsList;
    question_answer: QuestionAnswer;
}
