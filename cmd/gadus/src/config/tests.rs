use std::fs;
use std::path::Path;

use clap::Parser;
use insta::assert_snapshot;
use toml::{Table, Value};

use super::keys::flatten;
use super::*;
use crate::cli::{Cli, Command};
use crate::failure::Failure;

fn flags(words: &str) -> FlagLayer {
    let cli = Cli::try_parse_from(["gadus", "serve"].into_iter().chain(words.split_whitespace()));
    let Command::Serve(mut args) = cli.unwrap().command else { panic!("serve") };
    if !words.contains("--api") {
        args.api = None;
    }
    FlagLayer::of_serve(&args)
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Loads with a file of its own, in a directory that is removed.
fn with_file(text: &str, env: &[(&str, &str)], words: &str) -> Result<Effective, Failure> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("config.toml"), text).unwrap();
    let data_dir = dir.path().display().to_string();
    let words = format!("--data-dir {data_dir} {words}");
    load(flags(&words), variables(env)).map_err(|failure| hide(failure, &data_dir))
}

fn hide(failure: Failure, path: &str) -> Failure {
    match failure {
        Failure::Told(mut report) => {
            for text in report.causes.iter_mut().chain([&mut report.what]) {
                *text = text.replace(path, "DIR");
            }
            Failure::Told(report)
        }
        Failure::ReaderGone => Failure::ReaderGone,
    }
}

fn told<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
    match result.unwrap_err() {
        Failure::Told(report) => anstream::adapter::strip_str(&report.to_string()).to_string(),
        Failure::ReaderGone => panic!("told"),
    }
}

#[test]
fn the_default_file_is_the_defaults_in_code() {
    let file: Table = DEFAULT.parse().unwrap();
    let code = Table::try_from(Config::default()).unwrap();
    let (file, code) = (flatten(&file), flatten(&code));
    for (key, value) in &code {
        let found = file.iter().find(|(known, _)| known == key).map(|(_, value)| value);
        assert_eq!(found, Some(value), "{key} in default.toml");
    }
    for (key, _) in &file {
        assert!(code.iter().any(|(known, _)| known == key), "{key} means nothing");
    }
}

#[test]
fn the_default_file_explains_every_key() {
    let mut explained = false;
    for (n, line) in DEFAULT.lines().enumerate() {
        let is_value = line.contains(" = ") && !line.starts_with('#');
        // The tables of amounts are explained once for all their keys.
        let is_amount =
            ["cpu", "memory", "disk", "gpu"].iter().any(|k| line.starts_with(&format!("{k} =")));
        assert!(!is_value || explained || is_amount, "line {}: {line}", n + 1);
        explained = line.starts_with('#');
    }
}

#[test]
fn every_key_has_a_variable_of_its_own() {
    let default: Table = DEFAULT.parse().unwrap();
    let mut names: Vec<_> =
        flatten(&default).iter().map(|(key, _)| env::variable_of(key)).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(all > 120, "{all}");
}

#[test]
fn each_layer_is_stronger_than_the_one_before() {
    let file = "[network]\nname = 'file'\npeers = ['/ip4/1.1.1.1/tcp/1']\nmdns = true\n\
                [node.labels]\nregion = 'eu'\n'a.b' = 'c'\n[api]\nlisten = '127.0.0.1:1'\n";
    let env = [
        ("GADUS_NETWORK", "env"),
        ("GADUS_API_LISTEN", "127.0.0.1:2"),
        ("GADUS_API", "http://127.0.0.1:3/"),
        ("GADUS_LIMITS_WINDOW_MS", "7"),
        ("GADUS_LABEL", "region=us,tier=gold"),
        ("GADUS_CRASH_AT", "requester:x"),
        ("GADUS_NAME", ""),
        ("HOME", "/root"),
    ];
    let effective = with_file(file, &env, "--network flag --label region=as --compute").unwrap();
    let config = &effective.config;
    assert_eq!(config.network.name, "flag");
    assert_eq!((config.network.mdns, config.limits.window_ms), (true, 7));
    assert_eq!(config.api.listen, "127.0.0.1:3");
    assert_eq!((config.requester.enabled, config.compute.enabled), (false, true));
    let labels: Vec<_> = config.node.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(labels, ["a.b=c", "region=as", "tier=gold"]);
    let origin = |key: &str| effective.values[key].1.to_string();
    assert_eq!(origin("network.name"), "--network");
    assert!(origin("network.mdns").ends_with("config.toml line 4"), "{}", origin("network.mdns"));
    assert_eq!(origin("api.listen"), "the variable GADUS_API");
    assert_eq!(origin("limits.window_ms"), "the variable GADUS_LIMITS_WINDOW_MS");
    assert_eq!(origin("requester.enabled"), "--compute");
    assert_eq!(origin("content.quota_bytes"), "default");
}

#[test]
fn keys_that_are_not_known_are_refused_with_the_nearest_one() {
    assert_snapshot!(told(with_file("[network]\nname = 'x'\npers = []\n", &[], "")), @r"
    error: the key 'network.pers' is not known
    cause: it comes from DIR/config.toml line 3
    hint: the nearest known key is 'network.peers'
    ");
    assert_snapshot!(told(with_file("[netwrok]\nname = 'x'\n", &[], "")), @r"
    error: the key 'netwrok.name' is not known
    cause: it comes from DIR/config.toml line 2
    hint: the nearest known key is 'network.name'
    ");
    assert_snapshot!(told(with_file("", &[("GADUS_NETWORK_NMAE", "x")], "")), @r"
    error: the variable GADUS_NETWORK_NMAE is not known
    cause: variables that begin with GADUS_ are the configuration
    hint: the nearest known variable is GADUS_NETWORK_NAME
    ");
}

#[test]
fn values_that_do_not_fit_are_named_with_their_place() {
    assert_snapshot!(told(with_file("[limits]\nwindow_ms = 'two'\n", &[], "")), @r"
    error: 'limits.window_ms' does not fit
    cause: it must be a whole number, and is text
    cause: it comes from DIR/config.toml line 2
    ");
    assert_snapshot!(told(with_file("[api.limits]\ncount_max = 99_999_999_999\n", &[], "")), @r"
    error: 'api.limits.count_max' does not fit
    cause: invalid value: integer `99999999999`, expected u32
    cause: it comes from DIR/config.toml line 2
    ");
    assert_snapshot!(told(with_file("", &[("GADUS_MDNS", "x")], "")), @r"
    error: the variable GADUS_MDNS is not known
    cause: variables that begin with GADUS_ are the configuration
    hint: the nearest known variable is GADUS_NAME
    ");
    for (file, part) in [
        ("[limits]\nwindow_ms = -1\n", "must not be below 0"),
        ("[network]\npeers = [1]\n", "a list of texts"),
        ("[network]\npeers = 'x'\n", "must be a list"),
        ("[log]\nformat = 'xml'\n", "unknown variant"),
        ("network = 1\n", "is not known"),
        ("[network\n", "line 1"),
        ("[requester]\nenabled = false\n[compute]\nenabled = false\n", "neither"),
    ] {
        let text = told(with_file(file, &[], ""));
        assert!(text.contains(part), "{file}: {text}");
    }
}

#[test]
fn a_named_file_must_be_there_and_the_usual_one_need_not() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    assert!(load(flags(&format!("--data-dir {}", data_dir.display())), vec![]).is_ok());
    let missing = dir.path().join("no.toml").display().to_string();
    let text = told(load(flags(&format!("--config {missing}")), vec![]));
    assert!(text.contains("no.toml") && text.contains("gadus config default"), "{text}");
    assert!(told(load(flags(""), variables(&[("GADUS_CONFIG", &missing)]))).contains("no.toml"));
}

#[test]
fn settings_are_what_the_parts_take() {
    let file = "[compute.capacity]\ncpu = 2\nmemory = '25%'\n[compute.job_max]\nmemory = '1Gi'\n\
                [docker]\nenabled = false\n";
    let effective = with_file(file, &[], "--name n --peer /ip4/10.0.0.1/tcp/1235").unwrap();
    let settings = effective.settings().unwrap();
    use crate::serve::settings::Amount;
    assert_eq!(settings.capacity.cpu, Amount::Absolute(2000));
    assert_eq!(settings.capacity.memory, Amount::Percent(25));
    assert_eq!(settings.job_max.unwrap().memory_bytes, 1 << 30);
    assert_eq!((settings.name.as_deref(), settings.docker.is_none()), (Some("n"), true));
    assert_eq!(settings.net.peers, ["/ip4/10.0.0.1/tcp/1235"]);
    assert!(settings.data_dir.is_absolute());
    assert!(settings.wasm.unwrap().cache_dir.starts_with(&settings.data_dir));
    assert_eq!((settings.owners, settings.net.allow), (None, None));

    let text = told(with_file("[compute.capacity]\ncpu = '120%'\n", &[], "").unwrap().settings());
    assert!(
        text.contains("'compute.capacity.cpu' does not fit") && text.contains("line 2"),
        "{text}"
    );
    let text = told(with_file("[network]\nallow = ['me']\n", &[], "").unwrap().settings());
    assert!(text.contains("'network.allow'") && text.contains("12D3Koo…"), "{text}");
}

#[test]
fn registries_are_asked_by_requesters_that_may() {
    let registry =
        |file: &str, words: &str| with_file(file, &[], words).unwrap().settings().unwrap().registry;
    let file = "[requester.registry.limits]\nlookup_ms = 1\nlookups_max = 2\n\
                answer_max_bytes = 3\nredirects_max = 4\n";
    let limits = registry(file, "--requester").unwrap();
    assert_eq!((limits.lookup_ms, limits.lookups_max), (1, 2));
    assert_eq!((limits.answer_max_bytes, limits.redirects_max), (3, 4));
    assert_eq!(registry("", "--compute"), None);
    assert_eq!(registry("[requester.registry]\nenabled = false\n", ""), None);
    assert_eq!(registry("[docker]\nenabled = false\n", ""), Some(RegistryLimits::default()));
}

#[test]
fn a_whole_default_file_as_ones_own_changes_nothing() {
    let effective = with_file(DEFAULT, &[], "").unwrap();
    let other = with_file("", &[], "").unwrap();
    let values = |effective: &Effective| -> Vec<(String, Value)> {
        let all = effective.values.iter().filter(|(key, _)| *key != "node.data_dir");
        all.map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    };
    assert_eq!(values(&effective), values(&other));
    assert!(Path::new(&effective.config.node.data_dir).is_absolute());
}
