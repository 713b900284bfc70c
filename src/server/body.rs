//! Request bodies, read completely within limits for each body and for all bodies together. Small bodies have memory of their own,
//! so that unfinished large ones do not keep them out.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use http_body_util::BodyExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::body_memory::{BodyMemory, Unfinished};
use super::limits::Limits;

/// The time in which a rejected client can finish sending, so that it reads the answer and not a broken connection. A busy machine
/// needs more than a second for 8 MiB.
const LINGER: Duration = Duration::from_secs(3);
/// The first allocation, in bytes. A declared length is not trusted.
const FIRST: u64 = 64 * 1024;

/// The memory limits of request bodies, in bytes.
pub(super) struct BodyBudget {
    pub(super) each: usize,
    /// The size from which a body is large.
    large_from: usize,
    small: Arc<BodyMemory>,
    large: Arc<BodyMemory>,
}

/// A complete body with the permits for its bytes.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    permit: Option<OwnedSemaphorePermit>,
}

/// The reason why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// It exceeds the limit of one body.
    TooLarge,
    /// All bodies of its size together exceed their limit.
    OverBudget,
    /// The connection closed before its end.
    Broken,
}

impl BodyBudget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            each: limits.body_bytes,
            large_from: limits.large_bytes,
            small: BodyMemory::new(limits.small_bodies_bytes, limits.quiet),
            large: BodyMemory::new(limits.large_bodies_bytes, limits.quiet),
        }
    }

    /// Reads a body to its end. Permits are acquired for received bytes, not for the declared length.
    pub(super) async fn read(&self, body: &mut Body) -> Result<Held, BodyError> {
        let announced = body.size_hint().lower();
        if announced > self.each as u64 {
            return Err(BodyError::TooLarge);
        }
        let first = usize::try_from(announced.min(FIRST)).unwrap_or_default();
        let mut held = Held { bytes: Vec::with_capacity(first), permit: None };
        // Most bodies arrive as one frame and are never unfinished.
        let mut unfinished: Option<Unfinished> = None;
        loop {
            let frame = match &unfinished {
                None => body.frame().await,
                Some(Unfinished { gives_way, .. }) => tokio::select! {
                    frame = body.frame() => frame,
                    () = gives_way.cancelled() => return Err(BodyError::OverBudget),
                },
            };
            let Some(frame) = frame else { return Ok(held) };
            let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
            let size = held.bytes.len() + data.len();
            if size > self.each {
                return Err(BodyError::TooLarge);
            }
            let becomes_large = held.bytes.len() < self.large_from && size >= self.large_from;
            self.acquire(&mut held, data.len(), becomes_large).await?;
            held.bytes.extend_from_slice(&data);
            if body.is_end_stream() {
                return Ok(held);
            }
            if unfinished.is_none() || becomes_large {
                unfinished = Some(self.memory(held.bytes.len()).begin());
            }
        }
    }

    /// Returns the memory for a body of this size.
    fn memory(&self, size: usize) -> &Arc<BodyMemory> {
        if size < self.large_from { &self.small } else { &self.large }
    }

    /// Acquires permits for more bytes of a body. A body that becomes large returns its permits of a small one.
    async fn acquire(&self, held: &mut Held, more: usize, becomes_large: bool) -> Result<(), BodyError> {
        let size = held.bytes.len() + more;
        let wanted = u32::try_from(if becomes_large { size } else { more }).map_err(|_| BodyError::TooLarge)?;
        let acquired = self.memory(size).acquire(wanted).await.ok_or(BodyError::OverBudget)?;
        match &mut held.permit {
            Some(permit) if !becomes_large => permit.merge(acquired),
            other => *other = Some(acquired),
        }
        Ok(())
    }

    /// Reads and drops the rest of a rejected body, within limits. A connection that is closed with unread bytes is reset, and the
    /// reset can overtake the response.
    pub(super) async fn discard(&self, body: &mut Body) {
        // A body that is a little too large is read to its end.
        let mut left = 2 * self.each;
        let rest = async {
            while let Some(Ok(frame)) = body.frame().await {
                let size = frame.data_ref().map_or(0, bytes::Bytes::len);
                let Some(rest) = left.checked_sub(size) else { return };
                left = rest;
            }
        };
        // A timeout is not an error: the rest stays unread.
        let _ = timeout(LINGER, rest).await;
    }
}
