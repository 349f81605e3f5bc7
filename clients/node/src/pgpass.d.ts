declare module "pgpass" {
    /** Look a password up in the file that libpq would read; undefined: there is none. */
    export default function pgpass(
        server: { host: string; port: number; user: string; database: string }, found: (password: string | undefined) => void): void
}
