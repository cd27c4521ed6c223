//! Datagrams, which nobody confirms.

use std::io;

use tokio::net::{UdpSocket, lookup_host};

/// Looks the address up anew each time: a service that moved is found again. What the network says of a datagram is not asked.
pub async fn send(address: &str, datagrams: &[String]) -> io::Result<()> {
    let Some(to) = lookup_host(address).await?.next() else {
        return Err(io::ErrorKind::AddrNotAvailable.into());
    };
    let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(from).await?;
    for datagram in datagrams {
        // lost is lost: a refusal here is about an earlier one anyway
        let _sent = socket.send_to(datagram.as_bytes(), to).await;
    }
    Ok(())
}
