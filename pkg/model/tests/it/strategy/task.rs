//! Any work, and any answer to it.

use std::collections::BTreeMap;

use gadus_model::job::JOB_VERSION;
use gadus_model::manifest::MANIFEST_VERSION;
use gadus_model::receipt::RECEIPT_VERSION;
use gadus_model::task::TASK_VERSION;
use gadus_model::{
    Await, AwaitBranch, Claim, Class, Code, Context, Det, Durability, Image, Input, Job, JobKind,
    JobType, Manifest, Network, Outcome, Partition, Receipt, ReceiptBody, ResultSummary,
    RetryPolicy, Task, Timeouts, Usage,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::node::{constraint, resources};
use super::verdict::verification;
use super::{bytes, cid, job_id, node, one_of, text};

fn names() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(text(), text(), 0..4)
}

pub(super) fn code() -> impl Strategy<Value = Code> {
    let image = prop_oneof![text().prop_map(Image::Reference), text().prop_map(Image::Digest)];
    prop_oneof![
        (cid(), text()).prop_map(|(module, entry)| Code::Wasm { module, entry }),
        (image, option::of(vec(text(), 0..3)), option::of(text()))
            .prop_map(|(image, entrypoint, workdir)| Code::Docker { image, entrypoint, workdir }),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    let branch = one_of(vec![AwaitBranch::Ok, AwaitBranch::Error, AwaitBranch::Any]);
    prop_oneof![
        cid().prop_map(Input::Cid),
        (cid(), branch, text()).prop_map(|(task, branch, selector)| Input::Await(Await {
            task,
            branch,
            selector
        })),
    ]
}

fn det() -> impl Strategy<Value = Det> {
    (text(), option::of(any::<u64>()), any::<[u64; 6]>()).prop_map(|(profile, fuel_max, n)| Det {
        profile,
        fuel_max,
        memory_max_bytes: n[0],
        table_max: n[1],
        stack_max_bytes: n[2],
        stdout_max_bytes: n[3],
        stderr_max_bytes: n[4],
        output_max_bytes: n[5],
    })
}

pub(crate) fn task() -> impl Strategy<Value = Task> {
    let code_and_words = (code(), vec(text(), 0..4), names());
    let files = (btree_map(text(), input(), 0..4), names());
    let rest = (any::<(u32, u32)>(), bytes(), option::of(det()));
    (code_and_words, files, rest).prop_map(|((code, args, env), (inputs, outputs), rest)| {
        let ((index, count), nonce, det) = rest;
        let partition = Partition { index, count };
        Task { v: TASK_VERSION, code, args, env, inputs, outputs, partition, nonce, det }
    })
}

/// A task of which everything is pinned and in its one form.
pub(crate) fn runnable_task() -> impl Strategy<Value = Task> {
    let path = || "(/[a-z]{1,3}[^/\u{0}]{0,5}){1,3}";
    let word = || text().prop_map(|text| text.replace('\0', ""));
    let digest = "sha256:[0-9a-f]{64}".prop_map(Image::Digest);
    let code = prop_oneof![
        (cid(), "[^\u{0}]{1,8}").prop_map(|(module, entry)| Code::Wasm { module, entry }),
        (digest, option::of(vec(word(), 0..3)), option::of(path()))
            .prop_map(|(image, entrypoint, workdir)| Code::Docker { image, entrypoint, workdir }),
    ];
    let words = (vec(word(), 0..4), btree_map("[a-z_][^=/\u{0}]{0,7}", word(), 0..4));
    let files = (btree_map(path(), cid().prop_map(Input::Cid), 0..4), vec(path(), 0..3));
    let profile = one_of(vec!["det/1", "wasi/1"]);
    let rest = (any::<(u32, u32)>(), bytes(), det(), profile);
    (code, words, files, rest).prop_map(|(code, (args, env), (inputs, paths), rest)| {
        let ((index, count), nonce, det, profile) = rest;
        let count = count.max(1);
        let is_wasm = matches!(code, Code::Wasm { .. });
        let outputs: BTreeMap<String, String> =
            paths.into_iter().map(|path| (path.replace('/', "-"), path)).collect();
        Task {
            v: TASK_VERSION,
            det: is_wasm.then(|| Det {
                profile: profile.to_owned(),
                memory_max_bytes: det.memory_max_bytes.clamp(64 << 10, 4 << 30),
                ..det
            }),
            partition: Partition { index: index % count, count },
            code,
            args,
            env,
            inputs,
            outputs,
            nonce,
        }
    })
}

/// Fields that no other type shares are as they are by default.
pub(crate) fn context() -> impl Strategy<Value = Context> {
    let times = option::of(any::<u64>());
    let class = one_of(vec![Class::Pure, Class::Query, Class::Command]);
    let network = one_of(vec![Network::None, Network::Host, Network::Bridge]);
    let durability =
        one_of(vec![Durability::Producer, Durability::Keeper, Durability::Replicas(3)]);
    let words = (names(), vec(constraint(), 0..3), text(), option::of(text()), vec(node(), 0..3));
    let numbers = (resources(), [times.clone(), times.clone(), times], any::<(u32, bool)>());
    (words, numbers, (class, network, durability, verification())).prop_map(
        |(words, numbers, kinds)| {
            let (labels, constraints, client, image_reference, providers) = words;
            let (resources, [execution_ms, queue_ms, total_ms], (attempts_max, fresh)) = numbers;
            let (class, network, durability, verification) = kinds;
            Context {
                resources,
                timeouts: Timeouts { execution_ms, queue_ms, total_ms },
                verification,
                class,
                fresh,
                retry: RetryPolicy { attempts_max, ..RetryPolicy::default() },
                labels,
                constraints,
                client,
                network,
                durability,
                providers,
                image_reference,
                ..Context::default()
            }
        },
    )
}

fn kind() -> impl Strategy<Value = JobKind> {
    let types = vec![JobType::Batch, JobType::Ops, JobType::Service, JobType::Daemon];
    (one_of(types), any::<u32>()).prop_map(|(kind, count)| kind.kind(count))
}

pub(crate) fn job() -> impl Strategy<Value = Job> {
    let names = (text(), text(), text(), option::of(text()));
    let rest = (any::<u32>(), kind(), any::<i64>());
    (job_id(), names, rest, btree_map(text(), task(), 0..3), context()).prop_map(
        |(id, (name, namespace, document, idempotency_key), rest, tasks, context)| {
            let (version, kind, priority) = rest;
            Job {
                v: JOB_VERSION,
                id,
                version,
                name,
                namespace,
                kind,
                priority,
                tasks,
                context,
                document,
                idempotency_key,
            }
        },
    )
}

pub(crate) fn manifest() -> impl Strategy<Value = Manifest> {
    let outcome = prop_oneof![
        any::<i32>().prop_map(Outcome::Exit),
        text().prop_map(Outcome::Trap),
        Just(Outcome::OutOfFuel),
    ];
    (outcome, cid(), cid(), cid()).prop_map(|(outcome, result, stdout, stderr)| Manifest {
        v: MANIFEST_VERSION,
        outcome,
        result,
        stdout,
        stderr,
    })
}

fn usage() -> impl Strategy<Value = Usage> {
    let maybe = option::of(any::<u64>());
    (any::<[u64; 5]>(), maybe.clone(), maybe).prop_map(|(n, fuel, memory_peak_bytes)| Usage {
        fetch_us: n[0],
        prepare_us: n[1],
        run_us: n[2],
        store_us: n[3],
        fetched_bytes: n[4],
        fuel,
        memory_peak_bytes,
    })
}

pub(crate) fn receipt() -> impl Strategy<Value = Receipt> {
    let links = (cid(), cid(), option::of(cid()), option::of(cid()));
    (links, usage(), text(), text(), node(), bytes()).prop_map(
        |((task, manifest, cause, fx), usage, engine, profile, node, signature)| {
            let v = RECEIPT_VERSION;
            let body = ReceiptBody { v, task, manifest, usage, engine, profile, node, cause, fx };
            Receipt { body, signature }
        },
    )
}

pub(super) fn summary() -> impl Strategy<Value = ResultSummary> {
    let texts = [text().boxed(), text().boxed(), text().boxed()];
    (texts, any::<(bool, bool)>(), vec(text(), 0..3), any::<u64>()).prop_map(
        |([stdout, stderr, error], truncated, warnings, result_bytes)| ResultSummary {
            stdout,
            stdout_truncated: truncated.0,
            stderr,
            stderr_truncated: truncated.1,
            error,
            warnings,
            result_bytes,
        },
    )
}

pub(crate) fn claim() -> impl Strategy<Value = Claim> {
    (manifest(), receipt(), summary()).prop_map(|(manifest, receipt, summary)| Claim {
        manifest,
        receipt,
        summary,
    })
}
