//! Whether this computer has a graphics card that the window can be drawn with.
//!
//! Without one, as in most virtual machines, Mesa has the processor play one, and does not say so: each
//! frame of which a single pixel changed then costs the processor the whole window. Nothing is opened to
//! find out, as that alone wakes a card that sleeps.

use std::fs;
use std::path::Path;

/// What a card has whose driver is not in the kernel's own tree: that of NVIDIA, and that of WSL.
const OF_OTHERS: [&str; 2] = ["dev/nvidiactl", "dev/dxg"];

/// Where it is not known, there is one: then all is as the web view itself would have it.
pub(crate) fn is_there(root: &Path) -> bool {
    if OF_OTHERS.iter().any(|path| root.join(path).exists()) {
        return true;
    }
    let nodes = fs::read_dir(root.join("sys/class/drm")).into_iter().flatten().flatten();
    nodes
        .filter(|node| node.file_name().to_string_lossy().starts_with("renderD"))
        .any(|node| can_draw(&node.path().join("device")))
}

/// Of a device with a node to draw by, which a virtual one has also where it draws nothing.
fn can_draw(device: &Path) -> bool {
    let driver = fs::read_link(device.join("driver")).unwrap_or_default();
    if driver.file_name().is_none_or(|name| name != "virtio_gpu") {
        return true;
    }
    // What the virtual machine offers, a digit each: the first is for drawing in three dimensions.
    fs::read_to_string(device.join("features")).map_or(true, |features| features.starts_with('1'))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    /// A computer with a device of this driver, with or without a node to draw by.
    fn with(node: &str, driver: &str) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        let device = root.path().join("sys/class/drm").join(node).join("device");
        fs::create_dir_all(&device).unwrap();
        symlink(format!("../../../bus/pci/drivers/{driver}"), device.join("driver")).unwrap();
        root
    }

    #[test]
    fn a_driver_that_has_a_node_to_draw_by_has_a_card() {
        assert!(is_there(with("renderD128", "amdgpu").path()));
        assert!(is_there(with("renderD129", "of-next-year").path()), "what is not known can draw");
    }

    #[test]
    fn a_screen_alone_is_no_card() {
        assert!(!is_there(with("card0", "bochs-drm").path()));
        assert!(!is_there(tempfile::tempdir().unwrap().path()), "as in a container");
    }

    #[test]
    fn a_virtual_card_draws_where_the_virtual_machine_offers_it() {
        let root = with("renderD128", "virtio_gpu");
        let features = root.path().join("sys/class/drm/renderD128/device/features");
        assert!(is_there(root.path()), "it does not say");
        fs::write(&features, "1110000000000000\n").unwrap();
        assert!(is_there(root.path()));
        fs::write(&features, "0110000000000000\n").unwrap();
        assert!(!is_there(root.path()));
    }

    #[test]
    fn a_card_whose_driver_is_no_part_of_the_kernel_is_found() {
        for path in OF_OTHERS {
            let root = with("card0", "simpledrm");
            fs::create_dir_all(root.path().join("dev")).unwrap();
            fs::write(root.path().join(path), "").unwrap();
            assert!(is_there(root.path()), "{path}");
        }
    }
}
