//! Takes pictures of a window, each under a name of its own.

use std::path::PathBuf;

use support::window::Window;

pub(crate) struct Camera<'a> {
    pub(crate) window: &'a Window,
    pub(crate) folder: PathBuf,
    /// Behind each name, such as `dark-en-1280`.
    pub(crate) ending: String,
}

impl Camera<'_> {
    pub(crate) fn take(&self, name: &str) {
        let name = format!("{}-{}", name.replace(' ', "-"), self.ending);
        let path = self.window.picture(&self.folder, name.trim_end_matches('-'));
        eprintln!("    {}", path.display());
    }

    /// One of each part of what is scrolled, from its top to its end.
    pub(crate) fn take_parts(&self, name: &str, scrolled: &str) {
        for part in 0.. {
            let is_end = self.window.script(&format!(
                "const page = document.querySelector('{scrolled}'); \
                 page.scrollTop = page.clientHeight * {part}; \
                 return page.scrollTop + page.clientHeight >= page.scrollHeight - 1"
            ));
            self.take(&if part == 0 { name.to_owned() } else { format!("{name}-{part}") });
            if is_end == true {
                break;
            }
        }
    }

    /// As the tour through the window goes.
    pub(crate) fn look(&self, name: &str, scrolled: Option<&str>) {
        match scrolled {
            Some(scrolled) => self.take_parts(name, scrolled),
            None => self.take(name),
        }
    }
}
