//! The four pictures of the README, of real hosts that do real work, into `docs`.

use std::fs;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use support::desktop::Desktop;
use support::musterctl::Operator;
use support::pages;
use support::places;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::Window;

use crate::camera::Camera;

/// The charts show so much.
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// A server that others depend on and that clients are connected to.
const SHOP: &str = "use Socket; socket(my $shop, PF_INET, SOCK_STREAM, 0) or die $!;\n\
                    setsockopt($shop, SOL_SOCKET, SO_REUSEADDR, 1);\n\
                    bind($shop, sockaddr_in(8080, INADDR_ANY)) and listen($shop, 9) or die $!;\n\
                    my @clients; while (accept(my $client, $shop)) { push @clients, $client }\n";

const UNITS: [(&str, &str); 4] = [
    (
        "shop.service",
        "[Unit]\nDescription=Web shop\n[Service]\nExecStart=/usr/bin/perl /usr/local/bin/shop\n",
    ),
    (
        "mails.service",
        "[Unit]\nDescription=Mails of the web shop\nRequires=shop.service\nAfter=shop.service\n\
         [Service]\nExecStart=/bin/sleep infinity\n",
    ),
    (
        "report.service",
        "[Unit]\nDescription=Sums of the day\n[Service]\nType=oneshot\n\
         ExecStart=-/usr/bin/timeout 12 /usr/bin/sha256sum /dev/zero\n",
    ),
    ("report.timer", "[Timer]\nOnActiveSec=20s\nOnUnitInactiveSec=48s\nAccuracySec=1s\n"),
];

pub(crate) fn take() {
    let hosts = ["web-1", "web-2", "db-1"].map(|name| (name, SystemdHost::start()));
    let web = &hosts[0].1;
    let _client = serve(web);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    for (name, host) in &hosts {
        let tags: &[&str] = if *name == "web-1" { &["--tag", "prod"] } else { &[] };
        operator.add_trusted(name, &host.address(), 22, "root", &host.key(), tags);
    }
    let window = Window::with_data_of(&desktop, &operator);
    window.resize(1280, 800);
    pages::open_page(&window, "settings");
    window.click("settings-language-en");
    window.click("theme-dark");
    for (name, _) in hosts.iter().rev() {
        pages::open_host(&window, name);
        pages::wait_until_live(&window);
    }
    pages::open_tab(&window, "overview");
    let begun = Instant::now();
    let camera = Camera { window: &window, folder: places::root().join("docs"), ending: String::new() };

    find(&window);
    camera.take("find");
    window.press_escape();
    window.wait_gone("palette");
    restart(&window);
    camera.take("restart");
    window.click("service-done");

    pages::open_tab(&window, "overview");
    eprintln!("    the charts of the README need ten minutes to fill");
    thread::sleep(TEN_MINUTES.saturating_sub(begun.elapsed()));
    camera.take("overview");
    find_report(&window);
    camera.take("spike");
    window.close();
}

/// Lets a host do work, and connects to it as a client does.
fn serve(host: &SystemdHost) -> TcpStream {
    fs::write(host.tree().join("usr/local/bin/shop"), SHOP).unwrap();
    host.add_units(&UNITS.map(|(name, text)| (name.to_owned(), text.to_owned())));
    host.run(&["systemctl", "start", "mails.service", "report.timer"]);
    let address = format!("{}:8080", host.address());
    until("the shop to open", seconds(20), || TcpStream::connect(&address).ok())
}

/// Who listens where all can be signed in to, on each host.
fn find(window: &Window) {
    window.click("search-all");
    window.wait_for("palette");
    window.fill("palette-input", "port:22");
    for host in ["web-1", "web-2", "db-1"] {
        window.wait_for(&format!("found-{host}"));
    }
}

/// A service of a guarded host, with its name typed.
fn restart(window: &Window) {
    pages::open_tab(window, "services");
    pages::open_service(window, "shop.service");
    window.fill("service-typed-name", "web-1");
    pages::act_on_service(window);
}

/// Goes back in time on the charts until it is told that the report used the processor.
fn find_report(window: &Window) {
    let mut back_px = 24;
    until("a moment of the report", seconds(120), || {
        back_px += 4;
        window.script(&format!(
            "const plot = document.querySelector('[data-testid=overview-plot]'); \
             const frame = plot.getBoundingClientRect(); \
             const at = {{bubbles: true, clientX: frame.right - 48 - {back_px}, clientY: frame.top + 40}}; \
             plot.dispatchEvent(new PointerEvent('pointermove', at)); \
             plot.dispatchEvent(new PointerEvent('click', at))"
        ));
        thread::sleep(seconds(2));
        let told = window.script(
            "return document.querySelector('[data-testid=overview-spike] [data-testid^=spike-row-]')?.innerText",
        );
        told.as_str().is_some_and(|told| told.contains("report.service")).then_some(())
    });
}
