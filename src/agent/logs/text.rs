//! Where records begin and end in the text of a log; pure.
//! A line that begins with a date begins a record; all others belong to the record before, so stack traces stay whole.
//! Not here: reading, and what a record is sent as.

/// What a date with a time to the minute looks like; `0` is any digit, and a blank also stands for `T`.
const BEGINNING: &[u8] = b"0000-00-00 00:00";

/// The length of the record that the text begins with; none if more of it may come. Nothing more comes of what is
/// `complete`, and a record that is `longest` by itself is not waited for.
pub(super) fn record(text: &[u8], complete: bool, longest: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(end) = text[at..].iter().position(|&byte| byte == b'\n') {
        at += end + 1;
        match begins(&text[at..]) {
            Some(true) => return Some(at),
            Some(false) => {}
            None => break,
        }
        if at >= longest {
            return Some(at);
        }
    }
    (!text.is_empty() && (complete || text.len() >= longest)).then_some(text.len())
}

/// Whether a line begins a record; none if it is too short to tell.
fn begins(line: &[u8]) -> Option<bool> {
    for (at, expected) in BEGINNING.iter().enumerate() {
        let byte = line.get(at)?;
        let fits = match expected {
            b'0' => byte.is_ascii_digit(),
            b' ' => matches!(byte, b' ' | b'T'),
            other => byte == other,
        };
        if !fits {
            return Some(false);
        }
    }
    Some(true)
}

/// Writes text as JSON has it, as long as there is room; tells how much of the text is written. A byte that is no
/// UTF-8 is a question mark.
pub(super) fn escape(text: &[u8], room: usize, out: &mut String) -> usize {
    let most = out.len() + room;
    let mut taken = 0;
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            if !push(c, most, out) {
                return taken;
            }
            taken += c.len_utf8();
        }
        for _ in chunk.invalid() {
            if !push('?', most, out) {
                return taken;
            }
            taken += 1;
        }
    }
    taken
}

fn push(c: char, most: usize, out: &mut String) -> bool {
    let short = match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\t' => "\\t",
        '\r' => "\\r",
        _ => "",
    };
    let width = match c {
        _ if !short.is_empty() => short.len(),
        c if c.is_control() => 6,
        c => c.len_utf8(),
    };
    if out.len() + width > most {
        return false;
    }
    match c {
        _ if !short.is_empty() => out.push_str(short),
        c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
        c => out.push(c),
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: usize = 1000;

    #[test]
    fn a_record_ends_where_the_next_one_begins() {
        let first = "2026-01-01 00:00:00,000 INFO a\n\tat b\nCaused by: c\n";
        for next in ["2026-01-01 00:00", "2026-01-01T00:00:01Z x\n"] {
            assert_eq!(record(format!("{first}{next}").as_bytes(), false, LONGEST), Some(first.len()));
        }
        // More of it may come: at the end of what is there, and while the next line may still be a date.
        for rest in ["", "2026-01-0", "x", "20"] {
            let text = format!("{first}{rest}");
            assert_eq!(record(text.as_bytes(), false, LONGEST), None, "{rest}");
            assert_eq!(record(text.as_bytes(), true, LONGEST), Some(text.len()), "{rest}");
        }
        assert_eq!(record(b"", true, LONGEST), None);
    }

    #[test]
    fn a_record_without_an_end_is_not_waited_for() {
        assert_eq!(record(&[b'x'; LONGEST], false, LONGEST), Some(LONGEST));
        assert_eq!(record(&[b'x'; LONGEST - 1], false, LONGEST), None);
        let lines = b"word\n".repeat(LONGEST);
        assert_eq!(record(&lines, false, LONGEST), Some(LONGEST));
    }

    #[test]
    fn any_text_is_json_of_bounded_length() {
        let hostile = b"say \"no\" \\ \x1b[31m\n\t\xff\xfe \xc2\x9b \xf0\x9f\x98\x80 \0";
        let mut out = String::new();
        assert_eq!(escape(hostile, LONGEST, &mut out), hostile.len());
        let back: String = serde_json::from_str(&format!("\"{out}\"")).unwrap();
        assert_eq!(back, "say \"no\" \\ \u{1b}[31m\n\t?? \u{9b} \u{1f600} \0");
        for room in 0..out.len() {
            let mut cut = String::new();
            let taken = escape(hostile, room, &mut cut);
            assert!(cut.len() <= room);
            let mut rest = String::new();
            escape(&hostile[taken..], LONGEST, &mut rest);
            assert_eq!(format!("{cut}{rest}"), out, "cut at {room}");
        }
    }
}
