//! INSTALL (GlobalPlatform Card Specification 2.3 clause 11.5): an enterprise's application with its files and its control key.

use onecard_wire::{
    aid::{TOOLKIT_APPLET, is_enterprise_application},
    globalplatform::{
        aid::{ENTERPRISE_LOAD_FILE, ENTERPRISE_MODULE},
        install::{self, EnterpriseParameters},
        life_cycle::ApplicationState,
        privileges::Privileges,
        tag,
    },
    key::AlgorithmId,
    layout::Reader,
    number::EnterpriseId,
    status::StatusWord,
};
use zeroize::Zeroizing;

use super::{IssuerDomain, put_key, tlv};
use crate::{
    apdu::{Command, Response, put},
    crypto::Key,
    failure::{Failure, refuse},
    fs::{self, File, NewApplication},
    nvm::Transaction,
    platform::Platform,
};

/// The fields of every INSTALL but for load, each behind its length.
struct Fields<'a> {
    load_file: &'a [u8],
    module: &'a [u8],
    application: &'a [u8],
    privileges: &'a [u8],
    parameters: &'a [u8],
    token: &'a [u8],
}

impl<P: Platform> IssuerDomain<'_, P> {
    /// INSTALL; answers 00: there is no receipt.
    pub(super) fn install(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        if command.p2 != 0x00 {
            return refuse(StatusWord::WRONG_P1P2);
        }
        let fields =
            || Fields::parse(command.data).filter(|fields| fields.token.is_empty()).ok_or(StatusWord::WRONG_DATA);
        match command.p1 {
            install::FOR_INSTALL => self.create(&fields()?, ApplicationState::INSTALLED)?,
            install::FOR_INSTALL_AND_MAKE_SELECTABLE => self.create(&fields()?, ApplicationState::SELECTABLE)?,
            install::FOR_MAKE_SELECTABLE => self.make_selectable(&fields()?)?,
            install::FOR_PERSONALIZATION => self.personalize(&fields()?)?,
            _ => return refuse(StatusWord::WRONG_P1P2),
        }
        Ok(put(answer, &[0x00])?)
    }

    /// # Errors
    /// 6A88 for another load file or module; 6A80 for parameters that are not these, and a name that is taken; 6982 for a
    /// wrong check value; 6A84 if there is no room.
    fn create(&mut self, fields: &Fields<'_>, state: ApplicationState) -> Result<(), Failure> {
        if fields.load_file != ENTERPRISE_LOAD_FILE || fields.module != ENTERPRISE_MODULE {
            return refuse(StatusWord::DATA_NOT_FOUND);
        }
        let name = enterprise_name(fields.application).ok_or(StatusWord::WRONG_DATA)?;
        if fs::applications(self.nvm).any(|(_, file)| file.name() == name) {
            return refuse(StatusWord::WRONG_DATA);
        }
        fields.require_no_privileges()?;
        let parameters = application_parameters(fields.parameters)?.and_then(EnterpriseParameters::parse);
        let parameters = parameters.ok_or(StatusWord::WRONG_DATA)?;
        let EnterpriseParameters { algorithm, enciphered_key, check_value } = parameters;
        if !matches!(algorithm, AlgorithmId(0x00 | 0x01) | AlgorithmId::SM4 | AlgorithmId::AES) {
            return refuse(StatusWord::WRONG_DATA);
        }
        let algorithm = algorithm.algorithm();
        let mut control_key = Zeroizing::new(enciphered_key);
        self.session.channel.dek()?.decipher(&mut *control_key);
        let key = Key::from_value(algorithm, &*control_key).ok_or(StatusWord::INTERNAL_ERROR)?;
        put_key::check(&check_value, &key.check_value())?;
        fs::install(self.nvm, &NewApplication { name, algorithm, control_key: &control_key, life_cycle: state })
    }

    /// # Errors
    /// 6A88 if there is no such application; 6985 if it is locked.
    fn make_selectable(&mut self, fields: &Fields<'_>) -> Result<(), Failure> {
        if !fields.load_file.is_empty() || !fields.module.is_empty() {
            return refuse(StatusWord::WRONG_DATA);
        }
        fields.require_no_privileges()?;
        if application_parameters(fields.parameters)?.is_some_and(|parameters| !parameters.is_empty()) {
            return refuse(StatusWord::WRONG_DATA);
        }
        let found = fs::applications(self.nvm).find(|(_, file)| file.name() == fields.application);
        let (index, file) = found.ok_or(StatusWord::DATA_NOT_FOUND)?;
        match file.life_cycle {
            ApplicationState::SELECTABLE => Ok(()),
            ApplicationState::INSTALLED => {
                let mut transaction = Transaction::new();
                let selectable = File { life_cycle: ApplicationState::SELECTABLE, ..file };
                transaction.write(index.address(), &selectable.emit())?;
                Ok(self.nvm.commit(transaction)?)
            }
            _ => refuse(StatusWord::CONDITIONS_NOT_SATISFIED),
        }
    }

    /// STORE DATA that follows is for the toolkit applet. An enterprise's application takes none: the operator's keys open
    /// nothing in it.
    fn personalize(&mut self, fields: &Fields<'_>) -> Result<(), Failure> {
        let alone = [fields.load_file, fields.module, fields.privileges, fields.parameters]
            .iter()
            .all(|field| field.is_empty());
        if !alone {
            return refuse(StatusWord::WRONG_DATA);
        }
        if fields.application != TOOLKIT_APPLET {
            let there = fs::applications(self.nvm).any(|(_, file)| file.name() == fields.application);
            return refuse(if there { StatusWord::CONDITIONS_NOT_SATISFIED } else { self.why_not(fields.application) });
        }
        self.session.personalizing_toolkit = true;
        self.session.blocks = 0;
        Ok(())
    }
}

impl<'a> Fields<'a> {
    fn parse(data: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let short = |reader: &mut Reader<'a>| {
            let length = reader.u8()?;
            reader.slice(usize::from(length))
        };
        let fields = Self {
            load_file: short(&mut reader)?,
            module: short(&mut reader)?,
            application: short(&mut reader)?,
            privileges: short(&mut reader)?,
            parameters: tlv::value(&mut reader)?,
            token: tlv::value(&mut reader)?,
        };
        reader.end(fields)
    }

    fn require_no_privileges(&self) -> Result<(), StatusWord> {
        match Privileges::parse(self.privileges) {
            Some(Privileges::NONE) => Ok(()),
            _ => Err(StatusWord::WRONG_DATA),
        }
    }
}

/// The value of C9, the only parameters there are here.
fn application_parameters(parameters: &[u8]) -> Result<Option<&[u8]>, StatusWord> {
    let mut objects = tlv::Objects::new(parameters);
    match (objects.next()?, objects.next()?) {
        (None, _) => Ok(None),
        (Some((tag::APPLICATION_PARAMETERS, value)), None) => Ok(Some(value)),
        _ => Err(StatusWord::WRONG_DATA),
    }
}

/// An enterprise's name ends with its number, 16 decimal digits.
fn enterprise_name(name: &[u8]) -> Option<[u8; 14]> {
    let id = name.last_chunk::<8>().copied().and_then(EnterpriseId::from_bytes);
    id.filter(|_| is_enterprise_application(name)).and_then(|_| name.try_into().ok())
}
