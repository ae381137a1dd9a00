//! A record as it is sent: one line of JSON with PNDA's fields; pure.
//! The whole line is bounded, so that nobody who takes it has to cut it.
//! Not here: where records begin.

use super::text;
use words::moment;

/// Room for all that is not the message: names are short, and each character of them takes two at most.
pub(super) const FIELDS: usize = 8192;

/// Where records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) node: String,
    pub(super) source: String,
    pub(super) path: String,
}

/// A piece of a record as a line, at most so long, and how much of the record it holds. Zeros at the beginning are
/// left out: they are what a writer left unwritten.
pub(super) fn line(origin: &Origin, now_ms: u64, record: &[u8], longest: usize) -> (Option<String>, usize) {
    let zeros = record.iter().take_while(|&&byte| byte == 0).count();
    let ends = record.iter().rev().take_while(|&&byte| byte == b'\n').count();
    if zeros + ends >= record.len() {
        return (None, record.len());
    }
    let message = &record[zeros..record.len() - ends];
    let mut line = head(origin, now_ms);
    let taken = text::escape(message, longest.saturating_sub(line.len() + 3), &mut line);
    line.push_str("\"}\n");
    let whole = taken == message.len();
    (Some(line), if whole { record.len() } else { zeros + taken })
}

fn head(origin: &Origin, now_ms: u64) -> String {
    let of_container = container(&origin.path).unwrap_or_default();
    let mut line = format!("{{\"@timestamp\":\"{}\"", moment::utc_ms(now_ms));
    let fields = [
        ("host", origin.node.as_str()),
        ("source", &origin.source),
        ("path", &origin.path),
        ("applicationId", of_container[0]),
        ("containerId", of_container[1]),
        ("logtype", of_container[2]),
    ];
    for (name, value) in fields {
        line.push_str(&format!(",\"{name}\":\""));
        // What no room is left for is cut: a path is 4,096 bytes at most.
        text::escape(value.as_bytes(), FIELDS / 2, &mut line);
        line.push('"');
    }
    line.push_str(",\"message\":\"");
    line
}

/// The application, the container and the file of a path in a container's folder.
fn container(path: &str) -> Option<[&str; 3]> {
    let mut parts = path.rsplit('/');
    let (file, container, application) = (parts.next()?, parts.next()?, parts.next()?);
    let (cluster, number) = application.strip_prefix("application_")?.split_once('_')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(cluster) && digits(number) && container.starts_with("container_")).then_some([application, container, file])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(path: &str) -> Origin {
        Origin { node: "worker".to_owned(), source: "yarn".to_owned(), path: path.to_owned() }
    }

    #[test]
    fn a_line_has_the_fields_of_pnda() {
        let origin = origin("/logs/application_1_0002/container_1_0002_01_000001/stdout");
        let (line, taken) = line(&origin, 1_700_000_000_123, b"\0\0say \"a\"\nb\n", 1000);
        let expected = concat!(
            r#"{"@timestamp":"2023-11-14T22:13:20.123Z","host":"worker","source":"yarn","#,
            r#""path":"/logs/application_1_0002/container_1_0002_01_000001/stdout","applicationId":"application_1_0002","#,
            r#""containerId":"container_1_0002_01_000001","logtype":"stdout","message":"say \"a\"\nb"}"#,
            "\n"
        );
        assert_eq!((line.as_deref(), taken), (Some(expected), 12));
    }

    #[test]
    fn no_line_is_longer_than_it_may_be_and_all_of_a_record_is_in_some() {
        let text = [&b"\x01\x02"[..], &[b'x'; 20_000], "é".repeat(3000).as_bytes()].concat();
        let (mut rest, mut back) = (&text[..], String::new());
        while !rest.is_empty() {
            let (line, taken) = line(&origin("/a/b.log"), 0, rest, FIELDS);
            let line = line.unwrap();
            assert!(line.len() <= FIELDS && taken > 0);
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!(value["applicationId"], "");
            back += value["message"].as_str().unwrap();
            rest = &rest[taken..];
        }
        assert_eq!(back.as_bytes(), text);
    }

    #[test]
    fn zeros_and_empty_lines_are_no_records() {
        for nothing in [&[0; 9][..], b"\n\n", b"\0\0\n", b""] {
            assert_eq!(line(&origin("/a/b.log"), 0, nothing, 1000), (None, nothing.len()));
        }
    }
}
