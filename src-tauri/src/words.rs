//! The words of the shell itself: the tray and the notices, in the language of the window.

use protocol::settings::Language;
use protocol::text::printable;

use crate::notices::Notice;

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

    pub(crate) fn show(self) -> &'static str {
        match self {
            Self::English => "Show Muster",
            Self::Chinese => "显示 Muster",
        }
    }

    pub(crate) fn quit(self) -> &'static str {
        match self {
            Self::English => "Quit",
            Self::Chinese => "退出",
        }
    }

    /// `12 live, 1 lost`.
    pub(crate) fn state(self, live: usize, lost: usize) -> String {
        match (self, lost) {
            (Self::English, 0) => format!("{live} live"),
            (Self::English, _) => format!("{live} live, {lost} lost"),
            (Self::Chinese, 0) => format!("{live} 台在线"),
            (Self::Chinese, _) => format!("{live} 台在线，{lost} 台失联"),
        }
    }

    /// Title and text of a notice. What a host chose of it is made safe to show.
    pub(crate) fn notice(self, notice: &Notice) -> (String, String) {
        let safe = |text: &str| printable(text).into_owned();
        match (self, notice) {
            (Self::English, Notice::HostLost { host, why }) => (format!("{} is lost", safe(host)), safe(why)),
            (Self::Chinese, Notice::HostLost { host, why }) => {
                (format!("{} 失去连接", safe(host)), safe(why))
            }
            (Self::English, Notice::UnitsFailed { host, count }) => {
                let units =
                    if *count == 1 { "1 more unit".to_owned() } else { format!("{count} more units") };
                (format!("{units} failed on {}", safe(host)), String::new())
            }
            (Self::Chinese, Notice::UnitsFailed { host, count }) => {
                (format!("{} 上又有 {count} 个服务单元失败", safe(host)), String::new())
            }
            (Self::English, Notice::Ended { host, target, done }) => {
                let how = if *done { "is done" } else { "did not succeed" };
                (format!("{} {how}", safe(target)), on(host, "on "))
            }
            (Self::Chinese, Notice::Ended { host, target, done }) => {
                let how = if *done { "已完成" } else { "未成功" };
                (format!("{} {how}", safe(target)), on(host, "主机："))
            }
        }
    }
}

fn on(host: &Option<String>, before: &str) -> String {
    host.as_ref().map(|host| format!("{before}{}", printable(host))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_chosen_one_else_the_systems() {
        assert_eq!(Tongue::of(Language::System, "zh-CN"), Tongue::Chinese);
        assert_eq!(Tongue::of(Language::English, "zh-CN"), Tongue::English);
        assert_eq!(Tongue::of(Language::System, "de-DE"), Tongue::English);
    }

    #[test]
    fn no_notice_carries_what_a_host_wrote_as_it_is() {
        let notice = Notice::HostLost { host: "web\u{202e}".into(), why: "\u{1b}[2J".into() };
        for tongue in [Tongue::English, Tongue::Chinese] {
            let (title, text) = tongue.notice(&notice);
            assert!(!title.contains('\u{202e}') && !text.contains('\u{1b}'), "{title} {text}");
        }
    }
}
