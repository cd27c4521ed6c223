//! Free ports on loopback. HTTP and transport live in ranges apart, below the range that the kernel hands out.

use std::collections::HashSet;
use std::net::TcpListener;
use std::ops::Range;
use std::sync::Mutex;

const HTTP: Range<u16> = 20_000..25_000;
const TRANSPORT: Range<u16> = 25_000..30_000;

static TAKEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

pub fn http() -> u16 {
    free(HTTP)
}

pub fn transport() -> u16 {
    free(TRANSPORT)
}

fn free(range: Range<u16>) -> u16 {
    let mut taken = TAKEN.lock().expect("no test panics in here");
    let taken = taken.get_or_insert_default();
    loop {
        let port = fastrand::u16(range.clone());
        if !taken.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            taken.insert(port);
            return port;
        }
    }
}
