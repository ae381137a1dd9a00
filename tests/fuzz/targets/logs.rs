//! Files of logs that YARN gathered, as whoever can write into the folder makes them: what is read of each is within what
//! was asked for, and no index, block or compressed byte costs more than its bounds.
//! Not here: what whole files give.

use pnda::systems::aggregated_logs::{list, read};

/// What is asked for of each log.
const MOST: u64 = 4096;

pub fn gathered(bytes: &[u8]) -> String {
    let listed = list(&bytes);
    let wanted = read(&bytes, &mut |log| log.size.saturating_sub(MOST)..log.size);
    let mut said = String::new();
    if let Ok(pieces) = &wanted {
        for piece in pieces {
            assert!(piece.bytes.len() as u64 <= MOST && piece.from + piece.bytes.len() as u64 <= piece.entry.size);
        }
        assert!(pieces.len() <= listed.as_ref().unwrap().len(), "what can be read can be listed");
        said = format!("{} letters ", "p".repeat(pieces.len().min(40)));
    }
    said + &listed.map_or_else(|error| error.to_string(), |logs| "l".repeat(logs.len().min(40)))
}
