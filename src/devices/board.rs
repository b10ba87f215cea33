//! Which board this is: the device tree says it, or a PC's firmware.

use std::fs;
use std::path::Path;

use crate::model::board::Board;

/// Longest text that is taken of a firmware.
const MOST: usize = 4096;

/// This machine's board; empty where nothing says it.
pub fn board() -> Board {
    read(Path::new("/"))
}

fn read(root: &Path) -> Board {
    let tree = |name: &str| strings(&root.join("proc/device-tree").join(name));
    let compatible = tree("compatible");
    if !compatible.is_empty() {
        return Board { model: tree("model").into_iter().next().unwrap_or_default(), compatible };
    }
    let dmi = |name: &str| {
        let strings = strings(&root.join("sys/class/dmi/id").join(name));
        strings.into_iter().next().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let (vendor, product) = (dmi("sys_vendor"), dmi("product_name"));
    let words: Vec<String> = [vendor.clone(), product].into_iter().flatten().collect();
    Board { model: words.join(" "), compatible: vendor.into_iter().collect() }
}

/// The strings of a property of the device tree: each ends with a zero.
fn strings(file: &Path) -> Vec<String> {
    let Ok(bytes) = fs::read(file) else { return Vec::new() };
    let texts = bytes[..bytes.len().min(MOST)].split(|byte| *byte == 0);
    let text = |text: &[u8]| String::from_utf8_lossy(text).replace(char::is_control, "");
    texts.map(text).filter(|text| !text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &[u8])]) -> Board {
        let root = tempfile::tempdir().expect("a temporary directory");
        for (name, bytes) in files {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().expect("a directory")).expect("a writable directory");
            fs::write(file, bytes).expect("a writable directory");
        }
        read(root.path())
    }

    #[test]
    fn a_board_with_a_device_tree() {
        let pi = machine(&[
            ("proc/device-tree/model", b"Raspberry Pi 4 Model B Rev 1.4\0"),
            ("proc/device-tree/compatible", b"raspberrypi,4-model-b\0brcm,bcm2711\0"),
            ("sys/class/dmi/id/sys_vendor", b"nobody\n"),
        ]);
        assert_eq!(pi.model, "Raspberry Pi 4 Model B Rev 1.4");
        assert_eq!(pi.compatible, ["raspberrypi,4-model-b", "brcm,bcm2711"]);
    }

    #[test]
    fn a_pc() {
        let pc = machine(&[
            ("sys/class/dmi/id/sys_vendor", b"Intel(R) Client Systems\n"),
            ("sys/class/dmi/id/product_name", b"NUC11PAHi5\n"),
        ]);
        assert_eq!(pc.model, "Intel(R) Client Systems NUC11PAHi5");
        assert_eq!(pc.compatible, ["Intel(R) Client Systems"]);
    }

    #[test]
    fn a_machine_that_says_nothing_or_nonsense() {
        assert_eq!(machine(&[]), Board::default());
        let nonsense = machine(&[("proc/device-tree/compatible", &[0xff; 9000])]);
        assert_eq!(nonsense.compatible.len(), 1);
        board();
    }
}
