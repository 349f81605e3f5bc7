//! Options for sqlx, of whichever version.

macro_rules! sqlx_options {
    ($sqlx:ident) => {
        use std::str::FromStr;

        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        use ra_tls_verify::{Error, Verifier, VerifyResult};
        use $sqlx::postgres::{PgConnectOptions, PgSslMode};

        use crate::attested::{Attested, Sealed};
        use crate::conninfo::dsn_invalid;
        use crate::options::RaTlsOptions;
        use crate::shared;

        /// Verify that the server runs inside a genuine TEE; then options with which sqlx connects to it, one by one or from
        /// a pool.
        ///
        /// `dsn` is a connection string, as a URL or as key=value, with libpq's meaning. Every connection that sqlx makes with
        /// the options is verified before its first byte is sent; a refusal then is sqlx's database error, with code 08004
        /// and the sentence that says why. The options rest on the process's shared tunnel, which outlives them.
        ///
        /// # Errors
        /// No verdict, or a refusal, or a connection string that cannot be honoured. Nothing was sent.
        pub async fn pg_connect_opts_ra_tls(
            dsn: &str,
            verifier: impl Into<Verifier>,
            options: RaTlsOptions,
        ) -> Result<PgConnectOptions, Error> {
            let (target, tunnel) = shared::open(dsn, verifier.into(), options).await?;
            let mut opts = match &target.options {
                // The only way in for PostgreSQL's options as a text.
                Some(text) => {
                    PgConnectOptions::from_str(&format!("postgres:///?options={}", utf8_percent_encode(text, NON_ALPHANUMERIC)))
                        .map_err(|_| dsn_invalid("its options cannot be handed to the driver"))?
                }
                None => PgConnectOptions::new_without_pgpass(),
            };
            opts = opts
                .host(target.name())
                .socket(tunnel.directory())
                .port(tunnel.port())
                .ssl_mode(PgSslMode::Disable)
                .username(&target.user)
                .password(&target.password)
                .database(&target.dbname);
            Ok(match &target.application_name {
                Some(name) => opts.application_name(name),
                None => opts,
            })
        }

        /// Look up who leads a cluster, by the record that its signer publishes in DNS, and verify that the leader runs inside a
        /// genuine TEE; then options with which sqlx connects to the leader, whoever it is by then, one by one or from a pool.
        ///
        /// `manifest_signer` is the address that signs the cluster's records, 40 hexadecimal digits with or without 0x. The host and port of `dsn_template` do not
        /// count, and passwords are looked up for the domain. Every connection goes to the leader of its moment and is verified
        /// before its first byte is sent. When another one leads, connections to the old one are sent nothing more, may finish what
        /// is under way for a while (`leader_drain`), and end with code 57P01; a pool replaces them. `lookup` of the options says how
        /// the record is looked up.
        ///
        /// # Errors
        /// No acceptable record, no verdict, or a refusal, or a connection string that cannot be honoured. Nothing was sent.
        pub async fn pg_connect_opts_via_manifest(
            cluster_domain: &str,
            dsn_template: &str,
            manifest_signer: &str,
            verifier: impl Into<Verifier>,
            options: RaTlsOptions,
        ) -> Result<PgConnectOptions, Error> {
            pg_connect_opts_ra_tls(dsn_template, verifier, shared::with_leader(cluster_domain, manifest_signer, options)?).await
        }

        impl Sealed for PgConnectOptions {
            fn verdict(&self) -> Result<VerifyResult, Error> {
                let directory = self.get_socket().ok_or_else(shared::not_ours)?;
                shared::find(directory, self.get_port())?.result()
            }

            fn refusal(&self) -> Result<Option<Error>, Error> {
                let directory = self.get_socket().ok_or_else(shared::not_ours)?;
                Ok(shared::find(directory, self.get_port())?.last_error())
            }

            fn evidence(&self) -> Result<String, Error> {
                let directory = self.get_socket().ok_or_else(shared::not_ours)?;
                shared::find(directory, self.get_port())?.evidence(None)
            }
        }

        impl Attested for PgConnectOptions {}
    };
}

pub(crate) use sqlx_options;
