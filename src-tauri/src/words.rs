//! The words of the shell itself: the tray, the notices and the question before the end, in the language of the
//! window.

use engine::sessions::OwnDoing;
use protocol::FaultCode;
use protocol::hosts::LOCAL;
use protocol::operations::{OperationKind, OperationResult};
use protocol::settings::Language;
use protocol::text::printable;

use crate::notices::{Ended, Lost, Notice, UnitsFailed};
use crate::tray::Standing;

/// A notice names so many hosts or actions and counts the others.
pub(crate) const NAMED: usize = 5;
/// And so many failed units of a host.
const UNITS_NAMED: usize = 3;
/// A command or a name that is longer is cut.
const LONGEST_CHARS: usize = 80;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    English,
    Chinese,
}

impl Tongue {
    /// The chosen language, else the system's.
    pub(crate) fn of(chosen: Language, system: &str) -> Self {
        match chosen {
            Language::Chinese => Self::Chinese,
            Language::System if system.to_ascii_lowercase().starts_with("zh") => Self::Chinese,
            Language::English | Language::System => Self::English,
        }
    }

    fn either<T>(self, english: T, chinese: T) -> T {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    pub(crate) fn show(self) -> &'static str {
        self.either("Show Muster", "显示 Muster")
    }

    pub(crate) fn quit(self) -> &'static str {
        self.either("Quit", "退出")
    }

    pub(crate) fn quit_title(self) -> &'static str {
        self.either("Quit Muster?", "退出 Muster？")
    }

    pub(crate) fn quit_text(self) -> &'static str {
        self.either(
            "Something that was begun on a host still runs. If Muster ends now, what came of it will not be known, \
             and what is still to begin will not be done.",
            "在主机上发起的操作仍在进行。如果现在退出 Muster，将无法得知其结果，尚未开始的操作也不会执行。",
        )
    }

    pub(crate) fn quit_stay(self) -> &'static str {
        self.either("Keep running", "继续运行")
    }

    pub(crate) fn quit_anyway(self) -> &'static str {
        self.either("Quit anyway", "仍然退出")
    }

    /// `12 live, 1 lost, 3 unread failures`.
    pub(crate) fn standing(self, standing: Standing) -> String {
        let Standing::Open { live, lost, refused, unread } = standing else {
            return self.either("Locked", "已锁定").to_owned();
        };
        let mut parts = vec![self.either(format!("{live} live"), format!("{live} 台在线"))];
        if lost > 0 {
            parts.push(self.either(format!("{lost} lost"), format!("{lost} 台失联")));
        }
        if refused > 0 {
            let english = if refused == 1 { "needs attention" } else { "need attention" };
            parts.push(self.either(format!("{refused} {english}"), format!("{refused} 台需处理")));
        }
        if unread > 0 {
            let english = if unread == 1 { "unread failure" } else { "unread failures" };
            parts.push(self.either(format!("{unread} {english}"), format!("{unread} 条失败未读")));
        }
        parts.join(self.either(", ", "，"))
    }

    /// Title and text of a notice. What a host or a person chose of it is made safe to show.
    pub(crate) fn notice(self, notice: &Notice) -> (String, String) {
        match notice {
            Notice::HostsLost(lost) => self.lost(lost),
            Notice::OwnDoing { doing, hosts } => self.own_doing(*doing, hosts),
            Notice::UnitsFailed(failed) => self.units_failed(failed),
            Notice::Ended(ended) => self.ended(ended),
        }
    }

    fn lost(self, lost: &[Lost]) -> (String, String) {
        let why = |one: &Lost| {
            let reason = self.reason(one.code);
            match &one.hop {
                Some(hop) => self.either(
                    format!("{} on the way: {reason}", cut(hop)),
                    format!("途经 {}：{reason}", cut(hop)),
                ),
                None => reason.to_owned(),
            }
        };
        match lost {
            [one] => {
                let host = self.host(&one.host);
                (self.either(format!("{host} is lost"), format!("{host} 失去连接")), why(one))
            }
            all => {
                let count = all.len();
                let title = self.either(format!("{count} hosts are lost"), format!("{count} 台主机失去连接"));
                let names = self.names(all.iter().map(|one| self.host(&one.host)));
                // The reason is said where it is one.
                let first = all.first().map(why).unwrap_or_default();
                let is_one = all.iter().all(|one| why(one) == first);
                let colon = self.either(": ", "：");
                (title, if is_one { format!("{names}{colon}{first}") } else { names })
            }
        }
    }

    fn own_doing(self, doing: OwnDoing, hosts: &[String]) -> (String, String) {
        let count = hosts.len();
        let names = self.names(hosts.iter().map(|host| self.host(host)));
        match doing {
            OwnDoing::NoNetwork => (
                self.either("This computer has no network", "本机没有网络").to_owned(),
                self.either(
                    format!("Out of reach ({count}): {names}"),
                    format!("无法到达 {count} 台：{names}"),
                ),
            ),
            OwnDoing::Slept => (
                self.either("This computer slept", "本机曾休眠").to_owned(),
                self.either(
                    format!("Connections that are made again ({count}): {names}"),
                    format!("正在重新连接 {count} 台：{names}"),
                ),
            ),
        }
    }

    fn units_failed(self, failed: &[UnitsFailed]) -> (String, String) {
        match failed {
            [one] => {
                let (host, count) = (self.host(&one.host), one.more);
                let units = if count == 1 { "1 more unit".to_owned() } else { format!("{count} more units") };
                let title = self.either(
                    format!("{units} failed on {host}"),
                    format!("{host} 上又有 {count} 个服务单元失败"),
                );
                (title, self.units(one))
            }
            all => {
                let hosts = all.len();
                let title = self.either(
                    format!("More units failed on {hosts} hosts"),
                    format!("{hosts} 台主机上又有服务单元失败"),
                );
                let colon = self.either(": ", "：");
                let what = |one: &UnitsFailed| {
                    if one.names.is_empty() { one.more.to_string() } else { self.units(one) }
                };
                let line = |one: &UnitsFailed| format!("{}{colon}{}", self.host(&one.host), what(one));
                (title, first_lines(all.iter().map(line)))
            }
        }
    }

    /// `nginx.service, cron.service and 2 more`; empty where none is known by its name.
    fn units(self, failed: &UnitsFailed) -> String {
        let named: Vec<String> = failed.names.iter().take(UNITS_NAMED).map(|name| cut(name)).collect();
        let more = (failed.more as usize).saturating_sub(named.len());
        if named.is_empty() { String::new() } else { self.and_more(&named, more, "个") }
    }

    fn ended(self, ended: &[Ended]) -> (String, String) {
        match ended {
            [one] => (self.deed(one), String::new()),
            all => {
                let count = all.len();
                let bad = all.iter().filter(|one| one.result != OperationResult::Done).count();
                let title = match bad {
                    0 => self.either(
                        format!("{count} actions ended, all done"),
                        format!("{count} 个操作已结束，全部完成"),
                    ),
                    _ => self.either(
                        format!("{count} actions ended, {bad} without success"),
                        format!("{count} 个操作已结束，{bad} 个未成功"),
                    ),
                };
                (title, first_lines(all.iter().map(|one| self.deed(one))))
            }
        }
    }

    /// `Restart of nginx.service on web-1: done`.
    fn deed(self, ended: &Ended) -> String {
        let target = cut(&ended.target);
        let what = match self {
            Self::English => deed_in_english(ended.kind, &target),
            Self::Chinese => deed_in_chinese(ended.kind, &target),
        };
        let result = self.result(ended.result);
        match ended.host.as_deref().map(|host| self.host(host)) {
            Some(host) => {
                self.either(format!("{what} on {host}: {result}"), format!("{host} 上{what}：{result}"))
            }
            None => self.either(format!("{what}: {result}"), format!("{what}：{result}")),
        }
    }

    fn result(self, result: OperationResult) -> &'static str {
        if self == Self::English {
            return result.words();
        }
        match result {
            OperationResult::UnderWay => "进行中",
            OperationResult::Done => "完成",
            OperationResult::Failed => "失败",
            OperationResult::Refused => "被拒绝",
            OperationResult::TimedOut => "超时",
            OperationResult::Cancelled => "已取消",
            OperationResult::OutcomeUnknown | OperationResult::Unknown => "结果未知",
        }
    }

    fn host(self, name: &str) -> String {
        if name == LOCAL { self.either("this computer", "本机").to_owned() } else { cut(name) }
    }

    fn names(self, names: impl ExactSizeIterator<Item = String>) -> String {
        let more = names.len().saturating_sub(NAMED);
        self.and_more(&names.take(NAMED).collect::<Vec<_>>(), more, "台")
    }

    /// Names and how many there are beside them, which Chinese counts by a word of their kind.
    fn and_more(self, named: &[String], more: usize, counted_by: &str) -> String {
        let named = named.join(self.either(", ", "、"));
        match more {
            0 => named,
            _ => self
                .either(format!("{named} and {more} more"), format!("{named} 等，另有 {more} {counted_by}")),
        }
    }

    /// Why a link ended, in few words: those of the window. What the host said of it is not repeated.
    fn reason(self, code: FaultCode) -> &'static str {
        let (english, chinese) = reasons(code);
        self.either(english, chinese)
    }
}

fn deed_in_english(kind: OperationKind, target: &str) -> String {
    match kind {
        OperationKind::ServiceStart => format!("Start of {target}"),
        OperationKind::ServiceStop => format!("Stop of {target}"),
        OperationKind::ServiceRestart => format!("Restart of {target}"),
        OperationKind::ServiceReload => format!("Reload of {target}"),
        OperationKind::ServiceEnable => format!("Enabling {target}"),
        OperationKind::ServiceDisable => format!("Disabling {target}"),
        OperationKind::Command => format!("Command {target}"),
        OperationKind::Signal => format!("Signal to {target}"),
        OperationKind::HelperRemove => "Removal of the helper".to_owned(),
        OperationKind::KeySetUp => "Set-up of a key".to_owned(),
        _ => target.to_owned(),
    }
}

fn deed_in_chinese(kind: OperationKind, target: &str) -> String {
    match kind {
        OperationKind::ServiceStart => format!("启动 {target}"),
        OperationKind::ServiceStop => format!("停止 {target}"),
        OperationKind::ServiceRestart => format!("重启 {target}"),
        OperationKind::ServiceReload => format!("重新加载 {target}"),
        OperationKind::ServiceEnable => format!("启用 {target}"),
        OperationKind::ServiceDisable => format!("禁用 {target}"),
        OperationKind::Command => format!("执行命令 {target}"),
        OperationKind::Signal => format!("向 {target} 发送信号"),
        OperationKind::HelperRemove => "移除助手程序".to_owned(),
        OperationKind::KeySetUp => "设置密钥".to_owned(),
        _ => target.to_owned(),
    }
}

/// By the code of what ended a link, or of what keeps it from coming back.
fn reasons(code: FaultCode) -> (&'static str, &'static str) {
    match code {
        FaultCode::NameNotResolved => ("name not resolved", "域名无法解析"),
        FaultCode::PortClosed => ("port closed", "端口未开放"),
        FaultCode::NoAnswer => ("no answer", "无应答"),
        FaultCode::NoRoute => ("no route", "网络不可达"),
        FaultCode::NotSsh => ("not an SSH server", "不是 SSH 服务"),
        FaultCode::HostKeyUnknown => ("key not accepted yet", "密钥待接受"),
        FaultCode::HostKeyChanged => ("host key changed", "主机密钥已变"),
        FaultCode::HostKeyRevoked => ("host key revoked", "主机密钥已吊销"),
        FaultCode::MachineChanged => ("another computer", "另一台计算机"),
        FaultCode::SignInRefused => ("sign-in refused", "登录被拒"),
        FaultCode::KeyFileUnusable => ("key file cannot be used", "密钥文件不可用"),
        FaultCode::KeyEncrypted => ("key needs its passphrase", "密钥需要口令"),
        FaultCode::AgentUnavailable => ("no ssh-agent", "ssh-agent 不可用"),
        FaultCode::PasswordMissing => ("password missing", "缺少密码"),
        FaultCode::AnswerNeeded => ("an answer is needed", "需要人工应答"),
        FaultCode::HelperNotBuilt => ("helper missing", "缺少助手程序"),
        FaultCode::HelperNoexec => ("helper blocked: noexec", "助手被阻止：noexec"),
        FaultCode::HelperNoSpace => ("no space for the helper", "空间不足，无法部署助手"),
        FaultCode::HelperArch => ("no helper for this processor", "处理器不受支持"),
        FaultCode::HelperBlocked => ("helper blocked", "助手被阻止"),
        FaultCode::HelperUnsafe => ("helper's folder is not safe", "助手目录不安全"),
        FaultCode::HelperFailed => ("helper ended", "助手异常退出"),
        FaultCode::KeyringUnavailable => ("keyring not available", "密钥环不可用"),
        FaultCode::KeyringLocked => ("keyring locked", "密钥环已锁定"),
        FaultCode::VaultLocked => ("file of secrets locked", "密码文件已锁定"),
        FaultCode::TimedOut => ("timed out", "超时"),
        _ => ("link lost", "连接中断"),
    }
}

/// As many lines as a notice has place for; how many there are in all stands in its title.
fn first_lines(mut lines: impl ExactSizeIterator<Item = String>) -> String {
    let is_cut = lines.len() > NAMED;
    let mut first: Vec<String> = lines.by_ref().take(NAMED).collect();
    first.extend(is_cut.then(|| "…".to_owned()));
    first.join("\n")
}

/// Safe to show, and no longer than a notice has place for.
fn cut(text: &str) -> String {
    let text = printable(text);
    match text.char_indices().nth(LONGEST_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use protocol::Fault;
    use protocol::hosts::HostGlance;
    use protocol::ipc::Event;
    use protocol::link::LinkState;
    use protocol::services::Service;
    use protocol::settings::Notify;
    use tokio::time::Instant;

    use super::*;
    use crate::notices::Judge;

    const BOTH: [Tongue; 2] = [Tongue::English, Tongue::Chinese];

    /// The notice of hosts that were live and are lost by these codes.
    fn lost(hosts: &[(&str, FaultCode)]) -> Notice {
        let mut judge = Judge::default();
        for (host, code) in hosts {
            let fault = Box::new(Fault::new(*code, "the host's words \u{1b}[2J"));
            for state in [
                LinkState::Live { since_ms: 0, heard_ms: 0 },
                LinkState::Lost { since_ms: 0, fault, tries: 0, next_ms: None },
            ] {
                judge.take(&Event::Link { host: (*host).to_owned(), state });
            }
        }
        judge.tell(Notify::default(), Instant::now() + Duration::from_secs(1)).remove(0)
    }

    fn ended(kind: OperationKind, target: &str, result: OperationResult) -> Ended {
        Ended { kind, target: target.into(), host: Some("web-1".into()), result }
    }

    #[test]
    fn the_language_is_the_chosen_one_else_the_systems() {
        assert_eq!(Tongue::of(Language::System, "zh-CN"), Tongue::Chinese);
        assert_eq!(Tongue::of(Language::English, "zh-CN"), Tongue::English);
        assert_eq!(Tongue::of(Language::System, "de-DE"), Tongue::English);
    }

    #[test]
    fn a_lost_host_is_told_with_the_reason_in_words_of_the_language_and_none_of_the_host() {
        let one = lost(&[("web\u{202e}", FaultCode::NoAnswer)]);
        let (title, text) = Tongue::English.notice(&one);
        assert!(title.ends_with(" is lost") && !title.contains('\u{202e}'), "{title}");
        assert_eq!(text, "no answer");
        assert_eq!(Tongue::Chinese.notice(&one).1, "无应答");
        for code in FaultCode::ALL {
            let (english, chinese) = reasons(*code);
            assert!(english.is_ascii() && !chinese.is_ascii(), "{code:?}");
        }
    }

    #[test]
    fn many_hosts_are_counted_and_the_first_ones_named() {
        let names: Vec<String> = (1..=7).map(|number| format!("web-{number}")).collect();
        let hosts: Vec<_> = names.iter().map(|name| (name.as_str(), FaultCode::LinkLost)).collect();
        let told = Tongue::English.notice(&lost(&hosts));
        let text = "web-1, web-2, web-3, web-4, web-5 and 2 more: link lost";
        assert_eq!(told, ("7 hosts are lost".to_owned(), text.to_owned()));
        let told = Tongue::Chinese.notice(&lost(&[("a", FaultCode::LinkLost), ("b", FaultCode::NoAnswer)]));
        assert_eq!(told, ("2 台主机失去连接".to_owned(), "a、b".to_owned()));
    }

    /// The notice of units that failed: of each host how often, and what it says of what is failed now.
    fn failed(hosts: &[(&str, u32, &[&str])]) -> Notice {
        let mut judge = Judge::default();
        for (host, more, _) in hosts {
            for failed_units in [0, *more] {
                let glance = HostGlance { failed_units: Some(failed_units), ..HostGlance::default() };
                judge.take(&Event::Glance { host: (*host).to_owned(), glance });
            }
        }
        let mut notice = judge.tell(Notify::default(), Instant::now()).remove(0);
        if let Notice::UnitsFailed(failed) = &mut notice {
            for (one, (_, _, units)) in failed.iter_mut().zip(hosts) {
                let unit = |name: &&str| Service { name: (*name).into(), ..Service::default() };
                one.name(units.iter().map(unit).collect());
            }
        }
        notice
    }

    #[test]
    fn failed_units_are_named_safe_to_show_and_those_beyond_the_first_counted() {
        let one = failed(&[("web-1", 1, &["nginx\u{202e}.service"])]);
        let (title, text) = Tongue::English.notice(&one);
        assert_eq!(title, "1 more unit failed on web-1");
        assert!(text.starts_with("nginx") && !text.contains('\u{202e}'), "{text:?}");
        let five = failed(&[("web-1", 5, &["a", "b", "c", "d", "e"])]);
        assert_eq!(Tongue::English.notice(&five).1, "a, b, c and 2 more");
        assert_eq!(Tongue::Chinese.notice(&five).1, "a、b、c 等，另有 2 个");
        let long = "x".repeat(300);
        let (_, text) = Tongue::English.notice(&failed(&[("web-1", 2, &[long.as_str()])]));
        assert!(text.ends_with("x… and 1 more") && text.len() < 120, "{text}");
        let unnamed = failed(&[("web-1", 2, &[])]);
        assert_eq!(
            Tongue::English.notice(&unnamed),
            ("2 more units failed on web-1".to_owned(), String::new())
        );
        let two = failed(&[("db", 2, &[]), ("web", 4, &["a", "b", "c", "d"])]);
        let (title, text) = Tongue::English.notice(&two);
        assert_eq!(
            (title.as_str(), text.as_str()),
            ("More units failed on 2 hosts", "db: 2\nweb: a, b, c and 1 more")
        );
    }

    #[test]
    fn an_ended_action_is_told_with_what_was_done_to_what_and_where() {
        let restart = ended(OperationKind::ServiceRestart, "nginx.service", OperationResult::Done);
        let one = Notice::Ended(vec![restart.clone()]);
        assert_eq!(Tongue::English.notice(&one).0, "Restart of nginx.service on web-1: done");
        assert_eq!(Tongue::Chinese.notice(&one).0, "web-1 上重启 nginx.service：完成");
        let here = Ended {
            host: Some(LOCAL.into()),
            ..ended(OperationKind::Command, &"x".repeat(200), OperationResult::Failed)
        };
        let (title, _) = Tongue::English.notice(&Notice::Ended(vec![here.clone()]));
        assert!(title.ends_with("x… on this computer: failed") && title.len() < 130, "{title}");
        let (title, text) = Tongue::English.notice(&Notice::Ended(vec![restart, here]));
        assert_eq!(title, "2 actions ended, 1 without success");
        assert_eq!(text.lines().next(), Some("Restart of nginx.service on web-1: done"));
    }

    #[test]
    fn the_tray_says_why_it_has_a_dot() {
        let all = Standing::Open { live: 12, lost: 1, refused: 2, unread: 3 };
        assert_eq!(Tongue::English.standing(all), "12 live, 1 lost, 2 need attention, 3 unread failures");
        assert_eq!(Tongue::Chinese.standing(all), "12 台在线，1 台失联，2 台需处理，3 条失败未读");
        let quiet = Standing::Open { live: 0, lost: 0, refused: 0, unread: 0 };
        assert_eq!(Tongue::English.standing(quiet), "0 live");
        for tongue in BOTH {
            assert!(!tongue.standing(Standing::Locked).contains(|c: char| c.is_ascii_digit()));
        }
    }
}
