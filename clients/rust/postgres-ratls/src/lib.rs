//! sqlx and tokio-postgres connections to PostgreSQL servers that prove to run inside a genuine Intel TDX machine. The proof is
//! checked before the first byte of a connection leaves the program.
//!
#![cfg_attr(feature = "sqlx", doc = "```no_run")]
#![cfg_attr(not(feature = "sqlx"), doc = "```ignore")]
//! use postgres_ratls::{DcapVerifier, RaTlsOptions, attestation, pg_connect_opts_ra_tls};
//!
//! # async fn run(dsn: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = DcapVerifier::new(); // keep it: it remembers verdicts and collateral
//! let options = RaTlsOptions { allowed_mrtds: vec!["91a0563f0c…c3d2".into()], ..Default::default() };
//! let opts = pg_connect_opts_ra_tls(dsn, &verifier, options).await?;
//! let pool = sqlx::PgPool::connect_with(opts.clone()).await?;
//! println!("{:?}", attestation(&opts)?.tcb_status);
//! # drop(pool);
//! # Ok(())
//! # }
//! ```

mod attested;
#[cfg(feature = "tokio-postgres")]
mod client;
mod conninfo;
mod options;
mod shared;
#[cfg(any(feature = "sqlx", feature = "sqlx-0_8"))]
mod sqlx_options;
mod surroundings;
mod target;

#[cfg(feature = "sqlx")]
mod sqlx_0_9 {
    crate::sqlx_options::sqlx_options!(sqlx);
}

/// For sqlx 0.8.
#[cfg(feature = "sqlx-0_8")]
pub mod sqlx_0_8 {
    crate::sqlx_options::sqlx_options!(sqlx_0_8);
}

pub use attested::{Attested, attestation, last_error, save_evidence};
#[cfg(feature = "tokio-postgres")]
pub use client::{
    CancelToken, Client, ConnectError, Connection, connect, connect_via_manifest, pg_config_ra_tls, pg_config_via_manifest,
};
pub use options::RaTlsOptions;
pub use ra_tls_verify::{
    ANY, AsyncRaTlsVerifier, Claims, Class, Code, CollateralCheck, CollateralRequest, CrlPolicy, DcapVerifier, Error,
    IntelApiVerifier, IntelApiVerifierBuilder, Keepalive, Leader, LeaderRecord, LeaderSettings, NoopVerifier, PckCa, Platform,
    RaTlsVerifier, Rejection, Update, Verifier, VerifyOptions, VerifyResult,
};
pub use shared::{IDLE_TUNNEL_TIME, IDLE_TUNNELS_MAX, close_idle_tunnels, set_idle_tunnel_time};
#[cfg(feature = "sqlx")]
pub use sqlx_0_9::{pg_connect_opts_ra_tls, pg_connect_opts_via_manifest};

/// The snippets of the pages compile.
#[cfg(all(doctest, feature = "sqlx", feature = "sqlx-0_8", feature = "tokio-postgres"))]
mod pages {
    #[doc = include_str!("../../../../docs/rust.md")]
    struct Rust;

    #[doc = include_str!("../README.md")]
    struct Readme;
}
