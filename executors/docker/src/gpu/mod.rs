//! The GPUs of this machine: which there are, who has them, and how a container gets them.
//!
//! Jobs ask for a number of GPUs, and each is given to one container at a time. Which container has
//! which is written on the containers themselves, so that a restarted node knows it, and so do other
//! nodes on the same engine.

mod driver;
mod grant;
mod inventory;
mod lease;

pub use driver::DriverPlace;
pub use inventory::gpus;

pub(crate) use driver::{Driver, GUEST};
pub(crate) use grant::{Grant, LIBRARY_PATH};
pub(crate) use lease::{GPUS, Held, Lease, Leases, Stage};

/// How containers get at GPUs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GpuAccess {
    /// The engine gives them: NVIDIA's container toolkit is installed beside it.
    #[default]
    Toolkit,
    /// gadus gives them itself: the devices, and the driver's libraries, read-only.
    Direct(DriverPlace),
}
