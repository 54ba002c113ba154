use clap::{CommandFactory, Parser};
use insta::assert_snapshot;

use super::*;

fn help(path: &[&str]) -> String {
    let mut command = Cli::command();
    command.build();
    let mut command =
        path.iter().fold(&mut command, |c, name| c.find_subcommand_mut(name).unwrap());
    // The width of the terminal the tests run in must not matter.
    *command = command.clone().term_width(100);
    command = &mut *command;
    command.render_help().to_string()
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_help_text() {
    let commands: &[&[&str]] = &[
        &[],
        &["serve"],
        &["devstack"],
        &["add"],
        &["get"],
        &["cat"],
        &["ls"],
        &["import"],
        &["export"],
        &["run"],
        &["wasm", "run"],
        &["docker", "run"],
        &["job"],
        &["job", "run"],
        &["job", "list"],
        &["job", "logs"],
        &["job", "task"],
        &["job", "get"],
        &["job", "explain"],
        &["evidence"],
        &["evidence", "export"],
        &["verify"],
        &["node", "list"],
        &["store"],
        &["store", "pin"],
        &["store", "verify"],
        &["config"],
        &["config", "show"],
    ];
    for path in commands {
        let name = if path.is_empty() { "gadus".to_owned() } else { path.join("_") };
        assert_snapshot!(format!("help_{name}"), help(path));
    }
}

#[test]
fn flags_may_follow_arguments() {
    let words = "gadus wasm run m.wasm a b -i ./x:/in -o outputs:/outputs -e K=V --cpu 1 -- -v";
    let cli = Cli::try_parse_from(words.split(' ')).unwrap();
    let Command::Wasm(WasmCommand::Run(args)) = cli.command else { panic!("wasm") };
    assert_eq!((args.module.as_str(), args.args.join(" ").as_str()), ("m.wasm", "a b -v"));
    assert_eq!((args.task.inputs.len(), args.task.results.len()), (1, 1));
    assert_eq!(args.task.needs.cpu.as_deref(), Some("1"));
}

#[test]
fn what_follows_an_image_is_its_own() {
    for words in [
        "gadus docker run --cpu 2 busybox sh -c exit",
        "gadus docker run busybox --cpu 2 -- sh -c exit",
    ] {
        let cli = Cli::try_parse_from(words.split(' ')).unwrap();
        let Command::Docker(DockerCommand::Run(args)) = cli.command else { panic!("docker") };
        assert_eq!(args.command, ["sh", "-c", "exit"], "{words}");
        assert_eq!(args.task.needs.cpu.as_deref(), Some("2"), "{words}");
    }
}

#[test]
fn waiting_is_the_default_and_can_be_left() {
    let detached = |flags: &str| {
        let words = format!("gadus job run f.yaml {flags}");
        let cli = Cli::try_parse_from(words.split_whitespace()).unwrap();
        let Command::Job(JobCommand::Run(args)) = cli.command else { panic!("job run") };
        args.wait.is_detached()
    };
    for flags in ["", "--wait", "--wait=true", "--follow", "--output json"] {
        assert!(!detached(flags), "{flags}");
    }
    for flags in ["--wait=false", "--detach", "-d", "--id-only"] {
        assert!(detached(flags), "{flags}");
    }
    for flags in ["--detach --follow", "--id-only --detach", "--wait=maybe"] {
        let words = format!("gadus job run f.yaml {flags}");
        assert!(Cli::try_parse_from(words.split_whitespace()).is_err(), "{flags}");
    }
}

#[test]
fn the_nodes_api_is_where_it_listens_and_the_clients_where_it_asks() {
    let parse = |words: &str| crate::parse(words.split(' ').map(Into::into)).unwrap();
    let served = |words: &str| match parse(words).command {
        Command::Serve(args) => args.api,
        Command::Config(ConfigCommand::Show(args)) => args.serve.api,
        _ => panic!("{words}"),
    };
    assert_eq!(served("gadus serve"), None);
    assert_eq!(served("gadus serve --api 127.0.0.1:9").as_deref(), Some("127.0.0.1:9"));
    assert_eq!(served("gadus config show --api 127.0.0.1:9").as_deref(), Some("127.0.0.1:9"));
    for words in ["gadus --api h:1 job list", "gadus job list --api h:1"] {
        assert_eq!(parse(words).global.api, "h:1");
    }
}

#[test]
fn what_is_about_a_network_does_not_go_with_running_here() {
    let parses = |words: &str| {
        let words = format!("gadus run task.json {words}");
        Cli::try_parse_from(words.split_whitespace()).is_ok()
    };
    for words in [
        "",
        "--local",
        "--local --with a.car --with dir -o out --timeout 5m --output json",
        "--verify attest --cpu 2 -p local --durability producer --retention 1h --name n -l a=b",
        "--detach --image-from busybox:1.37",
    ] {
        assert!(parses(words), "{words}");
    }
    for words in [
        "--with a.car",
        "-o out",
        "--local --verify attest",
        "--local --detach",
        "--local --cpu 2",
        "--local -p local",
        "--local --name n",
        "--local --priority 3",
        // These would make another task of it.
        "-i ./x:/in",
        "-e K=V",
        "--count 2",
        "--entry-point main",
    ] {
        assert!(!parses(words), "{words}");
    }
}

#[test]
fn what_names_nothing_is_refused_before_anybody_is_asked() {
    for words in [
        ["job", "describe", ""],
        ["job", "describe", ".."],
        ["job", "stop", "."],
        ["job", "explain", ".."],
        ["node", "describe", ""],
    ] {
        assert!(Cli::try_parse_from([&["gadus"], &words[..]].concat()).is_err(), "{words:?}");
    }
}
