//! Query an attested PostgreSQL with tokio-postgres: `quickstart_tokio_postgres DSN COLLATERAL MRTD [TRUST_ANCHOR]`.

use postgres_ratls::{DcapVerifier, RaTlsOptions, attestation, connect};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dsn, collateral, mrtd, anchor @ ..] = arguments.as_slice() else {
        return Err("usage: quickstart_tokio_postgres DSN COLLATERAL MRTD [TRUST_ANCHOR]".into());
    };
    let mut verifier = DcapVerifier::new().with_collateral_file(collateral)?;
    if let [anchor, ..] = anchor {
        verifier = verifier.with_trust_anchor_file(anchor)?;
    }
    let options = RaTlsOptions { allowed_mrtds: vec![mrtd.clone()], ..Default::default() };
    let (client, connection) = connect(dsn, verifier, options).await?;
    let carrier = tokio::spawn(connection);
    for row in client.query("select id, total::text from orders order by id", &[]).await? {
        println!("order {}: {}", row.get::<_, i32>(0), row.get::<_, &str>(1));
    }
    let verdict = attestation(&client)?;
    println!("MRTD {}, TCB status {}", verdict.mr_td.unwrap_or_default(), verdict.tcb_status.unwrap_or_default());
    drop(client);
    carrier.await??;
    Ok(())
}
