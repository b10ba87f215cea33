//! What a camera offers: its formats, sizes and rates, in the words of the choice between them.

use super::v4l2::{Node, Rates, Size};
use crate::model::capture::{Encoding, Offer, Pixels, Rate};
use crate::model::media::Quality;

/// Formats of videodev2.h that can be captured here.
const FORMATS: [(&[u8; 4], Encoding); 13] = [
    (b"YU12", Encoding::Raw(Pixels::I420)),
    (b"NV12", Encoding::Raw(Pixels::Nv12)),
    (b"YUYV", Encoding::Raw(Pixels::Yuy2)),
    (b"UYVY", Encoding::Raw(Pixels::Uyvy)),
    (b"NV21", Encoding::Raw(Pixels::Nv21)),
    (b"YV12", Encoding::Raw(Pixels::Yv12)),
    (b"RGB3", Encoding::Raw(Pixels::Rgb)),
    (b"BGR3", Encoding::Raw(Pixels::Bgr)),
    (b"GREY", Encoding::Raw(Pixels::Grey)),
    (b"MJPG", Encoding::Jpeg),
    (b"JPEG", Encoding::Jpeg),
    (b"H264", Encoding::H264),
    // H.264 without start codes is the same to the element that captures it.
    (b"AVC1", Encoding::H264),
];

/// Rates that are asked for where a camera names a range.
const ROUND: [u32; 6] = [30, 25, 20, 15, 10, 5];

/// Where a camera names no rate at all: what nearly all cameras do.
const UNNAMED: Rate = Rate::per_second(30);

/// Everything a node offers that can be captured, in its own order.
pub(super) fn offers(node: &Node) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    for format in node.formats() {
        let Some((_, encoding)) = FORMATS.iter().find(|(code, _)| **code == format) else { continue };
        for (width, height) in node.sizes(format).into_iter().flat_map(sizes) {
            let known =
                |offer: &Offer| (offer.encoding, offer.width, offer.height) == (*encoding, width, height);
            if !offers.iter().any(known) {
                let rates = rates(&node.rates(format, (width, height)));
                offers.push(Offer { encoding: *encoding, width, height, rates });
            }
        }
    }
    offers
}

/// Of a range: the sizes that are sent, as far as they are in it, and the largest.
fn sizes(size: Size) -> Vec<(u32, u32)> {
    match size {
        Size::Exactly(width, height) => vec![(width, height)],
        Size::Range { least, most, step } => {
            let within = |value: u32, least: u32, most: u32, step: u32| {
                (least..=most).contains(&value) && (value - least).is_multiple_of(step.max(1))
            };
            let qualities = [Quality::P360, Quality::P540, Quality::P720, Quality::P1080];
            let mut sizes: Vec<_> = qualities
                .map(Quality::size)
                .into_iter()
                .filter(|(width, height)| {
                    within(*width, least.0, most.0, step.0) && within(*height, least.1, most.1, step.1)
                })
                .collect();
            if !sizes.contains(&most) {
                sizes.push(most);
            }
            sizes
        }
    }
}

fn rates(answers: &[Rates]) -> Vec<Rate> {
    let of = |rates: &Rates| match *rates {
        Rates::Exactly(rate) => vec![rate],
        Rates::Range { slowest, fastest } => {
            let round = ROUND.map(Rate::per_second).into_iter();
            let within = |rate: &Rate| (slowest.milli()..fastest.milli()).contains(&rate.milli());
            std::iter::once(fastest).chain(round.filter(within)).collect()
        }
    };
    let rates: Vec<Rate> = answers.iter().flat_map(of).collect();
    if rates.is_empty() { vec![UNNAMED] } else { rates }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_sizes_gives_those_that_are_sent() {
        // What the Raspberry Pi's camera driver says.
        let range = Size::Range { least: (32, 32), most: (3280, 2464), step: (2, 2) };
        assert_eq!(sizes(range), [(640, 360), (960, 540), (1280, 720), (1920, 1080), (3280, 2464)]);
        let coarse = Size::Range { least: (16, 16), most: (1280, 720), step: (16, 16) };
        assert_eq!(sizes(coarse), [(1280, 720)], "360 and 540 are no multiples of 16");
        let senseless = Size::Range { least: (9, 9), most: (1, 1), step: (0, 0) };
        assert_eq!(sizes(senseless), [(1, 1)]);
    }

    #[test]
    fn a_range_of_rates_gives_round_ones_and_the_fastest() {
        let range = |slowest, fastest| rates(&[Rates::Range { slowest, fastest }]);
        let milli = |rates: Vec<Rate>| rates.into_iter().map(Rate::milli).collect::<Vec<_>>();
        let slow = Rate { frames: 1, seconds: 1000 };
        assert_eq!(
            milli(range(slow, Rate::per_second(90))),
            [90_000, 30_000, 25_000, 20_000, 15_000, 10_000, 5000]
        );
        assert_eq!(milli(range(Rate::per_second(10), Rate::per_second(12))), [12_000, 10_000]);
        assert_eq!(rates(&[]), [UNNAMED]);
        assert_eq!(rates(&[Rates::Exactly(Rate::per_second(7))]), [Rate::per_second(7)]);
    }
}
