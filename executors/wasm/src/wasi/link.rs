//! The names that a guest imports, each with what it does.

use wasmtime::{Caller, Extern, Linker};

use super::abi::{Errno, rights};
use super::ambient::ClockId;
use super::memory::Memory;
use super::{Exit, MODULE, fd, path, poll};
use crate::guest::Guest;
use crate::vfs::{Broken, Fault};

/// The resolution of all clocks.
const RESOLUTION_NANOS: u64 = 1;

/// The caller of a call.
type Guests<'a> = Caller<'a, Guest>;

/// Does a call on the guest's memory.
///
/// # Errors
/// What ends the guest.
fn on_memory(
    caller: &mut Guests<'_>,
    work: impl FnOnce(&mut Memory<'_>, &mut Guest) -> Result<(), Fault>,
) -> wasmtime::Result<i32> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Ok(Errno::Fault.code().into());
    };
    let (data, guest) = memory.data_and_store_mut(caller);
    answer(work(&mut Memory(data), guest))
}

/// Does a call that takes no memory.
///
/// # Errors
/// What ends the guest.
fn on_guest(
    caller: &mut Guests<'_>,
    work: impl FnOnce(&mut Guest) -> Result<(), Fault>,
) -> wasmtime::Result<i32> {
    answer(work(caller.data_mut()))
}

fn answer(done: Result<(), Fault>) -> wasmtime::Result<i32> {
    match done {
        Ok(()) => Ok(0),
        Err(Fault::Errno(errno)) => Ok(errno.code().into()),
        Err(Fault::Broken(failure)) => Err(wasmtime::Error::new(Broken(*failure))),
        Err(Fault::Killed(killed)) => Err(wasmtime::Error::new(killed)),
    }
}

/// Answers a call of what there is not.
fn refuse(caller: &mut Guests<'_>, errno: Errno) -> i32 {
    caller.data_mut().wasi.unsupported += 1;
    errno.code().into()
}

/// Defines all that a guest may import.
///
/// # Errors
/// Never in practice: when wasmtime finds a name defined twice.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_ambient(linker)?;
    add_descriptors(linker)?;
    add_files(linker)?;
    add_paths(linker)?;
    add_changes(linker)?;
    add_missing(linker)
}

/// Arguments, environment, clocks, random, exit.
fn add_ambient(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "args_sizes_get", |mut c: Guests<'_>, n: u32, bytes: u32| {
        on_memory(&mut c, |m, g| Ok(g.wasi.args.sizes(m, n, bytes)?))
    })?;
    linker.func_wrap(MODULE, "args_get", |mut c: Guests<'_>, pointers: u32, bytes: u32| {
        on_memory(&mut c, |m, g| Ok(g.wasi.args.write(m, pointers, bytes)?))
    })?;
    linker.func_wrap(MODULE, "environ_sizes_get", |mut c: Guests<'_>, n: u32, bytes: u32| {
        on_memory(&mut c, |m, g| Ok(g.wasi.env.sizes(m, n, bytes)?))
    })?;
    linker.func_wrap(MODULE, "environ_get", |mut c: Guests<'_>, pointers: u32, bytes: u32| {
        on_memory(&mut c, |m, g| Ok(g.wasi.env.write(m, pointers, bytes)?))
    })?;
    linker.func_wrap(MODULE, "clock_res_get", |mut c: Guests<'_>, clock: u32, out: u32| {
        on_memory(&mut c, |m, _| {
            ClockId::of(clock)?;
            Ok(m.put_u64(out, RESOLUTION_NANOS)?)
        })
    })?;
    linker.func_wrap(
        MODULE,
        "clock_time_get",
        |mut c: Guests<'_>, clock: u32, _precision: u64, out: u32| {
            on_memory(&mut c, |m, g| {
                m.bytes(out, 8)?;
                Ok(m.put_u64(out, g.wasi.ambient.now(ClockId::of(clock)?))?)
            })
        },
    )?;
    linker.func_wrap(MODULE, "random_get", |mut c: Guests<'_>, at: u32, length: u32| {
        on_memory(&mut c, |m, g| g.wasi.ambient.random(m.bytes_mut(at, length)?, &g.kill))
    })?;
    linker.func_wrap(
        MODULE,
        "poll_oneoff",
        |mut c: Guests<'_>, subscriptions: u32, events: u32, n: u32, written: u32| {
            on_memory(&mut c, |m, g| poll::poll_oneoff(m, g, [subscriptions, events, n, written]))
        },
    )?;
    linker.func_wrap(MODULE, "sched_yield", |_: Guests<'_>| 0)?;
    linker.func_wrap(MODULE, "proc_exit", |code: i32| -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(Exit(code)))
    })?;
    Ok(())
}

/// What descriptors are, and their numbers.
fn add_descriptors(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "fd_close", |mut c: Guests<'_>, fd: u32| {
        on_guest(&mut c, |g| g.wasi.vfs.close(fd))
    })?;
    linker.func_wrap(MODULE, "fd_renumber", |mut c: Guests<'_>, from: u32, to: u32| {
        on_guest(&mut c, |g| g.wasi.vfs.renumber(from, to))
    })?;
    linker.func_wrap(MODULE, "fd_fdstat_get", |mut c: Guests<'_>, fd: u32, out: u32| {
        on_memory(&mut c, |m, g| fd::fdstat(m, g, fd, out))
    })?;
    linker.func_wrap(MODULE, "fd_fdstat_set_flags", |mut c: Guests<'_>, fd: u32, flags: u32| {
        on_guest(&mut c, |g| {
            let flags = u16::try_from(flags).map_err(|_| Errno::Inval)?;
            g.wasi.vfs.set_flags(fd, flags)
        })
    })?;
    linker.func_wrap(
        MODULE,
        "fd_fdstat_set_rights",
        |mut c: Guests<'_>, fd: u32, rights: u64, inheriting: u64| {
            on_guest(&mut c, |g| g.wasi.vfs.set_rights(fd, rights, inheriting))
        },
    )?;
    linker.func_wrap(MODULE, "fd_filestat_get", |mut c: Guests<'_>, fd: u32, out: u32| {
        on_memory(&mut c, |m, g| fd::put_filestat(m, out, g.wasi.vfs.stat_fd(fd)?))
    })?;
    linker.func_wrap(
        MODULE,
        "fd_filestat_set_times",
        |mut c: Guests<'_>, fd: u32, _atim: u64, _mtim: u64, flags: u32| {
            on_guest(&mut c, |g| {
                fd::check_times(flags)?;
                g.wasi.vfs.check(fd, rights::FD_FILESTAT_SET_TIMES)
            })
        },
    )?;
    linker.func_wrap(MODULE, "fd_prestat_get", |mut c: Guests<'_>, fd: u32, out: u32| {
        on_memory(&mut c, |m, g| fd::prestat(m, g, fd, out))
    })?;
    linker.func_wrap(
        MODULE,
        "fd_prestat_dir_name",
        |mut c: Guests<'_>, fd: u32, out: u32, length: u32| {
            on_memory(&mut c, |m, g| fd::prestat_name(m, g, fd, [out, length]))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_readdir",
        |mut c: Guests<'_>, fd: u32, buffer: u32, length: u32, cookie: u64, out: u32| {
            on_memory(&mut c, |m, g| fd::read_dir(m, g, fd, cookie, [buffer, length, out]))
        },
    )?;
    Ok(())
}

/// The bytes of files.
fn add_files(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "fd_read",
        |mut c: Guests<'_>, fd: u32, iovecs: u32, n: u32, out: u32| {
            on_memory(&mut c, |m, g| fd::read(m, g, fd, None, [iovecs, n, out]))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_pread",
        |mut c: Guests<'_>, fd: u32, iovecs: u32, n: u32, at: u64, out: u32| {
            on_memory(&mut c, |m, g| fd::read(m, g, fd, Some(at), [iovecs, n, out]))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_write",
        |mut c: Guests<'_>, fd: u32, iovecs: u32, n: u32, out: u32| {
            on_memory(&mut c, |m, g| fd::write(m, g, fd, None, [iovecs, n, out]))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_pwrite",
        |mut c: Guests<'_>, fd: u32, iovecs: u32, n: u32, at: u64, out: u32| {
            on_memory(&mut c, |m, g| fd::write(m, g, fd, Some(at), [iovecs, n, out]))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_seek",
        |mut c: Guests<'_>, fd: u32, by: i64, whence: u32, out: u32| {
            on_memory(&mut c, |m, g| fd::seek(m, g, fd, by, whence, out))
        },
    )?;
    linker.func_wrap(MODULE, "fd_tell", |mut c: Guests<'_>, fd: u32, out: u32| {
        on_memory(&mut c, |m, g| Ok(m.put_u64(out, g.wasi.vfs.tell(fd)?)?))
    })?;
    linker.func_wrap(MODULE, "fd_filestat_set_size", |mut c: Guests<'_>, fd: u32, size: u64| {
        on_guest(&mut c, |g| g.wasi.vfs.set_size(fd, size))
    })?;
    linker.func_wrap(
        MODULE,
        "fd_allocate",
        |mut c: Guests<'_>, fd: u32, offset: u64, length: u64| {
            on_guest(&mut c, |g| g.wasi.vfs.allocate(fd, offset, length))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_advise",
        |mut c: Guests<'_>, fd: u32, _offset: u64, _length: u64, advice: u32| {
            on_guest(&mut c, |g| {
                if advice > 5 {
                    return Err(Errno::Inval.into());
                }
                g.wasi.vfs.check(fd, rights::FD_ADVISE)
            })
        },
    )?;
    linker.func_wrap(MODULE, "fd_sync", |mut c: Guests<'_>, fd: u32| {
        on_guest(&mut c, |g| g.wasi.vfs.check(fd, rights::FD_SYNC))
    })?;
    linker.func_wrap(MODULE, "fd_datasync", |mut c: Guests<'_>, fd: u32| {
        on_guest(&mut c, |g| g.wasi.vfs.check(fd, rights::FD_DATASYNC))
    })?;
    Ok(())
}

/// What paths lead to.
fn add_paths(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "path_open",
        |mut c: Guests<'_>,
         fd: u32,
         lookup: u32,
         at: u32,
         length: u32,
         oflags: u32,
         rights: u64,
         _inheriting: u64,
         flags: u32,
         out: u32| {
            on_memory(&mut c, |m, g| {
                let how = path::how(lookup, oflags, rights, flags)?;
                path::open(m, g, fd, [at, length], how, out)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_filestat_get",
        |mut c: Guests<'_>, fd: u32, lookup: u32, at: u32, length: u32, out: u32| {
            on_memory(&mut c, |m, g| path::stat(m, g, fd, lookup, [at, length], out))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_filestat_set_times",
        |mut c: Guests<'_>,
         fd: u32,
         lookup: u32,
         at: u32,
         length: u32,
         _atim: u64,
         _mtim: u64,
         flags: u32| {
            on_memory(&mut c, |m, g| path::set_times(m, g, fd, lookup, [at, length], flags))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_readlink",
        |mut c: Guests<'_>, fd: u32, at: u32, length: u32, buffer: u32, room: u32, out: u32| {
            on_memory(&mut c, |m, g| path::read_link(m, g, fd, [at, length], [buffer, room, out]))
        },
    )?;
    Ok(())
}

/// What changes names.
fn add_changes(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "path_create_directory",
        |mut c: Guests<'_>, fd: u32, at: u32, length: u32| {
            on_memory(&mut c, |m, g| {
                path::with(m, [at, length], |path| g.wasi.vfs.make_dir(fd, path))
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_remove_directory",
        |mut c: Guests<'_>, fd: u32, at: u32, length: u32| {
            on_memory(&mut c, |m, g| {
                path::with(m, [at, length], |path| g.wasi.vfs.remove_dir(fd, path))
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_unlink_file",
        |mut c: Guests<'_>, fd: u32, at: u32, length: u32| {
            on_memory(&mut c, |m, g| {
                path::with(m, [at, length], |path| g.wasi.vfs.unlink(fd, path))
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_rename",
        |mut c: Guests<'_>, from: u32, at: u32, length: u32, to: u32, new: u32, new_length: u32| {
            on_memory(&mut c, |m, g| {
                path::rename(m, g, (from, [at, length]), (to, [new, new_length]))
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_symlink",
        |mut c: Guests<'_>, target: u32, target_length: u32, fd: u32, at: u32, length: u32| {
            on_memory(&mut c, |m, g| {
                path::symlink(m, g, [target, target_length], (fd, [at, length]))
            })
        },
    )?;
    Ok(())
}

/// What there is not: hard links, signals, sockets.
fn add_missing(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "path_link",
        |mut c: Guests<'_>, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32| {
            refuse(&mut c, Errno::Notsup)
        },
    )?;
    linker.func_wrap(MODULE, "proc_raise", |mut c: Guests<'_>, _signal: u32| {
        refuse(&mut c, Errno::Nosys)
    })?;
    linker.func_wrap(MODULE, "sock_accept", |mut c: Guests<'_>, _: u32, _: u32, _: u32| {
        refuse(&mut c, Errno::Nosys)
    })?;
    linker.func_wrap(
        MODULE,
        "sock_recv",
        |mut c: Guests<'_>, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32| {
            refuse(&mut c, Errno::Nosys)
        },
    )?;
    linker.func_wrap(
        MODULE,
        "sock_send",
        |mut c: Guests<'_>, _: u32, _: u32, _: u32, _: u32, _: u32| refuse(&mut c, Errno::Nosys),
    )?;
    linker.func_wrap(MODULE, "sock_shutdown", |mut c: Guests<'_>, _: u32, _: u32| {
        refuse(&mut c, Errno::Nosys)
    })?;
    Ok(())
}
