//! A docker job beside the same container straight through the engine's API.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use bollard::Docker;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptions, ListContainersOptionsBuilder,
    RemoveContainerOptions, StartContainerOptions, WaitContainerOptions,
};
use futures::StreamExt;
use gadus_e2e::Network;
use serde_json::{Value, json};

use crate::jobs::Client;
use crate::table::{Table, ms, percentile};

const RUNS: usize = 25;
/// How long containers may take to come and go; generous, since machines are shared.
const PATIENCE: Duration = Duration::from_secs(60);
const PROGRAM: &str = "/bin/true";

pub(crate) async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let Ok(socket) = std::env::var("GADUS_TEST_DOCKER_SOCK") else {
        table.row("docker job", "no engine given", "", "within 15 %");
        return Ok(());
    };
    let docker = Docker::connect_with_unix(&socket, 60, bollard::API_DEFAULT_VERSION)?;
    let docker = docker.negotiate_version().await?;
    let others = containers(&docker).await?;
    let network = Network::start_with(1, |mut process| {
        process.set_env("GADUS_DOCKER_SOCKET", &socket);
        process
    });
    let client = Client::new(&network.requester.api)?;
    let dir = tempfile::tempdir()?;
    let body = like_ours(&docker, &client, dir.path()).await?;
    let job = job(&[PROGRAM]);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // In turns, so that both meet the same noise; the first of each warms up.
    for run in 0..=RUNS {
        until_gone(&docker, others).await?;
        let bare = bare(&docker, &body).await?;
        until_gone(&docker, others).await?;
        let began = Instant::now();
        client.run(&job).await?;
        if run > 0 {
            theirs.push(bare);
            ours.push(began.elapsed());
        }
    }
    let (ours, theirs) = (percentile(&mut ours, 0.5), percentile(&mut theirs, 0.5));
    let more = (ours.as_secs_f64() / theirs.as_secs_f64() - 1.0) * 100.0;
    let got = format!("{} ({more:+.0} %)", ms(ours));
    table.row("docker job, p50", &got, &format!("bare API {}", ms(theirs)), "within 15 %");
    Ok(())
}

fn job(program: &[&str]) -> Value {
    json!({"Job": {"Type": "batch", "Count": 1, "Tasks": [{
        "Name": "main",
        "Engine": {"Type": "docker", "Params": {"Image": "gadus-test:root", "Entrypoint": program}},
    }]}})
}

/// The description of a container that gadus starts for such a job: with everything that the
/// engine knows of it, except that it is nobody's.
async fn like_ours(
    docker: &Docker,
    client: &Client,
    dir: &Path,
) -> anyhow::Result<ContainerCreateBody> {
    let model = client.put(&job(&["/bin/sleep", "600"])).await?;
    let began = Instant::now();
    let id = loop {
        let running = ListContainersOptionsBuilder::default().build();
        let found = docker.list_containers(Some(running)).await?.into_iter().find(|container| {
            container.labels.as_ref().is_some_and(|all| all.contains_key("org.gadus.execution"))
        });
        if let Some(id) = found.and_then(|container| container.id) {
            break id;
        }
        anyhow::ensure!(began.elapsed() < PATIENCE, "no container of job {model}");
    };
    let details = docker.inspect_container(&id, None).await?;
    let mut body = serde_json::to_value(details.config)?;
    body["HostConfig"] = serde_json::to_value(details.host_config)?;
    let mut body: ContainerCreateBody = serde_json::from_value(body)?;
    body.entrypoint = Some(vec![PROGRAM.to_owned()]);
    body.labels = None;
    let host = body.host_config.as_mut().context("no host configuration")?;
    // Its files go with it.
    for (n, mount) in host.mounts.iter_mut().flatten().enumerate() {
        let copy = dir.join(n.to_string());
        std::fs::copy(mount.source.as_ref().context("a mount of nothing")?, &copy)?;
        mount.source = Some(copy.to_string_lossy().into_owned());
    }
    client.stop(&model).await?;
    Ok(body)
}

/// How many containers the engine has, ended ones included.
async fn containers(docker: &Docker) -> anyhow::Result<usize> {
    let all = ListContainersOptionsBuilder::default().all(true).build();
    Ok(docker.list_containers(Some(all)).await?.len())
}

/// Waits until the engine has none but what others left there, so that no removal is in anybody's
/// way.
async fn until_gone(docker: &Docker, others: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    while containers(docker).await? > others {
        anyhow::ensure!(began.elapsed() < PATIENCE, "the engine still has containers");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// What it takes to know the exit code and the output. Removal is not waited for.
async fn bare(docker: &Docker, body: &ContainerCreateBody) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let made = docker.create_container(None::<CreateContainerOptions>, body.clone()).await?;
    let output =
        AttachContainerOptionsBuilder::default().stream(true).stdout(true).stderr(true).build();
    let mut attached = docker.attach_container(&made.id, Some(output)).await?;
    docker.start_container(&made.id, None::<StartContainerOptions>).await?;
    let mut wait = docker.wait_container(&made.id, None::<WaitContainerOptions>);
    while let Some(answer) = wait.next().await {
        answer?;
    }
    while let Some(frame) = attached.output.next().await {
        frame?;
    }
    let elapsed = began.elapsed();
    docker.remove_container(&made.id, None::<RemoveContainerOptions>).await?;
    Ok(elapsed)
}
