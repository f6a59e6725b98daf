//! Why there is no application of this enterprise to work with.

use onecard_host::{
    apdu::{Command, exchange},
    card::{Block, SelectError, block_of, select},
    transport::Transport,
};
use onecard_wire::{aid, ins, number::EnterpriseId};

use super::finding::Finding;
use crate::ending::Bilingual;

/// What `error`, the answer to SELECT of `enterprise`'s application, means; `others` are enterprises whose application the
/// card may have instead.
pub(super) fn finding<T: Transport + ?Sized>(
    card: &mut T,
    error: &SelectError,
    enterprise: EnterpriseId,
    others: &[EnterpriseId],
) -> Finding {
    match error {
        SelectError::NoApplication if still_there(card, enterprise) => erased(),
        SelectError::NoApplication => match others.iter().find(|other| has_application(card, **other)) {
            Some(other) => of_another(enterprise, *other),
            None => none(enterprise),
        },
        SelectError::NotIssued => not_issued(),
        SelectError::Blocked => match block_of(card) {
            Ok(Block::Application) => blocked(),
            Ok(Block::ApplicationForGood) => blocked_for_good(),
            Ok(Block::Card) => card_blocked(),
            Err(error) => unreadable(&error.to_string()),
        },
        SelectError::PermanentlyBlocked => blocked_for_good(),
        SelectError::WrongFci | SelectError::Unreadable | SelectError::Unexpected(_) | SelectError::Exchange(_) => {
            unreadable(&error.to_string())
        }
    }
}

/// An erased directory keeps its name (FMCOS 2.0): SELECT finds it, and it is empty.
fn still_there<T: Transport + ?Sized>(card: &mut T, enterprise: EnterpriseId) -> bool {
    let name = aid::enterprise_application(enterprise);
    let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(&name).expecting(0);
    exchange(card, &select).is_ok_and(|answer| answer.status.is_ok())
}

fn has_application<T: Transport + ?Sized>(card: &mut T, enterprise: EnterpriseId) -> bool {
    matches!(select(card, &aid::enterprise_application(enterprise)), Ok(_) | Err(SelectError::Blocked))
}

fn none(enterprise: EnterpriseId) -> Finding {
    Finding::problem(
        "no-application",
        Bilingual {
            english: format!(
                "The card has no application of enterprise {enterprise}. It was never issued here, was deleted, or belongs to \
                 another enterprise, which a card tells nobody who does not name it."
            ),
            chinese: format!(
                "卡上没有单位{enterprise}的应用。该卡未在本单位发行、已删除，或属于其他单位；不指明单位时卡不会告知。"
            ),
        },
        Bilingual {
            english: "Ask the holder for the card of this enterprise, or issue the application. If you know the other \
                      enterprise, name it by --other."
                .to_owned(),
            chinese: "请持卡人出示本单位的卡，或为其发行应用。如知道其他单位，可用--other指明。".to_owned(),
        },
    )
}

fn of_another(enterprise: EnterpriseId, other: EnterpriseId) -> Finding {
    Finding::problem(
        "wrong-enterprise",
        Bilingual {
            english: format!("This is a card of enterprise {other}. It has no application of {enterprise}."),
            chinese: format!("这是单位{other}的卡。卡上没有单位{enterprise}的应用。"),
        },
        Bilingual {
            english: "Ask the holder for the card of this enterprise, or send them to the other enterprise's desk."
                .to_owned(),
            chinese: "请持卡人出示本单位的卡，或到该单位的服务台办理。".to_owned(),
        },
    )
}

fn erased() -> Finding {
    Finding::problem(
        "erased-application",
        Bilingual {
            english: "The application was erased: its name is still there, its files and keys are gone. Whatever balance it \
                      had is not on the card any more."
                .to_owned(),
            chinese: "应用已被擦除：名称还在，文件和密钥已不存在。原余额已不在卡上。".to_owned(),
        },
        Bilingual {
            english: "Settle the balance by the records of terminals and issuer. Then erase the card at the station and issue \
                      it again, under a new number."
                .to_owned(),
            chinese: "请按终端和发卡方记录结算余额。然后在发卡站擦除全卡，以新卡号重新发行。".to_owned(),
        },
    )
}

fn not_issued() -> Finding {
    Finding::problem(
        "not-issued",
        Bilingual {
            english: "The application was created and never issued: its public data are empty.".to_owned(),
            chinese: "应用已建立但尚未发行：公共信息为空。".to_owned(),
        },
        Bilingual {
            english: "Finish issuing it at the station.".to_owned(),
            chinese: "请到发卡站完成发行。".to_owned(),
        },
    )
}

fn blocked() -> Finding {
    Finding::problem(
        "blocked",
        Bilingual {
            english: "The application is blocked, and can be opened again. It does not tell its number.".to_owned(),
            chinese: "应用已锁定，可以解锁。锁定后不显示卡号。".to_owned(),
        },
        Bilingual {
            english: "Find out from the records why, and the card's number. Then `onecard card unblock`: a wrong number or key \
                      counts, and the third in a row blocks it for good."
                .to_owned(),
            chinese: "请从记录中查明锁定原因和卡号。然后用`onecard card unblock`解锁；卡号或密钥错误会计次，连续三次将永久锁定。"
                .to_owned(),
        },
    )
}

fn blocked_for_good() -> Finding {
    Finding::problem(
        "blocked-for-good",
        Bilingual {
            english: "The application is blocked for good: no key opens it again.".to_owned(),
            chinese: "应用已永久锁定，任何密钥都无法解锁。".to_owned(),
        },
        Bilingual {
            english: "Issue a new card. The old balance comes from the records, once every terminal has delivered."
                .to_owned(),
            chinese: "请换发新卡。余额待各终端数据上传后按记录恢复。".to_owned(),
        },
    )
}

fn card_blocked() -> Finding {
    Finding::problem(
        "card-blocked",
        Bilingual {
            english: "The operator has blocked the whole card for good, with every enterprise's application on it."
                .to_owned(),
            chinese: "整张卡已被运营方永久锁定，卡上所有单位的应用均不能使用。".to_owned(),
        },
        Bilingual {
            english: "Issue a new card. Ask the operator why this one was blocked before you do.".to_owned(),
            chinese: "请先向运营方查明原因，再换发新卡。".to_owned(),
        },
    )
}

fn unreadable(problem: &str) -> Finding {
    Finding::problem(
        "unreadable",
        Bilingual {
            english: format!("The card does not speak as a one-card does: {problem}."),
            chinese: "卡的应答不是一卡通的应答。".to_owned(),
        },
        Bilingual {
            english: "Present it again, then try another reader. If neither helps, issue a new card.".to_owned(),
            chinese: "请重新放卡，再换一台读卡器。仍不行请换发新卡。".to_owned(),
        },
    )
}
