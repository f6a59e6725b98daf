//! Reads the data files and refuses what proves nothing.

use serde::Deserialize;
use toml::{Table, Value};

use crate::{
    access_right::AccessRight,
    authentication::Authentication,
    card_management::{KeyInformation, ManagementCommand, ProductionData, RecognitionData, Registry},
    construction::Construction,
    diversify::Diversify,
    ecb::Ecb,
    key_check_value::KeyCheckValue,
    key_defect::{KeyDefect, defect, defect_of_aes},
    key_master::{ExportedKey, KeyWrap},
    line_protection::{Encipherment, LineProtection},
    load::Load,
    mac::Mac,
    milenage::Milenage,
    overdraft::Overdraft,
    pin::{PinUnblock, ReloadPin},
    purchase::Purchase,
    sam::{SamLoad, SamPurchase},
    sam_crypt::{DesCrypt, SamMark},
    secure_channel::{CardChallenge, Chain, Derivation, PutKey, Scp02Keys, Scp03Keys, SensitiveData, Session},
    secured_packet::{CommandPacket, ResponsePacket},
    toolkit::{ToolkitCommand, ToolkitEnvelope, ToolkitProfile, ToolkitReport, ToolkitResponse, ToolkitText},
    uicc::UiccParameters,
    unload::Unload,
    vector::{Body, Origin, Source, Vector, Verdict},
    wrapped_key::WrappedKey,
};

/// The data files, by name.
const FILES: &[(&str, &str)] = &[
    ("authentication.toml", include_str!("../data/authentication.toml")),
    ("diversify.toml", include_str!("../data/diversify.toml")),
    ("ecb.toml", include_str!("../data/ecb.toml")),
    ("globalplatform.toml", include_str!("../data/globalplatform.toml")),
    ("key_wrap.toml", include_str!("../data/key_wrap.toml")),
    ("line_protection.toml", include_str!("../data/line_protection.toml")),
    ("load.toml", include_str!("../data/load.toml")),
    ("mac.toml", include_str!("../data/mac.toml")),
    ("milenage.toml", include_str!("../data/milenage.toml")),
    ("purchase.toml", include_str!("../data/purchase.toml")),
    ("scp02.toml", include_str!("../data/scp02.toml")),
    ("scp03.toml", include_str!("../data/scp03.toml")),
    ("second_implementation.toml", include_str!("../data/second_implementation.toml")),
    ("second_implementation_sm4_aes.toml", include_str!("../data/second_implementation_sm4_aes.toml")),
    ("secured_packet.toml", include_str!("../data/secured_packet.toml")),
    ("sm4_aes.toml", include_str!("../data/sm4_aes.toml")),
    ("toolkit.toml", include_str!("../data/toolkit.toml")),
    ("uicc.toml", include_str!("../data/uicc.toml")),
    ("wrapped_key.toml", include_str!("../data/wrapped_key.toml")),
];

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident: $body:ty,)*) => {
        /// All vectors, by kind; the field's name is the kind's name in the files.
        #[derive(Clone, PartialEq, Eq, Default, Debug)]
        pub struct Vectors {
            $($(#[$doc])* pub $kind: Vec<Vector<$body>>,)*
        }

        impl Vectors {
            /// What coverage needs to know of each vector.
            pub(crate) fn entries(&self) -> Vec<Entry> {
                let mut entries = Vec::new();
                $(entries.extend(self.$kind.iter().map(Entry::of));)*
                entries
            }

            fn read(&mut self, file: &str, kind: &str, array: Vec<Value>) -> Result<(), LoadError> {
                match kind {
                    $(stringify!($kind) => read(file, kind, array, &mut self.$kind),)*
                    _ => Err(LoadError::UnknownKind { file: file.to_owned(), kind: kind.to_owned() }),
                }
            }
        }
    };
}

kinds! {
    /// One cipher call.
    ecb: Ecb,
    /// MACs of ISO/IEC 9797-1, and CMAC.
    mac: Mac,
    /// Diversified keys.
    diversify: Diversify,
    /// Key check values.
    key_check_value: KeyCheckValue,
    /// EXTERNAL and INTERNAL AUTHENTICATE.
    authentication: Authentication,
    /// Commands under line protection.
    line_protection: LineProtection,
    /// Enciphered data fields whose MAC is not published.
    encipherment: Encipherment,
    /// WRITE KEY.
    wrapped_key: WrappedKey,
    /// AES key wrap.
    key_wrap: KeyWrap,
    /// Bodies of WRITE KEY that a key master card exports.
    exported_key: ExportedKey,
    /// RELOAD PIN.
    reload_pin: ReloadPin,
    /// PIN UNBLOCK.
    pin_unblock: PinUnblock,
    /// Loads.
    load: Load,
    /// Purchases, cash withdrawals, compound purchases and undos.
    purchase: Purchase,
    /// Unloads.
    unload: Unload,
    /// Overdraft updates.
    overdraft: Overdraft,
    /// Entries of the access rights.
    access_right: AccessRight,
    /// Purchases and undos in the SAM.
    sam_purchase: SamPurchase,
    /// Loads in the SAM.
    sam_load: SamLoad,
    /// DES CRYPT.
    des_crypt: DesCrypt,
    /// Marking by the SAM.
    sam_mark: SamMark,
    /// Sessions of SCP02.
    scp02_session: Session,
    /// Session keys of SCP02.
    scp02_keys: Scp02Keys,
    /// Pseudo-random card challenges of SCP02.
    scp02_challenge: CardChallenge,
    /// Commands of SCP02 under given session keys.
    scp02_chain: Chain,
    /// Data under the DEK of SCP02.
    scp02_sensitive_data: SensitiveData,
    /// PUT KEY in a session of SCP02.
    scp02_put_key: PutKey,
    /// Sessions of SCP03.
    scp03_session: Session,
    /// Session keys of SCP03.
    scp03_keys: Scp03Keys,
    /// Pseudo-random card challenges of SCP03.
    scp03_challenge: CardChallenge,
    /// Data derivation of SCP03.
    scp03_derivation: Derivation,
    /// Commands of SCP03 under given session keys.
    scp03_chain: Chain,
    /// Data under the DEK of SCP03.
    scp03_sensitive_data: SensitiveData,
    /// PUT KEY in a session of SCP03.
    scp03_put_key: PutKey,
    /// Milenage.
    milenage: Milenage,
    /// Command packets over the air.
    command_packet: CommandPacket,
    /// Response packets over the air.
    response_packet: ResponsePacket,
    /// Texts of the toolkit.
    toolkit_text: ToolkitText,
    /// Proactive commands.
    toolkit_command: ToolkitCommand,
    /// Terminal responses.
    toolkit_response: ToolkitResponse,
    /// Envelopes.
    toolkit_envelope: ToolkitEnvelope,
    /// What the network is told.
    toolkit_report: ToolkitReport,
    /// Terminal profiles.
    toolkit_profile: ToolkitProfile,
    /// File control parameters of UICCs.
    uicc_parameters: UiccParameters,
    /// Card production life cycle data.
    gp_production_data: ProductionData,
    /// Card recognition data.
    gp_recognition_data: RecognitionData,
    /// Key information.
    gp_key_information: KeyInformation,
    /// Entries of the registry.
    gp_registry: Registry,
    /// Commands of card management.
    gp_command: ManagementCommand,
}

impl Vectors {
    /// Every vector of this crate.
    ///
    /// # Errors
    /// [`LoadError`]: never, as long as this crate's tests pass.
    pub fn embedded() -> Result<Self, LoadError> {
        let mut vectors = Self::default();
        for (file, text) in FILES {
            vectors.add(file, text)?;
        }
        Ok(vectors)
    }

    /// Adds a file's vectors: a table array for each kind.
    ///
    /// # Errors
    /// [`LoadError`], which names `file` and the vector.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), LoadError> {
        let table: Table = toml::from_str(text)
            .map_err(|source| LoadError::Syntax { file: file.to_owned(), source: Box::new(source) })?;
        for (kind, value) in table {
            let Value::Array(array) = value else {
                return Err(LoadError::UnknownKind { file: file.to_owned(), kind });
            };
            self.read(file, &kind, array)?;
        }
        Ok(())
    }
}

/// Why a data file does not load.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not TOML.
    #[error("{file}: not TOML")]
    Syntax {
        /// The file.
        file: String,
        /// Where in it.
        source: Box<toml::de::Error>,
    },
    /// Not a table array, or of a kind that is not a field of [`Vectors`].
    #[error("{file}: no kind of vector is called {kind:?}")]
    UnknownKind {
        /// The file.
        file: String,
        /// What it says.
        kind: String,
    },
    /// No name.
    #[error("{file}: {kind} number {position} has no name")]
    Unnamed {
        /// The file.
        file: String,
        /// The kind.
        kind: String,
        /// From 1.
        position: usize,
    },
    /// A vector is not as it should be.
    #[error("{file}, {kind} {vector:?}: {defect}")]
    Vector {
        /// The file.
        file: String,
        /// The kind.
        kind: String,
        /// Its name.
        vector: String,
        /// Why.
        defect: VectorDefect,
    },
}

/// What is wrong with a vector.
#[derive(Debug, thiserror::Error)]
pub enum VectorDefect {
    /// Nobody knows where it comes from.
    #[error("needs a source: `trace: …`, `spec: …`, `implementation: …`, `second implementation: …` or `own: …`")]
    Source,
    /// A field is missing, unknown, or not of its form.
    #[error("{0}")]
    Field(Box<toml::de::Error>),
    /// An APDU is not made of the fields.
    #[error("{0} does not agree with the other fields")]
    Inconsistent(&'static str),
    /// A key that proves nothing, in a vector that does not say so.
    #[error("{field} {defect}: only a trace marked `degenerate = true` may have such a key")]
    Key {
        /// The key.
        field: &'static str,
        /// Its defect.
        defect: KeyDefect,
    },
    /// Marked as degenerate without being so.
    #[error("is marked degenerate, but its keys are good")]
    NotDegenerate,
    /// Another vector of the kind has the name.
    #[error("has the name of another")]
    Duplicate,
}

/// A vector without its bytes.
pub(crate) struct Entry {
    pub(crate) origin: Origin,
    pub(crate) verdict: Verdict,
    pub(crate) degenerate: bool,
    pub(crate) constructions: Vec<Construction>,
}

impl Entry {
    fn of<B: Body>(vector: &Vector<B>) -> Self {
        Self {
            origin: vector.source.origin,
            verdict: vector.verdict,
            degenerate: vector.degenerate,
            constructions: vector.body.constructions(),
        }
    }
}

fn read<B: Body>(file: &str, kind: &str, array: Vec<Value>, into: &mut Vec<Vector<B>>) -> Result<(), LoadError> {
    for (index, value) in array.into_iter().enumerate() {
        let named = match value {
            Value::Table(mut table) => match table.remove("name") {
                Some(Value::String(name)) if !name.trim().is_empty() => Some((name, table)),
                _ => None,
            },
            _ => None,
        };
        let Some((name, table)) = named else {
            return Err(LoadError::Unnamed { file: file.to_owned(), kind: kind.to_owned(), position: index + 1 });
        };
        let refuse =
            |defect| LoadError::Vector { file: file.to_owned(), kind: kind.to_owned(), vector: name.clone(), defect };
        if into.iter().any(|vector| vector.name == name) {
            return Err(refuse(VectorDefect::Duplicate));
        }
        into.push(parse(name.clone(), table).map_err(refuse)?);
    }
    Ok(())
}

/// What every vector says beside its name; the rest of its table is the body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    result: Verdict,
    #[serde(default)]
    degenerate: bool,
    note: Option<String>,
}

fn parse<B: Body>(name: String, mut table: Table) -> Result<Vector<B>, VectorDefect> {
    let source = table.remove("source");
    let source = source.as_ref().and_then(Value::as_str).and_then(Source::parse).ok_or(VectorDefect::Source)?;
    let header: Table =
        ["result", "degenerate", "note"].iter().filter_map(|field| table.remove_entry(*field)).collect();
    let Header { result, degenerate, note } =
        header.try_into().map_err(|error| VectorDefect::Field(Box::new(error)))?;
    let body: B = table.try_into().map_err(|error| VectorDefect::Field(Box::new(error)))?;

    let excused = |defect| degenerate && source.origin == Origin::Trace && defect != KeyDefect::Length;
    let mut defects: Vec<_> = body.keys().into_iter().filter_map(|(field, key)| Some((field, defect(key)?))).collect();
    defects.extend(body.aes_keys().into_iter().filter_map(|(field, key)| Some((field, defect_of_aes(key)?))));
    if let Some(&(field, defect)) = defects.iter().find(|(_, defect)| !excused(*defect)) {
        return Err(VectorDefect::Key { field, defect });
    }
    if degenerate && defects.is_empty() {
        return Err(VectorDefect::NotDegenerate);
    }
    body.check().map_err(VectorDefect::Inconsistent)?;
    Ok(Vector { name, source, verdict: result, degenerate, note, body })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed load is the failed test")]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [[diversify]]
        name = "one level"
        source = "spec: a manual"
        result = "valid"
        key = "00112233445566778899aabbccddeeff"
        factors = ["11223344 55667788"]
        derived = "496BD7A3513644533100B54E71196528"
    "#;

    fn refusal(text: &str) -> String {
        let error = Vectors::default().add("bad.toml", text).unwrap_err();
        let shown = error.to_string();
        assert!(shown.starts_with("bad.toml"), "{shown}");
        shown
    }

    /// The good file with one change; the refusal must name the vector.
    fn refusal_with(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        let shown = refusal(&GOOD.replace(from, to));
        assert!(shown.contains("\"one level\""), "{shown}");
        shown
    }

    #[test]
    fn every_file_loads() {
        let vectors = Vectors::embedded().unwrap();
        for name in ["load-ep-deng214-full", "load-ep-robur-full", "load-ep-3F01-full"] {
            let load = vectors.load.iter().find(|vector| vector.name == name).unwrap();
            assert!(load.is_valid() && load.body.credit.as_ref().unwrap().tac.is_some(), "{name}");
        }
        let mismatch = vectors.load.iter().find(|vector| vector.name == "load-ep-deng214-alg02-mismatch").unwrap();
        assert!(!mismatch.is_valid());
    }

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let mut found: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".toml"))
            .collect();
        found.sort();
        assert_eq!(found, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for name in found {
            assert!(include_str!("../SOURCES.md").contains(&format!("`{name}`")), "{name} is not in SOURCES.md");
        }
    }

    #[test]
    fn good_file() {
        let mut vectors = Vectors::default();
        vectors.add("good.toml", GOOD).unwrap();
        let vector = vectors.diversify.first().unwrap();
        assert_eq!(vector.source.origin, Origin::Specification);
        assert_eq!(vector.body.factors, [[0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]]);
    }

    #[test]
    fn source_missing_empty_or_of_unknown_origin() {
        for to in ["", "source = \"\"", "source = \"spec: \"", "source = \"somewhere\"", "source = \"blog: x\""] {
            assert!(refusal_with("source = \"spec: a manual\"", to).contains("needs a source"), "{to}");
        }
    }

    #[test]
    fn unknown_and_missing_fields() {
        assert!(refusal_with("result", "colour = \"red\"\nresult").contains("colour"));
        assert!(refusal_with("result = \"valid\"", "").contains("result"));
        assert!(refusal_with("\"valid\"", "\"maybe\"").contains("maybe"));
        assert!(refusal_with("derived", "#").contains("derived"));
    }

    #[test]
    fn bad_hexadecimal() {
        assert!(refusal_with("00112233", "0112233").contains("not hexadecimal"));
        assert!(refusal_with("00112233", "0G112233").contains("not hexadecimal"));
        assert!(refusal_with("496BD7A3", "6BD7A3").contains("15 bytes where 16 belong"));
        assert!(refusal_with("[\"11223344 55667788\"]", "[]").contains("0 factors"));
    }

    #[test]
    fn degenerate_keys() {
        let key = "00112233445566778899aabbccddeeff";
        assert!(refusal_with(key, &"0011223344556677".repeat(2)).contains("equal halves"));
        assert!(refusal_with(key, &"FF".repeat(16)).contains("repeats one byte"));
        assert!(refusal_with(key, "01010101010101018899AABBCCDDEEFF").contains("weak"));
        assert!(refusal_with(key, "001122").contains("of another length"));
    }

    #[test]
    fn degenerate_keys_load_as_marked_traces_only() {
        let weak = GOOD.replace("00112233445566778899aabbccddeeff", &"FF".repeat(16));
        let marked = weak.replace("result", "degenerate = true\nresult");
        assert!(refusal(&marked).contains("only a trace"));
        assert!(refusal(&weak.replace("spec:", "trace:")).contains("only a trace"));
        Vectors::default().add("good.toml", &marked.replace("spec:", "trace:")).unwrap();
        assert!(refusal_with("result", "degenerate = true\nresult").contains("its keys are good"));
    }

    #[test]
    fn kinds_and_names() {
        assert!(refusal("[[colour]]\nname = \"red\"").contains("colour"));
        assert!(refusal("ecb = 1").contains("ecb"));
        assert!(refusal("[[ecb").contains("not TOML"));
        assert!(refusal(&GOOD.replace("name = \"one level\"", "")).contains("diversify number 1 has no name"));
        assert!(refusal(&GOOD.repeat(2)).contains("name of another"));
    }

    #[test]
    fn apdus_that_are_not_made_of_their_fields() {
        let file = include_str!("../data/wrapped_key.toml");
        let other_mac = file.replacen("mac = \"8A9D4ADB\"", "mac = \"8A9D4ADC\"", 1);
        assert_ne!(file, other_mac);
        let shown = refusal(&other_mac);
        assert!(shown.contains("\"psam-write-key-84D4\"") && shown.contains("apdu does not agree"), "{shown}");
    }
}
