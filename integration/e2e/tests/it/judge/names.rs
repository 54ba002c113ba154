//! Names that a directory may have, the odd ones above all.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

/// Bytes of a name: what Linux takes.
pub(super) const NAME_BYTES_MAX: usize = 255;

/// Names that somebody may sort, escape, normalise, hide or parse.
const ODD: [&str; 38] = [
    "...",
    "..a",
    ".hidden",
    ".git",
    "~",
    " ",
    "  ",
    "-rf",
    "*",
    "?",
    "%2F",
    "\\",
    "\"",
    "'",
    "$HOME",
    "a\nb",
    "\n",
    "\t",
    "\r\n",
    "\u{1}",
    "\u{7f}",
    "\u{80}",
    "é",
    "e\u{301}",
    "Å",
    "Å",
    "日本",
    "ﬁ",
    "ß",
    "🦀",
    "👩\u{200d}💻",
    "\u{202e}abc",
    "\u{feff}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{10ffff}",
    "00",
    "FFa",
];

/// Lengths where a length takes another byte, or a name no more.
const LENGTHS: [usize; 7] = [126, 127, 128, 129, 200, 254, 255];

/// Any name.
pub(super) fn random(rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..100) {
        0..40 => word(rng, 12),
        40..50 => format!(".{}", word(rng, 8)),
        50..65 => (*ODD.choose(rng).unwrap()).to_owned(),
        // One starts with the other, and the next byte sorts around the end and the slash.
        65..75 => format!("a{}", ["", "-", ".", "0", "a", "\u{1}", "é"].choose(rng).unwrap()),
        75..90 => {
            let chars = rng.random_range(1..30);
            unicode(rng, chars)
        }
        _ => {
            let bytes = *LENGTHS.choose(rng).unwrap();
            of_bytes(rng, bytes)
        }
    }
}

/// A name of exactly so many bytes: characters of one to four bytes, filled up with letters.
pub(super) fn of_bytes(rng: &mut ChaCha8Rng, bytes: usize) -> String {
    let mut name = String::new();
    let one_in = rng.random_range(1..10);
    while name.len() < bytes {
        let next = if rng.random_ratio(1, one_in) { character(rng) } else { letter(rng) };
        name.push(if name.len() + next.len_utf8() <= bytes { next } else { letter(rng) });
    }
    if matches!(name.as_str(), "." | "..") { "x".repeat(bytes) } else { name }
}

fn unicode(rng: &mut ChaCha8Rng, chars: usize) -> String {
    let name: String = (0..chars).map(|_| character(rng)).collect();
    if matches!(name.as_str(), "." | "..") { word(rng, 3) } else { name }
}

fn word(rng: &mut ChaCha8Rng, letters_max: usize) -> String {
    let letters = rng.random_range(1..=letters_max);
    (0..letters).map(|_| letter(rng)).collect()
}

fn letter(rng: &mut ChaCha8Rng) -> char {
    char::from(*b"abcdefghijklmnopqrstuvwxyzABCDEF0123456789_-".choose(rng).unwrap())
}

/// Any character that a name may have, each length in UTF-8 as often as the others.
fn character(rng: &mut ChaCha8Rng) -> char {
    let ranges = [
        '\u{1}'..='\u{7f}',
        '\u{80}'..='\u{7ff}',
        '\u{800}'..='\u{ffff}',
        '\u{10000}'..='\u{10ffff}',
    ];
    let range = ranges.choose(rng).unwrap().clone();
    let any = rng.random_range(range);
    if any == '/' { '.' } else { any }
}

#[test]
fn all_names_are_ones_that_linux_takes() {
    use rand::SeedableRng as _;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut longest = 0;
    for _ in 0..20_000 {
        let name = random(&mut rng);
        assert!(!name.is_empty() && name.len() <= NAME_BYTES_MAX, "{name:?}");
        assert!(!name.contains(['/', '\0']) && name != "." && name != "..", "{name:?}");
        longest = longest.max(name.len());
        let bytes = rng.random_range(1..=NAME_BYTES_MAX);
        assert_eq!(of_bytes(&mut rng, bytes).len(), bytes);
    }
    assert_eq!(longest, NAME_BYTES_MAX);
}
