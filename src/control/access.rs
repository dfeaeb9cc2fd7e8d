//! Who may ask what: decided by the user and the groups that the kernel names, by nothing that the caller says.
//!
//! root and the daemon's own user may everything; so may members of [`ACT_GROUP`]. Members of [`READ_GROUP`] may look.
//! Nobody else may anything.

use nix::unistd::{Group, Uid};

/// Who may look: status and journal, no readings.
pub const READ_GROUP: &str = "nattvakt-read";

/// Who may act: pause, test, look at readings.
pub const ACT_GROUP: &str = "nattvakt-act";

/// What a caller may do; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rights {
    /// Nothing.
    None,
    /// Look.
    Read,
    /// Everything.
    Act,
}

/// A caller, as the kernel names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its user.
    pub uid: u32,
    /// All its groups.
    pub groups: Vec<u32>,
}

/// The rule of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The daemon's own user.
    pub own: u32,
    /// The id of [`READ_GROUP`], where there is one.
    pub read: Option<u32>,
    /// The id of [`ACT_GROUP`], where there is one.
    pub act: Option<u32>,
}

impl Access {
    /// Looks the groups up. Blocks on the system's list of groups. One that is made later counts from the next start.
    #[must_use]
    pub fn of_system() -> Self {
        let id = |name| Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw());
        Self { own: Uid::effective().as_raw(), read: id(READ_GROUP), act: id(ACT_GROUP) }
    }

    /// Says what a caller may do.
    #[must_use]
    pub fn rights(&self, peer: &Peer) -> Rights {
        let is_in = |group: Option<u32>| group.is_some_and(|group| peer.groups.contains(&group));
        if peer.uid == 0 || peer.uid == self.own || is_in(self.act) {
            Rights::Act
        } else if is_in(self.read) {
            Rights::Read
        } else {
            Rights::None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_own_user_may_all_and_others_what_their_groups_say() {
        let access = Access { own: 990, read: Some(50), act: Some(60) };
        let rights = |uid, groups: &[u32]| access.rights(&Peer { uid, groups: groups.to_vec() });
        assert_eq!(rights(0, &[]), Rights::Act);
        assert_eq!(rights(990, &[990]), Rights::Act);
        assert_eq!(rights(1000, &[1000, 60]), Rights::Act);
        assert_eq!(rights(1000, &[50, 60]), Rights::Act);
        assert_eq!(rights(1000, &[1000, 50]), Rights::Read);
        assert_eq!(rights(1000, &[1000, 0]), Rights::None);
    }

    #[test]
    fn a_group_that_does_not_exist_gives_nobody_a_right() {
        let access = Access { own: 990, read: None, act: None };
        assert_eq!(access.rights(&Peer { uid: 1000, groups: vec![50, 60] }), Rights::None);
    }
}
