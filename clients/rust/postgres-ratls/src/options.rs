//! What a connection accepts, and how it is made.

use std::path::PathBuf;
use std::time::Duration;

use ra_tls_verify::{Code, Error, Keepalive, Upstream, VerifyOptions, verify_options};

macro_rules! define {
    ([$($(#[$about:meta])* $option:ident: $type:ty,)*]) => {
        /// What is accepted of a server, by the options of [`VerifyOptions`], and how it is connected to; an option that is not
        /// given has its safe default.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct RaTlsOptions {
            $($(#[$about])* pub $option: $type,)*
            /// Send PostgreSQL's SSLRequest first, for a server that does not take TLS from the first byte on.
            pub start_tls: bool,
            /// Probes of a silent server; not given: as the connection string says.
            pub keepalive: Option<Keepalive>,
            /// How long sent data may stay unacknowledged before the server counts as gone; not given: as the connection string
            /// says, and 60 s if it does not.
            pub tcp_user_timeout: Option<Duration>,
            /// Present a certificate of this client's own TEE. Not built yet in this version.
            pub client_attestation: bool,
            /// Socket of the dstack guest agent. Not built yet in this version.
            pub dstack_socket: Option<PathBuf>,
        }

        impl From<VerifyOptions> for RaTlsOptions {
            fn from(verify: VerifyOptions) -> RaTlsOptions {
                RaTlsOptions {
                    $($option: verify.$option,)*
                    start_tls: false,
                    keepalive: None,
                    tcp_user_timeout: None,
                    client_attestation: false,
                    dstack_socket: None,
                }
            }
        }

        impl RaTlsOptions {
            fn into_verify(self) -> VerifyOptions {
                VerifyOptions { $($option: self.$option,)* ..Default::default() }
            }
        }
    };
}

verify_options!(define! {});

impl Default for RaTlsOptions {
    fn default() -> RaTlsOptions {
        VerifyOptions::default().into()
    }
}

impl RaTlsOptions {
    /// What of the link is said here wins over what the connection string says.
    pub(crate) fn apply_to(&self, upstream: &mut Upstream) {
        upstream.start_tls = self.start_tls;
        upstream.keepalive = self.keepalive.unwrap_or(upstream.keepalive);
        upstream.tcp_user_timeout = self.tcp_user_timeout.or(upstream.tcp_user_timeout);
    }

    /// What the verification is told.
    pub(crate) fn verify(self) -> Result<VerifyOptions, Error> {
        let not_built = |option| Err(Error::of_code(Code::NotBuilt, &[("found", option)]));
        if self.client_attestation {
            return not_built("client_attestation");
        }
        if self.dstack_socket.is_some() {
            return not_built("dstack_socket");
        }
        Ok(self.into_verify())
    }
}
