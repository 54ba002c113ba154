//! Numbers as Wasm writes them (LEB128, unsigned).

/// Writes a number in as few bytes as it takes.
pub(super) fn write(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Where the number that begins here ends.
pub(super) fn end(bytes: &[u8], at: usize) -> usize {
    let continued = bytes[at..].iter().take_while(|byte| **byte & 0x80 != 0);
    at + continued.count() + 1
}
