//! A query in SQL by the installed sql-client.sh, from a file, as somebody without rights.
//! It runs within the client, so it proves what the client loads and needs no cluster.
//! Not here: jobs that are submitted (events.rs).

use crate::node::Node;

/// What is asked, with the answer as a table that can be read.
const QUERY: &str = "SET 'execution.target' = 'local';
SET 'execution.runtime-mode' = 'batch';
SET 'sql-client.execution.result-mode' = 'tableau';
SELECT word, COUNT(*) FROM (VALUES ('pnda'), ('flink'), ('pnda')) AS words (word) GROUP BY word;
";

/// A query is answered by this version of Flink.
pub(crate) fn is_answered(edge: &Node, version: &str) {
    edge.write("/srv/query.sql", QUERY);
    let said = edge.run_as("alice", &format!("FLINK_VERSION={version} sql-client.sh -f /srv/query.sql")).ok();
    let rows = said.stdout.lines().filter(|line| line.starts_with("| "));
    let rows: Vec<Vec<&str>> = rows.map(|line| line.split_whitespace().filter(|word| *word != "|").collect()).collect();
    for row in [["flink", "1"], ["pnda", "2"]] {
        assert!(rows.contains(&row.to_vec()), "{}", said.told());
    }
}
