//! Who asks a server over HTTP: what it believes, how long it waits, and what it never connects to.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use crate::authorities;
use crate::model::server::is_local;

/// How long one request may take in all; an attempt at a connection has 10 s, and ICE comes after this.
const REQUEST: Duration = Duration::from_secs(6);

/// The agents of the program. Each keeps its connections, and the authorities are read once.
pub(super) struct Agents {
    ca: Option<PathBuf>,
    anywhere: OnceLock<Agent>,
    on_the_network: OnceLock<Agent>,
}

impl Agents {
    /// They believe the authorities of this file, or the system's.
    pub(super) fn new(ca: Option<PathBuf>) -> Self {
        Self { ca, anywhere: OnceLock::new(), on_the_network: OnceLock::new() }
    }

    /// For addresses that this device's own configuration names.
    pub(super) fn anywhere(&self) -> &Agent {
        self.anywhere.get_or_init(|| self.config().new_agent())
    }

    /// For addresses that somebody else names. It connects to no address of this machine or its own link, whatever a name stands
    /// for: what was asked of the name is what is connected to.
    pub(super) fn on_the_network(&self) -> &Agent {
        let resolver = || OnTheNetwork(DefaultResolver::default());
        self.on_the_network
            .get_or_init(|| Agent::with_parts(self.config(), DefaultConnector::default(), resolver()))
    }

    fn config(&self) -> Config {
        config(self.ca.as_deref())
    }
}

fn config(ca: Option<&Path>) -> Config {
    let roots = authorities::read(ca).unwrap_or_else(|why| {
        tracing::error!("no server can be believed: {why}");
        Vec::new()
    });
    let roots = roots.into_iter().map(|root| ureq::tls::Certificate::from_der(&root).to_owned());
    let tls = ureq::tls::TlsConfig::builder()
        .root_certs(ureq::tls::RootCerts::new_with_certs(&roots.collect::<Vec<_>>()))
        .unversioned_rustls_crypto_provider(rustls::crypto::ring::default_provider().into())
        .build();
    Agent::config_builder()
        // What stands in the environment is nothing that this device's configuration names.
        .proxy(None)
        .tls_config(tls)
        .timeout_global(Some(REQUEST))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("coguestd/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The name stands for nothing but addresses of this machine or its own link.
#[derive(Debug, thiserror::Error)]
#[error("its name stands for this device or its own link: name it in room.trusted_origins to allow that")]
pub(super) struct LocalAddress;

struct OnTheNetwork(DefaultResolver);

impl std::fmt::Debug for OnTheNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnTheNetwork")
    }
}

impl Resolver for OnTheNetwork {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        let mut kept = self.empty();
        for address in found.iter().filter(|address| !is_local(address.ip())) {
            kept.push(*address);
        }
        if kept.is_empty() { Err(Error::Other(Box::new(LocalAddress))) } else { Ok(kept) }
    }
}
