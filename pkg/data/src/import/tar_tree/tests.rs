//! A table of hostile archives, and what honest ones become.

use std::sync::Arc;

use gadus_ports::Layout;
use tar::{EntryType, Header};

use super::*;
use crate::import::Pool;
use crate::unixfs::NullSink;

/// One entry, as raw as it gets.
fn entry(kind: EntryType, path: &[u8], link: &[u8], content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.as_mut_bytes()[..path.len()].copy_from_slice(path);
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn file(path: &str, content: &str) -> Vec<u8> {
    entry(EntryType::Regular, path.as_bytes(), b"", content.as_bytes())
}

fn folder(path: &str) -> Vec<u8> {
    entry(EntryType::Directory, path.as_bytes(), b"", b"")
}

fn pax(record: &str) -> Vec<u8> {
    let mut length = record.len() + 3;
    while format!("{length} {record}\n").len() != length {
        length += 1;
    }
    entry(EntryType::XHeader, b"pax", b"", format!("{length} {record}\n").as_bytes())
}

fn run(entries: &[Vec<u8>]) -> Result<(Built, Budget), ContentError> {
    let mut archive = entries.concat();
    archive.extend_from_slice(&[0; 1024]);
    run_raw(&archive)
}

fn run_raw(archive: &[u8]) -> Result<(Built, Budget), ContentError> {
    let importer =
        Importer::new(Arc::new(NullSink), Arc::new(Pool::new(1).unwrap()), Layout::default());
    let mut budget = Budget::new(1 << 20, 20);
    import(&importer, archive, &mut budget, 8).map(|built| (built, budget))
}

fn root(entries: &[Vec<u8>]) -> String {
    run(entries).unwrap().0.cid.to_string()
}

#[test]
fn hostile_archives_are_refused_by_name() {
    let long = "a/".repeat(9) + "f";
    let table: [(&str, Vec<Vec<u8>>, &str); 24] = [
        ("a parent", vec![file("../f", "x")], "'..' is not allowed"),
        ("a parent inside", vec![file("d/../../f", "x")], "'..' is not allowed"),
        ("an absolute name", vec![file("/etc/passwd", "x")], "it is absolute"),
        ("an absolute PAX name", vec![pax("path=/f"), file("f", "x")], "it is absolute"),
        ("no name", vec![file("", "x")], "names no entry"),
        (
            "the root as a file",
            vec![file("./", "x"), folder("."), file(".", "x")],
            "names no entry",
        ),
        ("a zero byte", vec![pax("path=a\0b"), file("f", "")], "contains a zero byte"),
        ("no UTF-8", vec![entry(EntryType::Regular, b"\xff", b"", b"")], "it is not UTF-8"),
        (
            "a long name",
            vec![pax(&format!("path={}", "z".repeat(256))), file("f", "")],
            "longer than 255",
        ),
        ("a deep name", vec![file(&long, "")], "deeper than 8"),
        ("a file twice", vec![file("f", "a"), file("f", "b")], "'f' is there twice"),
        ("a file over a folder", vec![folder("d"), file("d", "b")], "'d' is there twice"),
        ("a folder over a file", vec![file("d", "b"), folder("d")], "'d' is there twice"),
        ("a file under a file", vec![file("f", ""), file("f/g", "")], "under 'f', which is no"),
        (
            "a file through a link",
            vec![entry(EntryType::Symlink, b"l", b"/etc", b""), file("l/passwd", "x")],
            "under 'l', which is no",
        ),
        ("a link to nothing", vec![entry(EntryType::Symlink, b"l", b"", b"")], "link to nothing"),
        ("a hard link out", vec![entry(EntryType::Link, b"l", b"/etc/passwd", b"")], "absolute"),
        ("a hard link up", vec![entry(EntryType::Link, b"l", b"../f", b"")], "'..'"),
        (
            "a hard link to nothing",
            vec![entry(EntryType::Link, b"l", b"f", b"")],
            "no earlier file",
        ),
        ("a device", vec![entry(EntryType::Char, b"null", b"", b"")], "'null' is a device"),
        ("a FIFO", vec![entry(EntryType::Fifo, b"p", b"", b"")], "'p' is a FIFO"),
        ("a sparse file", vec![entry(EntryType::GNUSparse, b"s", b"", b"")], "sparse"),
        ("too many bytes", vec![file("f", &"x".repeat(1 << 20)), file("g", "y")], "more than"),
        ("nothing", vec![], "it is empty"),
    ];
    for (what, entries, expected) in table {
        let error = run(&entries).unwrap_err().to_string();
        assert!(error.contains(expected), "{what}: {error}");
    }
    let many: Vec<_> = (0..21).map(|nth| file(&nth.to_string(), "")).collect();
    assert!(matches!(run(&many), Err(ContentError::TooMuchOutput { what: "files", max: 20 })));
}

#[test]
fn a_name_that_fills_the_memory_is_not_read() {
    let mut bomb = entry(EntryType::GNULongName, b"././@LongLink", b"", b"");
    let header = {
        let mut header = Header::from_byte_slice(&bomb[..512]).clone();
        header.set_size(8 << 30);
        header.set_cksum();
        header
    };
    bomb[..512].copy_from_slice(header.as_bytes());
    let error = run(&[bomb]).unwrap_err().to_string();
    assert!(error.contains("more than 65536 bytes"), "{error}");
}

#[test]
fn an_archive_cut_at_any_byte_is_an_error_or_ends_before_an_entry() {
    let archive = [folder("d"), file("d/f", "content"), file("d/g", "more")].concat();
    let (whole, _) = run_raw(&archive).unwrap();
    for cut in 1..archive.len() {
        match run_raw(&archive[..cut]) {
            Ok((built, _)) => {
                // The last padding alone may be missing.
                let between = cut % 512 == 0;
                assert!(between || built == whole, "cut at {cut}");
            }
            Err(error) => assert!(matches!(error, ContentError::Malformed { .. }), "{error}"),
        }
    }
    let mut spoilt = archive;
    spoilt[1] ^= 1;
    assert!(run_raw(&spoilt).unwrap_err().to_string().contains("checksum"));
}

#[test]
fn the_order_of_entries_does_not_matter() {
    let parts = [folder("d"), file("d/a", "1"), folder("d/e"), file("d/e/b", "2")];
    let expected = root(&parts);
    for order in [[3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]] {
        assert_eq!(root(&order.map(|nth: usize| parts[nth].clone())), expected);
    }
    assert_eq!(root(&[file("d/e/b", "2"), file("d/a", "1")]), expected, "parents are implied");
}

#[test]
fn one_entry_is_the_root_and_several_are_wrapped() {
    let alone = crate::block::raw_cid(b"x").to_string();
    assert_eq!(root(&[file("f", "x")]), alone);
    assert_eq!(root(&[file("./f", "x")]), alone);
    let wrapped = root(&[folder("d"), file("d/f", "x")]);
    assert_eq!(root(&[folder("./"), file("./f", "x")]), wrapped, "`tar -C d .`");
    let two = root(&[folder("d"), file("d/f", "x"), file("d/g", "y")]);
    assert_eq!(root(&[file("f", "x"), file("g", "y")]), two);
    let empty = root(&[folder("d")]);
    assert_eq!(root(&[folder("./")]), empty);
}

#[test]
fn long_names_links_and_sizes_are_read() {
    let name = "n".repeat(200);
    let gnu = entry(EntryType::GNULongName, b"././@LongLink", b"", format!("{name}\0").as_bytes());
    let by_gnu = root(&[gnu, file("short", "x"), file("other", "y")]);
    let by_pax = root(&[pax(&format!("path={name}")), file("short", "x"), file("other", "y")]);
    assert_eq!(by_gnu, by_pax);
    let target = "t/".repeat(80);
    let long = entry(EntryType::GNULongLink, b"././@LongLink", b"", target.as_bytes());
    let by_gnu = root(&[long, entry(EntryType::Symlink, b"l", b"short", b"")]);
    let by_pax =
        root(&[pax(&format!("linkpath={target}")), entry(EntryType::Symlink, b"l", b"", b"")]);
    assert_eq!(by_gnu, by_pax);
    // The PAX size holds, not the header's.
    let mut sized = file("f", "content");
    let mut header = Header::from_byte_slice(&sized[..512]).clone();
    header.set_size(0);
    header.set_cksum();
    sized[..512].copy_from_slice(header.as_bytes());
    assert_eq!(root(&[pax("size=7"), sized]), crate::block::raw_cid(b"content").to_string());
}

#[test]
fn a_hard_link_is_its_file() {
    let linked = [file("d/f", "x"), entry(EntryType::Link, b"d/g", b"d/f", b"")];
    assert_eq!(root(&linked), root(&[file("d/f", "x"), file("d/g", "x")]));
}

#[test]
fn files_and_bytes_are_counted() {
    let (_, budget) = run(&[folder("d"), file("d/f", "12345"), file("d/g", "678")]).unwrap();
    assert_eq!((budget.files(), budget.bytes()), (2, 8));
}
