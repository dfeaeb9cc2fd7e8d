//! Who is at the other end of a connection, by the kernel's word at the time of `connect`.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::sys::socket::{getsockopt, sockopt};

use super::access::Peer;

/// More groups than anybody is in; the kernel's own bound is 65,536.
const GROUPS_MAX: usize = 1024;

/// Returns the user and all groups of who has connected.
///
/// # Errors
///
/// Those of the kernel; also where the caller is in more than [`GROUPS_MAX`] groups.
pub(super) fn of(socket: &impl AsFd) -> io::Result<Peer> {
    let socket = socket.as_fd();
    let user = getsockopt(&socket, sockopt::PeerCredentials)?;
    let mut groups = supplementary(&socket)?;
    groups.push(user.gid());
    Ok(Peer { uid: user.uid(), groups })
}

/// Asks for the groups beside the first one.
fn supplementary(socket: &impl AsRawFd) -> io::Result<Vec<u32>> {
    let mut groups = [0_u32; GROUPS_MAX];
    let mut bytes = libc::socklen_t::try_from(size_of_val(&groups)).unwrap_or(0);
    #[expect(unsafe_code, reason = "no safe crate offers SO_PEERGROUPS; the buffer is ours, of the size that is told")]
    let result = unsafe {
        let buffer = groups.as_mut_ptr().cast();
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERGROUPS, buffer, &raw mut bytes)
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    let count = usize::try_from(bytes).unwrap_or(0) / size_of::<u32>();
    Ok(groups.get(..count).unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use nix::unistd::{Uid, getegid, getgroups};

    use super::*;

    #[test]
    fn the_peer_of_ourselves_is_in_our_groups() {
        let (here, _there) = UnixStream::pair().unwrap();
        let peer = of(&here).unwrap();
        assert_eq!(peer.uid, Uid::effective().as_raw());
        let mut ours: Vec<u32> = getgroups().unwrap().into_iter().map(nix::unistd::Gid::as_raw).collect();
        ours.push(getegid().as_raw());
        assert_eq!(peer.groups, ours);
    }
}
