//! The lies that a server may tell after it let us in. Whatever it says: what was not proved done is never told
//! as done, nothing hangs or panics, its words are safe to show, and what else runs on the connection goes on
//! where the protocol allows.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::liar::{
    CLOSE, DATA, EOF, EVIL, EXTENDED_DATA, FAILURE, FIRST, GLOBAL_REQUEST, Lie, OPEN, OPEN_FAILURE, Out,
    REQUEST, REQUEST_FAILURE, REQUEST_SUCCESS, SUCCESS, Step, adjust, confirm, confirm_with, data, ended,
    exit, say, signal, taken, tell,
};
use super::raw::{
    DEBUG, DISCONNECT, GCM, IGNORE, KEX_REPLY, KEXINIT, NEWKEYS, SERVICE_ACCEPT, SERVICE_REQUEST, Say,
    USERAUTH_FAILURE, USERAUTH_REQUEST, USERAUTH_SUCCESS,
};

const USERAUTH_BANNER: u8 = 53;
const USERAUTH_ASKS: u8 = 60;
const FLOOD: usize = 3_000;

const FORBIDDEN: [&str; 9] = [
    "forwarded-tcpip",
    "x11",
    "auth-agent@openssh.com",
    "direct-tcpip",
    "session",
    "forwarded-streamlocal@openssh.com",
    "direct-streamlocal@openssh.com",
    "tun@openssh.com",
    "no-such-kind@example.com",
];

fn asks_to_open(kind: &str) -> Step {
    let told = Say::new(OPEN).text(kind).number(77).number(1 << 20).number(32_768);
    Step::Say(match kind {
        "forwarded-tcpip" | "direct-tcpip" => told.text("10.0.0.1").number(22).text("10.0.0.2").number(23),
        "x11" => told.text("10.0.0.2").number(23),
        "forwarded-streamlocal@openssh.com" => told.text("/run/socket").text(""),
        "direct-streamlocal@openssh.com" => told.text("/run/socket").text("").number(0),
        "tun@openssh.com" => told.number(1).number(0),
        _ => told,
    })
}

/// Each kind of channel that a host could want of us, and some that only we may open.
pub(super) fn opens_each_kind() -> Lie {
    Lie::running(
        "opens a channel of each kind",
        |c| taken(c, FORBIDDEN.into_iter().map(asks_to_open).collect()),
        Out::Exit(3),
    )
    .answered_by(OPEN_FAILURE, FORBIDDEN.len())
}

fn lies_about_channels() -> Vec<Lie> {
    vec![
        Lie::opening("confirms a channel that nobody opened", |c| vec![confirm(c + 77)], Out::Lost)
            .ends("Inconsistent"),
        Lie::opening("confirms another channel instead", |_| vec![confirm(FIRST)], Out::Late),
        Lie::opening("confirms a channel twice", |c| vec![confirm(c), confirm(c)], Out::Exit(3)),
        Lie::opening("never says whether the channel is open", |_| Vec::new(), Out::Late),
        Lie::opening(
            "refuses a channel and confirms it all the same",
            |c| {
                let no = Say::new(OPEN_FAILURE).number(c).number(1).text(EVIL).text("");
                vec![Step::Say(no), confirm(c)]
            },
            Out::Lost,
        )
        .ends("Inconsistent"),
        Lie::opening(
            "refuses each channel, with words that act on a terminal",
            |c| vec![Step::Say(Say::new(OPEN_FAILURE).number(c).number(99).text(EVIL).text(""))],
            Out::Refused,
        ),
        Lie::opening(
            "sends data before it confirms the channel",
            |c| vec![data(c, "early"), confirm(c)],
            Out::Exit(3),
        ),
        Lie::opening(
            "gives an exit status before it confirms the channel",
            |c| vec![exit(c, 0), confirm(c)],
            Out::Unknown,
        )
        .then(|c| vec![say(SUCCESS, c), say(EOF, c), say(CLOSE, c)]),
        Lie::opening(
            "closes the channel before the command",
            |c| vec![confirm(c), say(CLOSE, c)],
            Out::Unknown,
        )
        .then(|_| Vec::new()),
        Lie::opening("takes packets of no bytes", |c| vec![confirm_with(c, 1 << 20, 0)], Out::Lost)
            .then(|c| vec![say(SUCCESS, c)])
            .ends("Inconsistent"),
        Lie::opening(
            "takes packets without end and has no window",
            |c| vec![confirm_with(c, 0, u32::MAX)],
            Out::Late,
        )
        .then(|c| vec![say(SUCCESS, c)]),
        Lie::running(
            "sends to a channel that nobody opened",
            |c| {
                let of = c + 99;
                let mut steps = vec![data(of, "astray"), say(SUCCESS, of), adjust(of, 1), say(FAILURE, of)];
                steps.extend(ended(of, 0));
                taken(c, steps)
            },
            Out::Exit(3),
        ),
        opens_each_kind(),
        Lie::running(
            "asks us to run a command",
            |c| {
                let asked = Say::new(REQUEST).number(c).text("exec").byte(1).text("id");
                taken(c, vec![Step::Say(asked)])
            },
            Out::Exit(3),
        )
        .answered_by(FAILURE, 1),
        Lie::running(
            "widens the window beyond all numbers",
            |c| taken(c, (0..4).map(|_| adjust(c, u32::MAX)).collect()),
            Out::Exit(3),
        ),
        Lie::running(
            "sends more than the window has room for",
            |c| taken(c, (0..200).map(|_| data(c, &"x".repeat(30_000))).collect()),
            Out::Exit(3),
        )
        .gives_much(200 * 30_000 + 3),
        Lie::running(
            "sends a packet larger than we take",
            |c| taken(c, vec![data(c, &"x".repeat(200_000))]),
            Out::Exit(3),
        )
        .gives_much(200_000 + 3),
    ]
}

fn lies_about_the_end() -> Vec<Lie> {
    vec![
        Lie::running(
            "ends without an exit status",
            |c| vec![say(SUCCESS, c), data(c, "out"), say(EOF, c), say(CLOSE, c)],
            Out::Unknown,
        )
        .gives("out"),
        Lie::running(
            "closes a channel whose time is out",
            |c| vec![say(SUCCESS, c), data(c, "out"), say(CLOSE, c)],
            Out::Unknown,
        )
        .gives("out"),
        Lie::running(
            "gives an exit status before it takes the command",
            |c| vec![exit(c, 0), say(SUCCESS, c), say(EOF, c), say(CLOSE, c)],
            Out::Unknown,
        ),
        Lie::running("gives an exit status and never takes the command", |c| ended(c, 0), Out::Unknown),
        Lie::running(
            "gives two exit statuses",
            |c| {
                let mut steps = vec![say(SUCCESS, c), exit(c, 1)];
                steps.extend(ended(c, 0));
                steps
            },
            Out::Unknown,
        ),
        Lie::running("gives the same exit status twice", |c| taken(c, vec![exit(c, 3)]), Out::Exit(3)),
        Lie::running(
            "gives an exit status after the end",
            |c| vec![say(SUCCESS, c), say(EOF, c), say(CLOSE, c), exit(c, 0)],
            Out::Unknown,
        ),
        Lie::running(
            "gives an exit status to which bytes are missing",
            |c| {
                let short = Say::new(REQUEST).number(c).text("exit-status").byte(0).byte(0);
                vec![say(SUCCESS, c), Step::Say(short)]
            },
            Out::Lost,
        )
        .ends("length invalid"),
        Lie::running(
            "ends by a signal",
            |c| vec![say(SUCCESS, c), signal(c, "KILL"), say(CLOSE, c)],
            Out::Signal("KILL".into()),
        ),
        Lie::running(
            "ends by a signal that acts on a terminal",
            |c| vec![say(SUCCESS, c), signal(c, "\u{1b}[2J"), say(CLOSE, c)],
            Out::Signal("\\x1b[2J".into()),
        ),
        Lie::running(
            "ends by a signal and with success",
            |c| {
                let mut steps = vec![say(SUCCESS, c), signal(c, "TERM")];
                steps.extend(ended(c, 0));
                steps
            },
            Out::Unknown,
        ),
        Lie::running(
            "ends with success and by a signal",
            |c| vec![say(SUCCESS, c), exit(c, 0), signal(c, "TERM"), say(CLOSE, c)],
            Out::Unknown,
        ),
        Lie::running(
            "ends by a signal before it takes the command",
            |c| vec![signal(c, "TERM"), say(SUCCESS, c), say(CLOSE, c)],
            Out::Unknown,
        ),
        Lie::running(
            "closes without an end of the output",
            |c| vec![say(SUCCESS, c), exit(c, 3), say(CLOSE, c)],
            Out::Exit(3),
        )
        .gives(""),
        Lie::running(
            "sends more after the end of the output",
            |c| taken(c, vec![data(c, "one "), say(EOF, c)]),
            Out::Exit(3),
        )
        .gives("one out"),
        Lie::running(
            "refuses the command and says that it went well",
            |c| {
                let mut steps = vec![say(FAILURE, c)];
                steps.extend(ended(c, 0));
                steps
            },
            Out::Refused,
        ),
        Lie::running(
            "takes the command and refuses it",
            |c| {
                let mut steps = vec![say(SUCCESS, c), say(FAILURE, c)];
                steps.extend(ended(c, 0));
                steps
            },
            Out::Unknown,
        ),
        Lie::running(
            "takes what was never asked for",
            |c| taken(c, vec![say(SUCCESS, c), say(SUCCESS, c)]),
            Out::Exit(3),
        ),
        Lie::running(
            "sends a stream of no known kind",
            |c| {
                let odd = |kind| Step::Say(Say::new(EXTENDED_DATA).number(c).number(kind).text("odd"));
                taken(c, vec![odd(0), odd(2), odd(u32::MAX)])
            },
            Out::Exit(3),
        ),
        Lie::running("takes the command and falls silent", |c| vec![say(SUCCESS, c)], Out::Late),
    ]
}

fn lies_about_the_connection() -> Vec<Lie> {
    vec![
        Lie::running(
            "changes keys in the middle",
            |c| taken(c, vec![data(c, "one "), Step::Rekey, data(c, "two "), Step::Rekey]),
            Out::Exit(3),
        )
        .gives("one two out"),
        Lie::running(
            "begins to change keys and goes on as before",
            |c| {
                let mut steps = vec![say(SUCCESS, c), kex_begun()];
                steps.extend(ended(c, 0));
                steps
            },
            Out::Lost,
        )
        .ends("Inconsistent"),
        Lie::running(
            "begins to change keys and falls silent",
            |c| vec![say(SUCCESS, c), kex_begun()],
            Out::Late,
        )
        .ends("stopped answering"),
        Lie::running(
            "ends a change of keys that was never begun",
            |c| {
                let reply = Say::new(KEX_REPLY).text("").text("").text("");
                taken(c, vec![Step::Say(reply), Step::Say(Say::new(NEWKEYS))])
            },
            Out::Exit(3),
        ),
        Lie::running(
            "says goodbye at length, with words that act on a terminal",
            |c| {
                let words = format!("{EVIL}bye\r\n{}", "x".repeat(100_000));
                vec![
                    say(SUCCESS, c),
                    exit(c, 3),
                    Step::Say(Say::new(DISCONNECT).number(2).text(words).text(EVIL)),
                ]
            },
            Out::Exit(3),
        )
        .gives("")
        .ends("the host said '\\x1b]0;owned"),
        Lie::running(
            "says goodbye before the end",
            |c| vec![say(SUCCESS, c), Step::Say(Say::new(DISCONNECT).number(2).text(EVIL).text(""))],
            Out::Lost,
        )
        .ends("the host said '\\x1b]0;owned"),
        Lie::running(
            "asks for much of the connection at once",
            |c| {
                let asked = |_| Step::Say(Say::new(GLOBAL_REQUEST).text(format!("{EVIL}@x")).byte(1));
                taken(c, (0..FLOOD).map(asked).collect())
            },
            Out::Exit(3),
        )
        .answered_by(REQUEST_FAILURE, FLOOD),
        Lie::running(
            "answers what the connection never asked",
            |c| {
                let answers = [REQUEST_SUCCESS, REQUEST_FAILURE];
                taken(c, answers.into_iter().cycle().take(40).map(|kind| Step::Say(Say::new(kind))).collect())
            },
            Out::Exit(3),
        ),
        Lie::running(
            "chatters without end",
            |c| {
                let debug = Say::new(DEBUG).byte(1).text(EVIL).text("");
                let ignore = Say::new(IGNORE).text("x".repeat(300));
                let chatter = [debug, ignore];
                taken(c, chatter.into_iter().cycle().take(FLOOD).map(Step::Say).collect())
            },
            Out::Exit(3),
        ),
        Lie::running(
            "speaks of services again",
            |c| {
                let of = |kind| Step::Say(Say::new(kind).text("ssh-connection"));
                taken(c, vec![of(SERVICE_ACCEPT), of(SERVICE_REQUEST)])
            },
            Out::Exit(3),
        ),
        Lie::running(
            "lets us in once more, throws us out and asks who we are",
            |c| {
                let asks =
                    Say::new(USERAUTH_ASKS).text("").text("").text("").number(1).text("Password: ").byte(0);
                let banner = Say::new(USERAUTH_BANNER).text(EVIL).text("");
                let failure = Say::new(USERAUTH_FAILURE).text("password").byte(0);
                let again = [Say::new(USERAUTH_SUCCESS), banner, failure, asks];
                taken(c, again.map(Step::Say).into())
            },
            Out::Exit(3),
        ),
        Lie::running(
            "signs in to us",
            |c| {
                let asked = Say::new(USERAUTH_REQUEST).text("root").text("ssh-connection").text("none");
                taken(c, vec![Step::Say(asked)])
            },
            Out::Exit(3),
        ),
        Lie::running(
            "uses numbers that no message has",
            |c| taken(c, [0, 10, 70, 127, 192, 255].map(|kind| Step::Say(Say::new(kind).number(c))).into()),
            Out::Exit(3),
        ),
        Lie::running(
            "sends a message that ends in the middle",
            |c| {
                let short = Say::new(DATA).number(c).number(1_000).byte(b'x');
                vec![say(SUCCESS, c), Step::Say(short), exit(c, 0)]
            },
            Out::Lost,
        )
        .ends("length invalid"),
        Lie::running(
            "sends a packet without a message",
            |c| vec![say(SUCCESS, c), Step::Say(Say(Vec::new())), say(CLOSE, c)],
            Out::Unknown,
        ),
        Lie::running(
            "sends a packet whose seal is broken",
            |c| vec![say(SUCCESS, c), Step::Broken(Say::new(IGNORE).text("x")), exit(c, 0)],
            Out::Lost,
        )
        .ends("decrypt"),
        Lie::running(
            "sends a packet of two thousand megabytes",
            |c| vec![say(SUCCESS, c), Step::Bytes(vec![0x7f; 64]), exit(c, 0)],
            Out::Lost,
        )
        .ends("packet size"),
        Lie::running(
            "ends the line in the middle of a packet",
            |c| vec![say(SUCCESS, c), Step::Cut],
            Out::Lost,
        )
        .ends("the host closed it"),
    ]
}

/// An offer of algorithms that nothing follows.
fn kex_begun() -> Step {
    let mut offer = Say::new(KEXINIT);
    offer.0.extend_from_slice(&[0; 16]);
    for list in ["curve25519-sha256", "ssh-ed25519", GCM, GCM, "", "", "none", "none", "", ""] {
        offer = offer.text(list);
    }
    Step::Say(offer.byte(0).number(0))
}

#[tokio::test]
async fn whatever_a_host_says_after_the_sign_in_nothing_is_done_that_was_not_proved_done() {
    let all = [lies_about_channels(), lies_about_the_end(), lies_about_the_connection()];
    let all: Vec<Lie> = all.into_iter().flatten().collect();
    let names: BTreeSet<&str> = all.iter().map(|lie| lie.name).collect();
    assert_eq!(names.len(), all.len(), "each lie has its own name");
    let mut telling = tokio::task::JoinSet::new();
    for lie in all {
        telling.spawn(tell(Arc::new(lie)));
    }
    let mut believed = 0;
    while let Some(told) = telling.join_next().await {
        // Each has told its name and what came out; the others are told all the same.
        believed += usize::from(told.is_err());
    }
    assert_eq!(believed, 0, "lies that were believed, or not got over");
}
