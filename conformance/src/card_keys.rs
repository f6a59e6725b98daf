//! The names that rules have for the keys of an application.

use onecard_host::keys::{CardKeys, Purpose};
use onecard_wire::key::KeyVersion;

use crate::language::value::{Names, Value};

/// The keys of one card's application under the names that rules use, as far as they are there in `version`.
#[must_use]
pub fn named_keys(keys: &CardKeys, version: KeyVersion) -> Names {
    let mut names = Names::default();
    for (name, purpose) in NAMES {
        if let Ok(key) = keys.keys().key(purpose, version) {
            names.set(name, Value::Key(key.clone().into()));
        }
    }
    names
}

/// What rules that only read compute with.
const NAMES: [(&str, Purpose); 4] = [
    ("load", Purpose::Load),
    ("unload_ep", Purpose::UnloadEp),
    ("access_auth", Purpose::AccessAuthentication),
    ("attendance_auth", Purpose::AttendanceAuthentication),
];
