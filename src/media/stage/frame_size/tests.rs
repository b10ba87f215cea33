use super::*;

/// A sequence parameter set as a byte stream, written bit by bit.
#[derive(Clone)]
struct Written {
    profile: u32,
    id: u32,
    chroma: u32,
    depth: u32,
    scaling: bool,
    order: u32,
    references: u32,
    columns: u32,
    rows: u32,
    frames_only: bool,
}

fn plain(width: u32, height: u32) -> Written {
    Written {
        profile: 66,
        id: 0,
        chroma: 1,
        depth: 0,
        scaling: false,
        order: 2,
        references: 1,
        columns: width / 16,
        rows: height / 16,
        frames_only: true,
    }
}

impl Written {
    fn bits(&self) -> String {
        let ue = |value: u32| {
            let binary = format!("{:b}", value + 1);
            format!("{}{binary}", "0".repeat(binary.len() - 1))
        };
        let mut bits = format!("{:08b}{:08b}{:08b}{}", self.profile, 0, 40, ue(self.id));
        if self.profile == 100 {
            bits += &(ue(self.chroma) + &ue(self.depth) + &ue(0) + "0");
            // The first list is there and ends at once: 8 - 8 = 0.
            bits += &if self.scaling { format!("11{}0000000", ue(16)) } else { "0".to_owned() };
        }
        bits += &(ue(0) + &ue(self.order));
        bits += &match self.order {
            0 => ue(4),
            1 => format!("0{}{}{}{}{}", ue(1), ue(2), ue(2), ue(3), ue(4)),
            _ => String::new(),
        };
        bits += &(ue(self.references) + "0" + &ue(self.columns - 1) + &ue(self.rows - 1));
        bits + if self.frames_only { "1" } else { "0" } + "11001"
    }

    fn unit(&self) -> Vec<u8> {
        let bits = self.bits();
        let byte =
            |bits: &[u8]| bits.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0')) << (8 - bits.len());
        let mut unit = vec![0x67];
        for byte in bits.as_bytes().chunks(8).map(byte) {
            if unit.ends_with(&[0, 0]) && byte <= 3 {
                unit.push(3);
            }
            unit.push(byte);
        }
        unit
    }

    fn stream(&self) -> Vec<u8> {
        [&[0, 0, 0, 1, 9, 0x10, 0, 0, 1][..], &self.unit(), &[0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80]].concat()
    }
}

fn vp8(width: u16, height: u16) -> [u8; VP8_HEADER] {
    let ([w0, w1], [h0, h1]) = (width.to_le_bytes(), height.to_le_bytes());
    [0x10, 0, 0, 0x9d, 0x01, 0x2a, w0, w1, h0, h1]
}

#[test]
fn pictures_of_1080p_in_any_orientation_fit() {
    for (width, height) in [(16, 16), (1280, 720), (1920, 1088), (1088, 1920), (1072, 1072)] {
        let seen =
            check_h264(&plain(width, height).stream()).map(|seen| seen.map(|seen| (seen.width, seen.height)));
        assert_eq!(seen, Ok(Some((width, height))));
        let (width, height) = (u16::try_from(width).expect("small"), u16::try_from(height).expect("small"));
        assert_eq!(check_vp8(&vp8(width, height)), Ok(Some(FrameSize::vp8(width.into(), height.into()))));
    }
}

#[test]
fn larger_pictures_do_not() {
    for (width, height) in [(8192, 8192), (1936, 1088), (1920, 1104), (1104, 1104), (16, 4096), (4096, 16)] {
        let too_large = Err(Unfit::TooLarge { width, height });
        assert_eq!(check_h264(&plain(width, height).stream()), too_large);
        let (width, height) = (u16::try_from(width).expect("small"), u16::try_from(height).expect("small"));
        assert_eq!(check_vp8(&vp8(width, height)), too_large);
    }
    assert_eq!(check_vp8(&vp8(16383, 16383)), Err(Unfit::TooLarge { width: 16383, height: 16383 }));
}

#[test]
fn the_scaling_bits_of_vp8_are_no_size() {
    assert_eq!(check_vp8(&vp8(640 | 3 << 14, 360 | 1 << 14)), Ok(Some(FrameSize::vp8(640, 360))));
}

#[test]
fn a_vp8_frame_between_key_frames_has_no_header_and_a_broken_key_frame_is_refused() {
    assert_eq!(check_vp8(&[0x11]), Ok(None));
    assert_eq!(check_vp8(&[]), Err(Unfit::Unreadable));
    assert_eq!(check_vp8(&vp8(640, 360)[..9]), Err(Unfit::Unreadable));
    assert_eq!(check_vp8(&[0x10, 0, 0, 0, 0, 0, 1, 0, 1, 0]), Err(Unfit::Unreadable));
    assert_eq!(check_vp8(&vp8(0, 360)), Err(Unfit::Unreadable));
}

#[test]
fn every_parameter_set_of_an_access_unit_is_read() {
    let good = plain(640, 352).stream();
    let large = Written { id: 7, ..plain(4096, 2160) };
    for stream in [large.stream(), [good.clone(), large.stream()].concat(), [large.stream(), good].concat()] {
        assert_eq!(check_h264(&stream), Err(Unfit::TooLarge { width: 4096, height: 2160 }));
    }
    let mut subset = large.stream();
    subset[9] = 0x6f;
    assert!(check_h264(&subset).is_err(), "a subset parameter set, too");
    assert_eq!(check_h264(&[0, 0, 0, 1, 0x65, 0x88, 0x84]), Ok(None), "a picture without one");
    assert_eq!(check_h264(&[]), Ok(None));
}

#[test]
fn every_form_of_a_parameter_set_is_read() {
    let forms = |width, height| {
        let form = plain(width, height);
        let high = Written { profile: 100, ..form.clone() };
        [
            Written { order: 0, ..form.clone() },
            Written { order: 1, ..form.clone() },
            Written { profile: 77, id: 31, ..form.clone() },
            Written { scaling: true, order: 0, ..high.clone() },
            high,
            // Fields: half the rows.
            Written { profile: 77, rows: height / 32, frames_only: false, ..form },
        ]
    };
    for (small, large) in forms(1280, 704).iter().zip(forms(2560, 1440)) {
        assert!(matches!(check_h264(&small.stream()), Ok(Some(_))), "{}", small.bits());
        let refused = Err(Unfit::TooLarge { width: 2560, height: 1440 });
        assert_eq!(check_h264(&large.stream()), refused, "{}", large.bits());
    }
}

#[test]
fn references_are_bounded_by_the_size_of_the_pictures() {
    let with = |width, height, references| {
        check_h264(&Written { references, ..plain(width, height) }.stream()).is_ok()
    };
    assert!(with(1920, 1088, 4) && !with(1920, 1088, 5));
    assert!(with(1280, 720, 9) && !with(1280, 720, 10));
    assert!(with(320, 176, 16) && !with(320, 176, 17));
    assert!(!with(320, 176, 2_000_000_000));
}

#[test]
fn only_8_bits_of_4_2_0_are_taken() {
    let high = Written { profile: 100, ..plain(640, 352) };
    for wrong in [Written { chroma: 3, ..high.clone() }, Written { depth: 2, ..high }] {
        assert_eq!(check_h264(&wrong.stream()), Err(Unfit::Format));
    }
    let profile = Written { profile: 244, ..plain(640, 352) };
    assert_eq!(check_h264(&profile.stream()), Err(Unfit::Profile(244)));
}

#[test]
fn a_parameter_set_that_ends_too_early_is_refused() {
    let unit = plain(640, 352).unit();
    for length in 1..7 {
        let stream = [&[0, 0, 1], &unit[..length]].concat();
        assert_eq!(check_h264(&stream), Err(Unfit::Unreadable), "{length} bytes");
    }
    assert_eq!(check_h264(&[0, 0, 1, 0x67, 66, 0, 40, 0, 0, 0, 0, 0, 0, 0]), Err(Unfit::Unreadable));
}

#[test]
fn of_several_parameter_sets_the_one_that_takes_most_memory_counts() {
    let sets = [plain(320, 176), plain(1280, 720), Written { references: 16, ..plain(320, 176) }];
    let stream = sets.iter().flat_map(Written::stream).collect::<Vec<u8>>();
    let most = FrameSize { width: 1280, height: 720, references: 1 };
    assert_eq!(check_h264(&stream), Ok(Some(most)));
    assert_eq!(most.memory(), 1280 * 720 * 3 / 2 * 5);
}

#[test]
fn emulation_prevention_hides_nothing() {
    // Both readings count: one has the zeros of a large order count, the other a 3 among them.
    let mut found = 0;
    for order_bits in 0..0x40u8 {
        for tail in 0..=255u8 {
            let unit = [0x67, 66, 0, 0, 3, order_bits, tail, 0, 0, 3, 0x7f, 0x10, 0x20, 0xff, 0xff];
            let (plain, raw) = (without_emulation_prevention(&unit[1..]), &unit[1..]);
            let large = |set: &[u8]| {
                matches!(FrameSize::read(set).and_then(FrameSize::checked), Err(Unfit::TooLarge { .. }))
            };
            if large(raw) && !large(&plain) {
                found += 1;
                assert!(check_h264(&[&[0, 0, 1], &unit[..]].concat()).is_err());
            }
        }
    }
    assert!(found > 0, "some differ");
}

proptest::proptest! {
    #[test]
    fn what_is_taken_is_no_larger_than_1080p(bytes in proptest::collection::vec(0u8..=255, 0..200)) {
        for profile in [66, 100] {
            let unit = [&[profile][..], &bytes].concat();
            if check_h264(&[&[0, 0, 1, 0x67][..], &unit].concat()).is_ok() {
                let first = &unit[..start_code(&unit).unwrap_or(unit.len())];
                let set = FrameSize::read(&without_emulation_prevention(first)).expect("it was read");
                proptest::prop_assert!(set.width * set.height <= 1920 * 1088, "{set:?}");
            }
        }
        if check_vp8(&bytes).is_ok() && bytes[0] & 1 == 0 {
            proptest::prop_assert!(bytes.len() >= VP8_HEADER);
        }
    }
}
