//! PostgreSQL opens its port while it still recovers and refuses all who come: an open port does not say that it is ready.

/// Its programs, and what images with it are called.
const NAMES: [&str; 9] = [
    "postgres",
    "postgresql",
    "postmaster",
    "pg_ctl",
    "pg_ctlcluster",
    "postgis",
    "pgvector",
    "timescaledb",
    "timescaledb-ha",
];

/// Programs that start containers.
const CONTAINERS: [&str; 5] = ["docker", "docker-compose", "podman", "podman-compose", "nerdctl"];

/// The port that it has unless somebody says otherwise.
pub const POSTGRES_PORT: u16 = 5432;

/// The command that asks whether a PostgreSQL on this host is ready.
pub fn pg_isready(port: u16) -> String {
    format!("pg_isready -q -h 127.0.0.1 -p {port}")
}

/// Whether an image has PostgreSQL in it, by its name: `postgres:17`, `docker.io/postgis/postgis`.
pub fn is_postgres_image(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or(image);
    NAMES.contains(&name.split([':', '@']).next().unwrap_or(name))
}

/// Whether a command, given as words, starts PostgreSQL, as a program or in a container.
pub fn starts_postgres(words: &[&str]) -> bool {
    let mut words = words.iter().skip_while(|word| word.contains('=') || **word == "exec");
    let Some(program) = words.next() else { return false };
    let program = program.rsplit('/').next().unwrap_or(program);
    NAMES.contains(&program) || CONTAINERS.contains(&program) && words.any(|word| is_postgres_image(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_from_those_that_use_one() {
        let starts = |line: &str| starts_postgres(&line.split(' ').collect::<Vec<_>>());
        for line in [
            "postgres -D data",
            "LC_ALL=C exec /usr/lib/postgresql/17/bin/postgres -D data",
            "docker run --rm -p 5433:5432 postgres:17",
            "podman run docker.io/pgvector/pgvector:pg17",
            "docker compose up postgres",
        ] {
            assert!(starts(line), "{line}");
        }
        for line in
            ["", "api --db postgres", "DATABASE_URL=postgres://x/postgres api", "docker compose up db", "psql postgres"]
        {
            assert!(!starts(line), "{line}");
        }
    }
}
