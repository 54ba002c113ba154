//! The symbolic links that a walk met, by the directories that they stand in. A directory's path is
//! kept once, however many links are in it and however long that is.

use std::collections::BTreeMap;

/// A directory that has links, or is above one that has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DirId(usize);

/// What stands above all that was walked.
const ABOVE: DirId = DirId(0);

/// All links of a walk, as they stand.
#[derive(Debug)]
pub(crate) struct Links {
    /// Parents come before what is in them; the first is [`ABOVE`].
    dirs: Vec<Dir>,
    /// The directories from there down to where the walk is, as far as they are in `dirs`.
    way: Vec<DirId>,
}

#[derive(Debug)]
struct Dir {
    parent: DirId,
    name: String,
    dirs: BTreeMap<String, DirId>,
    /// Links by their names: what they say.
    links: BTreeMap<String, String>,
}

/// A symbolic link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symlink<'a> {
    pub(crate) dir: DirId,
    pub(crate) name: &'a str,
    pub(crate) target: &'a str,
}

impl Default for Links {
    fn default() -> Self {
        Self { dirs: vec![Dir::new(ABOVE, "")], way: vec![ABOVE] }
    }
}

impl Dir {
    fn new(parent: DirId, name: &str) -> Self {
        let (dirs, links) = (BTreeMap::new(), BTreeMap::new());
        Self { parent, name: name.to_owned(), dirs, links }
    }
}

impl Links {
    /// Adds a link: its path, from what was walked on, its own name last. Whatever was left since
    /// the last one must have been told of.
    pub(crate) fn add(&mut self, path: &[String], target: String) {
        let Some((name, dirs)) = path.split_last() else { return };
        for dir in dirs.iter().skip(self.way.len() - 1) {
            let here = self.here();
            let next = match self.dir(here, dir) {
                Some(known) => known,
                None => {
                    let next = DirId(self.dirs.len());
                    self.dirs.push(Dir::new(here, dir));
                    self.dirs[here.0].dirs.insert(dir.clone(), next);
                    next
                }
            };
            self.way.push(next);
        }
        let here = self.here();
        self.dirs[here.0].links.insert(name.clone(), target);
    }

    /// The walk is back where the path has so many names.
    pub(crate) fn back_to(&mut self, names: usize) {
        self.way.truncate(names + 1);
    }

    fn here(&self) -> DirId {
        self.way.last().copied().unwrap_or(ABOVE)
    }

    /// All links, those of a directory sorted by their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Symlink<'_>> {
        self.dirs.iter().enumerate().flat_map(|(at, dir)| {
            let link = move |(name, target)| Symlink { dir: DirId(at), name, target };
            dir.links.iter().map(move |(name, target): (&String, &String)| link((name, target)))
        })
    }

    /// A directory in another; `None` where no link is in it or below it.
    pub(crate) fn dir(&self, dir: DirId, name: &str) -> Option<DirId> {
        self.dirs[dir.0].dirs.get(name).copied()
    }

    /// The directory above one; `None` where that is none that was walked.
    pub(crate) fn above(&self, dir: DirId) -> Option<DirId> {
        let parent = self.dirs[dir.0].parent;
        (parent != ABOVE).then_some(parent)
    }

    /// Whether a name in a directory is a link.
    pub(crate) fn is_link(&self, dir: DirId, name: &str) -> bool {
        self.dirs[dir.0].links.contains_key(name)
    }

    /// The whole path of a name in a directory.
    pub(crate) fn path(&self, dir: DirId, name: &str) -> String {
        let (mut names, mut at) = (vec![name], dir);
        while at != ABOVE {
            names.push(&self.dirs[at.0].name);
            at = self.dirs[at.0].parent;
        }
        names.reverse();
        names.join("/")
    }
}
