//! Certificates for one test, made with the openssl command.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{run, tool};

const PACKAGE: &str = "openssl";

/// A certificate authority of the test's own.
pub struct Authority {
    folder: TempDir,
}

/// A certificate and its key.
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// When a certificate holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    Now,
    Past,
}

impl Authority {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let authority = Self { folder };
        fs::write(authority.file("index"), "").expect("writable");
        let conf = "[ca]\ndefault_ca=own\n[own]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\n\
                    default_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n";
        fs::write(authority.file("ca.cnf"), conf).expect("writable");
        let mut request = authority.openssl("req");
        request.args([
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ]);
        request.args(["-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem"]);
        run(&mut request);
        authority
    }

    /// The file that vouches for what this authority signs.
    pub fn file_pem(&self) -> PathBuf {
        self.file("ca.pem")
    }

    /// The authority's own certificate and key, as somebody would use them for a broker.
    pub fn own(&self) -> Identity {
        Identity { certificate: self.file("ca.pem"), key: self.file("ca.key") }
    }

    /// A certificate for a server with this name (`DNS:localhost`, `IP:127.0.0.1`).
    pub fn server(&self, name: &str, validity: Validity) -> Identity {
        self.issue("server", &format!("subjectAltName={name}\nextendedKeyUsage=serverAuth\n"), validity)
    }

    /// A certificate for a client.
    pub fn client(&self, name: &str) -> Identity {
        self.issue(name, "extendedKeyUsage=clientAuth\n", Validity::Now)
    }

    fn issue(&self, name: &str, extensions: &str, validity: Validity) -> Identity {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
        fs::write(self.file("extensions"), extensions).expect("writable");
        let mut request = self.openssl("req");
        request.args(["-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
        run(request.args(["-subj", &format!("/CN={name}"), "-keyout", &key, "-out", "request"]));
        let mut sign = self.openssl("ca");
        sign.args(["-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key"]);
        sign.args(["-in", "request", "-out", &certificate, "-extfile", "extensions"]);
        run(match validity {
            Validity::Now => sign.args(["-days", "2"]),
            Validity::Past => sign.args(["-startdate", "200101000000Z", "-enddate", "200201000000Z"]),
        });
        Identity { certificate: self.file(&certificate), key: self.file(&key) }
    }

    fn openssl(&self, command: &str) -> std::process::Command {
        let mut openssl = tool("openssl", PACKAGE);
        openssl.arg(command).current_dir(self.folder.path());
        openssl
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::join(self.folder.path(), name)
    }
}
