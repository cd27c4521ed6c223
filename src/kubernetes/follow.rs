//! A watch: what changes from a list on, for as long as somebody looks.

use std::{sync::Arc, time::Duration};

use futures::io::{AsyncBufReadExt, AsyncReadExt};
use kube::{api::Request, core::params::WatchParams};
use tokio::time::{Instant, sleep, timeout};

use super::{
    list::Asked,
    trouble,
    view::{End, Object, View},
};

/// The API is asked to end each stream after so long: two seconds before, it says of which moment it is.
const STREAM: Duration = Duration::from_secs(10);
/// How much longer a stream may take to end.
const GRACE: Duration = Duration::from_secs(5);
/// The least time between two streams, for an API that ends them at once.
const PACE: Duration = Duration::from_secs(1);
/// Bytes of one change: objects are at most 1.5 MB each.
const MOST: u64 = 8 << 20;

/// Keeps the view until nobody asks for it, or it cannot be kept.
pub async fn follow<T: Object>(view: Arc<View<T>>, asked: Asked) {
    let end = loop {
        let begun = Instant::now();
        if view.is_forgotten() {
            break End::because("nobody has asked for it for a while");
        }
        match timeout(STREAM + GRACE, stream(&view, &asked)).await {
            Ok(Ok(())) => sleep(PACE.saturating_sub(begun.elapsed())).await,
            Ok(Err(end)) => break end,
            Err(_) => break End::because("the stream hangs"),
        }
    };
    tracing::debug!(resource = asked.resource.name(), why = end.why, "watched no longer");
    view.end(end);
}

async fn stream<T: Object>(view: &View<T>, asked: &Asked) -> Result<(), End> {
    let wanted = WatchParams::default().timeout(u32::try_from(STREAM.as_secs()).unwrap_or(u32::MAX));
    let path = asked.resource.path(asked.namespace.as_deref());
    let request = Request::new(path).watch(&wanted, &view.version().to_string());
    let request = request.map_err(|error| End::because(trouble::clean(&error.to_string())))?;
    let stream = asked.client.request_stream(request).await.map_err(|error| unwatched(&error))?;
    let mut stream = std::pin::pin!(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut stream).take(MOST).read_until(b'\n', &mut line).await;
        let cut = |error| End::because(format!("the stream was cut off: {}", trouble::deepest(&error)));
        match read.map_err(cut)? {
            0 => return Ok(()),
            _ if line.ends_with(b"\n") => view.hear(&line).map_err(End::because)?,
            _ => return Err(End::because("the stream ended within a change")),
        }
    }
}

/// 410 says that the version is forgotten: a list begins anew, and may be watched.
fn unwatched(error: &kube::Error) -> End {
    let reason = trouble::of(error);
    let refused = reason.status.is_some_and(|status| matches!(status, 400..=409 | 411..=428));
    End { why: reason.text, refused }
}
