//! trust.

super::pass! {
    trust_show: TrustShow;
    trust_accept: TrustAccept;
    trust_list: TrustList;
    trust_forget: TrustForget;
    trust_forget_key: TrustForgetKey;
    trust_export: TrustExport;
    trust_marks: TrustMarks;
    trust_machine: TrustMachine;
}
