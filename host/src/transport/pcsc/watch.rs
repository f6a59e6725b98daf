//! Waiting until a card comes or goes.

use std::{
    ffi::CString,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use pcsc::{Context, PNP_NOTIFICATION, ReaderState, Scope, State};

use super::{
    ReaderStatus,
    error::transport_error,
    service::{Slot, unaware},
};
use crate::transport::TransportError;

/// Waits on a connection of its own to the service, so that cards connected by another go on meanwhile.
pub struct Watch {
    context: Context,
    cancelled: Arc<AtomicBool>,
}

/// Ends the waits of a [`Watch`], from another thread.
#[derive(Clone)]
pub struct Canceller {
    context: Context,
    cancelled: Arc<AtomicBool>,
}

/// How a wait ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Waited {
    /// What was waited for is there: the reader and what is in it now.
    Happened(ReaderStatus),
    /// It did not come in time.
    TimedOut,
    /// [`Canceller::cancel`]; every later wait ends so too.
    Cancelled,
}

impl Watch {
    /// Connects to the service.
    ///
    /// # Errors
    /// [`TransportError::NoService`]: it does not run.
    pub fn begin() -> Result<Self, TransportError> {
        let context = Context::establish(Scope::User).map_err(transport_error)?;
        Ok(Self { context, cancelled: Arc::default() })
    }

    /// What another thread ends the waiting by.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller { context: self.context.clone(), cancelled: Arc::clone(&self.cancelled) }
    }

    /// Waits at most `limit` until something is in the reader of this name; with `None` in any, one plugged in meanwhile
    /// included. A silent card ends the wait too.
    ///
    /// # Errors
    /// [`TransportError::ReaderUnplugged`]: there is no reader of this name, or no longer.
    pub fn wait_for_card(&self, reader: Option<&str>, limit: Duration) -> Result<Waited, TransportError> {
        self.wait(reader, limit, |slot| *slot != Slot::Empty)
    }

    /// Waits at most `limit` until nothing is in the reader of this name.
    ///
    /// # Errors
    /// As [`wait_for_card`](Self::wait_for_card).
    pub fn wait_for_removal(&self, reader: &str, limit: Duration) -> Result<Waited, TransportError> {
        self.wait(Some(reader), limit, |slot| *slot == Slot::Empty)
    }

    fn wait(
        &self,
        reader: Option<&str>,
        limit: Duration,
        wanted: impl Fn(&Slot) -> bool,
    ) -> Result<Waited, TransportError> {
        let end = Instant::now() + limit;
        let mut states = self.watched(reader)?;
        let mut timeout = Duration::ZERO;
        loop {
            if self.cancelled.load(Ordering::SeqCst) {
                return Ok(Waited::Cancelled);
            }
            match self.context.get_status_change(timeout, &mut states) {
                Ok(()) | Err(pcsc::Error::Timeout) => {}
                // The flag above tells whether it was meant.
                Err(pcsc::Error::Cancelled) => continue,
                Err(pcsc::Error::UnknownReader) if reader.is_none() => states = self.watched(reader)?,
                Err(error) => return Err(transport_error(error)),
            }
            if let Some(there) = states.iter().filter_map(ReaderStatus::of).find(|found| wanted(&found.slot)) {
                return Ok(Waited::Happened(there));
            }
            if reader.is_some() && states.iter().all(|state| ReaderStatus::of(state).is_none()) {
                return Err(TransportError::ReaderUnplugged);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Waited::TimedOut);
            }
            timeout = left.min(SLICE);
            states.iter_mut().for_each(ReaderState::sync_current_state);
            if reader.is_none() && self.readers_changed(&states)? {
                (states, timeout) = (self.watched(reader)?, Duration::ZERO);
            }
        }
    }

    /// The named reader, or all and the announcement of new ones.
    fn watched(&self, reader: Option<&str>) -> Result<Vec<ReaderState>, TransportError> {
        let Some(name) = reader else {
            let mut all = unaware(&self.context)?;
            all.push(ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE));
            return Ok(all);
        };
        let name = CString::new(name).map_err(|_| TransportError::ReaderUnplugged)?;
        Ok(vec![ReaderState::new(name, State::UNAWARE)])
    }

    fn readers_changed(&self, states: &[ReaderState]) -> Result<bool, TransportError> {
        let now = unaware(&self.context)?;
        let known = states.iter().map(ReaderState::name).filter(|name| *name != PNP_NOTIFICATION());
        Ok(!known.eq(now.iter().map(ReaderState::name)))
    }
}

/// A cancellation that comes between the look at the flag and the call is seen after this time at the latest.
const SLICE: Duration = Duration::from_millis(500);

impl Canceller {
    /// Ends the wait that goes on, and every later one.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        // Without it the wait sees the flag a moment later.
        let _ = self.context.cancel();
    }
}
