use super::*;

struct Host {
    dir: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("dir/inner")).unwrap();
        fs::write(dir.path().join("file"), "text").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link")).unwrap();
        Self { dir }
    }

    fn plan(&self, inputs: &[(&str, &str)], outputs: &[&str]) -> Result<Vec<Planned>, Failure> {
        let mounts: Vec<_> = inputs
            .iter()
            .map(|(host, guest)| Mount::host(self.dir.path().join(host), *guest))
            .collect();
        let outputs: Vec<_> = outputs
            .iter()
            .map(|guest| OutputDir {
                name: "out".to_owned(),
                host: self.dir.path().join("out"),
                guest: (*guest).to_owned(),
            })
            .collect();
        plan(&mounts, &outputs)
    }

    fn names(&self, inputs: &[(&str, &str)], outputs: &[&str]) -> Vec<String> {
        let planned = self.plan(inputs, outputs).unwrap();
        planned
            .into_iter()
            .map(|Planned { guest, source }| match source {
                Source::Input(directory) => {
                    let names = directory.list().unwrap().into_iter().map(|entry| entry.name);
                    format!("{guest} in {}", names.collect::<Vec<_>>().join("+"))
                }
                Source::Output(_) => format!("{guest} out"),
            })
            .collect()
    }
}

#[test]
fn directories_and_files_are_laid_out() {
    let host = Host::new();
    assert_eq!(host.names(&[], &[]), Vec::<String>::new());
    assert_eq!(
        host.names(&[("dir", "/inputs/"), ("file", "/in.txt")], &["/outputs"]),
        ["/ in in.txt", "/inputs in inner", "/outputs out"]
    );
    assert_eq!(
        host.names(&[("file", "/data/a"), ("file", "/data/b"), ("dir", "/data/c")], &[]),
        ["/data in a+b", "/data/c in inner"]
    );
    assert_eq!(host.names(&[("dir", "/")], &["/outputs"]), ["/ in inner", "/outputs out"]);
    assert_eq!(
        host.names(&[("dir", "/a"), ("dir", "/a/b")], &["/a/b/out"]),
        ["/a in inner", "/a/b in inner", "/a/b/out out"]
    );
}

#[test]
fn what_clashes_is_refused_by_name() {
    let host = Host::new();
    type Case = (&'static [(&'static str, &'static str)], &'static [&'static str], &'static str);
    let cases: [Case; 9] = [
        (&[("dir", "/a"), ("dir", "/a/")], &[], "/a is given twice"),
        (&[("dir", "/a")], &["/a"], "/a is given twice"),
        (&[], &["/a", "/a"], "/a is given twice"),
        (&[("file", "/a"), ("file", "/a")], &[], "/a is given twice"),
        (&[("file", "/a"), ("dir", "/a")], &[], "/a lies inside /a"),
        (&[("dir", "/a"), ("file", "/a/f")], &[], "the input file /a/f lies inside /a"),
        (&[("file", "/out/f")], &["/out"], "the input file /out/f lies inside /out"),
        (&[("file", "/a"), ("dir", "/a/b")], &[], "/a/b lies inside /a, which is a file"),
        (&[("file", "/a"), ("file", "/a/b")], &[], "/a/b lies inside /a, which is a file"),
    ];
    for (inputs, outputs, named) in cases {
        let failure = host.plan(inputs, outputs).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid);
        assert!(failure.message.contains(named), "{named:?} is not in {:?}", failure.message);
    }
}

#[test]
fn paths_that_are_not_plain_are_refused() {
    let host = Host::new();
    for path in ["", "inputs", "/a/../b", "/..", "/a/./b", "/a//b", "/a\0b", "//"] {
        let failure = host.plan(&[("dir", path)], &[]).err();
        let refused = failure.is_some_and(|failure| failure.kind == FailureKind::Invalid);
        assert_eq!(refused, path != "//", "{path:?}");
    }
}

#[test]
fn links_and_missing_inputs_are_refused() {
    let host = Host::new();
    assert_eq!(host.plan(&[("link", "/a")], &[]).unwrap_err().kind, FailureKind::Invalid);
    assert_eq!(host.plan(&[("none", "/a")], &[]).unwrap_err().kind, FailureKind::Internal);
}
