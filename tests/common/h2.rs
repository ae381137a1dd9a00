//! A client of HTTP/2 that asks for one file over many streams and says that it takes any number of bytes.
//! Written by hand, for no real client leaves its answers unread.
//! Not here: reading answers.

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const ALL: u32 = (1 << 31) - 1;
/// What a window is before anybody says otherwise.
const AT_FIRST: u32 = 65_535;

/// All that such a client sends.
pub fn ask(path: &str, streams: u32) -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // The initial window of each stream, then that of the connection.
    bytes.extend(frame(SETTINGS, 0, 0, &[&[0, 4][..], &ALL.to_be_bytes()].concat()));
    bytes.extend(frame(WINDOW_UPDATE, 0, 0, &(ALL - AT_FIRST).to_be_bytes()));
    // GET and http out of the static table; path and authority as they are.
    let text = |name: u8, text: &str| [&[name, text.len() as u8], text.as_bytes()].concat();
    let head = [vec![0x82, 0x86], text(4, path), text(1, "localhost")].concat();
    for stream in 0..streams {
        // The end of the stream and of the headers.
        bytes.extend(frame(HEADERS, 1 | 4, 2 * stream + 1, &head));
    }
    bytes
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = &(payload.len() as u32).to_be_bytes()[1..];
    [length, &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
