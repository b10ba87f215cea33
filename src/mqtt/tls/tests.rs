//! With real files, made by openssl.

use std::process::Command;

use super::*;

fn said(tls: TlsFiles) -> String {
    client_config(&tls).expect_err("the files are wrong").to_string()
}

#[test]
fn each_wrong_file_is_named_with_its_key() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let junk = folder.path().join("junk.pem");
    std::fs::write(&junk, b"\xff\x00 not PEM at all").expect("written");
    let torn = folder.path().join("torn.pem");
    std::fs::write(&torn, "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n").expect("written");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        .expect("written");

    let missing = said(TlsFiles { ca_file: Some("/nowhere/ca.pem".into()), ..TlsFiles::default() });
    assert!(missing.contains("/nowhere/ca.pem") && missing.contains("mqtt.ca_file"), "{missing}");
    for path in [&junk, &torn, &empty] {
        let wrong = said(TlsFiles { ca_file: Some(path.clone()), ..TlsFiles::default() });
        assert!(
            wrong.contains(path.to_str().expect("UTF-8")) && wrong.starts_with("mqtt.ca_file: "),
            "{wrong}"
        );
    }
}

#[test]
fn half_a_client_certificate_is_named() {
    let file = || Some(PathBuf::from("/nowhere/half.pem"));
    let half = said(TlsFiles { client_certificate_file: file(), ..TlsFiles::default() });
    assert!(half.contains("without mqtt.client_key_file"), "{half}");
    let half = said(TlsFiles { client_key_file: file(), ..TlsFiles::default() });
    assert!(half.contains("without mqtt.client_certificate_file"), "{half}");
}

/// A folder in which openssl works.
struct Workshop(tempfile::TempDir);

impl Workshop {
    fn open() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, line: &str) {
        let output = Command::new("openssl")
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .expect("openssl runs: apt-get install openssl");
        assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// `NAME.key` and `NAME.pem`, a certificate of its own.
    fn pair(&self, name: &str, kind: &str) {
        let options = format!("-newkey {kind} -nodes -keyout {name}.key -out {name}.pem");
        self.openssl(&format!("req -x509 {options} -subj /CN=kiosk-7 -days 9"));
    }

    fn write(&self, name: &str, parts: &[&[u8]]) -> PathBuf {
        std::fs::write(self.path(name), parts.concat()).expect("writable");
        self.path(name)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("it was made")
    }

    fn tls(&self, authority: &str, certificate: &str, key: &str) -> TlsFiles {
        TlsFiles {
            ca_file: Some(self.path(authority)),
            client_certificate_file: Some(self.path(certificate)),
            client_key_file: Some(self.path(key)),
        }
    }
}

#[test]
fn every_form_of_a_supported_key_and_certificate_is_taken() {
    let shop = Workshop::open();
    for (name, kind) in [
        ("p256", "ec -pkeyopt ec_paramgen_curve:P-256"),
        ("p384", "ec -pkeyopt ec_paramgen_curve:P-384"),
        ("rsa", "rsa:2048"),
        ("ed", "ed25519"),
    ] {
        shop.pair(name, kind);
        shop.openssl(&format!("x509 -in {name}.pem -outform DER -out {name}.crt"));
        shop.openssl(&format!("pkcs8 -topk8 -nocrypt -in {name}.key -outform DER -out {name}.p8"));
        let mut keys = vec![format!("{name}.key"), format!("{name}.p8")];
        if name != "ed" {
            // SEC 1 or PKCS #1.
            for (form, ending) in [("PEM", "old"), ("DER", "oldder")] {
                let to = format!("{name}.{ending}");
                let tool = if name == "rsa" { "rsa -traditional" } else { "ec" };
                shop.openssl(&format!("{tool} -in {name}.key -outform {form} -out {to}"));
                keys.push(to);
            }
        }
        let with_mark = |file: &str| {
            let marked = format!("marked-{file}");
            shop.write(&marked, &[b"\xef\xbb\xbf", &shop.bytes(file)]);
            marked
        };
        keys.push(with_mark(&format!("{name}.key")));
        let windows =
            String::from_utf8(shop.bytes(&format!("{name}.key"))).expect("text").replace('\n', "\r\n");
        shop.write("windows.key", &[windows.as_bytes()]);
        keys.push("windows.key".to_owned());
        let marked = with_mark(&format!("{name}.pem"));
        for certificate in [format!("{name}.pem"), format!("{name}.crt"), marked] {
            for key in &keys {
                let made = client_config(&shop.tls(&certificate, &certificate, key));
                assert!(made.is_ok(), "{certificate}, {key}: {:?}", made.err());
            }
        }
    }
}

/// A certificate that is right, and everything that is not.
fn faulty() -> Workshop {
    let shop = Workshop::open();
    shop.pair("good", "ec -pkeyopt ec_paramgen_curve:P-256");
    shop.pair("p521", "ec -pkeyopt ec_paramgen_curve:P-521");
    shop.pair("koblitz", "ec -pkeyopt ec_paramgen_curve:secp256k1");
    shop.pair("ed448", "ed448");
    shop.pair("small", "rsa:1024");
    shop.openssl("pkcs8 -topk8 -in good.key -passout pass:x -out locked.key");
    shop.openssl("pkcs8 -topk8 -in good.key -passout pass:x -outform DER -out locked.p8");
    shop.openssl("ec -in good.key -aes256 -passout pass:x -out locked-old.key");
    shop.openssl("pkcs12 -export -inkey good.key -in good.pem -passout pass:x -out good.p12");
    shop.openssl("req -new -key good.key -subj /CN=kiosk-7 -out good.csr");
    shop.openssl("crl2pkcs7 -nocrl -certfile good.pem -out good.p7b");
    shop.openssl("x509 -in good.pem -trustout -out trusted.pem");
    shop.openssl("pkey -in good.key -pubout -out public.key");
    let wide: Vec<u8> = shop.bytes("good.key").iter().flat_map(|byte| [*byte, 0]).collect();
    shop.write("wide.key", &[b"\xff\xfe", &wide]);
    shop.write("nothing.key", &[]);
    let whole = shop.bytes("good.key");
    shop.write("torn.key", &[&whole[..whole.len() / 2]]);
    shop
}

#[test]
fn what_is_wrong_with_a_key_or_a_certificate_is_named_with_its_file() {
    let shop = faulty();
    for (key, expected) in [
        ("p521.key", "holds a private key on the curve P-521 that is not supported: use P-256"),
        ("koblitz.key", "on the curve secp256k1 that is not supported"),
        ("ed448.key", "on the curve Ed448 that is not supported"),
        ("small.key", "of a kind that is not supported: use P-256, P-384, Ed25519 or RSA of 2048"),
        ("locked.key", "holds an encrypted private key"),
        ("locked.p8", "holds an encrypted private key"),
        ("locked-old.key", "holds an encrypted private key"),
        ("good.p12", "is a PKCS #12 container"),
        ("good.pem", "holds a certificate, and no private key"),
        ("public.key", "holds no private key, but a PUBLIC KEY"),
        ("wide.key", "is UTF-16 text"),
        ("nothing.key", "is empty"),
        ("torn.key", "holds a private key that is damaged"),
    ] {
        let wrong = said(shop.tls("good.pem", "good.pem", key));
        let place = format!("mqtt.client_key_file: {} ", shop.path(key).display());
        assert!(wrong.starts_with(&place) && wrong.contains(expected), "{expected:?} is not in {wrong}");
        assert_eq!(wrong.lines().count(), 1, "{wrong}");
    }
    for (certificate, expected) in [
        ("good.key", "holds a private key, and no certificate"),
        ("good.csr", "holds a request for a certificate"),
        ("good.p7b", "is a PKCS #7 container"),
        ("trusted.pem", "in OpenSSL's own form"),
        ("wide.key", "is UTF-16 text"),
    ] {
        for tls in
            [shop.tls(certificate, "good.pem", "good.key"), shop.tls("good.pem", certificate, "good.key")]
        {
            let wrong = said(tls);
            let named =
                wrong.starts_with("mqtt.c") && wrong.contains(&*shop.path(certificate).to_string_lossy());
            assert!(named && wrong.contains(expected), "{expected:?}: {wrong}");
        }
    }
    let wrong = said(shop.tls("p521.pem", "good.pem", "good.key"));
    assert!(
        wrong.contains("p521.pem holds a certificate authority with a key on the curve P-521"),
        "{wrong}"
    );
    // One among others does no harm.
    shop.write("both.pem", &[&shop.bytes("good.pem"), &shop.bytes("p521.pem")]);
    assert!(client_config(&shop.tls("both.pem", "good.pem", "good.key")).is_ok());
    shop.pair("other", "ec -pkeyopt ec_paramgen_curve:P-256");
    let wrong = said(shop.tls("good.pem", "other.pem", "good.key"));
    assert!(wrong.contains("do not fit together"), "{wrong}");
}
