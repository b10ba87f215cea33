//! What a description says of a certificate: its fingerprints (RFC 8122). Pure.

use std::fmt;

use sha2::{Digest, Sha256, Sha384, Sha512};

/// A hash that a certificate is known by; the weaker first. SHA-1, MD5 and MD2 are none: a certificate of theirs can be forged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn of(self, der: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(der).to_vec(),
            Self::Sha384 => Sha384::digest(der).to_vec(),
            Self::Sha512 => Sha512::digest(der).to_vec(),
        }
    }
}

/// A hash and what it makes of a certificate's DER. Written as in SDP: `sha-256 1A:2B:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    hash: Hash,
    digest: Vec<u8>,
}

impl Fingerprint {
    /// That of this certificate, by SHA-256.
    pub fn of(der: &[u8]) -> Self {
        Self { hash: Hash::Sha256, digest: Hash::Sha256.of(der) }
    }

    /// The value of an attribute `fingerprint`; `None`: it is none, or by a hash that proves nothing here.
    pub fn read(value: &str) -> Option<Self> {
        let (name, digits) = value.trim().split_once(' ')?;
        let hash = Hash::ALL.into_iter().find(|hash| hash.name().eq_ignore_ascii_case(name))?;
        let byte = |pair: &str| {
            let hex = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            u8::from_str_radix(pair, 16).ok().filter(|_| hex)
        };
        let digest = digits.trim().split(':').map(byte).collect::<Option<Vec<u8>>>()?;
        (digest.len() == hash.bytes()).then_some(Self { hash, digest })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits: Vec<String> = self.digest.iter().map(|byte| format!("{byte:02X}")).collect();
        write!(f, "{} {}", self.hash.name(), digits.join(":"))
    }
}

/// All fingerprints of one section, its own and those of the session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fingerprints(Vec<Fingerprint>);

impl Fingerprints {
    /// Out of the values of attributes; what is none is left out.
    pub fn read<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        Self(values.filter_map(Fingerprint::read).collect())
    }

    /// The first, if there is one.
    pub fn first(&self) -> Option<&Fingerprint> {
        self.0.first()
    }

    /// Whether one of them is this certificate's. The strongest hash that stands there decides (RFC 8122, section 5): a weaker one beside it
    /// helps nobody.
    pub fn name(&self, der: &[u8]) -> bool {
        let Some(hash) = self.0.iter().map(|print| print.hash).max() else { return false };
        let digest = hash.of(der);
        self.0.iter().any(|print| print.hash == hash && print.digest == digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DER: &[u8] = b"a certificate";

    fn by(hash: Hash, der: &[u8]) -> String {
        Fingerprint { hash, digest: hash.of(der) }.to_string()
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        let own = Fingerprint::of(DER);
        assert_eq!(Fingerprint::read(&own.to_string()), Some(own.clone()));
        let lower = own.to_string().to_lowercase();
        assert_eq!(Fingerprint::read(&lower.replace("sha", "SHA")), Some(own.clone()));
        let short = own.to_string();
        for none in [
            "",
            "sha-256",
            "sha-256 00:11",
            &format!("sha-512 {}", &short[8..]),
            &format!("sha-1 {}", &short[8..]),
            &short.replacen(':', "", 1),
            &format!("{}+1", &short[..short.len() - 2]),
        ] {
            assert_eq!(Fingerprint::read(none), None, "{none}");
        }
    }

    #[test]
    fn any_of_the_strongest_hash_names_a_certificate_and_none_else() {
        let named = |values: &[String]| Fingerprints::read(values.iter().map(String::as_str)).name(DER);
        let other = b"another certificate".as_slice();
        for hash in Hash::ALL {
            assert!(named(&[by(hash, DER)]));
            assert!(named(&[by(hash, other), by(hash, DER)]), "two certificates, by one hash");
            assert!(!named(&[by(hash, other)]));
        }
        assert!(named(&[by(Hash::Sha256, DER), by(Hash::Sha512, DER)]));
        assert!(!named(&[by(Hash::Sha256, DER), by(Hash::Sha512, other)]), "the strongest decides");
        assert!(named(&["sha-1 00:11".to_owned(), by(Hash::Sha384, DER)]), "an unknown hash is passed over");
        assert!(!named(&["sha-1 00:11".to_owned()]), "and trusts nobody by itself");
        assert!(!named(&[]));
    }
}
