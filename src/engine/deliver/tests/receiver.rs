//! A receiver that keeps everything it is sent, and answers by a script.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};

/// One attempt as it arrived.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub at: Instant,
    pub id: String,
    pub path: String,
    pub body: String,
}

/// What the receiver does with an attempt.
#[derive(Clone, Debug)]
pub enum Reply {
    Answer { after: Duration, status: u16, headers: String, body: String },
    Hang,
    Cut,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self::text(status, "")
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self::Answer { after: Duration::ZERO, status, headers: String::new(), body: body.to_owned() }
    }

    pub fn html(status: u16) -> Self {
        Self::text(status, "<html><body>Bad gateway</body></html>")
    }

    pub fn after(after: Duration, status: u16) -> Self {
        Self::Answer { after, status, headers: String::new(), body: String::new() }
    }

    pub fn retry_after(seconds: u32) -> Self {
        let headers = format!("retry-after: {seconds}\r\n");
        Self::Answer { after: Duration::ZERO, status: 429, headers, body: String::new() }
    }

    pub const fn hang() -> Self {
        Self::Hang
    }

    pub const fn cut() -> Self {
        Self::Cut
    }
}

pub struct Receiver {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Attempt>>>,
}

impl Receiver {
    /// Answers by how many attempts came before.
    pub async fn start(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::by(move |n, _| script(n)).await
    }

    /// Answers by the `Idempotency-Key`.
    pub async fn by_id(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::by(move |_, attempt| script(&attempt.id)).await
    }

    /// Answers by the path.
    pub async fn by_path(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::by(move |_, attempt| script(&attempt.path)).await
    }

    /// Nobody listens there.
    pub async fn gone() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { address: listener.local_addr().unwrap(), seen: Arc::default() }
    }

    /// Where nobody listened before.
    pub async fn at(address: SocketAddr, script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind(address).await.unwrap(), move |n, _| script(n))
    }

    async fn by(script: impl Fn(usize, &Attempt) -> Reply + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    fn on(listener: TcpListener, script: impl Fn(usize, &Attempt) -> Reply + Send + Sync + 'static) -> Self {
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (keep, script) = (seen.clone(), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, keep.clone(), script.clone()));
            }
        });
        Self { address, seen }
    }

    pub fn seen(&self) -> Vec<Attempt> {
        self.seen.lock().unwrap().clone()
    }

    pub fn ids(&self) -> Vec<String> {
        self.seen().into_iter().map(|attempt| attempt.id).collect()
    }

    pub async fn wait_for(&self, attempts: usize) {
        let enough = async {
            while self.seen().len() < attempts {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(super::SOON, enough).await.unwrap();
    }
}

/// One request per connection: raw, because an answer that is cut off is one of the answers.
async fn serve(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<Attempt>>>,
    script: Arc<impl Fn(usize, &Attempt) -> Reply>,
) {
    let Some(attempt) = read(&mut stream).await else { return };
    let reply = {
        let mut seen = seen.lock().unwrap();
        let reply = script(seen.len(), &attempt);
        seen.push(attempt);
        reply
    };
    let text = match reply {
        Reply::Hang => return std::future::pending().await,
        Reply::Cut => "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok".to_owned(),
        Reply::Answer { after, status, headers, body } => {
            tokio::time::sleep(after).await;
            let length = body.len();
            format!(
                "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
            )
        }
    };
    // whoever left meanwhile needs no answer
    let _left = stream.write_all(text.as_bytes()).await;
}

async fn read(stream: &mut TcpStream) -> Option<Attempt> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |name: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
            Some(line[name.len()..].trim().to_owned())
        };
        // a `GET` has no body and no length
        if body.len() >= header("content-length:").unwrap_or("0".to_owned()).parse().ok()? {
            let id = header("idempotency-key:").unwrap_or_default();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            return Some(Attempt { at: Instant::now(), id, path, body: body.to_owned() });
        }
    }
}
