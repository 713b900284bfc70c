//! Request bodies: read whole, but never more of them than there is room for.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a refused client may go on sending before the connection ends.
const LINGER: Duration = Duration::from_secs(1);
/// First allocation; a declared length is only a claim.
const FIRST: u64 = 64 * 1024;

/// Room for the bodies of all requests together.
pub(super) struct Room {
    pub(super) each: usize,
    pub(super) all: Arc<Semaphore>,
}

/// A complete body and the room it takes.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    room: Option<OwnedSemaphorePermit>,
}

/// Why there is no complete body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// Larger than one body may be, whatever its declared length.
    TooLarge,
    /// All room is taken by other bodies.
    NoRoom,
    /// The client broke it off.
    Broken,
}

impl Room {
    pub(super) fn new(each: usize, all: usize) -> Self {
        Self { each, all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))) }
    }

    /// Read to the end. Room is taken for bytes that have come, not for those announced: a claim costs nothing.
    pub(super) async fn read(&self, body: &mut Body) -> Result<Held, BodyError> {
        let announced = body.size_hint().lower();
        if announced > self.each as u64 {
            return Err(BodyError::TooLarge);
        }
        let first = usize::try_from(announced.min(FIRST)).unwrap_or_default();
        let mut held = Held { bytes: Vec::with_capacity(first), room: None };
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
            if data.len() > self.each - held.bytes.len() {
                return Err(BodyError::TooLarge);
            }
            held.room(&self.all, data.len())?;
            held.bytes.extend_from_slice(&data);
        }
        Ok(held)
    }

    /// Let a refused client finish sending, up to a point, and keep nothing of it: a connection closed on unread bytes
    /// is reset, and the reset can overtake the answer.
    pub(super) async fn discard(&self, body: &mut Body) {
        let mut left = self.each;
        let rest = async {
            while let Some(Ok(frame)) = body.frame().await {
                let size = frame.data_ref().map_or(0, bytes::Bytes::len);
                let Some(rest) = left.checked_sub(size) else { return };
                left = rest;
            }
        };
        // Out of time is as good as done.
        let _ = timeout(LINGER, rest).await;
    }
}

impl Held {
    fn room(&mut self, all: &Arc<Semaphore>, size: usize) -> Result<(), BodyError> {
        let size = u32::try_from(size).map_err(|_| BodyError::TooLarge)?;
        let more = Arc::clone(all).try_acquire_many_owned(size).map_err(|_| BodyError::NoRoom)?;
        match &mut self.room {
            Some(room) => room.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}
