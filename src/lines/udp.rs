//! Datagrams, which nobody confirms.

use tokio::net::{UdpSocket, lookup_host};

const UNKNOWN: &str =
    "no machine of that name is known; is `address` right, and does the name service answer?";

/// Looks the address up anew each time: a service that moved is found again. What the network says of a datagram is not asked.
pub async fn send(address: &str, datagrams: &[String]) -> Result<(), String> {
    // which of the ways not to find a name it was is told by each system in another way
    let found = lookup_host(address).await.ok().and_then(|mut found| found.next());
    let to = found.ok_or(UNKNOWN)?;
    let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(from).await.map_err(|error| error.kind().to_string())?;
    for datagram in datagrams {
        // lost is lost: a refusal here is about an earlier one anyway
        let _sent = socket.send_to(datagram.as_bytes(), to).await;
    }
    Ok(())
}
