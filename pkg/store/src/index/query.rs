//! Questions about finished jobs, asked of memory and file together.

use std::path::Path;
use std::sync::Arc;

use gadus_model::view::JobView;
use gadus_model::{Cid, JobId, LieId, NodeId, Time};
use gadus_ports::{JobEntry, JobQuery, Page, StoreError};
use redb::{Error, ReadTransaction, ReadableTableMetadata};

use crate::index::fresh::LiePlace;
use crate::index::page::{Place, Window, merge};
use crate::index::pending::Pending;
use crate::index::prefix::id_range;
use crate::index::row;
use crate::index::tables::{
    BY_CREATION, BY_KEY, BY_NAME, BY_NAMESPACE, COUNTS, IdBytes, JOBS, KNOWN, LIES, LieKey, broken,
    job_id,
};

const ID_MIN: &IdBytes = &[0; 16];
const ID_MAX: &IdBytes = &[0xff; 16];

/// Asks. A query takes no lock while it reads the file.
pub(crate) struct Query<'a> {
    pub(crate) pending: &'a Pending,
    pub(crate) path: &'a Path,
}

impl Query<'_> {
    pub(crate) fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        let (fresh, file) = self.pending.look(|fresh| fresh.get(id).cloned());
        match fresh {
            Some(view) => Ok(Some(Arc::unwrap_or_clone(view))),
            None => self.read(|| view(&file, id)),
        }
    }

    pub(crate) fn by_key(&self, client: &str, key: &str) -> Result<Option<JobId>, StoreError> {
        let (fresh, file) = self.pending.look(|fresh| fresh.by_key(client, key));
        match fresh {
            Some(id) => Ok(Some(id)),
            None => self.read(|| {
                let row = file.open_table(BY_KEY)?.get((client, key))?;
                Ok(row.map(|row| job_id(row.value())))
            }),
        }
    }

    pub(crate) fn by_name(&self, namespace: &str, name: &str) -> Result<Option<JobId>, StoreError> {
        let (fresh, file) = self.pending.look(|fresh| fresh.by_name(namespace, name));
        let stored = self.read(|| {
            let range = (namespace, name, 0, ID_MIN)..=(namespace, name, u64::MAX, ID_MAX);
            let Some(row) = file.open_table(BY_NAME)?.range(range)?.next_back() else {
                return Ok(None);
            };
            let (key, _) = row?;
            let (_, _, created, id) = key.value();
            Ok(Some((Time(created), job_id(id))))
        })?;
        Ok(fresh.max(stored).map(|(_, id)| id))
    }

    pub(crate) fn by_prefix(&self, prefix: &str, max: usize) -> Result<Vec<JobId>, StoreError> {
        let Some((low, high)) = id_range(prefix) else { return Ok(Vec::new()) };
        let in_range = |fresh: &super::fresh::Fresh| fresh.by_id(low, high).take(max).collect();
        let (fresh, file): (Vec<JobId>, _) = self.pending.look(in_range);
        let mut ids = self.read(|| {
            let range = low.0.as_bytes()..=high.0.as_bytes();
            let rows = file.open_table(JOBS)?.range::<&IdBytes>(range)?;
            rows.take(max).map(|row| Ok(job_id(row?.0.value()))).collect::<Result<Vec<_>, _>>()
        })?;
        ids.extend(fresh);
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(max);
        Ok(ids)
    }

    /// Jobs that verified a task: the newest few, and the strongest of those in the file.
    pub(crate) fn by_task(&self, task: &Cid) -> Result<Vec<JobId>, StoreError> {
        let (mut ids, file) = self.pending.look(|fresh| fresh.by_task(task));
        let stored = self.read(|| {
            let task = task.to_bytes();
            let rows = file.open_table(KNOWN)?.range((task.as_slice(), 0)..=(&task, u32::MAX))?;
            let ids = rows.map(|row| Ok(job_id(row?.1.value())));
            ids.collect::<Result<Vec<JobId>, Error>>()
        })?;
        ids.extend(stored);
        Ok(ids)
    }

    /// Lies (of a node), by node and then by the creation of their jobs.
    pub(crate) fn lies(
        &self,
        of: Option<NodeId>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<LieId>, StoreError> {
        let end = offset.saturating_add(limit);
        let (mut all, file) = self.pending.look(|fresh| fresh.lies(of, end));
        let stored = self.read(|| {
            let (low, high) = of.map_or(([0; 32], [0xff; 32]), |node| (node.0, node.0));
            let from: LieKey<'_> = (&low, 0, ID_MIN, 0);
            let rows = file.open_table(LIES)?.range(from..=(&high, u64::MAX, ID_MAX, u32::MAX))?;
            let place = |row: Result<_, redb::StorageError>| {
                let (key, _): (redb::AccessGuard<'_, LieKey<'_>>, _) = row?;
                let (node, created, id, partition) = key.value();
                Ok((NodeId(*node), Time(created), job_id(id), partition))
            };
            rows.take(end).map(place).collect::<Result<Vec<LiePlace>, Error>>()
        })?;
        all.extend(stored);
        all.sort_unstable();
        // One folded again is in both places.
        all.dedup();
        let lies = all.into_iter().skip(offset).take(limit);
        Ok(lies.map(|(node, _, job, partition)| LieId { node, job, partition }).collect())
    }

    /// Steps over as many rows as the page is away from the nearer end.
    pub(crate) fn page(&self, query: &JobQuery) -> Result<Page, StoreError> {
        let namespace = query.namespace.as_deref();
        let (fresh, file) = self.pending.look(|fresh| fresh.by_creation(namespace));
        self.read(|| {
            let total = total(&file, namespace, &fresh)?;
            let window = Window::new(query, total);
            let places = fresh.iter().map(|v| (v.created_at.0, v.job.id)).collect();
            let stored = places_in_file(&file, namespace, window.backwards)?;
            let mut page: Vec<Place> = merge(stored, places, window.backwards)
                .skip(window.skip)
                .take(window.take)
                .collect::<Result<_, _>>()?;
            if window.backwards != query.reverse {
                page.reverse();
            }
            let mut jobs = Vec::with_capacity(page.len());
            for (created, id) in page {
                let at = fresh.binary_search_by_key(&(created, id), |v| (v.created_at.0, v.job.id));
                let view = match at {
                    Ok(i) => Some(Arc::clone(&fresh[i])),
                    Err(_) => view(&file, id)?.map(Arc::new),
                };
                jobs.extend(view.map(JobEntry::from));
            }
            Ok(Page { jobs, total })
        })
    }

    fn read<T>(&self, read: impl FnOnce() -> Result<T, Error>) -> Result<T, StoreError> {
        read().map_err(|e| broken("reading", self.path, e))
    }
}

fn view(file: &ReadTransaction, id: JobId) -> Result<Option<JobView>, Error> {
    let Some(row) = file.open_table(JOBS)?.get(id.0.as_bytes())? else { return Ok(None) };
    row::decode(row.value()).map(Some)
}

/// How many jobs there are (of a namespace), in the file and in memory.
fn total(
    file: &ReadTransaction,
    namespace: Option<&str>,
    fresh: &[Arc<JobView>],
) -> Result<usize, Error> {
    let jobs = file.open_table(JOBS)?;
    let stored = match namespace {
        None => jobs.len()?,
        Some(ns) => file.open_table(COUNTS)?.get(ns)?.map_or(0, |n| n.value()),
    };
    let mut total = usize::try_from(stored).unwrap_or(usize::MAX);
    for view in fresh {
        // One folded again is in both places.
        total += usize::from(jobs.get(view.job.id.0.as_bytes())?.is_none());
    }
    Ok(total)
}

type Places = Box<dyn Iterator<Item = Result<Place, Error>>>;

fn places_in_file(
    file: &ReadTransaction,
    namespace: Option<&str>,
    backwards: bool,
) -> Result<Places, Error> {
    Ok(match namespace {
        None => {
            let rows = file.open_table(BY_CREATION)?.range::<(u64, &IdBytes)>(..)?;
            directed(rows, backwards, |row| {
                let (key, _) = row?;
                let (created, id) = key.value();
                Ok((created, job_id(id)))
            })
        }
        Some(ns) => {
            let range = (ns, 0, ID_MIN)..=(ns, u64::MAX, ID_MAX);
            let rows = file.open_table(BY_NAMESPACE)?.range(range)?;
            directed(rows, backwards, |row| {
                let (key, _) = row?;
                let (_, created, id) = key.value();
                Ok((created, job_id(id)))
            })
        }
    })
}

fn directed<R: DoubleEndedIterator + 'static>(
    rows: R,
    backwards: bool,
    place: impl Fn(R::Item) -> Result<Place, Error> + 'static,
) -> Places {
    if backwards { Box::new(rows.rev().map(place)) } else { Box::new(rows.map(place)) }
}
