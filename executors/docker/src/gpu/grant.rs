//! What a container's description says of its GPUs.

use std::path::Path;

use bollard::models::{DeviceMapping, DeviceRequest};
use gadus_model::{Failure, FailureKind};

use super::driver::{Driver, GUEST_LIBRARIES};
use super::lease::GPUS;

/// What the toolkit's hooks go by, in an image or a job as much as here.
const VISIBLE: &str = "NVIDIA_VISIBLE_DEVICES";
/// What it shows to nobody.
const NONE: &str = "void";
/// What else they go by: more devices than GPUs. None of it is a job's to ask for.
const MORE: [&str; 5] =
    ["NVIDIA_GDRCOPY", "NVIDIA_GDS", "NVIDIA_IMEX_CHANNELS", "NVIDIA_MOFED", "NVIDIA_NVSWITCH"];
const CAPABILITIES: (&str, &str) = ("NVIDIA_DRIVER_CAPABILITIES", "compute,utility,video");
/// Where programs look for libraries first.
pub(crate) const LIBRARY_PATH: &str = "LD_LIBRARY_PATH";

/// The GPUs that one container gets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grant {
    /// UUIDs.
    pub(crate) uuids: Vec<String>,
    /// The driver, where gadus gives them and not the engine.
    pub(crate) driver: Option<Driver>,
}

impl Grant {
    /// The container's label: always there, so that no image can bring one.
    pub(crate) fn label(&self) -> (String, String) {
        (GPUS.to_owned(), self.uuids.join(","))
    }

    /// Variables that are set whatever the job and the image say. `path` is what they say of
    /// libraries.
    ///
    /// An image may ask for all GPUs by a variable, and an engine whose default runtime is the
    /// toolkit's would give it them.
    pub(crate) fn variables(&self, path: Option<&str>) -> Vec<(&'static str, String)> {
        if self.uuids.is_empty() {
            return vec![(VISIBLE, NONE.to_owned())];
        }
        if self.driver.is_none() {
            let no_more = MORE.into_iter().map(|name| (name, String::new()));
            let (name, value) = CAPABILITIES;
            let set = [(VISIBLE, self.uuids.join(",")), (name, value.to_owned())];
            return set.into_iter().chain(no_more).collect();
        }
        let path = match path.filter(|path| !path.is_empty()) {
            None => GUEST_LIBRARIES.to_owned(),
            Some(path) if path.split(':').any(|dir| dir == GUEST_LIBRARIES) => path.to_owned(),
            Some(path) => format!("{path}:{GUEST_LIBRARIES}"),
        };
        vec![(VISIBLE, NONE.to_owned()), (LIBRARY_PATH, path)]
    }

    /// What the engine is asked to give.
    pub(crate) fn requests(&self) -> Option<Vec<DeviceRequest>> {
        let by_engine = self.driver.is_none() && !self.uuids.is_empty();
        let request = || DeviceRequest {
            driver: Some("nvidia".to_owned()),
            device_ids: Some(self.uuids.clone()),
            capabilities: Some(vec![vec!["gpu".to_owned()]]),
            ..DeviceRequest::default()
        };
        by_engine.then(|| vec![request()])
    }

    /// Devices that gadus gives itself.
    ///
    /// # Errors
    /// `EngineDown` for a GPU whose device is not known.
    pub(crate) fn devices(&self) -> Result<Option<Vec<DeviceMapping>>, Failure> {
        let Some(driver) = self.driver.as_ref().filter(|_| !self.uuids.is_empty()) else {
            return Ok(None);
        };
        let mut devices = driver.control.clone();
        for uuid in &self.uuids {
            devices.push(driver.gpus.get(uuid).cloned().ok_or_else(|| unknown(uuid))?);
        }
        Ok(Some(devices.iter().map(|device| mapping(device)).collect()))
    }

    /// Files of the driver: where they are, and where the container sees them.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Path, &str)> {
        let driver = self.driver.as_ref().filter(|_| !self.uuids.is_empty());
        let files = driver.into_iter().flat_map(|driver| &driver.files);
        files.map(|(guest, host)| (host.as_path(), guest.as_str()))
    }
}

/// Under its own name; not to be made anew (`m`), which takes a capability anyway.
fn mapping(device: &Path) -> DeviceMapping {
    let name = device.file_name().unwrap_or_default().to_string_lossy();
    DeviceMapping {
        path_on_host: Some(device.to_string_lossy().into_owned()),
        path_in_container: Some(format!("/dev/{name}")),
        cgroup_permissions: Some("rw".to_owned()),
    }
}

fn unknown(uuid: &str) -> Failure {
    let what = format!("the driver does not know {uuid} any more");
    Failure::new(FailureKind::EngineDown, what).with_hint("restart gadus, which looks again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(uuids: &[&str]) -> Grant {
        let library = "/usr/local/nvidia/lib64/libcuda.so.1";
        let driver = Driver {
            gpus: [("GPU-a".to_owned(), "/dev/nvidia3".into())].into(),
            control: vec!["/dev/nvidiactl".into()],
            files: [(library.to_owned(), "/lib/libcuda.so.1".into())].into(),
        };
        Grant { driver: Some(driver), ..toolkit(uuids) }
    }

    fn toolkit(uuids: &[&str]) -> Grant {
        Grant { uuids: uuids.iter().map(|&uuid| uuid.to_owned()).collect(), driver: None }
    }

    #[test]
    fn who_gets_none_sees_none() {
        for none in [toolkit(&[]), direct(&[])] {
            assert_eq!(none.variables(None), [(VISIBLE, "void".to_owned())]);
            assert_eq!((none.requests(), none.devices().unwrap()), (None, None));
            assert_eq!((none.files().count(), none.label().1.as_str()), (0, ""));
        }
    }

    #[test]
    fn the_toolkit_is_told_which() {
        let grant = toolkit(&["GPU-a", "GPU-b"]);
        let variables = grant.variables(Some("/x"));
        assert_eq!(variables[0], (VISIBLE, "GPU-a,GPU-b".to_owned()));
        assert!(variables.contains(&("NVIDIA_MOFED", String::new())));
        assert!(variables.iter().all(|(name, _)| *name != LIBRARY_PATH));
        assert_eq!(grant.requests().unwrap()[0].device_ids, Some(grant.uuids.clone()));
        assert_eq!(grant.devices().unwrap(), None);
        assert_eq!(grant.label().1, "GPU-a,GPU-b");
    }

    #[test]
    fn without_it_the_devices_and_the_driver_are_given() {
        let given = direct(&["GPU-a"]);
        assert_eq!(given.requests(), None);
        let devices = given.devices().unwrap().unwrap();
        let guests: Vec<_> =
            devices.iter().filter_map(|d| d.path_in_container.as_deref()).collect();
        assert_eq!(guests, ["/dev/nvidiactl", "/dev/nvidia3"]);
        assert_eq!(given.files().count(), 1);
        let path = |said| given.variables(said).pop().unwrap().1;
        assert_eq!(path(None), GUEST_LIBRARIES);
        assert_eq!(path(Some("/a:/b")), format!("/a:/b:{GUEST_LIBRARIES}"));
        assert_eq!(path(Some(GUEST_LIBRARIES)), GUEST_LIBRARIES);
        assert!(direct(&["GPU-z"]).devices().is_err());
    }
}
