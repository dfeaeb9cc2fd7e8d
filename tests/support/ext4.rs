//! An ext4 of a test's own, in a file on a loop device: its power can be cut, and its writes can be held.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::not_tried::not_tried;

/// The disk. Unmounted when dropped.
pub(crate) struct Disk {
    image: PathBuf,
    point: PathBuf,
    /// Leads to a folder on the disk, and so to nowhere while it is not mounted: what is opened then must fail, and not
    /// find the empty folder under the mount.
    path: PathBuf,
}

/// Holds every write and sync to the disk until it is dropped.
pub(crate) struct Held<'a>(&'a Disk);

impl Disk {
    /// Makes one of 96 MiB, to be found at `disk` in the folder. Where that cannot be (it needs root and a loop device) it
    /// says so aloud, and leaves a plain folder there.
    pub(crate) fn make(folder: &Path) -> Option<Self> {
        let path = folder.join("disk");
        let disk = Self { image: folder.join("image"), point: folder.join("mounted"), path: path.clone() };
        fs::create_dir(&disk.point).unwrap();
        fs::File::create(&disk.image).unwrap().set_len(96 << 20).unwrap();
        let made = run(Command::new("mkfs.ext4").args(["-q", "-F", "-b", "4096"]).arg(&disk.image)) && disk.try_mount();
        if made {
            fs::create_dir(disk.point.join("root")).unwrap();
            std::os::unix::fs::symlink(disk.point.join("root"), path).unwrap();
        } else {
            fs::create_dir(path).unwrap();
            not_tried("no ext4 of our own can be had here (it needs root and a loop device)");
        }
        made.then_some(disk)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how many bytes have reached the device since it was made.
    pub(crate) fn bytes_written(&self) -> u64 {
        let mut find = Command::new("findmnt");
        let source = find.args(["-n", "-o", "SOURCE"]).arg(&self.point).output().unwrap().stdout;
        let source = String::from_utf8(source).unwrap();
        let device = source.trim().trim_start_matches("/dev/");
        let stat = fs::read_to_string(format!("/sys/block/{device}/stat")).unwrap();
        stat.split_whitespace().nth(6).unwrap().parse::<u64>().unwrap() * 512
    }

    /// Writes everything out.
    pub(crate) fn sync(&self) {
        assert!(run(Command::new("sync").arg("-f").arg(&self.point)));
    }

    /// From now on nothing reaches the disk and every call fails; what had not reached it is gone.
    pub(crate) fn cut(&self) {
        // EXT4_IOC_SHUTDOWN with NOLOGFLUSH: the journal in memory is not written either.
        let (request, flags) = (nix::request_code_read!(b'X', 125, 4), 2_u32);
        let folder = fs::File::open(&self.point).unwrap();
        #[expect(unsafe_code, reason = "no safe crate offers this ioctl; it reads four bytes of ours")]
        let done = unsafe { libc::ioctl(folder.as_raw_fd(), request, &raw const flags) };
        assert_eq!(done, 0, "the kernel cannot cut an ext4 off");
    }

    /// Mounts it again after a cut. Waits for whoever still has files open.
    pub(crate) fn mount_again(&self) {
        let again = || {
            std::thread::sleep(Duration::from_millis(20));
            false
        };
        let unmounted = (0..1_000).any(|_| run(Command::new("umount").arg(&self.point)) || again());
        assert!(unmounted && self.try_mount());
    }

    /// Holds writes and syncs, as a card does that has stopped answering.
    pub(crate) fn hold(&self) -> Held<'_> {
        assert!(run(Command::new("fsfreeze").arg("-f").arg(&self.point)));
        Held(self)
    }

    fn try_mount(&self) -> bool {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.point))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a failed test may have left files open.
        run(Command::new("umount").arg("-l").arg(&self.point));
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        run(Command::new("fsfreeze").arg("-u").arg(&self.0.point));
    }
}

fn run(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
