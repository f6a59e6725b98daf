//! The One Card menu as data: its entries, what each leads to, and what a phone must be able to do for it.

use onecard_wire::toolkit::facility::Facility;

use super::{phone::Phone, texts::Label};

/// What is shown of an application, or done to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum View {
    Balance,
    CardInformation,
    Transactions,
    Delete,
}

/// Where an entry leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target {
    /// To an application, which is chosen first if there are several.
    Application(View),
    LanguageChoice,
}

/// An entry of the menu.
pub(super) struct Entry {
    /// Its item identifier.
    pub(super) identifier: u8,
    pub(super) label: Label,
    pub(super) target: Target,
    /// Facilities without which it is not offered.
    needs: &'static [Facility],
}

/// The menu.
pub(super) const ENTRIES: [Entry; 5] = [
    Entry { identifier: 1, label: Label::Balance, target: Target::Application(View::Balance), needs: &[] },
    Entry {
        identifier: 2,
        label: Label::CardInformation,
        target: Target::Application(View::CardInformation),
        needs: &[],
    },
    Entry { identifier: 3, label: Label::Transactions, target: Target::Application(View::Transactions), needs: &[] },
    Entry {
        identifier: 4,
        label: Label::Delete,
        target: Target::Application(View::Delete),
        needs: &[Facility::GET_INPUT, Facility::SEND_SHORT_MESSAGE],
    },
    Entry { identifier: 5, label: Label::LanguageChoice, target: Target::LanguageChoice, needs: &[] },
];

/// The one item of SET UP MENU.
pub(super) const MENU_ITEM: u8 = 1;
/// Item identifiers of the choice of language.
pub(super) mod language_item {
    pub(in crate::toolkit) const FOLLOW_PHONE: u8 = 1;
    pub(in crate::toolkit) const CHINESE: u8 = 2;
    pub(in crate::toolkit) const ENGLISH: u8 = 3;
}
/// Item identifiers of the last question before an application is deleted.
pub(super) mod confirm_item {
    pub(in crate::toolkit) const DELETE: u8 = 1;
    pub(in crate::toolkit) const CANCEL: u8 = 2;
}
/// Leads to the next page of a list.
pub(super) const MORE_ITEM: u8 = 0x7F;

impl Entry {
    pub(super) fn is_offered(&self, phone: &Phone) -> bool {
        self.needs.iter().all(|facility| phone.can(*facility))
    }
}

/// The entries a phone gets.
pub(super) fn offered(phone: &Phone) -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter().filter(move |entry| entry.is_offered(phone))
}
