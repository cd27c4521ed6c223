//! A server of a few lines, so that every byte of an answer is under control: cut off, slow, hanging, wrong.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Writes these bytes and keeps the connection open for the next request.
    Write(Vec<u8>),
    /// Writes these bytes and closes.
    Cut(Vec<u8>),
    /// Writes the bytes one after the other, with a pause between them.
    Drip(Vec<u8>, Duration),
    /// Writes the head, then the same chunk over and over, so often or until the client goes away.
    Flood { head: Vec<u8>, chunk: Vec<u8>, times: usize },
    /// Never answers.
    Hang,
}

type Script = dyn Fn(&Seen, usize) -> Act + Send + Sync;

/// A running server. It ends with the test process; what it saw can be asked for.
#[derive(Clone)]
pub struct Wire {
    pub address: SocketAddr,
    secure: bool,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Wire {
    /// Answers by `script`, which gets the request and its number, counted from 0.
    pub fn start(script: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static) -> Wire {
        Wire::listen(None, Arc::new(script))
    }

    pub fn start_tls(
        tls: Arc<rustls::ServerConfig>,
        script: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static,
    ) -> Wire {
        Wire::listen(Some(tls), Arc::new(script))
    }

    fn listen(tls: Option<Arc<rustls::ServerConfig>>, script: Arc<Script>) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let wire = Wire { address, secure: tls.is_some(), seen: Arc::default() };
        let here = wire.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (wire, tls, script) = (here.clone(), tls.clone(), script.clone());
                thread::spawn(move || wire.welcome(stream, tls, &*script));
            }
        });
        wire
    }

    fn welcome(&self, stream: TcpStream, tls: Option<Arc<rustls::ServerConfig>>, script: &Script) {
        stream.set_nodelay(true).ok();
        let ended = match tls {
            None => self.serve(stream, script),
            Some(tls) => match rustls::ServerConnection::new(tls) {
                Ok(connection) => self.serve(rustls::StreamOwned::new(connection, stream), script),
                Err(_) => Ok(()),
            },
        };
        drop(ended);
    }

    fn serve(&self, mut stream: impl Read + Write, script: &Script) -> io::Result<()> {
        while let Some(seen) = read_request(&mut stream)? {
            let number = {
                let mut all = self.lock();
                all.push(seen.clone());
                all.len() - 1
            };
            match script(&seen, number) {
                Act::Write(bytes) => stream.write_all(&bytes)?,
                Act::Cut(bytes) => {
                    stream.write_all(&bytes)?;
                    return stream.flush();
                }
                Act::Drip(bytes, pause) => {
                    for byte in bytes {
                        stream.write_all(&[byte])?;
                        stream.flush()?;
                        thread::sleep(pause);
                    }
                }
                Act::Flood { head, chunk, times } => {
                    stream.write_all(&head)?;
                    for _ in 0..times {
                        stream.write_all(&chunk)?;
                    }
                }
                Act::Hang => {
                    stream.read_to_end(&mut Vec::new())?;
                }
            }
            stream.flush()?;
        }
        Ok(())
    }

    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// What arrived so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.lock().clone()
    }

    /// Requests that arrived for a path that holds `part`.
    pub fn count(&self, part: &str) -> usize {
        self.lock().iter().filter(|seen| seen.target.contains(part)).count()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None` where the client has closed.
fn read_request(stream: &mut impl Read) -> io::Result<Option<Seen>> {
    let mut head = Vec::new();
    let mut byte = [0_u8];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let pairs = lines.filter_map(|line| line.split_once(':'));
    let headers: BTreeMap<String, String> =
        pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0_u8; length];
    stream.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(Seen { method: method.to_owned(), target: target.to_owned(), headers, body }))
}

/// An answer with a length.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status} x\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
    bytes.extend(body);
    bytes
}

pub fn json(status: u16, body: &serde_json::Value) -> Vec<u8> {
    answer(status, &[("content-type", "application/json")], body.to_string().as_bytes())
}

/// The same, in chunks of `size` bytes.
pub fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut bytes =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(size) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}
