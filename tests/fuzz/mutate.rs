//! Bends inputs: bits, cuts, doublings, splices of two seeds, words of the seeds, numbers at the edge, look-alikes.
//! All of it follows from one seed number, so a run can be repeated.
//! Not here: what is done with an input.

use fastrand::Rng;
use std::collections::BTreeSet;

/// No input is longer; what is only slow on megabytes is held by bounds of size.
pub const LONGEST: usize = 32 << 10;
/// Texts that parsers stumble over.
const EVIL: &[&str] = &[
    "0",
    "-1",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999999999999",
    "1e999",
    "00000000000000000000000000001",
    "..",
    "../",
    "/",
    "//",
    "./",
    "\\",
    "\0",
    "\u{7f}",
    "\r",
    "\r\n",
    "\n\n",
    "\t",
    " ",
    "\u{a0}",
    "\u{200b}",
    "\u{202e}",
    "\u{feff}",
    "\u{2215}",
    "\u{ff0f}",
    "\u{2024}",
    "\u{430}",
    "\u{212a}",
    "\u{130}",
    "\u{df}",
    "\u{1f600}",
    "\u{fffd}",
    "\u{664}",
    "e\u{301}",
    "${",
    "}",
    "${a}",
    "[",
    "]",
    "(",
    ")",
    "[,",
    ",)",
    "((((((((",
    "))))))))",
    "<",
    ">",
    "</",
    "<!--",
    "<![CDATA[",
    "]]>",
    "&amp;",
    "&#0;",
    "&#x10ffff;",
    "&x;",
    "\"",
    "'",
    "\"\"\"",
    "{",
    "{{{{{{{{",
    "null",
    "true",
    "nan",
    "inf",
    "~",
    "^",
    "*",
    "?",
    "%00",
    "%2e%2e%2f",
    "%",
    "%s",
    ":",
    "::",
    ";",
    "=",
    "==",
    "!",
    "@",
    "#",
    "|",
    "+",
    ",",
    ".",
    "-",
    "--",
    "_",
    "=?",
];

pub struct Mutator {
    random: Rng,
    words: Vec<Vec<u8>>,
}

impl Mutator {
    /// The words of the seeds are the dictionary.
    pub fn new(seed: u64, seeds: &[Vec<u8>]) -> Mutator {
        let mut words = BTreeSet::new();
        for text in seeds {
            let parts = text.split(|byte| !byte.is_ascii_alphanumeric() && !b"-_.".contains(byte));
            words.extend(parts.filter(|word| (1..40).contains(&word.len())).map(<[u8]>::to_vec));
            words.extend(text.split(|byte| *byte == b'\n').filter(|line| line.len() < 200).map(<[u8]>::to_vec));
        }
        let words = words.into_iter().chain(EVIL.iter().map(|text| text.as_bytes().to_vec())).collect();
        Mutator { random: Rng::with_seed(seed), words }
    }

    /// The next input.
    pub fn bend(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seeds[self.random.usize(..seeds.len())].clone();
        for _ in 0..self.random.usize(1..=6) {
            self.once(&mut input, seeds);
            input.truncate(LONGEST);
        }
        input
    }

    fn once(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let (start, end) = self.span(input.len());
        match self.random.u8(..14) {
            0 if !input.is_empty() => {
                let at = self.random.usize(..input.len());
                input[at] ^= 1 << self.random.u8(..8);
            }
            1 if !input.is_empty() => {
                let at = self.random.usize(..input.len());
                input[at] = self.random.choice([0, 1, 0x7f, 0x80, 0xff, b'\n', self.random.clone().u8(..)]).unwrap();
            }
            2 => input.truncate(start),
            3 => drop(input.drain(start..end)),
            4 => {
                let part = input[start..end].to_vec();
                input.splice(end..end, part);
            }
            5 => self.again_and_again(input, start, end),
            6 => {
                let other = &seeds[self.random.usize(..seeds.len())];
                let from = self.random.usize(..=other.len());
                input.truncate(start);
                input.extend_from_slice(&other[from..]);
            }
            7 => self.binary_number(input, start),
            8 => self.digits(input),
            9 | 10 => {
                let word = self.word();
                input.splice(start..start, word);
            }
            _ => {
                let word = self.word();
                let end = end.min(start + word.len());
                input.splice(start..end, word);
            }
        }
    }

    fn word(&mut self) -> Vec<u8> {
        self.words[self.random.usize(..self.words.len())].clone()
    }

    /// Deep nesting and long lists.
    fn again_and_again(&mut self, input: &mut Vec<u8>, start: usize, end: usize) {
        let part = if self.random.bool() { self.word() } else { input[start..end.min(start + 64)].to_vec() };
        let times = 1 << self.random.u32(1..11);
        input.splice(start..start, part.repeat(times).into_iter().take(LONGEST));
    }

    /// A length or an offset at the edge of what fits.
    fn binary_number(&mut self, input: &mut [u8], start: usize) {
        let value = match self.random.u8(..4) {
            0 => u64::MAX,
            1 => 1 << self.random.u32(..64),
            2 => (1 << self.random.u32(1..64)) - 1,
            _ => self.random.u64(..),
        };
        let width = 1 << self.random.usize(..4);
        let bytes = if self.random.bool() { value.to_be_bytes() } else { value.to_le_bytes() };
        let from = if bytes[0] == 0 { 8 - width } else { 0 };
        input[start..].iter_mut().zip(&bytes[from..]).take(width).for_each(|(old, new)| *old = *new);
    }

    /// Another number where there is one.
    fn digits(&mut self, input: &mut Vec<u8>) {
        let digits: Vec<usize> = (0..input.len()).filter(|at| input[*at].is_ascii_digit()).collect();
        let Some(at) = self.random.choice(digits) else { return };
        let length = input[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = EVIL[self.random.usize(..10)].as_bytes();
        input.splice(at..at + length, number.iter().copied());
    }

    /// A part of the input, mostly short.
    fn span(&mut self, length: usize) -> (usize, usize) {
        let start = self.random.usize(..=length);
        let most = (length - start).min(1 << self.random.u32(..12));
        (start, start + self.random.usize(..=most))
    }
}
