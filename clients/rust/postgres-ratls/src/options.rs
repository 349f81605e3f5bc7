//! What a connection accepts, and how it is made.

use std::path::PathBuf;
use std::time::Duration;

use ra_tls_verify::{Keepalive, Leader, LeaderSettings, Upstream, VerifyOptions, verify_options};

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
            /// Present a certificate of this client's own TEE, from the dstack guest agent: `Some(true)`: it must be there before
            /// anything is dialled; not given: when the server asks for one and an agent is there; `Some(false)`: never.
            pub client_attestation: Option<bool>,
            /// The dstack guest agent's socket; not given: the first of the usual places, or, only with `allow_simulator`, what
            /// `DSTACK_SIMULATOR_ENDPOINT` says.
            pub dstack_socket: Option<PathBuf>,
            /// The cluster whose leader to connect to, whoever it is then, instead of the host and port of the connection string.
            pub leader: Option<Leader>,
            /// With a leader: how long one that has been superseded may finish its answers; not given: 5 s.
            pub leader_drain: Option<Duration>,
            /// How the leader is looked up, for the functions that find it by domain and signer (`…_via_manifest`) alone.
            pub lookup: Option<LeaderSettings>,
        }

        impl From<VerifyOptions> for RaTlsOptions {
            fn from(verify: VerifyOptions) -> RaTlsOptions {
                RaTlsOptions {
                    $($option: verify.$option,)*
                    start_tls: false,
                    keepalive: None,
                    tcp_user_timeout: None,
                    client_attestation: None,
                    dstack_socket: None,
                    leader: None,
                    leader_drain: None,
                    lookup: None,
                }
            }
        }

        impl RaTlsOptions {
            /// What the verification is told.
            pub(crate) fn into_verify(self) -> VerifyOptions {
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
        upstream.client_attestation = self.client_attestation;
        upstream.dstack_socket.clone_from(&self.dstack_socket);
        upstream.leader_drain = self.leader_drain;
    }
}
