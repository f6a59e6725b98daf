//! A key's purpose, and its code in a key master card (specification 16.1.5).

use onecard_wire::key_master::{EnterpriseKey, KeyCode, OperatorKey};

use crate::keys::Purpose;

/// The code; `None` for a purpose that no key master card holds.
#[must_use]
pub const fn code_of(purpose: Purpose) -> Option<KeyCode> {
    let enterprise = match purpose {
        Purpose::Control => EnterpriseKey::Control,
        Purpose::Reading => EnterpriseKey::Reading,
        Purpose::Maintenance => EnterpriseKey::Maintenance,
        Purpose::AttendanceAppend => EnterpriseKey::AttendanceAppend,
        Purpose::AccessAppend => EnterpriseKey::AccessAppend,
        Purpose::PinUnblock => EnterpriseKey::PinUnblock,
        Purpose::PinReload => EnterpriseKey::PinReload,
        Purpose::Tac => EnterpriseKey::Tac,
        Purpose::Purchase => EnterpriseKey::Purchase,
        Purpose::Load => EnterpriseKey::Load,
        Purpose::LoadForAir => EnterpriseKey::LoadForAir,
        Purpose::UnloadEd => EnterpriseKey::UnloadEd,
        Purpose::UnloadEp => EnterpriseKey::UnloadEp,
        Purpose::Overdraft => EnterpriseKey::Overdraft,
        Purpose::Cancel => EnterpriseKey::Cancel,
        Purpose::AccessAuthentication => EnterpriseKey::AccessAuthentication,
        Purpose::AttendanceAuthentication => EnterpriseKey::AttendanceAuthentication,
        Purpose::Rights => EnterpriseKey::Rights,
        Purpose::SamMaster => EnterpriseKey::SamMaster,
        Purpose::SamMaintenance => EnterpriseKey::SamMaintenance,
        Purpose::Management => return Some(KeyCode::Operator(OperatorKey::Management)),
        Purpose::SamManagement => return Some(KeyCode::Operator(OperatorKey::SamManagement)),
        _ => return None,
    };
    Some(KeyCode::Enterprise(enterprise))
}

/// What a code is for.
#[must_use]
pub fn purpose_of(code: KeyCode) -> Option<Purpose> {
    Purpose::ALL.into_iter().find(|purpose| code_of(*purpose) == Some(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_purpose() {
        for code in KeyCode::ALL {
            assert_eq!(purpose_of(code).and_then(code_of), Some(code));
        }
        assert_eq!(Purpose::ALL.into_iter().filter(|purpose| code_of(*purpose).is_some()).count(), KeyCode::ALL.len());
    }
}
