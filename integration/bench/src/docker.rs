//! A docker job beside the same container straight through the engine's API.

use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptions, RemoveContainerOptions, StartContainerOptions, WaitContainerOptions,
};
use futures::StreamExt;
use gadus_e2e::Network;
use serde_json::json;

use crate::jobs::Client;
use crate::table::{Table, ms, percentile};

const RUNS: usize = 15;

pub(crate) async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let Ok(socket) = std::env::var("GADUS_TEST_DOCKER_SOCK") else {
        table.row("docker job", "no engine given", "", "within 15 %");
        return Ok(());
    };
    let docker = Docker::connect_with_unix(&socket, 60, bollard::API_DEFAULT_VERSION)?;
    let docker = docker.negotiate_version().await?;
    bare(&docker).await?;
    let network = Network::start_with(1, |mut process| {
        process.set_env("GADUS_DOCKER_SOCKET", &socket);
        process
    });
    let client = Client::new(&network.requester.api)?;
    let job = json!({"Job": {"Type": "batch", "Count": 1, "Tasks": [{
        "Name": "main",
        "Engine": {"Type": "docker", "Params": {
            "Image": "gadus-test:root", "Entrypoint": ["/bin/true"]}},
    }]}});
    client.run(&job).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // In turns, so that both meet the same noise.
    for _ in 0..RUNS {
        theirs.push(bare(&docker).await?);
        let began = Instant::now();
        client.run(&job).await?;
        ours.push(began.elapsed());
    }
    let (ours, theirs) = (percentile(&mut ours, 0.5), percentile(&mut theirs, 0.5));
    let more = (ours.as_secs_f64() / theirs.as_secs_f64() - 1.0) * 100.0;
    let got = format!("{} ({more:+.0} %)", ms(ours));
    table.row("docker job, p50", &got, &format!("bare API {}", ms(theirs)), "within 15 %");
    Ok(())
}

/// Create, start, wait: what it takes to know the exit code. Removal is not waited for.
async fn bare(docker: &Docker) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let body = ContainerCreateBody {
        image: Some("gadus-test:root".to_owned()),
        entrypoint: Some(vec!["/bin/true".to_owned()]),
        network_disabled: Some(true),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            readonly_rootfs: Some(true),
            cap_drop: Some(vec!["ALL".to_owned()]),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    let made = docker.create_container(None::<CreateContainerOptions>, body).await?;
    docker.start_container(&made.id, None::<StartContainerOptions>).await?;
    let mut wait = docker.wait_container(&made.id, None::<WaitContainerOptions>);
    while let Some(answer) = wait.next().await {
        answer?;
    }
    let elapsed = began.elapsed();
    docker.remove_container(&made.id, None::<RemoveContainerOptions>).await?;
    Ok(elapsed)
}
