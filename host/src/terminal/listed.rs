//! A listed card (黑名单) is refused, and marked, so that terminals whose list is older refuse it too (profile §5).

use onecard_wire::{key::KeyVersion, layout::Writer, sam::mark_command, status::StatusWord};

use super::{
    Cause, Conclusion, Counter, Language, OrderNumber, SettlementRecord, StorageError, Token, TokenStore, Witness,
    chinese,
};
use crate::{
    apdu::{Command, ExchangeError, exchange},
    blacklist::{Blacklist, ListVersion},
    card::Selected,
    line_protection::{ChallengeError, challenge},
    sam::{CardFactors, SamError},
    transport::Transport,
};

/// The refusal of a card on the store's blacklist, which is marked on the way; `None` if it is not listed.
pub(super) fn listed<C, W, S>(card: &mut C, witness: &mut W, store: &S, application: &Selected) -> Option<Cause>
where
    C: Transport + ?Sized,
    W: Witness + ?Sized,
    S: TokenStore + ?Sized,
{
    let list = store.blacklist()?;
    let ours = list.enterprise() == application.public_data.enterprise;
    if !ours || !list.lists(application.serial()) {
        return None;
    }
    let version = list.version();
    Some(Cause::Listed { version, unmarked: mark_listed(card, witness, application, version).err() })
}

/// Writes status 03 and the list's version into EF 0017: GET CHALLENGE, and the one UPDATE BINARY that the SAM makes a MAC
/// for (profile §4, `80 74`). Taking the mark off needs the maintenance key.
///
/// A card does not tell the version of its maintenance key, so the SAM's marking keys are tried, the newest first, for as long
/// as the card finds the MAC wrong. A card as bought may lock after few wrong MACs: it is tried once.
///
/// # Errors
/// [`MarkError`]: the card may be marked all the same if its answer was lost.
pub fn mark_listed<C, W>(
    card: &mut C,
    witness: &mut W,
    application: &Selected,
    version: ListVersion,
) -> Result<(), MarkError>
where
    C: Transport + ?Sized,
    W: Witness + ?Sized,
{
    let public_data = &application.public_data;
    let factors = CardFactors { enterprise: public_data.enterprise, serial: public_data.serial };
    let tries = if application.has_own_parts() { usize::MAX } else { 1 };
    let mut marked = Err(MarkError::Keeper(SamError::NoSuchKey));
    for key in witness.marking_keys()?.into_iter().take(tries) {
        marked = mark_by(card, witness, factors, key, version);
        if marked != Err(MarkError::Refused(StatusWord::SM_DATA_WRONG)) {
            break;
        }
    }
    marked
}

fn mark_by<C, W>(
    card: &mut C,
    witness: &mut W,
    factors: CardFactors,
    key: KeyVersion,
    version: ListVersion,
) -> Result<(), MarkError>
where
    C: Transport + ?Sized,
    W: Witness + ?Sized,
{
    let [a, b, c, d, ..] = challenge(card)?.0;
    let mac = witness.mark_mac(factors, key, [a, b, c, d], version)?;
    let [cla, ins, p1, p2, _, data @ ..] = mark_command(version.0);
    let data: [u8; 12] = Writer::new().put(&data).put(&mac).finish();
    let command = Command::new(cla, ins, p1, p2).with_data(&data);
    exchange(card, &command)?.done().map(drop).map_err(MarkError::Refused)
}

/// Why a listed card is not marked. It is refused all the same.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MarkError {
    /// The SAM made no MAC.
    #[error(transparent)]
    Keeper(#[from] SamError),
    /// The card took no challenge or no mark: it has no such file, or another maintenance key than the SAM's.
    #[error("the card answered {0}")]
    Refused(StatusWord),
    /// No answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

impl From<ChallengeError> for MarkError {
    fn from(error: ChallengeError) -> Self {
        match error {
            ChallengeError::Refused(status) => Self::Refused(status),
            ChallengeError::Exchange(source) => Self::Exchange(source),
        }
    }
}

/// What is told of a listed card, and what to do next.
pub(crate) fn blacklisted(version: ListVersion, unmarked: Option<&MarkError>, language: Language) -> String {
    let english = || {
        let marked = match unmarked {
            None => "it is marked as lost now".to_owned(),
            Some(error) => format!("it could not be marked ({error})"),
        };
        format!(
            "it is on the blacklist ({version}), reported lost or cancelled; {marked}. Keep it and call the service desk"
        )
    };
    let chinese = || {
        let marked = match unmarked {
            None => "卡上已作挂失标记".to_owned(),
            Some(error) => format!("卡上未能标记（{}）", chinese::not_marked(error)),
        };
        format!("该卡已挂失或注销，在黑名单（{version}）中；{marked}。请留下卡片并联系服务台")
    };
    language.of(english, chinese)
}

/// A terminal's store, and the blacklist beside it, which every operation but unload consults before INITIALIZE, and every
/// door and attendance terminal once the card has shown itself genuine (its store is then an
/// [`EventStore`](crate::presence::EventStore)).
///
/// ```no_run
/// # use onecard_host::{terminal::*, blacklist::*, *};
/// # fn f(card: &mut dyn Transport, sam: &mut dyn Sam, mut journal: JournalFile, list: &Blacklist, order: &PurchaseOrder)
/// # -> Result<(), StoreError> {
/// let mut store = WithBlacklist { store: &mut journal, blacklist: Some(list) };
/// let tap = purchase(card, sam, &mut store, order)?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct WithBlacklist<'a, S: ?Sized> {
    /// The store.
    pub store: &'a mut S,
    /// The list; `None` before a terminal has received its first.
    pub blacklist: Option<&'a Blacklist>,
}

impl<S: TokenStore + ?Sized> TokenStore for WithBlacklist<'_, S> {
    fn begin(&mut self, token: &Token) -> Result<(), StorageError> {
        self.store.begin(token)
    }

    fn conclude(&mut self, token: &Token, conclusion: &Conclusion) -> Result<(), StorageError> {
        self.store.conclude(token, conclusion)
    }

    fn pending(&self) -> Result<Vec<Token>, StorageError> {
        self.store.pending()
    }

    fn committed(&self, order: OrderNumber) -> Result<Option<SettlementRecord>, StorageError> {
        self.store.committed(order)
    }

    fn last_of_counter(&self, card: CardFactors, counter: Counter) -> Result<Option<SettlementRecord>, StorageError> {
        self.store.last_of_counter(card, counter)
    }

    fn blacklist(&self) -> Option<&Blacklist> {
        self.blacklist
    }
}
