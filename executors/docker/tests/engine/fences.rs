//! What a job can not do.

use std::path::Path;

use gadus_model::{FailureKind, Network, Outcome};
use gadus_ports::Mount;

use crate::support::{Bench, NOBODY_IMAGE, ROOT_IMAGE};

#[tokio::test]
async fn the_root_is_read_only_and_tmp_is_small() {
    let Some(bench) = Bench::new().await else { return };
    let text = "for d in / /bin /etc /dev /sys/fs/cgroup; do touch $d/x 2>/dev/null && echo wrote $d; done; \
        touch /proc/sys/kernel/x 2>/dev/null && echo wrote proc; \
        echo ok > /tmp/x && cat /tmp/x; df -m /tmp | tail -1 | awk '{print $2}'; \
        dd if=/dev/zero of=/tmp/big bs=1M count=100 2>/dev/null || echo full; \
        df -m /dev/shm | tail -1 | awk '{print $2}'";
    // Half of 64 MiB of memory; /dev itself is a tmpfs that belongs to root, without a device in it.
    let text = text.replace(" /dev ", " ");
    assert_eq!(bench.output_of(&text).await, "ok\n32\nfull\n32\n");
}

#[tokio::test]
async fn there_is_no_network_but_lo() {
    let Some(bench) = Bench::new().await else { return };
    assert_eq!(
        bench.output_of("ls /sys/class/net; ip -o link | wc -l; ip route | wc -l").await,
        "lo\n1\n0\n"
    );
}

#[tokio::test]
async fn its_own_names_lead_to_itself_and_nothing_tells_of_the_machine() {
    let Some(bench) = Bench::new().await else { return };
    let own = bench.output_of("readlink /proc/self/ns/net").await;
    let host = std::fs::read_link("/proc/self/ns/net").unwrap();
    assert_ne!(Path::new(own.trim()), host, "its network namespace is its own");
    let text = "cat /etc/hosts; wc -c </etc/resolv.conf; hostname; \
        (while :; do echo hello | nc -l -p 7777; done) & \
        until nc gadus 7777 2>/dev/null | grep hello; do :; done; \
        echo x 2>/dev/null >/etc/hosts || echo read-only";
    for image in [ROOT_IMAGE, NOBODY_IMAGE] {
        let request = bench.request(image, &["/bin/sh", "-c", text]).await;
        let (ended, kept) = bench.run(request).await;
        assert_eq!(ended.unwrap().outcome, Outcome::Exit(0), "{}", kept.stderr());
        let hosts = "127.0.0.1\tlocalhost gadus\n::1\tlocalhost ip6-localhost ip6-loopback\n";
        assert_eq!(kept.stdout(), format!("{hosts}0\ngadus\nhello\nread-only\n"));
    }
}

#[tokio::test]
async fn the_hosts_network_is_there_when_asked_for() {
    let Some(bench) = Bench::new().await else { return };
    let mut request = bench.sh("ls /sys/class/net").await;
    request.network = Network::Host;
    let (ended, kept) = bench.run(request).await;
    assert_eq!(ended.unwrap().outcome, Outcome::Exit(0));
    let here = std::fs::read_dir("/sys/class/net").unwrap().flatten();
    let mut here: Vec<_> = here.map(|entry| entry.file_name().into_string().unwrap()).collect();
    here.sort();
    assert_eq!(kept.stdout().lines().collect::<Vec<_>>(), here);
}

#[tokio::test]
async fn no_capability_no_new_privilege_and_a_seccomp_filter() {
    let Some(bench) = Bench::new().await else { return };
    let text = "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp:' /proc/self/status | awk '{print $2}' | tr '\\n' ' '";
    let zero = "0000000000000000";
    assert_eq!(bench.output_of(text).await, format!("{zero} {zero} {zero} {zero} {zero} 1 2 "));
    assert_eq!(bench.output_of("unshare -r true 2>/dev/null || echo refused").await, "refused\n");
    assert_eq!(
        bench.output_of("mount -t tmpfs x /tmp 2>/dev/null || echo refused").await,
        "refused\n"
    );
}

#[tokio::test]
async fn limits_of_a_process_are_set_and_init_is_there() {
    let Some(bench) = Bench::new().await else { return };
    // In a file first: the two ends of a pipe need not be there at the same time.
    let text = "ulimit -n; ulimit -c; cat /proc/1/comm; hostname; ls /proc > /tmp/all; \
                grep -c '^[0-9]' /tmp/all";
    assert_eq!(bench.output_of(text).await, "16384\n0\ndocker-init\ngadus\n3\n");
}

#[tokio::test]
async fn the_images_user_counts_and_its_volumes_are_small_and_in_memory() {
    let Some(bench) = Bench::new().await else { return };
    let text =
        "id -u; grep ' /volume ' /proc/mounts | cut -d' ' -f3; echo x >/volume/x && echo wrote";
    let request = bench.request(NOBODY_IMAGE, &["/bin/sh", "-c", text]).await;
    let (ended, kept) = bench.run(request).await;
    assert_eq!(ended.unwrap().outcome, Outcome::Exit(0));
    assert_eq!(kept.stdout(), "65534\ntmpfs\nwrote\n");
}

#[tokio::test]
async fn inputs_are_read_only() {
    let Some(bench) = Bench::new().await else { return };
    let (dir, file) = (bench.dir().join("in"), bench.dir().join("in.txt"));
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("a"), "in a directory\n").unwrap();
    std::fs::write(&file, "a file\n").unwrap();
    let text = "cat /inputs/a /in.txt; for f in /inputs/a /inputs/new /in.txt; do \
        echo x 2>/dev/null >$f && echo wrote $f; done; rm -f /inputs/a 2>/dev/null; ls /inputs";
    let mut request = bench.sh(text).await;
    request.mounts = vec![Mount::host(&dir, "/inputs"), Mount::host(file, "/in.txt")];
    let (ended, kept) = bench.run(request).await;
    assert_eq!(ended.unwrap().outcome, Outcome::Exit(0));
    assert_eq!(kept.stdout(), "in a directory\na file\na\n");
    assert_eq!(std::fs::read_to_string(dir.join("a")).unwrap(), "in a directory\n");
}

#[tokio::test]
async fn a_fork_bomb_meets_the_limit_on_processes() {
    let Some(socket) = crate::support::socket() else { return };
    let bench = Bench::at(socket, |limits| limits.pids_max = 24).await;
    let text = "i=0; while [ $i -lt 100 ]; do sleep 60 & i=$((i+1)); done; echo unbounded";
    let (ended, kept) = bench.run(bench.sh(text).await).await;
    assert_ne!(ended.unwrap().outcome, Outcome::Exit(0));
    assert!(kept.stderr().contains("can't fork"), "{}", kept.stderr());
    let mut bomb = bench.sh("b() { b | b & }; b; b; sleep 600").await;
    bomb.limits.timeout = Some(std::time::Duration::from_secs(1));
    // The shell gives up by itself, or its time does.
    match bench.run(bomb).await.0 {
        Ok(finished) => assert_ne!(finished.outcome, Outcome::Exit(0)),
        Err(failure) => assert_eq!(failure.kind, FailureKind::Timeout),
    }
    assert_eq!(bench.output_of("echo well").await, "well\n", "the engine has survived it");
    bench.is_clean().await;
}
