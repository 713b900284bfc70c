//! The addresses to which no request is sent, unless the user names them. An account with the right to write the status of an
//! Ingress chooses its addresses, and a prober must not become a way to reach others.

use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::cluster::{Coverage, Inventory, Object};
use crate::model::Kind;

/// The addresses of metadata services that are not link-local: AWS, Google Cloud, Oracle Cloud, Alibaba Cloud and Azure.
const METADATA: [IpAddr; 8] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
];

/// The addresses of pods and Services of a cluster.
#[derive(Debug, Default)]
pub struct ClusterAddresses {
    single: HashSet<IpAddr>,
    /// First address and length of the prefix.
    ranges: Vec<(IpAddr, u32)>,
    is_complete: bool,
}

/// The reason why no request is sent to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The address of this machine.
    Loopback,
    /// `0.0.0.0` or `::`, which is this machine as well.
    Unspecified,
    /// Link-local.
    LinkLocal,
    /// That of a metadata service.
    Metadata,
    /// Multicast or broadcast.
    Multicast,
    /// One of the local prefix of NAT64 (RFC 8215). Its operator chooses where it contains the IPv4 address.
    Translated,
    /// That of a pod or a Service.
    Cluster,
    /// A private address, which may be that of a pod or a Service: they are not all known.
    Private,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "a loopback address",
            Self::Unspecified => "an unspecified address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "the address of a metadata service",
            Self::Multicast => "a multicast or broadcast address",
            Self::Translated => "an address of a local NAT64 prefix, which may stand for any IPv4 address",
            Self::Cluster => "an address of a pod or Service of the cluster",
            Self::Private => "a private address, and the addresses of the cluster are not all known",
        })
    }
}

impl ClusterAddresses {
    /// Returns the addresses that the inventory shows: those of Services, of pods with a network of their own, and the ranges of
    /// Nodes. They are complete if every Service and pod is known.
    #[must_use]
    pub fn of(store: &Inventory) -> Self {
        let mut addresses = Self {
            is_complete: [Kind::Service, Kind::Pod].iter().all(|kind| store.coverage(*kind) == Coverage::Complete),
            ..Self::default()
        };
        for object in [Kind::Service, Kind::Pod, Kind::Node].into_iter().flat_map(|kind| store.objects(kind)) {
            match object {
                Object::Service(service) => addresses.add(&service.addresses),
                Object::Pod(pod) => addresses.add(&pod.addresses),
                Object::Node(node) => addresses.ranges.extend(node.pod_ranges.iter().filter_map(|text| range(text))),
                _ => {}
            }
        }
        addresses
    }

    fn add(&mut self, texts: &[Box<str>]) {
        self.single.extend(texts.iter().filter_map(|text| text.parse::<IpAddr>().ok()));
    }

    fn contains(&self, ip: IpAddr) -> bool {
        self.single.contains(&ip) || self.ranges.iter().any(|(first, length)| is_within(ip, *first, *length))
    }
}

/// Returns the reason why no request is sent to an address that the user has not named.
#[must_use]
pub fn refusal(ip: IpAddr, cluster: &ClusterAddresses) -> Option<Refusal> {
    let ip = embedded(ip);
    if METADATA.contains(&ip) {
        return Some(Refusal::Metadata);
    }
    let is_translated = matches!(ip, IpAddr::V6(ip) if matches!(ip.segments(), [0x64, 0xff9b, 1, ..]));
    let (is_link_local, is_multicast, is_private) = match ip {
        IpAddr::V4(ip) => {
            let is_shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            // 0.0.0.0/8 is this network, 240.0.0.0/4 is reserved.
            let is_none = ip.octets()[0] == 0 || ip.octets()[0] >= 240;
            (ip.is_link_local(), ip.is_multicast() || is_none, ip.is_private() || is_shared)
        }
        IpAddr::V6(ip) => (ip.is_unicast_link_local(), ip.is_multicast(), ip.is_unique_local()),
    };
    match () {
        () if ip.is_loopback() => Some(Refusal::Loopback),
        () if ip.is_unspecified() => Some(Refusal::Unspecified),
        () if is_link_local => Some(Refusal::LinkLocal),
        () if is_multicast => Some(Refusal::Multicast),
        () if is_translated => Some(Refusal::Translated),
        () if cluster.contains(ip) => Some(Refusal::Cluster),
        () if is_private && !cluster.is_complete => Some(Refusal::Private),
        () => None,
    }
}

/// Returns the IPv4 address that an IPv6 address stands for: mapped (RFC 4291), by NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn embedded(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip.to_canonical() else { return ip.to_canonical() };
    let four = |at: usize| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|offset| v6.octets()[at + offset]);
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => four(12),
        [0x2002, ..] => four(2),
        // IPv4-compatible addresses (RFC 4291) except `::` and `::1`.
        [0, 0, 0, 0, 0, 0, high, low] if (high, low) > (0, 1) => four(12),
        _ => IpAddr::V6(v6),
    }
}

fn range(text: &str) -> Option<(IpAddr, u32)> {
    let (first, length) = text.split_once('/')?;
    let (first, length): (IpAddr, u32) = (first.parse().ok()?, length.parse().ok()?);
    (length <= if first.is_ipv4() { 32 } else { 128 }).then_some((first, length))
}

fn is_within(ip: IpAddr, first: IpAddr, length: u32) -> bool {
    match (ip, first) {
        (IpAddr::V4(ip), IpAddr::V4(first)) => {
            (ip.to_bits() ^ first.to_bits()).checked_shr(32 - length).unwrap_or_default() == 0
        }
        (IpAddr::V6(ip), IpAddr::V6(first)) => {
            (ip.to_bits() ^ first.to_bits()).checked_shr(128 - length).unwrap_or_default() == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(is_complete: bool) -> ClusterAddresses {
        let single = ["10.96.0.10", "fd12::a", "198.51.100.7"].map(|text| text.parse().unwrap());
        let ranges = ["10.244.0.0/24", "fd34::/64", "10.9.0.0/33", "x/8"].into_iter().filter_map(range).collect();
        ClusterAddresses { single: single.into(), ranges, is_complete }
    }

    #[test]
    fn addresses_of_the_machine_its_network_and_the_cluster_are_refused() {
        use Refusal as R;
        for (text, wanted) in [
            ("127.0.0.1", Some(R::Loopback)),
            ("127.8.8.8", Some(R::Loopback)),
            ("::1", Some(R::Loopback)),
            ("::ffff:127.0.0.1", Some(R::Loopback)),
            ("64:ff9b::7f00:1", Some(R::Loopback)),
            ("64:ff9b:1::7f00:1", Some(R::Translated)),
            ("64:ff9b:1:a9fe:a9:fe00::", Some(R::Translated)),
            ("2002:7f00:1::", Some(R::Loopback)),
            ("::127.0.0.1", Some(R::Loopback)),
            ("0.0.0.0", Some(R::Unspecified)),
            ("::", Some(R::Unspecified)),
            ("0.1.2.3", Some(R::Multicast)),
            ("169.254.169.254", Some(R::Metadata)),
            ("::ffff:169.254.169.254", Some(R::Metadata)),
            ("64:ff9b::a9fe:a9fe", Some(R::Metadata)),
            ("fd00:ec2::254", Some(R::Metadata)),
            ("fd00:ec2::23", Some(R::Metadata)),
            ("fd20:ce::254", Some(R::Metadata)),
            ("100.100.100.200", Some(R::Metadata)),
            ("168.63.129.16", Some(R::Metadata)),
            ("169.254.1.1", Some(R::LinkLocal)),
            ("fe80::1", Some(R::LinkLocal)),
            ("224.0.0.1", Some(R::Multicast)),
            ("255.255.255.255", Some(R::Multicast)),
            ("ff02::1", Some(R::Multicast)),
            ("10.96.0.10", Some(R::Cluster)),
            ("::ffff:10.96.0.10", Some(R::Cluster)),
            ("198.51.100.7", Some(R::Cluster)),
            ("10.244.0.255", Some(R::Cluster)),
            ("10.244.1.0", None),
            ("fd12::a", Some(R::Cluster)),
            ("fd34::1:2", Some(R::Cluster)),
            ("fd34:0:0:1::", None),
            ("192.168.1.10", None),
            ("203.0.113.7", None),
            ("2001:db8::1", None),
        ] {
            assert_eq!(refusal(text.parse().unwrap(), &cluster(true)), wanted, "{text}");
        }
    }

    #[test]
    fn private_addresses_are_refused_where_those_of_the_cluster_are_not_all_known() {
        for text in ["10.1.2.3", "172.16.0.1", "192.168.1.10", "100.64.0.1", "fd99::1"] {
            assert_eq!(refusal(text.parse().unwrap(), &cluster(false)), Some(Refusal::Private), "{text}");
        }
        for text in ["203.0.113.7", "2001:db8::1", "100.128.0.1"] {
            assert_eq!(refusal(text.parse().unwrap(), &cluster(false)), None, "{text}");
        }
    }
}
