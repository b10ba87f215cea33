//! The machine's board, as firmware describes it.

use serde::Serialize;

/// What firmware says the machine is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Board {
    /// For people: `Raspberry Pi 4 Model B Rev 1.4`; empty when nothing is known.
    pub model: String,
    /// For programs, the most exact first: `raspberrypi,4-model-b`, `brcm,bcm2711`; of a PC its vendor.
    pub compatible: Vec<String>,
}

impl Board {
    /// The name of this board that fits `pattern`: an entry of `compatible` in full or up to a `*` at the pattern's end.
    pub fn fits(&self, pattern: &str) -> Option<&str> {
        let fits = |name: &&String| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name.as_str() == pattern,
        };
        self.compatible.iter().find(fits).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let board = Board {
            model: "Raspberry Pi 4 Model B Rev 1.4".into(),
            compatible: vec!["raspberrypi,4-model-b".into(), "brcm,bcm2711".into()],
        };
        assert_eq!(board.fits("brcm,bcm2711"), Some("brcm,bcm2711"));
        assert_eq!(board.fits("raspberrypi,4*"), Some("raspberrypi,4-model-b"));
        for wrong in ["raspberrypi,4", "rockchip,*", "raspberrypi,5*", ""] {
            assert_eq!(board.fits(wrong), None, "{wrong}");
        }
        assert_eq!(Board::default().fits("*"), None);
    }
}
