//! Who may come in, and for how long: a bound on connections, and on how long one may say nothing.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep},
};

/// Connections at one time; more wait in the system's own queue.
const CONNECTIONS: usize = 64;

/// A listener whose connections are counted and end when they are silent.
pub struct Doorway {
    listener: TcpListener,
    places: Arc<Semaphore>,
    silence: Duration,
}

impl Doorway {
    pub fn new(listener: TcpListener, silence: Duration) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(CONNECTIONS)), silence }
    }
}

impl Listener for Doorway {
    type Io = Visitor;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visitor, SocketAddr) {
        let place = self.places.clone().acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (
            Visitor { stream, _place: place, silence: self.silence, timer: Box::pin(sleep(self.silence)) },
            address,
        )
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection.
pub struct Visitor {
    stream: TcpStream,
    _place: Option<OwnedSemaphorePermit>,
    silence: Duration,
    timer: Pin<Box<Sleep>>,
}

impl AsyncRead for Visitor {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let silence = self.silence;
        let read = Pin::new(&mut self.stream).poll_read(cx, to);
        if read.is_ready() {
            self.timer.as_mut().reset(Instant::now() + silence);
            return read;
        }
        match self.timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for Visitor {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
