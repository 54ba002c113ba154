//! Encoded values as trees, to change one place at a time.

use ipld_core::ipld::Ipld;

/// Where something is: keys of maps and places in lists, outermost first.
pub(crate) type Path = Vec<Step>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Place(usize),
}

/// Every place of a tree with what is there, the root first.
pub(crate) fn places(root: &Ipld) -> Vec<(Path, &Ipld)> {
    let mut all = vec![(Vec::new(), root)];
    let mut next = 0;
    while let Some((path, value)) = all.get(next).cloned() {
        next += 1;
        let child = |step| path.iter().cloned().chain([step]).collect::<Path>();
        match value {
            Ipld::Map(map) => {
                all.extend(map.iter().map(|(key, v)| (child(Step::Key(key.clone())), v)));
            }
            Ipld::List(list) => {
                all.extend(list.iter().enumerate().map(|(i, v)| (child(Step::Place(i)), v)));
            }
            Ipld::Null
            | Ipld::Bool(_)
            | Ipld::Integer(_)
            | Ipld::Float(_)
            | Ipld::String(_)
            | Ipld::Bytes(_)
            | Ipld::Link(_) => {}
        }
    }
    all
}

/// The tree with one place changed.
pub(crate) fn with(root: &Ipld, path: &[Step], change: impl FnOnce(&mut Ipld)) -> Ipld {
    let mut changed = root.clone();
    let mut at = &mut changed;
    for step in path {
        at = match (at, step) {
            (Ipld::Map(map), Step::Key(key)) => map.get_mut(key).unwrap(),
            (Ipld::List(list), Step::Place(i)) => &mut list[*i],
            (other, step) => panic!("no {step:?} in {other:?}"),
        };
    }
    change(at);
    changed
}

/// The tree with one entry of a map taken away.
pub(crate) fn without(root: &Ipld, path: &[Step], key: &str) -> Ipld {
    with(root, path, |value| {
        if let Ipld::Map(map) = value {
            map.remove(key);
        }
    })
}

/// The tree with one more entry in a map.
pub(crate) fn with_entry(root: &Ipld, path: &[Step], key: &str, entry: Ipld) -> Ipld {
    with(root, path, |value| {
        if let Ipld::Map(map) = value {
            map.insert(key.to_owned(), entry);
        }
    })
}
