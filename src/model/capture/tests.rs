//! The choice against what real cameras say they offer.

use super::*;

const YUY2: Encoding = Encoding::Raw(Pixels::Yuy2);

/// Offers as `WIDTHxHEIGHT@RATE,RATE …`; a rate may be a fraction of thousandths.
fn offers(encoding: Encoding, table: &str) -> Vec<Offer> {
    let rate = |text: &str| match text.split_once('.') {
        None => Rate::per_second(text.parse().expect("a rate")),
        Some((whole, tenths)) => {
            Rate { frames: format!("{whole}{tenths}").parse().expect("a rate"), seconds: 10 }
        }
    };
    let offer = |entry: &str| {
        let (size, rates) = entry.split_once('@').expect("SIZE@RATES");
        let (width, height) = size.split_once('x').expect("WIDTHxHEIGHT");
        Offer {
            encoding,
            width: width.parse().expect("a width"),
            height: height.parse().expect("a height"),
            rates: rates.split(',').map(rate).collect(),
        }
    };
    table.split_whitespace().map(offer).collect()
}

fn join(parts: Vec<Vec<Offer>>) -> Vec<Offer> {
    parts.into_iter().flatten().collect()
}

fn best(offers: &[Offer], wanted: Quality) -> String {
    let choices = choices(offers, wanted, Drawing::Needed);
    choices.first().map_or_else(|| "nothing".to_owned(), |best| format!("{best} sent {}", best.sent.as_str()))
}

fn c270() -> Vec<Offer> {
    join(vec![
        offers(
            YUY2,
            "640x480@30,25,20,15,10,5 160x120@30,25,20,15,10,5 320x240@30,25,20,15,10,5 640x360@30,25,20,15,10,5 \
             800x600@20,15,10,5 960x544@15,10,5 960x720@10,5 1280x720@10,5 1280x960@7.5,5",
        ),
        offers(
            Encoding::Jpeg,
            "640x480@30,25,20,15,10,5 640x360@30,25 800x600@30,25 960x544@30,25 960x720@30,25 1280x720@30,25,20 \
             1280x960@30,25,20",
        ),
    ])
}

fn c920() -> Vec<Offer> {
    let small = "640x480@30,24,20,15,10,7.5,5 160x90@30 320x240@30 640x360@30,24,20,15 800x600@24,20,15 864x480@24,20,15";
    let compressed = "640x480@30,24,15 640x360@30,24,15 800x600@30 960x720@30 1280x720@30,24,20,15 1600x896@30 1920x1080@30,24,15";
    join(vec![
        offers(
            YUY2,
            &format!(
                "{small} 960x720@15,10 1024x576@15,10 1280x720@10,7.5,5 1600x896@7.5,5 1920x1080@5 2304x1296@2 2304x1536@2"
            ),
        ),
        offers(Encoding::H264, compressed),
        offers(Encoding::Jpeg, compressed),
    ])
}

#[test]
fn c270_gives_720p_only_as_jpeg() {
    assert_eq!(best(&c270(), Quality::P720), "MJPEG 1280x720 at 30/s sent 720p");
    assert_eq!(best(&c270(), Quality::P1080), "MJPEG 1280x720 at 30/s sent 720p");
    assert_eq!(best(&c270(), Quality::P540), "YUY2 960x544 at 15/s sent 540p");
    assert_eq!(best(&c270(), Quality::P360), "YUY2 640x360 at 30/s sent 360p");
}

#[test]
fn c920_encodes_itself_but_not_when_something_is_drawn() {
    assert_eq!(best(&c920(), Quality::P720), "MJPEG 1280x720 at 30/s sent 720p");
    assert_eq!(best(&c920(), Quality::P1080), "MJPEG 1920x1080 at 30/s sent 1080p");
    let untouched = choices(&c920(), Quality::P720, Drawing::No)[0];
    assert_eq!((untouched.encoding, untouched.passing), (Encoding::H264, Passing::Untouched));
    assert_eq!(untouched.to_string(), "H.264 1280x720 at 30/s");
    // It has no H.264 of 960x540, and what is passed on untouched cannot be scaled.
    assert_ne!(choices(&c920(), Quality::P540, Drawing::No)[0].passing, Passing::Untouched);
}

#[test]
fn c922_at_60_is_captured_at_30() {
    let c922 = join(vec![
        offers(YUY2, "640x480@30,24,20,15 640x360@30,24 1280x720@10,7.5,5 1920x1080@5"),
        offers(
            Encoding::Jpeg,
            "640x480@30,24 640x360@30 1280x720@60,50,30,24,20,15,10 1920x1080@30,24,20,15,10",
        ),
    ]);
    assert_eq!(best(&c922, Quality::P720), "MJPEG 1280x720 at 30/s sent 720p");
    assert_eq!(best(&c922, Quality::P360), "YUY2 640x360 at 30/s sent 360p");
}

#[test]
fn brio_on_usb_3_gives_720p_raw() {
    let brio = join(vec![
        offers(YUY2, "640x480@30 640x360@30 1280x720@30,24,20,15 1600x896@30,24 1920x1080@30,24,20,15"),
        offers(
            Encoding::Jpeg,
            "640x480@120,60,30 1280x720@90,60,30 1920x1080@60,30 2560x1440@30 3840x2160@30,24",
        ),
    ]);
    assert_eq!(best(&brio, Quality::P720), "YUY2 1280x720 at 30/s sent 720p");
    assert_eq!(best(&brio, Quality::P1080), "YUY2 1920x1080 at 30/s sent 1080p");
    // 1280x720 scaled down: there is no 960x540, and 640x480 would be less than was wanted.
    assert_eq!(best(&brio, Quality::P540), "YUY2 1280x720 at 30/s sent 540p");
}

#[test]
fn a_camera_without_a_name_has_720p_only_as_jpeg() {
    let cheap = join(vec![
        offers(Encoding::Jpeg, "1280x720@30 640x480@30 320x240@30"),
        offers(YUY2, "640x480@30 320x240@30 1280x720@8"),
    ]);
    assert_eq!(best(&cheap, Quality::P720), "MJPEG 1280x720 at 30/s sent 720p");
    assert_eq!(
        best(&cheap, Quality::P360),
        "MJPEG 1280x720 at 30/s sent 360p",
        "640x480 shows less of a wide picture, with borders"
    );
}

#[test]
fn a_vga_camera_is_not_scaled_up() {
    let vga = offers(YUY2, "640x480@30,15 352x288@30 320x240@30 176x144@30 160x120@30");
    assert_eq!(best(&vga, Quality::P720), "YUY2 640x480 at 30/s sent 360p");
    let reason = reason(&choices(&vga, Quality::P720, Drawing::Needed), Quality::P720);
    assert!(reason.contains("sent as 640x360, for nothing is scaled up"), "{reason}");
    let tiny = offers(YUY2, "320x240@30");
    assert_eq!(
        best(&tiny, Quality::P720),
        "YUY2 320x240 at 30/s sent 360p",
        "there is nothing smaller to send"
    );
}

#[test]
fn a_hdmi_dongle_is_raw_only_as_a_slide_show() {
    let dongle = join(vec![
        offers(
            Encoding::Jpeg,
            "1920x1080@30,25,20,10,5 1600x1200@30 1280x1024@30 1280x720@60,50,30,20,10 640x480@60,30",
        ),
        offers(YUY2, "1920x1080@5 1280x720@10 640x480@20,10,5"),
    ]);
    assert_eq!(best(&dongle, Quality::P1080), "MJPEG 1920x1080 at 30/s sent 1080p");
    assert_eq!(best(&dongle, Quality::P720), "MJPEG 1280x720 at 30/s sent 720p");
}

#[test]
fn the_pi_camera_gives_any_size() {
    // Its driver names a range of sizes; it is asked for those that are sent and for its largest.
    let sizes = "640x360@90,30,15 960x540@90,30,15 1280x720@90,30,15 1920x1080@90,30,15 3280x2464@90,30";
    let pi = join(vec![
        offers(Encoding::Raw(Pixels::Rgb), sizes),
        offers(Encoding::Raw(Pixels::I420), sizes),
        offers(YUY2, sizes),
        offers(Encoding::H264, sizes),
        offers(Encoding::Jpeg, sizes),
        offers(Encoding::Raw(Pixels::Nv12), sizes),
    ]);
    for wanted in [Quality::P360, Quality::P540, Quality::P720, Quality::P1080] {
        let (width, height) = wanted.size();
        let expected = format!("I420 {width}x{height} at 30/s sent {}", wanted.as_str());
        assert_eq!(best(&pi, wanted), expected);
        assert_eq!(choices(&pi, wanted, Drawing::No)[0].passing, Passing::Untouched);
    }
}

#[test]
fn vivid_offers_the_largest_first_and_is_not_taken_at_its_word() {
    let sizes = "3840x2160@2,1 1920x1080@5,4,2,1 1280x720@12.5,10,5,4,2,1 640x480@25,15,12.5,10,5,4,2,1 \
                 640x360@40,30,25,15,12.5,10,5,4,2,1 320x180@60,50,40,30,25,15,12.5,10,5,4,2,1";
    let vivid = join(vec![offers(YUY2, sizes), offers(Encoding::Raw(Pixels::Nv12), sizes)]);
    assert_eq!(best(&vivid, Quality::P360), "NV12 640x360 at 30/s sent 360p");
    assert_eq!(
        best(&vivid, Quality::P720),
        "NV12 640x360 at 30/s sent 360p",
        "720p has 12.5 pictures a second"
    );
    let choices = choices(&vivid, Quality::P720, Drawing::Needed);
    assert!(choices.last().expect("choices").to_string().ends_with("3840x2160 at 2/s"));
    assert!(reason(&choices, Quality::P720).contains("not at 15/s"));
}

#[test]
fn a_camera_that_gives_only_h264_is_decoded_or_passed_on() {
    let only = offers(Encoding::H264, "1920x1080@30 1280x720@30,15 640x360@30");
    let drawn = choices(&only, Quality::P720, Drawing::Needed)[0];
    assert_eq!((drawn.to_string().as_str(), drawn.passing), ("H.264 1280x720 at 30/s", Passing::Decoded));
    let untouched = choices(&only, Quality::P720, Drawing::No)[0];
    assert_eq!(untouched.passing, Passing::Untouched);
}

#[test]
fn what_makes_no_sense_is_passed_over() {
    let senseless = [
        Offer { encoding: YUY2, width: 0, height: 720, rates: vec![Rate::per_second(30)] },
        Offer { encoding: YUY2, width: 1280, height: 720, rates: vec![] },
        Offer { encoding: YUY2, width: 1280, height: 720, rates: vec![Rate { frames: 0, seconds: 0 }] },
        Offer {
            encoding: Encoding::H264,
            width: u32::MAX,
            height: u32::MAX,
            rates: vec![Rate::per_second(30)],
        },
        Offer {
            encoding: Encoding::Jpeg,
            width: 640,
            height: 480,
            rates: vec![Rate { frames: u32::MAX, seconds: 0 }],
        },
    ];
    let choices = choices(&senseless, Quality::P720, Drawing::Needed);
    assert_eq!(choices.len(), 2, "{choices:?}");
    assert!(reason(&[], Quality::P720).contains("offers nothing"));
}
