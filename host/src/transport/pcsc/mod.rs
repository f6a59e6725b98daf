//! Cards in PC/SC readers (feature `pcsc`; needs the system's PC/SC library).
//!
//! ```no_run
//! use onecard_host::transport::pcsc::{Connection, Service, Sharing, Waited, Watch};
//! # fn main() -> Result<(), onecard_host::transport::TransportError> {
//! let service = Service::connect()?;
//! if let Waited::Happened(reader) = Watch::begin()?.wait_for_card(None, std::time::Duration::from_secs(30))? {
//!     let mut card = Connection::open(&service, &reader.name, Sharing::Exclusive)?;
//!     card.tap(|card| card.transmit(&[0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00, 0x00]))??;
//! }
//! # Ok(())
//! # }
//! ```

mod connection;
mod error;
mod feature;
mod line;
mod service;
mod session;
mod watch;

pub use connection::{Connection, Sharing};
pub use line::{BitRate, Line, LineProtocol};
pub use service::{NoSuchReader, ReaderStatus, Service, Slot, Used, reader_by_part};
pub use watch::{Canceller, Waited, Watch};
