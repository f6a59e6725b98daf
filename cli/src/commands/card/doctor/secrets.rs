//! The PIN and the keys, as the key list shows them: without any value.

use onecard_host::{card::PinError, keys::Purpose};
use onecard_wire::key::{KeyListEntry, KeyType, KeyVersion};

use super::finding::Finding;
use crate::{
    commands::card::key_names::{chinese, english, has_version, purpose},
    ending::Bilingual,
};

/// Tries of a PIN as issued.
const PIN_TRIES: u8 = 3;
/// What the list shows of a key that counts no failures, or has 255 tries and more.
const TRIES_PLENTY: u8 = 0xFF;

/// What the list says by itself.
pub(super) fn of_list(keys: &[KeyListEntry]) -> Vec<Finding> {
    let pin = keys.iter().find(|key| key.key_type == KeyType::PIN);
    let mut findings: Vec<Finding> = Vec::new();
    let names = |wanted: fn(u8) -> bool| -> Vec<Purpose> {
        let counting = keys.iter().filter(|key| key.key_type != KeyType::PIN && wanted(key.tries));
        counting.filter_map(purpose).collect()
    };
    let (locked, tried) = (names(|tries| tries == 0), names(|tries| tries > 0 && tries < TRIES_PLENTY));
    if !locked.is_empty() {
        findings.push(locked_keys(&locked));
    }
    if !tried.is_empty() {
        findings.push(tried_keys(&tried));
    }
    let missing: Vec<Purpose> = Purpose::ALL
        .into_iter()
        .filter(|wanted| wanted.place().is_some() && !keys.iter().any(|key| purpose(key) == Some(*wanted)))
        .collect();
    if !missing.is_empty() || pin.is_none() {
        findings.push(missing_keys(&missing));
    }
    findings
}

/// What the list shows of the PIN's tries.
pub(super) fn of_pin_in_list(keys: &[KeyListEntry]) -> Option<Finding> {
    keys.iter().find(|key| key.key_type == KeyType::PIN).and_then(|pin| of_tries(pin.tries))
}

/// What the card said to the PIN that was offered.
pub(super) fn of_pin(error: &PinError) -> Option<Finding> {
    match error {
        PinError::Blocked { .. } => of_tries(0),
        PinError::Wrong { tries_left, .. } => Some(wrong_pin(*tries_left)),
        PinError::Refused { .. } | PinError::Exchange { .. } => None,
    }
}

/// The card's versions of `wanted`, the newest last; a card without a list tells that of its purchase key alone.
pub(super) fn versions(keys: &[KeyListEntry], wanted: Purpose) -> Vec<KeyVersion> {
    let of_purpose = keys.iter().filter(|key| has_version(key.key_type) && purpose(key) == Some(wanted));
    let mut versions: Vec<u8> = of_purpose.map(|key| key.version).collect();
    versions.sort_unstable();
    versions.into_iter().map(KeyVersion).collect()
}

/// The card's versions against those in use, purpose by purpose.
pub(super) fn of_versions(
    on_card: impl IntoIterator<Item = (Purpose, Vec<KeyVersion>)>,
    in_use: &[(Purpose, KeyVersion)],
) -> Vec<Finding> {
    let (mut too_old, mut too_new, mut older) = (Vec::new(), Vec::new(), Vec::new());
    for (purpose, versions) in on_card {
        let known = || in_use.iter().filter(|(of, _)| *of == purpose).map(|(_, version)| version.0);
        let (Some(newest), Some(latest)) = (versions.last(), known().max()) else { continue };
        let served = versions.iter().any(|version| known().any(|other| other == version.0));
        match (served, newest.0 < latest) {
            (false, true) => too_old.push((purpose, *newest)),
            (false, false) => too_new.push((purpose, *newest)),
            (true, true) => older.push((purpose, *newest)),
            (true, false) => {}
        }
    }
    let lists = [(too_old, key_version_too_old as fn(Names) -> Finding), (too_new, keys_too_old), (older, newer_there)];
    lists.into_iter().filter(|(list, _)| !list.is_empty()).map(|(list, told)| told(Names(list))).collect()
}

/// Purposes and versions, for a sentence.
struct Names(Vec<(Purpose, KeyVersion)>);

impl Names {
    fn of(&self, name: fn(Purpose) -> &'static str) -> String {
        let names: Vec<String> =
            self.0.iter().map(|(purpose, version)| format!("{} {:02X}", name(*purpose), version.0)).collect();
        names.join(", ")
    }
}

fn of_tries(tries: u8) -> Option<Finding> {
    match tries {
        0 => Some(Finding::problem(
            "pin-blocked",
            Bilingual {
                english: "The PIN is blocked: it was entered wrongly too often. Purchases without a PIN still work, recharges and \
                          the deposit do not."
                    .to_owned(),
                chinese: "密码输错次数过多，已锁定。免密消费仍可用，充值和存折不可用。".to_owned(),
            },
            Bilingual {
                english: "Have the holder prove who they are, then `onecard card pin unblock`.".to_owned(),
                chinese: "请核实持卡人身份，然后用`onecard card pin unblock`解锁。".to_owned(),
            },
        )),
        tries if tries < PIN_TRIES => Some(Finding::warning(
            "pin-low",
            Bilingual {
                english: format!("The PIN was entered wrongly: tries left: {tries} of {PIN_TRIES}."),
                chinese: format!("密码曾输错：剩余{tries}次，共{PIN_TRIES}次。"),
            },
            Bilingual {
                english: "A right PIN brings all of them back. If the holder has forgotten it: `onecard card pin reload`."
                    .to_owned(),
                chinese: "输入一次正确密码即恢复。如持卡人忘记密码，用`onecard card pin reload`重置。".to_owned(),
            },
        )),
        _ => None,
    }
}

fn wrong_pin(tries_left: u8) -> Finding {
    Finding::warning(
        "pin-wrong",
        Bilingual {
            english: format!("The PIN that was offered is not this card's. Tries left: {tries_left}."),
            chinese: format!("所提供的密码不正确。剩余{tries_left}次。"),
        },
        Bilingual {
            english: "Ask the holder again. If they have forgotten it: `onecard card pin reload`.".to_owned(),
            chinese: "请持卡人重新输入。如忘记密码，用`onecard card pin reload`重置。".to_owned(),
        },
    )
}

fn joined(purposes: &[Purpose], name: fn(Purpose) -> &'static str) -> String {
    purposes.iter().map(|purpose| name(*purpose)).collect::<Vec<_>>().join(", ")
}

fn locked_keys(keys: &[Purpose]) -> Finding {
    Finding::problem(
        "key-locked",
        Bilingual {
            english: format!("Keys are locked by failures: {}. What needs them is refused.", joined(keys, english)),
            chinese: format!("以下密钥因多次失败已锁定：{}。需用这些密钥的业务会被拒绝。", joined(keys, chinese)),
        },
        Bilingual {
            english: "Replace them at the station under the control key. If that one is locked, issue a new card."
                .to_owned(),
            chinese: "请到发卡站用主控密钥替换。如主控密钥已锁定，请换发新卡。".to_owned(),
        },
    )
}

fn tried_keys(keys: &[Purpose]) -> Finding {
    Finding::warning(
        "key-guessed",
        Bilingual {
            english: format!(
                "Few tries are left of these keys: {}. Somebody guesses, or a reader has wrong keys.",
                joined(keys, english)
            ),
            chinese: format!("以下密钥剩余次数不多：{}。有人试探，或有读卡器密钥不符。", joined(keys, chinese)),
        },
        Bilingual {
            english: "One right use brings all tries back. Ask the holder where the card has been.".to_owned(),
            chinese: "正确使用一次即恢复。请询问持卡人该卡去过何处。".to_owned(),
        },
    )
}

fn missing_keys(keys: &[Purpose]) -> Finding {
    let (of_english, of_chinese) = match keys {
        [] => ("PIN".to_owned(), "密码".to_owned()),
        keys => (joined(keys, english), joined(keys, chinese)),
    };
    Finding::problem(
        "key-missing",
        Bilingual {
            english: format!("The card lacks keys: {of_english}. Issuing it stopped half-way."),
            chinese: format!("卡内缺少密钥：{of_chinese}。发行过程未完成。"),
        },
        Bilingual {
            english: "Take it back and issue it again at the station.".to_owned(),
            chinese: "请收回并在发卡站重新发行。".to_owned(),
        },
    )
}

fn key_version_too_old(names: Names) -> Finding {
    Finding::problem(
        "key-version-too-old",
        Bilingual {
            english: format!("The card's keys are older than all that are in use: {}. Terminals refuse it.", names.of(english)),
            chinese: format!("卡内密钥版本早于在用版本：{}。终端会拒绝该卡。", names.of(chinese)),
        },
        Bilingual {
            english: "Have the keys replaced at the station, or issue a new card. A terminal with an old SAM still serves it."
                .to_owned(),
            chinese: "请到发卡站更换密钥，或换发新卡。旧SAM的终端仍可使用该卡。".to_owned(),
        },
    )
}

fn keys_too_old(names: Names) -> Finding {
    Finding::problem(
        "key-version-unknown",
        Bilingual {
            english: format!("The card's keys are newer than all that are in use here: {}.", names.of(english)),
            chinese: format!("卡内密钥版本新于本处在用版本：{}。", names.of(chinese)),
        },
        Bilingual {
            english: "The card is right: exchange the SAM or the key file for one with these versions.".to_owned(),
            chinese: "卡片无误：请更换含有这些版本的SAM或密钥文件。".to_owned(),
        },
    )
}

fn newer_there(names: Names) -> Finding {
    Finding::note(
        "key-version-older",
        Bilingual {
            english: format!("The card works, by keys of which there are newer versions: {}.", names.of(english)),
            chinese: format!("卡片可用，但密钥已有更新版本：{}。", names.of(chinese)),
        },
        Bilingual {
            english: "Have them replaced at its next visit to the station, before the old ones are taken out of use."
                .to_owned(),
            chinese: "请在旧版本停用前，下次到发卡站时更换。".to_owned(),
        },
    )
}

/// A SAM that serves this card neither as a till nor as a station nor as a desk.
pub(super) fn sam_without_keys(version: KeyVersion) -> Finding {
    Finding::problem(
        "key-version-not-in-sam",
        Bilingual {
            english: format!("This SAM has no key of the version {:02X} that the card uses. Its terminal refuses the card.", version.0),
            chinese: format!("该SAM没有卡所用版本{:02X}的密钥。装有该SAM的终端会拒绝此卡。", version.0),
        },
        Bilingual {
            english: "If other terminals take the card, exchange the SAM. If none does, have the card's keys replaced at the \
                      station."
                .to_owned(),
            chinese: "如其他终端可用，请更换该SAM。如均不可用，请到发卡站更换卡内密钥。".to_owned(),
        },
    )
}
