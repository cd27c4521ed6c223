//! Where nothing is ever sent: link-local addresses and those of cloud metadata services.
//!
//! A host that an operator typed is trusted, loopback and private networks included.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Amazon's metadata service over IPv6, and Alibaba's over IPv4: the two that are not link-local.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
const METADATA_V4: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);

/// The host is, or resolves to, an address that nothing is sent to.
#[derive(Debug, thiserror::Error)]
#[error("its host is a link-local or metadata address, and nothing is sent to those")]
pub struct Forbidden;

pub fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_forbidden_v4(address),
        IpAddr::V6(address) => {
            address.is_unicast_link_local()
                || address == METADATA_V6
                || carried(address).is_some_and(is_forbidden_v4)
        }
    }
}

fn is_forbidden_v4(address: Ipv4Addr) -> bool {
    address.is_link_local() || address == METADATA_V4
}

/// The IPv4 address inside: mapped, compatible, NAT64 and 6to4.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let (high, low) = match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0 | 0xffff) | (0, 0, 0, 0, 0xffff, 0) | (0x64, 0xff9b, 0, 0, 0, 0) => (g, h),
        (0x2002, high, low, ..) => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
}

/// What may be connected to; an error where there is nothing else.
pub fn allowed(found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Forbidden> {
    let any = !found.is_empty();
    let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| !is_forbidden(address.ip())).collect();
    if any && allowed.is_empty() { Err(Forbidden) } else { Ok(allowed) }
}
