//! Tags, one byte or two (annex H; tables 11-25, 11-36, 11-49).

/// Issuer identification number.
pub const ISSUER_NUMBER: u16 = 0x42;
/// Card image number.
pub const CARD_IMAGE_NUMBER: u16 = 0x45;
/// Card data, around [`CARD_RECOGNITION`].
pub const CARD_DATA: u16 = 0x66;
/// Card capability information.
pub const CARD_CAPABILITY: u16 = 0x67;
/// Key information template.
pub const KEY_INFORMATION: u16 = 0xE0;
/// One key of [`KEY_INFORMATION`]: id, version, and type and length of each component.
pub const KEY: u16 = 0xC0;
/// Sequence counter of the default key version.
pub const SEQUENCE_COUNTER: u16 = 0xC1;
/// Confirmation counter.
pub const CONFIRMATION_COUNTER: u16 = 0xC2;
/// Extended card resources.
pub const EXTENDED_RESOURCES: u16 = 0xFF21;
/// Card production life cycle data.
pub const CPLC: u16 = 0x9F7F;
/// List of applications.
pub const APPLICATION_LIST: u16 = 0x2F00;

/// Card recognition data.
pub const CARD_RECOGNITION: u16 = 0x73;
/// An object identifier.
pub const OBJECT_IDENTIFIER: u16 = 0x06;
/// In [`CARD_RECOGNITION`]: version of the card's specification.
pub const MANAGEMENT_VERSION: u16 = 0x60;
/// In [`CARD_RECOGNITION`]: how the card is identified.
pub const IDENTIFICATION_SCHEME: u16 = 0x63;
/// In [`CARD_RECOGNITION`]: a secure channel protocol and its i.
pub const SECURE_CHANNEL: u16 = 0x64;
/// In [`CARD_RECOGNITION`]: configuration.
pub const CARD_CONFIGURATION: u16 = 0x65;
/// In [`CARD_RECOGNITION`]: chip.
pub const CHIP_DETAILS: u16 = 0x66;

/// FCI template.
pub const FCI: u16 = 0x6F;
/// AID, in an FCI; of a load file's modules in a registry entry.
pub const DF_NAME: u16 = 0x84;
/// Proprietary part of the FCI.
pub const FCI_PROPRIETARY: u16 = 0xA5;
/// Longest data field of a command.
pub const MAX_DATA_LENGTH: u16 = 0x9F65;
/// Production life cycle of an application, in an FCI.
pub const PRODUCTION: u16 = 0x9F6E;

/// An entry of the registry.
pub const REGISTRY_ENTRY: u16 = 0xE3;
/// AID, in commands and registry entries.
pub const AID: u16 = 0x4F;
/// Tags that are asked for.
pub const TAG_LIST: u16 = 0x5C;
/// Life cycle state.
pub const LIFE_CYCLE: u16 = 0x9F70;
/// Privileges.
pub const PRIVILEGES: u16 = 0xC5;
/// Implicit selection.
pub const IMPLICIT_SELECTION: u16 = 0xCF;
/// AID of the load file an application was made of.
pub const LOAD_FILE: u16 = 0xC4;
/// AID of the domain an entry belongs to.
pub const DOMAIN: u16 = 0xCC;
/// Version of a load file.
pub const LOAD_FILE_VERSION: u16 = 0xCE;

/// In the parameters of INSTALL: the application's own.
pub const APPLICATION_PARAMETERS: u16 = 0xC9;
/// In the parameters of INSTALL: the system's.
pub const SYSTEM_PARAMETERS: u16 = 0xEF;
/// In the parameters of INSTALL: a UICC's.
pub const UICC_PARAMETERS: u16 = 0xEA;

/// DELETE: id of a key.
pub const KEY_ID: u16 = 0xD0;
/// DELETE: version of a key.
pub const KEY_VERSION: u16 = 0xD2;
/// DELETE: control reference template of a token.
pub const CONTROL_REFERENCE: u16 = 0xB6;
/// A token.
pub const TOKEN: u16 = 0x9E;
