//! The numbers of WASI preview 1
//! (<https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md>).

/// Why a call did not do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Errno {
    /// No such descriptor, or not open for this.
    Badf = 8,
    /// It is there already.
    Exist = 20,
    /// A pointer leads out of the memory.
    Fault = 21,
    /// A file would be larger than any may be.
    Fbig = 22,
    /// A path is not UTF-8.
    Ilseq = 25,
    /// An argument makes no sense.
    Inval = 28,
    /// It is a directory.
    Isdir = 31,
    /// Too many links in a path.
    Loop = 32,
    /// A name or path is too long.
    Nametoolong = 37,
    /// Too many descriptors are open.
    Nfile = 41,
    /// Nothing is there.
    Noent = 44,
    /// It would take more memory than the host gives for it.
    Nomem = 48,
    /// The outputs are full.
    Nospc = 51,
    /// There is no such call here.
    Nosys = 52,
    /// It is no directory.
    Notdir = 54,
    /// The directory has entries.
    Notempty = 55,
    /// This cannot be done here.
    Notsup = 58,
    /// A number does not fit.
    Overflow = 61,
    /// It belongs to the inputs.
    Rofs = 69,
    /// A stream has no positions.
    Spipe = 70,
    /// The descriptor has no right to it, or the path leads out of its directory.
    Notcapable = 76,
}

impl Errno {
    /// As guests see it.
    pub(crate) fn code(self) -> u16 {
        self as u16
    }
}

/// What a descriptor or an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FileType {
    /// A standard stream.
    Unknown = 0,
    /// A directory.
    Directory = 3,
    /// A file.
    File = 4,
    /// A symbolic link.
    Symlink = 7,
}

/// Rights of a descriptor, a bit each.
pub(crate) mod rights {
    /// All that have to do with files, and nothing of sockets.
    pub(crate) const ALL: u64 = (1 << 28) - 1;
    pub(crate) const FD_DATASYNC: u64 = 1 << 0;
    pub(crate) const FD_READ: u64 = 1 << 1;
    pub(crate) const FD_SEEK: u64 = 1 << 2;
    pub(crate) const FD_FDSTAT_SET_FLAGS: u64 = 1 << 3;
    pub(crate) const FD_SYNC: u64 = 1 << 4;
    pub(crate) const FD_TELL: u64 = 1 << 5;
    pub(crate) const FD_WRITE: u64 = 1 << 6;
    pub(crate) const FD_ADVISE: u64 = 1 << 7;
    pub(crate) const FD_ALLOCATE: u64 = 1 << 8;
    pub(crate) const PATH_CREATE_DIRECTORY: u64 = 1 << 9;
    pub(crate) const PATH_CREATE_FILE: u64 = 1 << 10;
    pub(crate) const PATH_OPEN: u64 = 1 << 13;
    pub(crate) const FD_READDIR: u64 = 1 << 14;
    pub(crate) const PATH_READLINK: u64 = 1 << 15;
    pub(crate) const PATH_RENAME_SOURCE: u64 = 1 << 16;
    pub(crate) const PATH_RENAME_TARGET: u64 = 1 << 17;
    pub(crate) const PATH_FILESTAT_GET: u64 = 1 << 18;
    pub(crate) const PATH_FILESTAT_SET_SIZE: u64 = 1 << 19;
    pub(crate) const PATH_FILESTAT_SET_TIMES: u64 = 1 << 20;
    pub(crate) const FD_FILESTAT_GET: u64 = 1 << 21;
    pub(crate) const FD_FILESTAT_SET_SIZE: u64 = 1 << 22;
    pub(crate) const FD_FILESTAT_SET_TIMES: u64 = 1 << 23;
    pub(crate) const PATH_SYMLINK: u64 = 1 << 24;
    pub(crate) const PATH_REMOVE_DIRECTORY: u64 = 1 << 25;
    pub(crate) const PATH_UNLINK_FILE: u64 = 1 << 26;
    pub(crate) const POLL_FD_READWRITE: u64 = 1 << 27;

    /// Those that only files have.
    pub(crate) const OF_FILES_ONLY: u64 = FD_DATASYNC
        | FD_READ
        | FD_SEEK
        | FD_TELL
        | FD_WRITE
        | FD_ADVISE
        | FD_ALLOCATE
        | FD_FILESTAT_SET_SIZE
        | POLL_FD_READWRITE;
    /// What every file gives, however it was opened.
    pub(crate) const OF_ANY_FILE: u64 = FD_DATASYNC
        | FD_SEEK
        | FD_FDSTAT_SET_FLAGS
        | FD_SYNC
        | FD_TELL
        | FD_ADVISE
        | FD_FILESTAT_GET
        | FD_FILESTAT_SET_TIMES
        | POLL_FD_READWRITE;
    /// What comes with writing.
    pub(crate) const OF_WRITING: u64 = FD_WRITE | FD_ALLOCATE | FD_FILESTAT_SET_SIZE;
    /// What a directory gives.
    pub(crate) const OF_DIRECTORIES: u64 = ALL & !OF_FILES_ONLY;
}

/// Flags of opening.
pub(crate) mod oflags {
    pub(crate) const CREATE: u16 = 1;
    pub(crate) const DIRECTORY: u16 = 2;
    pub(crate) const EXCLUSIVE: u16 = 4;
    pub(crate) const TRUNCATE: u16 = 8;
    pub(crate) const ALL: u16 = 15;
}

/// Flags of a descriptor.
pub(crate) mod fdflags {
    pub(crate) const APPEND: u16 = 1;
    pub(crate) const ALL: u16 = 31;
}
