#![allow(clippy::unwrap_used)]
use super::*;
use hex_literal::hex;

const NAME: [u8; 8] = hex!("CDF5D0A1C3F70000");
const USIM: [u8; 12] = hex!("00A4040407A0000000871002");
const APPLICATION: [u8; 20] = hex!("00A404000EF04F4E454301100000000000000100");

fn session(exchanges: &[(&[u8], &[u8])]) -> Vec<Exchange> {
    let mut discretion = Discretion::NEW;
    exchanges.iter().map(|(command, answer)| discretion.record(command, Ok(answer))).collect()
}

fn holder_shows(exchanges: &[(&[u8], &[u8])]) -> bool {
    let told = session(exchanges);
    let text: String = told.iter().map(|exchange| format!("{exchange}{exchange:?}")).collect();
    text.contains(&hex::encode_upper(&NAME[..4])) || text.contains("205, 245")
}

#[test]
fn the_holder_is_hidden_whichever_way_it_is_read() {
    let (whole, piece) = ([&NAME[..], &hex!("9000")].concat(), hex!("CDF5D0A1 9000"));
    let ok = hex!("9000");
    let select: (&[u8], &[u8]) = (&APPLICATION, &ok);
    for way in [
        &[(&hex!("00B0960008")[..], &whole[..])][..],
        &[select, (&hex!("00B0960204"), &piece)],
        &[select, (&hex!("00A40000020016"), &ok), (&hex!("00B0000204"), &piece)],
        &[select, (&hex!("00A40200020016"), &ok), (&hex!("00B0000204"), &piece)],
        &[(&hex!("00A4080004DF010016"), &ok), (&hex!("00B0000204"), &piece)],
        // The SFI makes the file current.
        &[select, (&hex!("00B0960001"), &hex!("00 9000")), (&hex!("00B0000204"), &piece)],
        &[select, (&hex!("00B0960008"), &hex!("6108")), (&hex!("00C0000008"), &whole)],
        &[select, (&hex!("00B0960008"), &hex!("6104")), (&hex!("00C0000004"), &piece), (&hex!("00C0000004"), &piece)],
        &[select, (&hex!("04D6960208CDF5D0A1 01020304"), &ok)],
        // A directory by its FID, and one whose SELECT was answered by anything.
        &[(&hex!("00A4000002DF01"), &ok), (&hex!("00B0960204"), &piece)],
        &[(&APPLICATION, &hex!("6A81")), (&hex!("00B0960204"), &piece)],
    ] {
        assert!(!holder_shows(way), "{way:02X?}");
    }
}

#[test]
fn no_secret_of_a_sim_or_key_master_card_is_kept() {
    const SECRET: [u8; 8] = hex!("5EC7E7A1B2C3D4E5");
    let with = |command: &[u8]| [command, &SECRET].concat();
    let brought = [&SECRET[..], &hex!("9000")].concat();
    let piece = [&SECRET[..6], &hex!("9000")].concat();
    let ok = hex!("9000");
    let commands = [
        with(&hex!("0026000108")),
        with(&hex!("0028000108")),
        with(&hex!("A026000108")),
        with(&hex!("002C000110 3132333435363738")),
        with(&hex!("8014000010 8103012304 8202")),
        with(&hex!("84D8308108")),
        with(&hex!("84E60C0008")),
        // A blank key master card's wrap key is known to all; a holder's PIN goes in clear.
        with(&hex!("8430000008")),
        with(&hex!("8432000008")),
        with(&hex!("8036010008")),
    ];
    for command in &commands {
        let told = format!("{:?}", session(&[(command, &ok)]));
        assert!(!told.contains("94, 199") && !told.contains("5EC7"), "{command:02X?}: {told}");
    }
    for way in [
        &[(&hex!("008800810000")[..], &brought[..])][..],
        &[(&hex!("A0880000100000"), &brought)],
        &[(&hex!("0088008100"), &hex!("6108")), (&hex!("00C0000008"), &brought)],
        &[(&hex!("00A40004026F08"), &ok), (&hex!("00B0000008"), &brought)],
        &[(&hex!("00A40804047FFF6F09"), &ok), (&hex!("00B0000008"), &brought)],
        &[(&hex!("00B0880008"), &brought)],
        &[(&hex!("803601001A3A00000001010000"), &brought)],
        &[(&hex!("8038010000"), &hex!("6108")), (&hex!("00C0000008"), &brought)],
        // EPSNSC has records.
        &[(&hex!("00A40004026FE4"), &ok), (&hex!("00B2010408"), &brought)],
        &[(&hex!("00A40804047FFF6FE4"), &ok), (&hex!("00B2010408"), &brought)],
        &[(&hex!("00A40004026FE4"), &ok), (&hex!("00B2010406"), &piece)],
        &[(&USIM, &ok), (&hex!("00B201C408"), &brought)],
        &[(&hex!("00A40004027FFF"), &ok), (&hex!("00B201C408"), &brought)],
        // Perhaps the USIM's: a name without the whole RID, and an answer that never came through.
        &[(&hex!("00A4040003A00000"), &ok), (&hex!("00B201C408"), &brought)],
        &[(&APPLICATION, &hex!("6A82")), (&hex!("00B201C408"), &brought)],
        &[(&USIM, &ok), (&hex!("00B201C408"), &hex!("6108")), (&hex!("00C0000008"), &brought)],
        &[(&USIM, &ok), (&hex!("00B201C401"), &hex!("00 9000")), (&hex!("00B2010408"), &brought)],
        &[(&USIM, &ok), (&with(&hex!("00DC01C408")), &ok)],
        &[(&hex!("00A40004026FE4"), &ok), (&with(&hex!("00DC010408")), &ok)],
        &[(&hex!("00A40004026FE4"), &ok), (&with(&hex!("00A2010408")), &hex!("01 9000"))],
        &[(&APPLICATION, &ok), (&hex!("00A40804047FFF6F07"), &ok), (&hex!("00B201C408"), &brought)],
        // A logical channel is where the one is that opened it.
        &[(&hex!("01A40004026F08"), &ok), (&hex!("0170000001"), &hex!("02 9000")), (&hex!("02B0000008"), &brought)],
        &[(&hex!("01A40004026F08"), &ok), (&hex!("01700002"), &ok), (&hex!("02B0000008"), &brought)],
        &[(&hex!("01A40004026F08"), &ok), (&hex!("0170000000"), &hex!("6101")), (&hex!("02B0000008"), &brought)],
        // Another channel's SELECT changes nothing here.
        &[(&hex!("01A40004026F20"), &ok), (&hex!("00A40004022FE2"), &ok), (&hex!("01B0000008"), &brought)],
    ] {
        let told = format!("{:?}", session(way));
        assert!(!told.contains("94, 199"), "{way:02X?}: {told}");
    }
    // A card's own cryptogram stays: traces are checked by it.
    assert!(format!("{:?}", session(&[(&hex!("008800010800"), &brought)])).contains("94, 199"));
}

#[test]
fn what_is_not_the_holders_is_shown() {
    let (ok, piece) = (hex!("9000"), hex!("CDF5D0A1 9000"));
    let select: (&[u8], &[u8]) = (&APPLICATION, &ok);
    for way in [
        // A SAM's terminal number, before and after its application.
        &[(&hex!("00B0960006")[..], &hex!("CDF5D0A11234 9000")[..])][..],
        &[select, (&hex!("00A40000023F0000"), &ok), (&hex!("00B0960006"), &hex!("CDF5D0A11234 9000"))],
        &[(&hex!("00A40000020016"), &ok), (&hex!("00B0000006"), &hex!("CDF5D0A11234 9000"))],
        &[select, (&hex!("00A40000020016"), &ok), (&hex!("00A40000020015"), &ok), (&hex!("00B0000204"), &piece)],
        &[select, (&hex!("00A40000020016"), &ok), (&hex!("00B0950004"), &piece), (&hex!("00B0000204"), &piece)],
        &[select, (&hex!("00B0960001"), &hex!("00 9000")), (&hex!("00B2010C04"), &piece)],
        // A log has the short identifier of EPSNSC.
        &[select, (&hex!("00B201C404"), &piece)],
        &[(&hex!("00A4000002DF01"), &ok), (&hex!("00B201C404"), &piece)],
        &[(&hex!("00A4040007A0000003330101"), &ok), (&hex!("00B201C404"), &piece)],
        &[(&hex!("00B201C404"), &piece)],
        // A channel that the basic one opens begins in the MF.
        &[
            (&hex!("01A40004026F08"), &ok),
            (&hex!("0170800000"), &ok),
            (&hex!("0070000001"), &hex!("01 9000")),
            (&hex!("01B0000004"), &piece),
        ],
        &[
            select,
            (&hex!("00B0960008"), &hex!("6108")),
            (&hex!("00B0950004"), &hex!("6104")),
            (&hex!("00C0000004"), &piece),
        ],
    ] {
        assert!(holder_shows(way), "{way:02X?}");
    }
}

fn leaks(way: &[(&[u8], &[u8])]) -> bool {
    format!("{:?}", session(way)).contains("94, 199")
}

const BROUGHT: [u8; 10] = hex!("5EC7E7A1B2C3D4E5 9000");

#[test]
fn a_select_that_fails_leaves_the_secret_current() {
    for failing in [
        &hex!("00A40004026FFF")[..],
        &hex!("00A4040408A000000087100499"),
        &hex!("00A40000036F0800"),
        &hex!("00A40004027F99"),
    ] {
        assert!(
            !leaks(&[
                (&hex!("00A40004026F08"), &hex!("9000")),
                (failing, &hex!("6A82")),
                (&hex!("00B0000008"), &BROUGHT)
            ]),
            "{failing:02X?}"
        );
    }
}

#[test]
fn a_channel_opened_with_a_command_waiting_is_where_its_opener_is() {
    assert!(!leaks(&[
        (&hex!("01A40004026F08"), &hex!("9120")),
        (&hex!("0170000001"), &hex!("02 9120")),
        (&hex!("02B0000008"), &BROUGHT)
    ]));
}

#[test]
fn channels_above_three_are_others() {
    assert!(!leaks(&[
        (&hex!("40A40004026F08"), &hex!("9000")),
        (&hex!("00A40004026F07"), &hex!("9000")),
        (&hex!("40B0000008"), &BROUGHT)
    ]));
}

#[test]
fn keys_of_gsm_access_and_5g_are_keys() {
    for fid in [hex!("4F20"), hex!("4F52"), hex!("4F05"), hex!("4F03")] {
        let select = [&hex!("00A4000402")[..], &fid].concat();
        assert!(!leaks(&[(&select, &hex!("9000")), (&hex!("00B0000008"), &BROUGHT)]), "{fid:02X?}");
    }
}

/// Each is right today; without it a mutant of the mends survives.
#[test]
fn what_is_not_known_is_hidden() {
    let ok = hex!("9000");
    let keys: (&[u8], &[u8]) = (&hex!("00A40004026F08"), &ok);
    let keys1: (&[u8], &[u8]) = (&hex!("01A40004026F08"), &ok);
    let keys2: (&[u8], &[u8]) = (&hex!("02A40004026F08"), &ok);
    let usim1 = [&[0x01][..], &USIM[1..]].concat();
    for way in [
        &[(&hex!("00B0880001")[..], &hex!("00 9120")[..]), (&hex!("00B0000008"), &BROUGHT)][..],
        &[keys, (&hex!("00B0970008"), &hex!("6A82")), (&hex!("00B0000008"), &BROUGHT)],
        &[keys, (&hex!("00A40000023F00"), &hex!("6A82")), (&hex!("00B0000008"), &BROUGHT)],
        &[keys, (&hex!("00A40000020015"), &hex!("6A82")), (&hex!("00B0000008"), &BROUGHT)],
        &[(&USIM, &ok), (&hex!("00A4000002DF01"), &hex!("6A82")), (&hex!("00B201C408"), &BROUGHT)],
        &[(&usim1, &ok), (&hex!("0170000000"), &hex!("6101")), (&hex!("02B201C408"), &BROUGHT)],
        &[keys2, (&hex!("0170000000"), &hex!("6101")), (&hex!("02B0000008"), &BROUGHT)],
        &[keys2, (&hex!("0270000000"), &hex!("6101")), (&hex!("01B0000008"), &BROUGHT)],
        &[keys2, (&hex!("01700002"), &hex!("6A86")), (&hex!("02B0000008"), &BROUGHT)],
    ] {
        assert!(!leaks(way), "{way:02X?}");
    }
    let mut discretion = Discretion::NEW;
    discretion.record(keys1.0, Ok(keys1.1));
    discretion.record(&hex!("0170000001"), Err(&TransportError::NoAnswer));
    let told = format!("{:?}", discretion.record(&hex!("02B0000008"), Ok(&BROUGHT)));
    assert!(!told.contains("94, 199"), "{told}");
}

/// A directory may have any identifier (3.3.1), that of an EF too.
#[test]
fn a_directory_of_a_low_identifier_is_not_the_mf() {
    let fci = hex!("6F0F840DF04F4E454301100000000000 9000");
    let piece = hex!("CDF5D0A1 9000");
    assert!(!holder_shows(&[(&hex!("00A40000020010"), &fci), (&hex!("00B0960204"), &piece)]));
}

/// ISO/IEC 7816-4: odd instructions read files, too.
#[test]
fn odd_instructions_read_files_too() {
    for read in [hex!("00B16F0804540200000A"), hex!("00B1000804540200000A")] {
        assert!(!leaks(&[(&read, &BROUGHT)]), "{read:02X?}");
    }
}

/// T=0: on a card that keeps what waits for each channel.
#[test]
fn what_waits_on_another_channel_stays_hidden() {
    assert!(!leaks(&[
        (&hex!("01B0880008"), &hex!("6108")),
        (&hex!("00F2000C"), &hex!("9000")),
        (&hex!("01C0000008"), &BROUGHT)
    ]));
}
