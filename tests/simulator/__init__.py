"""Stand-ins for what a test machine lacks: TDX hardware, Intel's PKI and services, a sidecar.

`World` mints certificates, quotes and collateral from a seed; `Cluster` is a throw-away PostgreSQL and
`Sidecar` the attested TLS server in front of it. See README.md.
"""
