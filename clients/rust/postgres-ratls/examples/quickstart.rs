//! Query an attested PostgreSQL with sqlx: `quickstart DSN COLLATERAL MRTD [TRUST_ANCHOR]`.

use postgres_ratls::{DcapVerifier, RaTlsOptions, attestation, pg_connect_opts_ra_tls};
use sqlx::Row;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dsn, collateral, mrtd, anchor @ ..] = arguments.as_slice() else {
        return Err("usage: quickstart DSN COLLATERAL MRTD [TRUST_ANCHOR]".into());
    };
    let mut verifier = DcapVerifier::new().with_collateral_file(collateral)?;
    if let [anchor, ..] = anchor {
        verifier = verifier.with_trust_anchor_file(anchor)?;
    }
    let options = RaTlsOptions { allowed_mrtds: vec![mrtd.clone()], ..Default::default() };
    let opts = pg_connect_opts_ra_tls(dsn, verifier, options).await?;
    let pool = sqlx::PgPool::connect_with(opts.clone()).await?;
    for row in sqlx::query("select id, total::text from orders order by id").fetch_all(&pool).await? {
        println!("order {}: {}", row.get::<i32, _>("id"), row.get::<String, _>("total"));
    }
    let verdict = attestation(&opts)?;
    println!("MRTD {}, TCB status {}", verdict.mr_td.unwrap_or_default(), verdict.tcb_status.unwrap_or_default());
    pool.close().await;
    Ok(())
}
